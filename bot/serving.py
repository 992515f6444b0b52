"""A server that stops without failing anybody: SIGTERM → `readyz` says no, so that proxies send
others' requests elsewhere; after `drain` seconds nobody new is let in; who is in is answered; what
channels took on is sent. Then it ends, with 0. The same for each of several workers.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from contextlib import suppress
from types import FrameType

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import multiprocess

CLOSING = (b"connection", b"close")
stopping = threading.Event()  # of this process; for `readyz`


class Config(uvicorn.Config):
    """The library's. `drain`: seconds that a stop waits for proxies."""

    drain: float = 0.0


class Server(uvicorn.Server):
    """One process' server."""

    config: Config

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Not raised again at the end, as the library would: a stop that was asked for is no
        failure. Ctrl-C doesn't wait for proxies, twice for nobody.
        """
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True
        if sig == signal.SIGINT:
            self.config.drain = 0

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, let in who has already been connected by the kernel, stop."""
        stopping.set()
        headers = self.server_state.default_headers
        self.server_state.default_headers = [*headers, CLOSING]
        with suppress(TimeoutError):
            async with asyncio.timeout(self.config.drain):
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


class Worker(multiprocess.Process):
    """One of several processes, with our server in it."""

    @property
    def server(self) -> Server:
        """Made in the worker itself."""
        if self._server is None:
            self._server = Server(self.config)
        assert isinstance(self._server, Server)  # noqa: S101 - for mypy; nobody else sets it
        return self._server


class Workers(multiprocess.Multiprocess):
    """Several processes that listen on one socket."""

    def terminate_all(self) -> None:
        """The parent lets go of the socket first: as long as anybody holds it, the kernel connects
        people to it, and they would find nobody.
        """
        for listener in self.sockets:
            listener.close()
        super().terminate_all()


def serve(config: Config) -> int:
    """Until it is told to stop; the exit code."""
    if config.workers > 1:
        multiprocess.Process = Worker  # type: ignore[misc] # its supervisor can't be given another
        Workers(config, [config.bind_socket()]).run()
        return 0
    server = Server(config)
    server.run()
    return 0 if server.started else STARTUP_FAILURE


def _emptied(listener: socket.socket) -> list[socket.socket]:
    """Everybody whom the kernel has connected already; closes it."""
    found = []
    with listener, suppress(OSError):  # none is left
        listener.setblocking(False)
        while True:
            found.append(listener.accept()[0])
            found[-1].setblocking(False)
    return found
