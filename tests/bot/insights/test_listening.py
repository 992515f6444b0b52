"""The whole way: real questions to a real application with the real encoder, until the file."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from bench import small
from bench.small import Chapter
from bot.app import create_app
from bot.channels import conversation
from bot.channels.base import Incoming
from bot.channels.wiring import Desk
from bot.insights import listening, store
from bot.insights.groups import LIFETIME, Asked, Groups
from bot.insights.listening import Insights
from bot.insights.store import Kept, Store
from bot.settings import Settings, SettingsError, read
from bot.wording import CODES, wording

DOGS = (
    "Wird die Hundesteuer erhöht?", "Wie hoch ist die Hundesteuer?", "Hundesteuer abschaffen",
    "Schafft ihr die Hundesteuer ab?", "Bleibt die Hundesteuer so teuer?",
    "Plant ihr eine höhere Hundesteuer?", "Was kostet die Hundesteuer?",
    "Was sagt ihr zur Hundesteuer?", "Hundesteuer senken", "Gibt es eine Hundesteuer?",
)  # fmt: skip
NAMED = "Ich bin Kunigunde Xylander, muss ich weiter Hundesteuer zahlen?"
CYCLING = "Baut ihr Radwege?"
PROGRAMME = [
    Chapter("Verkehr", ["Wir bauen Radwege in der ganzen Stadt."]),
    Chapter("Kultur", ["Museen öffnen länger."]),
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("index")
    small.write(root, "rot", PROGRAMME)
    return root


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "insights.sqlite"


@contextmanager
def counting(index: Path, file: Path, **more: Any) -> Iterator[FastAPI]:
    """An application that counts; at the end it is stopped, which waits for what is to be done."""
    app = create_app(
        Settings(index=index, rate_limit="", insights="on", insights_file=file, **more)
    )
    with TestClient(app):
        yield app


def ask(app: FastAPI, askers: Sequence[int], questions: Sequence[str] = DOGS) -> None:
    """One question each, by turns through the API and the page."""
    for n in askers:
        client = TestClient(app, client=(f"203.0.113.{n}", 50000))
        question = questions[n % len(questions)]
        if n % 2:
            answer = client.post("/api/chat", json={"message": question})
        else:
            answer = client.post("/p/rot", data={"message": question})
        assert answer.status_code == 200


def kept(file: Path) -> list[Kept]:
    return Store(file, 90).read(datetime.now(UTC).date())


def words(file: Path) -> list[str]:
    return [word for each in kept(file) for word in each.row.words]


def test_nine_askers_leave_nothing(index: Path, file: Path) -> None:
    """Neither a row nor a byte, of what the programme answers nor of what it doesn't."""
    with counting(index, file) as app:
        ask(app, range(9))
        ask(app, range(9), [CYCLING])
    assert kept(file) == []
    for word in (b"undesteu", b"ahlen", b"erkehr", b"rot", b"203.0.113"):
        assert word not in file.read_bytes()


def test_ten_askers_leave_what_they_share(index: Path, file: Path) -> None:
    """A cluster with the one word that ten used, and the section by its name; no name, no question,
    no address, nothing of who asked something else.
    """
    with counting(index, file) as app:
        ask(app, range(10))
        ask(app, range(20, 35), [CYCLING])
        ask(app, [40], [NAMED])
        ask(app, [41], ["Wann spielt Schalke gegen Dortmund?"])
    assert words(file) == ["Hundesteuer"]
    sections = {(e.row.status, e.row.section): e.row.askers for e in kept(file) if e.row.status}
    assert sections["answered", "Unser Programm › Verkehr"] == 10
    content = file.read_bytes().lower()
    for word in (b"kunigunde", b"xylander", b"schalke", b"203.0.113", b"radwege", b"abschaffen"):
        assert word not in content


def test_one_person_asking_a_hundred_times_leaves_nothing(index: Path, file: Path) -> None:
    """From one address, in ten ways."""
    with counting(index, file) as app:
        ask(app, [7] * 10)
        for question in DOGS:
            ask(app, [7], [question])
    assert kept(file) == []


def test_a_restart_forgets_small_groups(index: Path, file: Path) -> None:
    """Nine and nine are no eighteen: what was not large enough was nowhere but in memory."""
    for askers in (range(9), range(9, 18)):
        with counting(index, file) as app:
            ask(app, askers)
    assert kept(file) == []


def test_what_is_being_typed_and_what_is_no_question_does_not_count(
    index: Path, file: Path
) -> None:
    """Half words for a messenger's inline results; signs without letters."""
    with counting(index, file) as app:
        for n in range(12):
            typing = Incoming(f"{n}", f"{n}", "Hundesteuer", {}, inline=True)
            desk, talk = Desk(app.state.fundstelle), conversation.Talk()
            conversation.found(desk, talk, typing, "telegram", f"sender{n}")
        ask(app, range(12), ["?!?"])
    assert kept(file) == []


