"""Who is searched for, who waits, who is sent away: with the real middleware, and the real server
library's way of calling it.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from bench import small
from bench.small import Chapter
from bot import admission, answering
from bot.admission import (
    ALWAYS,
    AT_ONCE,
    BEARABLE,
    CROWDED,
    EXCUSE,
    EXCUSES,
    PLACES,
    SMOOTH,
    STUCK,
    Admission,
    Line,
)
from bot.app import create_app
from bot.errors import Busy
from bot.settings import Settings
from bot.wording import sentence
from index.query_encoder import OnnxEncoder

MOST = ALWAYS + 2


class House:
    """An application that answers when it is told to, behind the real middleware."""

    def __init__(self) -> None:
        self.inside, self.most_inside, self.bodies = 0, 0, []
        self.open = asyncio.Event()
        self.line = Line(MOST)
        self.asks = Admission(self._app, self.line, lambda _, busy: Response(status_code=503))

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        self.inside += 1
        self.most_inside = max(self.inside, self.most_inside)
        self.bodies.append(await Request(scope, receive).body())
        await self.open.wait()
        self.inside -= 1
        await PlainTextResponse("ja")(scope, receive, send)

    async def ask(
        self,
        path: str = "/api/chat",
        parts: tuple[bytes, ...] = (b"frage",),
        wait: Callable[[], Awaitable[object]] | None = None,
        send: Callable[[Any], Awaitable[None]] | None = None,
    ) -> int:
        """The status; the client waits before each part of its body but the first."""
        sent: list[Any] = []
        left = list(parts)

        async def receive() -> Any:
            if wait and len(left) < len(parts):
                await wait()
            return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

        async def keep(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": path, "headers": []}
        await self.asks(scope, receive, send or keep)
        return int(sent[0]["status"]) if sent else 0


def run(test: Callable[[House], Awaitable[None]]) -> None:
    async def inner() -> None:
        await test(House())

    asyncio.run(inner())


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_so_many_at_once_and_the_others_wait_their_turn() -> None:
    """Nobody is lost, and never more are inside than there are places."""

    async def test(house: House) -> None:
        asked = [asyncio.create_task(house.ask(parts=(b"%d" % n,))) for n in range(PLACES + MOST)]
        await settle()
        assert (house.inside, house.line.waiting) == (PLACES, MOST)
        house.open.set()
        assert await asyncio.gather(*asked) == [200] * (PLACES + MOST)
        assert house.bodies == [b"%d" % n for n in range(PLACES + MOST)]
        assert (house.most_inside, house.line.waiting) == (PLACES, 0)

    run(test)


def test_a_full_line_sends_away_at_once_and_only_those_who_ask() -> None:
    """Pages and probes come through, and the line goes on when it moves."""

    async def test(house: House) -> None:
        asked = [asyncio.create_task(house.ask()) for _ in range(PLACES + MOST)]
        await settle()
        assert await house.ask() == 503
        pages = asyncio.create_task(house.ask("/healthz"))
        await settle()
        assert house.inside == PLACES + 1
        house.open.set()
        assert await asyncio.gather(*asked, pages) == [200] * (PLACES + MOST + 1)
        assert await house.ask() == 200

    run(test)


def test_nobody_stands_in_line_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is tired of waiting takes no place with him, nor does one who was cut off."""
    monkeypatch.setattr(admission, "PATIENCE", 0.02)

    async def test(house: House) -> None:
        inside = [asyncio.create_task(house.ask()) for _ in range(PLACES)]
        await settle()
        cut_off = asyncio.create_task(house.ask())
        await settle()
        cut_off.cancel()
        assert await house.ask() == 503
        assert house.line.waiting == 0
        house.open.set()
        assert await asyncio.gather(*inside) == [200] * PLACES
        again = [house.ask() for _ in range(PLACES + MOST)]
        assert await asyncio.gather(*again) == [200] * (PLACES + MOST)

    run(test)


