"""A connection that waits for nobody for ever. The server library limits only how long one may be
idle between requests: somebody who sends a head letter by letter, or takes no answer, would hold
it for good. A slow body is the affair of `bot.guards`, which can answer.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

LINGER = 0.5  # seconds at a stop in which a request that is on its way may still arrive
UNREAD = 3  # times its patience, for a client that takes nothing of an answer that waits


class Connection(H11Protocol):
    """One client. `patience`: seconds for a request's head, on top of the idle time after an
    answer.
    """

    def __init__(self, *arguments: Any, patience: float, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._patience, self._stopping = patience, False
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The clock begins with the connection."""
        super().connection_made(transport)
        self._start("head", self._patience, self._late)

    def data_received(self, data: bytes) -> None:
        """It stops when the head is whole."""
        super().data_received(data)
        if self._asked:
            self._stop("head")

    def on_response_complete(self) -> None:
        """It begins anew; also for a client that has yet to take the end of the answer."""
        super().on_response_complete()
        if not self._asked:
            idle = LINGER if self._stopping else self._patience + self.timeout_keep_alive
            self._start("head", idle, self._late)

    def pause_writing(self) -> None:
        """The client takes nothing, and much of its answer waits."""
        super().pause_writing()
        self._start("unread", UNREAD * self._patience, self.transport.abort)

    def resume_writing(self) -> None:
        """It has taken some."""
        super().resume_writing()
        self._stop("unread")

    def shutdown(self) -> None:
        """The server stops. A connection is closed only after an answer that has said so, or when
        nothing has come for a moment: the next request may be on its way already.
        """
        self._stopping = True
        if not self._asked:
            self._start("head", LINGER, self._late)
        elif not self.cycle.response_started:
            self.cycle.default_headers = self.server_state.default_headers

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is left to wait for."""
        for name in list(self._timers):
            self._stop(name)
        super().connection_lost(exc)

    @property
    def _asked(self) -> bool:
        """A request is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    def _late(self) -> None:
        if self._asked:
            return
        if self.transport.is_closing() or self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()

    def _start(self, name: str, seconds: float, then: Any) -> None:
        self._stop(name)
        self._timers[name] = self.loop.call_later(seconds, then)

    def _stop(self, name: str) -> None:
        if timer := self._timers.pop(name, None):
            timer.cancel()