def test_comparisons_and_messengers_count_too(index: Path, file: Path) -> None:
    """Everything that asks goes the same way."""
    with counting(index, file) as app:
        for n in range(5):
            client = TestClient(app, client=(f"203.0.113.{n}", 50000))
            assert client.get("/api/compare", params={"q": DOGS[n]}).status_code == 200
        for n in range(5, 10):
            incoming = Incoming(f"{n}", f"{n}", DOGS[n], {})
            desk = Desk(app.state.fundstelle)
            conversation.turn(desk, conversation.Talk(), incoming, "telegram", f"sender{n}")
    assert words(file) == ["Hundesteuer"]


def test_off_nothing_is_there(index: Path, file: Path) -> None:
    """No file, nobody who listens; `tests/test_imports.py` sees that no code of it is loaded."""
    for switch in ("", "off"):
        settings = Settings(index=index, rate_limit="", insights=switch, insights_file=file)
        with TestClient(create_app(settings)) as client:
            assert client.post("/api/chat", json={"message": DOGS[0]}).status_code == 200
            assert client.app.state.fundstelle.insights is None  # type: ignore[attr-defined]
            assert 'queue="insights"' not in client.get("/metrics").text
    assert not file.exists()


def test_the_answer_is_the_same_and_encoded_once(
    index: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counting takes the vector that the search made."""
    plain = TestClient(create_app(Settings(index=index, rate_limit="")))
    expected = plain.post("/api/chat", json={"message": CYCLING}).json()
    with counting(index, file) as app:
        encoder = app.state.fundstelle.library.get("rot").bundle.encoder
        calls: list[str] = []
        encode = type(encoder).encode
        monkeypatch.setattr(
            type(encoder),
            "encode",
            lambda self, texts: (calls.extend(texts), encode(self, texts))[1],
        )
        answer = TestClient(app).post("/api/chat", json={"message": CYCLING}).json()
    assert answer == expected
    assert calls == [CYCLING]


@pytest.mark.parametrize("broken", ["corrupt", "folder", "locked"])
def test_answers_go_on_where_the_file_is_broken(
    index: Path, file: Path, broken: str, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """One line says what is wrong with which file, when it is found and once more at the stop."""
    monkeypatch.setattr(store, "WAIT", 0.05)
    other = None
    if broken == "corrupt":
        file.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    elif broken == "folder":
        file.mkdir()
    else:
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
    with caplog.at_level(logging.ERROR), counting(index, file) as app:
        ask(app, range(10))
        settled(app)
        lines = [r.getMessage() for r in caplog.records]
        assert len(lines) == 1
        assert str(file) in lines[0]
        assert "insights are not kept" in lines[0]
    if other:
        other.close()
    assert len(caplog.records) == 2


def settled(app: FastAPI) -> None:
    until = time.monotonic() + 5
    while app.state.fundstelle.insights.waiting and time.monotonic() < until:
        time.sleep(0.01)


def test_a_fault_in_counting_is_one_line_without_what_caused_it(
    index: Path, file: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the next answer is counted."""
    add, faults = Groups.add, iter([True])

    def broken(self: Groups, asked: Any, now: float) -> None:
        if next(faults, False):
            raise RuntimeError(asked.text, asked.asker)
        add(self, asked, now)

    monkeypatch.setattr(Groups, "add", broken)
    with caplog.at_level(logging.ERROR), counting(index, file) as app:
        ask(app, range(11))
    assert [r.getMessage() for r in caplog.records] == ["an answer was not counted: RuntimeError"]
    assert words(file) == ["Hundesteuer"]


def test_an_answer_never_waits(index: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The counting hangs and its queue is full: people are answered all the same."""
    monkeypatch.setattr(listening, "WAITING", 3)
    gate = threading.Event()
    monkeypatch.setattr(Groups, "add", lambda *_: gate.wait(10))
    with counting(index, file) as app:
        began = time.monotonic()
        ask(app, range(10))
        assert time.monotonic() - began < 5
        assert (
            'fundstelle_queue_length{queue="insights"} 3.0' in TestClient(app).get("/metrics").text
        )
        gate.set()


class Clock:
    """Seconds that the test sets."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def test_it_is_written_once_a_day(
    index: Path, file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Who watches the file sees nothing of a day before the day is over; a file that could not be
    written is tried again after an hour, and the groups wait for it.
    """
    noon = datetime(2026, 9, 1, 12, tzinfo=UTC).timestamp()
    clock = Clock(noon)
    monkeypatch.setattr(listening, "LOOK", 0.01)
    insights = Insights(Store(file, 90), clock, clock)
    state_app = create_app(Settings(index=index, rate_limit=""))
    object.__setattr__(state_app.state.fundstelle, "insights", insights)
    insights.start()
    ask(state_app, range(10))
    clock.now = noon + 11 * 3600
    assert not waited(lambda: bool(rows_at(file, noon)), 0.3)
    file.rename(file.with_suffix(".aside"))
    file.mkdir()
    clock.now = noon + 12.5 * 3600  # past midnight
    assert waited(lambda: any(r.levelno >= logging.ERROR for r in caplog.records), 10)
    file.rmdir()
    file.with_suffix(".aside").rename(file)
    clock.now = noon + 13 * 3600
    assert not waited(lambda: bool(rows_at(file, noon)), 0.3)
    clock.now = noon + 14 * 3600
    assert waited(lambda: bool(rows_at(file, noon)), 10)
    insights.stop()
    assert {str(k.day) for k in rows_at(file, noon)} == {"2026-09-02"}
    assert [k.row.words for k in rows_at(file, noon) if not k.row.status] == [("Hundesteuer",)]


def test_a_clock_that_is_set_right_keeps_nothing_longer(file: Path) -> None:
    """A group that began while the clock was a year ahead is forgotten after its seven days."""
    now, clock = Clock(datetime(2027, 9, 1, tzinfo=UTC).timestamp()), Clock(0.0)
    insights = Insights(Store(file, 90), now, clock)
    insights._look()
    vector = np.ones(1, np.float32)
    insights._count(Asked("rot", "model", "nothing", "", "203.0.113.1", DOGS[0], vector))
    assert list(insights._groups)
    now.now -= 365 * 86400
    clock.now = LIFETIME
    insights._count(None)
    assert not list(insights._groups)


def rows_at(file: Path, now: float) -> list[Kept]:
    return Store(file, 90).read(datetime.fromtimestamp(now, UTC).date())


def waited(true: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if true():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("code", CODES)
def test_visitors_are_told_in_their_language(index: Path, file: Path, code: str) -> None:
    """On the page, where programmes are compared, in the privacy notice, the frame, the widget, the
    app, and to messengers before the first answer; nowhere where it is off.
    """
    said = wording(code)
    short, points = said.insights.short, said.insights.counts.format(days=30)
    pages = {
        f"/p/rot?sprache={code}": [short],
        f"/compare?sprache={code}": [short],
        f"/p/rot/datenschutz?sprache={code}": [
            said.insights.summary,
            said.insights.questions,
            points,
        ],
        f"/datenschutz?sprache={code}": [said.insights.summary, points],
        f"/p/rot/einbetten?language={code}": [short],
        f"/p/rot/app?sprache={code}": [json.dumps(short)[1:-1]],
    }
    off = TestClient(create_app(Settings(index=index, rate_limit="")))
    with counting(index, file, insights_days=30) as app:
        on = TestClient(app)
        for path, sentences in pages.items():
            for sentence in sentences:
                assert plain(sentence) in plain(on.get(path).text), path
                assert plain(sentence) not in plain(off.get(path).text), path
        assert f">{said.chat.stores_nothing}<" not in on.get(f"/p/rot?sprache={code}").text
        assert said.privacy.questions not in plain(
            on.get(f"/p/rot/datenschutz?sprache={code}").text
        )
        words_of = f"/widget/words.json?language={code}"
        assert on.get(words_of).json()["counted"] == short
        assert off.get(words_of).json()["counted"] == ""
        assert short in first_message(app, code)
        assert points in message(app, code, "/datenschutz")
    assert said.chat.stores_nothing in first_message(off.app, code)
    assert said.privacy.questions in message(off.app, code, "/datenschutz")


def plain(html: str) -> str:
    """Apostrophes and quotation marks are escaped in pages."""
    return html.replace("&#39;", "'").replace("&#34;", '"')


def message(app: Any, code: str, text: str, talk: conversation.Talk | None = None) -> str:
    talk = talk or conversation.Talk(language=code)
    desk = Desk(app.state.fundstelle)
    reply, _ = conversation.turn(desk, talk, Incoming("1", "1", text, {}), "telegram", "sender")
    return "\n".join(reply.before)


def first_message(app: Any, code: str) -> str:
    return message(app, code, CYCLING)


def test_who_was_greeted_before_it_was_switched_on_is_told(index: Path, file: Path) -> None:
    """They had been told that nothing is kept; once is enough."""
    greeted = conversation.Talk(greeted=True)
    short = wording().insights.short
    with counting(index, file) as app:
        assert short in message(app, "de", CYCLING, greeted)
        told = conversation.Talk(greeted=True, told=True)
        assert short not in message(app, "de", CYCLING, told)


def test_a_folder_that_is_not_there_is_named_at_the_start(tmp_path: Path) -> None:
    """Not after the first day; where it is off, nobody looks."""
    missing = {"FUNDSTELLE_INSIGHTS_FILE": str(tmp_path / "nirgends" / "a.sqlite")}
    assert not read(missing).counting
    with pytest.raises(SettingsError, match="FUNDSTELLE_INSIGHTS_FILE"):
        read({**missing, "FUNDSTELLE_INSIGHTS": "on"})
    with pytest.raises(SettingsError, match="FUNDSTELLE_INSIGHTS"):
        read({"FUNDSTELLE_INSIGHTS": "ja"})