def test_nobody_is_let_wait_for_longer_than_is_bearable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that moves slowly is short, one that moves fast again as long as it may be."""
    monkeypatch.setattr(admission, "BEARABLE", 0.01)
    monkeypatch.setattr(admission, "EXCUSE", 10.0)

    async def test(house: House) -> None:
        async def pass_through(seconds: float, count: int) -> None:
            for _ in range(count):
                house.open.clear()
                asked = [asyncio.create_task(house.ask()) for _ in range(PLACES + 1)]
                await asyncio.sleep(seconds)
                house.open.set()
                assert await asyncio.gather(*asked) == [200] * (PLACES + 1)

        await pass_through(0.8 * STUCK, SMOOTH)
        house.open.clear()
        asked = [asyncio.create_task(house.ask()) for _ in range(PLACES + ALWAYS)]
        await settle()
        assert house.line.waiting == ALWAYS
        assert await asyncio.wait_for(house.ask(), 1) == 503
        await asyncio.sleep(STUCK)  # a line that stands still is not slow: something is loaded
        asked.append(asyncio.create_task(house.ask()))
        await settle()
        assert house.line.waiting == ALWAYS + 1
        house.open.set()
        assert await asyncio.gather(*asked) == [200] * (PLACES + ALWAYS + 1)
        await pass_through(0, 3 * SMOOTH)
        house.line.excuse()
        await pass_through(0.8 * STUCK, SMOOTH)  # a programme was loaded: not slow, either
        house.open.clear()
        asked = [asyncio.create_task(house.ask()) for _ in range(PLACES + MOST)]
        await settle()
        assert house.line.waiting == MOST
        house.open.set()
        assert await asyncio.gather(*asked) == [200] * (PLACES + MOST)

    run(test)


def test_a_line_that_does_not_end_is_kept_shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    """A burst is over soon, and may wait for longer than a crowd; when the line was at its end,
    another may begin.
    """
    monkeypatch.setattr(admission, "STANDING", 0.05)
    monkeypatch.setattr(admission, "STUCK", 10.0)

    async def test(house: House) -> None:
        for _ in range(2):
            house.open.clear()
            asked = [asyncio.create_task(house.ask()) for _ in range(PLACES + ALWAYS)]
            await settle()
            house.line._pace = (CROWDED + BEARABLE) / 2 / ALWAYS
            assert not house.line.full
            await asyncio.sleep(2 * admission.STANDING)
            assert house.line.full
            assert await house.ask() == 503
            house.open.set()
            assert await asyncio.gather(*asked) == [200] * (PLACES + ALWAYS)

    run(test)


def test_what_is_loaded_all_the_time_is_no_excuse(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a start it is, for some seconds in which all is new; then it is the pace."""
    now = 1000.0
    monkeypatch.setattr(admission, "monotonic", lambda: now)
    line, excused = Line(MOST), 0
    for _ in range(400):
        line.excuse()
        excused += now < line._excused
        now += 0.1
    most = EXCUSES.amount * EXCUSE
    assert 0.9 * most <= excused * 0.1 <= 1.2 * most


def test_an_idle_hour_is_not_taken_for_a_slow_line() -> None:
    """The clock of a line begins with it."""

    async def test(house: House) -> None:
        house.open.set()
        assert await house.ask() == 200
        await asyncio.sleep(3 * BEARABLE)
        house.open.clear()
        asked = [asyncio.create_task(house.ask()) for _ in range(PLACES + 2)]
        await settle()
        house.open.set()
        assert await asyncio.gather(*asked) == [200] * (PLACES + 2)
        assert not house.line._pace > BEARABLE / 10

    run(test)


def test_a_client_that_sends_or_reads_slowly_holds_no_place() -> None:
    """However many there are of them."""

    async def test(house: House) -> None:
        house.open.set()
        never = asyncio.Event()

        async def stuck(_: Any) -> None:
            await never.wait()

        slow = [
            *(asyncio.create_task(house.ask(parts=(b"fra", b"ge"), wait=never.wait))
              for _ in range(9)),
            *(asyncio.create_task(house.ask(send=stuck)) for _ in range(9)),
        ]  # fmt: skip
        await settle()
        assert await asyncio.wait_for(house.ask(), 1) == 200
        for task in slow:
            task.cancel()

    run(test)


def test_a_fault_gives_its_place_back() -> None:
    """Else a few faults would close the house."""

    async def test(house: House) -> None:
        async def broken(_: Any, __: Any, ___: Any) -> None:
            raise ZeroDivisionError

        whole, house.asks._app = house.asks._app, broken
        for _ in range(PLACES + 1):
            with pytest.raises(ZeroDivisionError):
                await house.ask()
        house.asks._app = whole
        house.open.set()
        assert await asyncio.wait_for(house.ask(), 1) == 200

    run(test)


def test_every_address_that_searches_is_let_in_by_line(client: TestClient) -> None:
    """By what its function does; and no other."""
    searching = ("state.ask", "state.compare", "answering.search")
    seen = 0
    for route in _routes(client.app.routes):
        if endpoint := getattr(route, "endpoint", None):
            searches = any(call in inspect.getsource(endpoint) for call in searching)
            path = route.path.replace("{slug}", "rot")
            for method in route.methods:
                assert bool(admission.SEARCHING.fullmatch(f"{method} {path}")) == searches, path
            seen += searches
    assert seen >= 6


