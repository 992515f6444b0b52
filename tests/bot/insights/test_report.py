from __future__ import annotations

import stat
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bot.insights import __main__ as command
from bot.insights import report
from bot.insights.groups import Row
from bot.insights.store import Kept, Store

DAY = date(2026, 9, 1)


def topic(*words: str, askers: int = 10, programme: str = "rot") -> Row:
    return Row(programme, None, "", words, askers)


def section(name: str, askers: int, status: str = "answered", programme: str = "rot") -> Row:
    return Row(programme, status, name, (), askers)  # type: ignore[arg-type]


KEPT = [
    Kept(DAY, topic("Hundesteuer", "hoch", askers=20)),
    Kept(DAY + timedelta(days=3), topic("hundesteuer", "abschaffen")),
    Kept(DAY, topic("Tauben", askers=20)),
    Kept(DAY, section("Verkehr › Rad", 40)),
    Kept(DAY + timedelta(days=3), section("Verkehr › Rad", 20)),
    Kept(DAY, section("", 30, "nothing")),
    Kept(DAY, section("Kultur", 10, "related", "blau")),
]


def test_days_are_added_up() -> None:
    """A section's by its name, a topic's by words in common; a day with nothing is one, too."""
    blau, rot = report.summaries(KEPT)
    assert [(line.title, line.askers) for line in rot.answered] == [("Verkehr › Rad", 60)]
    assert [(line.title, line.askers) for line in rot.unanswered] == [
        ("Hundesteuer · hoch · hundesteuer · abschaffen", 30),
        ("Tauben", 20),
    ]
    assert [line.askers for _, line in rot.days] == [70, 0, 0, 20]
    assert [(line.title, line.askers) for line in blau.related] == [("Kultur", 10)]
    assert [line.askers for line in rot.related] == [30]  # nothing came near


def test_words_of_the_public_are_text_in_the_page() -> None:
    """Whatever the file holds: it may be somebody else's."""
    evil = "<script>alert(1)</script>"
    html = report.page(report.summaries([Kept(DAY, topic(evil)), Kept(DAY, section(evil, 10))]))
    tags: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: tags.append(tag)  # type: ignore[method-assign]
    parser.feed(html)
    assert "script" not in tags
    assert "&lt;script&gt;" in html
    assert tags.count("rect") == 3  # the topic, the section, the day


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "insights.sqlite"
    today = datetime.now(UTC).date()
    Store(path, 90).write([each.row for each in KEPT], today)
    Store(path, 90).write([topic("Alt")], today - timedelta(days=40))
    monkeypatch.setenv("FUNDSTELLE_INSIGHTS_FILE", str(path))
    return path


def test_the_command_prints_and_plots(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The sections asked most, and the clusters, with bars; the page for the operator alone."""
    page = file.with_name("insights.html")
    assert command.main(["--html", str(page)]) == 0
    printed = capsys.readouterr().out
    assert "      60+ ████████████████████████ Verkehr › Rad" in printed
    assert "30+" in printed
    assert "Alt" in printed
    assert "<svg" in page.read_text(encoding="utf-8")
    assert stat.S_IMODE(page.stat().st_mode) == 0o600


def test_the_command_keeps_the_lifetime(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the server is off for good: opening the file deletes."""
    monkeypatch.setenv("FUNDSTELLE_INSIGHTS_DAYS", "30")
    assert command.main([]) == 0
    assert "Alt" not in capsys.readouterr().out
    assert b"Alt" not in file.read_bytes()


def test_the_command_deletes(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One programme or everything."""
    assert command.main(["--delete", "blau"]) == 0
    assert b"Kultur" not in file.read_bytes()
    assert b"Hundesteuer" in file.read_bytes()
    assert command.main(["--delete"]) == 0
    assert capsys.readouterr().out == "1 rows deleted\n7 rows deleted\n"
    assert b"Hundesteuer" not in file.read_bytes()
    assert command.main([]) == 0
    assert "Nothing yet" in capsys.readouterr().out


def test_several_files_are_added_up(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One of each replica."""
    other = tmp_path / "b.sqlite"
    Store(other, 90).write([section("Verkehr › Rad", 30)], datetime.now(UTC).date())
    assert command.main([str(file), str(other)]) == 0
    assert "90+" in capsys.readouterr().out


def test_a_file_that_cannot_be_read_is_named(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one line, with 2."""
    file.write_bytes(b"x" * 2000)
    assert command.main([]) == 2
    assert capsys.readouterr().err == f"insights: {file}: SQLITE_NOTADB\n"
