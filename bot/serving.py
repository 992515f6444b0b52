"""A server that stops without failing anybody: SIGTERM → `readyz` says no, so that proxies send
others' requests elsewhere; after `drain` seconds nobody new is let in; who is in is answered; what
channels took on is sent. Then it ends, with 0.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import uvicorn

CLOSING = (b"connection", b"close")


class Server(uvicorn.Server):
    """`stopping` is called once when it is told to stop."""

    def __init__(self, config: uvicorn.Config, drain: float, stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._drain, self._stopping = drain, stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Not raised again at the end, as the library would: a stop that was asked for is no
        failure. Ctrl-C doesn't wait for proxies, twice for nobody.
        """
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True
        if sig == signal.SIGINT:
            self._drain = 0

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, let in who has already been connected by the kernel, stop."""
        self._stopping()
        headers = self.server_state.default_headers
        self.server_state.default_headers = [*headers, CLOSING]
        with suppress(TimeoutError):
            async with asyncio.timeout(self._drain):
                while not self.force_exit:
                    await asyncio.sleep(0.05)
        await self._let_in()
        await super().shutdown(sockets)

    async def _let_in(self) -> None:
        """Closing a socket that listens resets those whom the kernel has connected and the server
        has not seen yet. So the library's are closed while we hold second handles; these are
        emptied, and closed in the same breath.
        """
        loop = asyncio.get_running_loop()
        theirs = [listener for server in self.servers for listener in server.sockets]
        ours = [listener.dup() for listener in theirs]
        for listener in theirs:
            loop.remove_reader(listener.fileno())
        await asyncio.sleep(0.01)  # whom it has seen it lets in; it could not when it is closed
        for server in self.servers:
            server.close()
        for connection in [each for listener in ours for each in _emptied(listener)]:
            await loop.connect_accepted_socket(self._connection, connection)

    def _connection(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made


def _emptied(listener: socket.socket) -> list[socket.socket]:
    """Everybody whom the kernel has connected already; closes it."""
    found = []
    with listener, suppress(OSError):  # none is left
        listener.setblocking(False)
        while True:
            found.append(listener.accept()[0])
            found[-1].setblocking(False)
    return found