def test_nothing_is_searched_outside_the_threads_for_it(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By any address that is let in by line: two at once is what is promised."""
    threads: list[str] = []

    def noting(function: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*args: Any) -> Any:
            threads.append(threading.current_thread().name)
            return function(*args)

        return noted

    for name in ("answer", "search"):
        monkeypatch.setattr(answering, name, noting(getattr(answering, name)))
    text = {"message": "Busse", "q": "Busse"}
    for route in _routes(client.app.routes):
        path = route.path.replace("{slug}", "dortmund-2025")
        for method in getattr(route, "methods", ()):
            if admission.SEARCHING.fullmatch(f"{method} {path}"):
                body = {"json": text} if path == "/api/chat" else {
                    "data": text | {"programmes": "dortmund-2025"}
                }  # fmt: skip
                sent = {"params": text} if method == "GET" else body
                assert client.request(method, path, **sent).status_code == 200
                assert threads.pop().startswith("search"), path
    assert not threads


def _routes(routes: Any) -> Any:
    for route in routes:
        inner = getattr(route, "original_router", None)
        yield from _routes(inner.routes) if inner else [route]


def test_who_is_sent_away_is_told_so_in_words_and_counted(
    index_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sentence in the visitor's language, when to come again, every header that others get."""

    async def full(_: Line) -> None:
        raise Busy

    monkeypatch.setattr(Line, "enter", full)
    client = TestClient(create_app(Settings(index=index_root)))
    for language in ("de", "uk"):
        headers = {"accept-language": language}
        answer = client.post("/api/chat", json={"message": "Busse"}, headers=headers)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"] == sentence("busy", language)
        assert "content-security-policy" in answer.headers
    page = client.post(
        "/p/dortmund-2025", data={"message": "Busse"}, headers={"accept": "text/html"}
    )
    assert (page.status_code, page.headers["retry-after"]) == (503, "1")
    assert sentence("busy") in page.text
    assert client.get("/readyz").status_code == 200
    metrics = client.get("/metrics").text
    assert "fundstelle_shed_total 3.0" in metrics
    assert 'fundstelle_queue_length{queue="questions"} 0.0' in metrics


def test_the_line_is_pressed_while_somebody_waits() -> None:
    """Not while each has a thread of his own; and not any more when all are answered."""

    async def test(house: House) -> None:
        asked = [asyncio.create_task(house.ask()) for _ in range(AT_ONCE)]
        await settle()
        assert not house.line.pressed
        asked += [asyncio.create_task(house.ask()) for _ in range(PLACES)]
        await settle()
        assert house.line.pressed
        house.open.set()
        await asyncio.gather(*asked)
        assert not house.line.pressed

    run(test)


def test_it_is_pressed_before_the_next_in_line_have_been_let_in() -> None:
    """In a crowd the event loop is late: places are free, and many wait yet."""

    async def test(house: House) -> None:
        asked = [asyncio.create_task(house.ask()) for _ in range(2 * PLACES)]
        await settle()
        for _ in range(PLACES):
            house.line.leave()
        assert house.line.pressed
        for task in asked:
            task.cancel()

    run(test)


@pytest.mark.parametrize("pressed", [False, True])
def test_while_others_wait_questions_are_encoded_by_the_light_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pressed: bool
) -> None:
    """Each once, by the one form or the other, also where several programmes answer; counted.
    What is not encoded is not counted.
    """
    encoded: list[str] = []
    for name in ("encode", "lightly"):
        real = getattr(OnnxEncoder, name)

        def noted(
            encoder: OnnxEncoder, texts: list[str], name: str = name, real: Any = real
        ) -> object:
            encoded.append(name)
            return real(encoder, texts)

        monkeypatch.setattr(OnnxEncoder, name, noted)
    for slug in ("rot", "blau"):
        small.write(tmp_path, slug, [Chapter("Verkehr", [f"Wir bauen Radwege in {slug}."])])
    client = TestClient(create_app(Settings(index=tmp_path)))
    encoded.clear()
    monkeypatch.setattr(Line, "pressed", pressed)
    for message in ("Baut ihr Radwege?", "Hallo", "???"):
        asked = {"message": message, "programme": "rot"}
        assert client.post("/api/chat", json=asked).status_code == 200
    for path in ("/api/compare?q=Baut ihr Radwege?", "/api/search?programme=rot&q=Radwege"):
        assert client.get(path).status_code == 200
    assert encoded == ["lightly" if pressed else "encode"] * 3
    assert f"fundstelle_light_total {3.0 * pressed}" in client.get("/metrics").text


def test_a_question_of_the_bank_is_answered_in_a_crowd_as_in_calm(
    index_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is offered to tap on, and known by its vector: so it is encoded in full."""
    app = create_app(Settings(index=index_root, rate_limit=""))
    client = TestClient(app)
    offered = sorted(app.state.fundstelle.library.get(None).offered)[::10]
    assert len(offered) > 20
    calm = [client.post("/api/chat", json={"message": q}).json() for q in offered]
    monkeypatch.setattr(Line, "pressed", True)
    assert calm == [client.post("/api/chat", json={"message": f" {q}"}).json() for q in offered]
