"""How many questions are searched at once, how many wait, and who is sent away. Plain ASGI.

Searching is arithmetic: more threads at it than there are cores take turns, each slower than
before. So `AT_ONCE` are searched, `PLACES` let in, the next wait in line, and whoever finds it
full, or too slow, or gets no further in it, is told to come again: a crowd then costs the others
little. A line that does not end is kept shorter than a burst's (controlled delay: Maurer, Fail at
Scale, ACM Queue 13(8), 2015). Before anybody is sent away, questions are encoded more lightly
(`Line.pressed`). What searches nothing (pages, assets, probes, metrics) never waits; messengers
have lanes of their own.

A place is taken when the whole body is here, and given back when the answer begins: a client that
sends or reads slowly holds none.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import copy_context
from functools import partial, wraps
from time import monotonic
from typing import Any, ParamSpec, TypeVar

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.errors import BotError, Busy

SEARCHING = re.compile(
    r"POST /(?:api/chat|compare|p/[^/]+(?:/einbetten)?)/?|GET /api/(?:search|compare)/?"
)
AT_ONCE = 2  # Python runs one thread at a time; the encoder, two thirds of the work, runs beside it
PLACES = 2 * AT_ONCE  # so that a thread has the next at hand, however busy the event loop is
ALWAYS = PLACES  # may wait however slow the line is
PATIENCE = 8.0  # seconds in line: where it does not move, since a store's encoder is fetched, say
BEARABLE = 0.12  # seconds that somebody may expect to wait, as the line has moved of late
CROWDED = 0.06  # seconds likewise, where the line has not ended for so long:
STANDING = 1.0  # seconds; a burst would be over, more are asking than can be answered
SMOOTH = 8  # how many who left of late count for that, about
STUCK = 0.1  # seconds in which nobody left: something holds all up, which is no reason to go
EXCUSE = 1.0  # seconds for which a programme that is loaded is to blame, not too many questions
EXCUSES = parse("10/100 seconds")  # enough for a start; where programmes always come, it's the pace
SWITCH = 0.001  # seconds until one thread gives way to another: a search, and those who send away
_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="search")
P = ParamSpec("P")
T = TypeVar("T")


def searching(function: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Lets a route's `function` run in one of `AT_ONCE` threads. Not in the server library's, of
    which there are more: they would take turns, and each that ever searched keeps memory of its
    own.
    """

    @wraps(function)
    async def inside(*args: P.args, **named: P.kwargs) -> T:
        call = partial(copy_context().run, function, *args, **named)
        return await asyncio.get_running_loop().run_in_executor(_threads, call)

    return inside


class Line:
    """The places, and who waits for one. Of one event loop."""

    def __init__(self, most_waiting: int) -> None:
        self._most, self.waiting, self._inside = most_waiting, 0, 0
        sys.setswitchinterval(SWITCH)
        self._places = asyncio.Semaphore(PLACES)
        self._pace = 0.0  # seconds from one who leaves to the next, while others wait; smoothed
        self._began = 0.0  # when the line did, that is there now
        self._moved = 0.0  # when it did, or began
        self._excused = 0.0  # until when it is not called slow
        self._excuses = MovingWindowRateLimiter(MemoryStorage())

    @property
    def full(self) -> bool:
        """Nobody else may stand in it: it is too long, or too slow for its length."""
        now = monotonic()
        stands_for = now - max(self._began, self._excused)
        bearable = BEARABLE if stands_for < STANDING else CROWDED
        slow = self.waiting * self._pace > bearable and self._tells(now)
        return self.waiting >= self._most or (slow and self.waiting >= ALWAYS)

    def excuse(self) -> None:
        """A programme is being loaded, which others wait for, too: those who come after them will
        not. From any thread.
        """
        now = monotonic()
        if now > self._excused and self._excuses.hit(EXCUSES):
            self._excused = now + EXCUSE

    @property
    def pressed(self) -> bool:
        """More are let in than are searched at once: somebody waits for a thread, or in line."""
        return self._inside + self.waiting > AT_ONCE

    async def enter(self) -> None:
        """Wait for a place; first come, first served.

        Raises Busy where the line is full, or does not move.
        """
        if not self._places.locked():
            await self._places.acquire()
            self._inside += 1
            return
        if self.full:
            raise Busy
        if not self.waiting:
            self._began = self._moved = monotonic()
        self.waiting += 1
        try:
            async with asyncio.timeout(PATIENCE):
                await self._places.acquire()
                self._inside += 1
        except TimeoutError as error:
            raise Busy from error
        finally:
            self.waiting -= 1

    def leave(self) -> None:
        """Give a place back."""
        if self.waiting:
            now = monotonic()
            if self._tells(now):
                self._pace += (now - self._moved - self._pace) / SMOOTH
            self._moved = now
        self._inside -= 1
        self._places.release()

    def _tells(self, now: float) -> bool:
        """How fast the line moves says how fast questions are answered."""
        return now - self._moved < STUCK and now > self._excused


class Admission:
    """Lets questions in as far as there are places for them."""

    def __init__(
        self, app: ASGIApp, line: Line, on_busy: Callable[[Request, BotError], Response]
    ) -> None:
        """`on_busy` answers those who are sent away."""
        self._app, self._line, self._on_busy = app, line, on_busy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, now or later; or send it away."""
        if scope["type"] != "http" or not SEARCHING.fullmatch(f"{scope['method']} {scope['path']}"):
            await self._app(scope, receive, send)
            return
        try:
            if self._line.full:
                raise Busy  # before its body is read
            body = await _whole(receive)
            await self._line.enter()
        except Busy as busy:
            await self._on_busy(Request(scope), busy)(scope, receive, send)
            return
        async with _place(self._line, send) as sending:
            await self._app(scope, _again(body, receive), sending)


@asynccontextmanager
async def _place(line: Line, send: Send) -> AsyncIterator[Send]:
    """`send`, which gives the place back with the first word of the answer."""
    held = True

    def leave() -> None:
        nonlocal held
        if held:
            held = False
            line.leave()

    async def sending(message: Message) -> None:
        leave()
        await send(message)

    try:
        yield sending
    finally:
        leave()


async def _whole(receive: Receive) -> list[Message | Exception]:
    """Everything that a client sends, to its end or to where `bot.guards` has had enough."""
    messages: list[Message | Exception] = []
    more = True
    while more:
        try:
            message = await receive()
        except HTTPException as too_large:
            return [*messages, too_large]
        messages.append(message)
        more = message.get("more_body", False)
    return messages


def _again(messages: list[Message | Exception], receive: Receive) -> Receive:
    """As if it came from the network."""
    left = iter(messages)

    async def received() -> Message:
        message = next(left, None) or await receive()
        if isinstance(message, Exception):
            raise message
        return message

    return received
