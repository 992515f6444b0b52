"""A connection that waits for nobody for ever, and takes no endless head. The server library limits
only how long one may be idle between requests: somebody who sends a head letter by letter, or takes
no answer, would hold it for good. A body, slow or large, is the affair of `bot.guards`, which can
answer.

Of the library's two parsers it is the one in C: when everybody comes at once, reading requests and
writing answers is most of what it costs to send people away.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LINGER = 0.5  # seconds at a stop in which a request that is on its way may still arrive
UNREAD = 3  # times its patience, for a client that takes nothing of an answer that waits
MOST_HEAD = 65_536  # bytes of a head that is not whole yet


class Connection(HttpToolsProtocol):
    """One client. `patience`: seconds for a request's head, on top of the idle time after an
    answer.
    """

    def __init__(self, *arguments: Any, patience: float, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._patience, self._stopping = patience, False
        self._head: int | None = None  # bytes of the one that is being read
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
        if self._head is not None:
            self._head += len(data)
            if self._head > MOST_HEAD and not self.transport.is_closing():
                self.send_400_response("The request's head is too long.")

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._head = 0

    def on_headers_complete(self) -> None:
        """It is whole. One without a host, or with two, gets 400 (RFC 9112, 3.2), which the parser
        leaves to us.
        """
        self._head = None
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (not hosts and self.parser.get_http_version() == "1.1"):
            raise ValueError("host")  # the parser stops, and the library answers
        super().on_headers_complete()

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
