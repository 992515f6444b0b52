"""A platform on loopback: a real HTTP server that takes what the platform would take, refuses what
it would refuse, and fails as it is told to.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

Check = Callable[[str, Mapping[str, Any], Mapping[str, str]], str | None]
Plan = Callable[[str, Mapping[str, Any]], "Fault | None"]


@dataclass(frozen=True)
class Fault:
    """One misbehaviour. `done`: the message arrived all the same."""

    status: int = 500
    body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    hang: float = 0.0
    done: bool = False


class Peer:
    """What a platform saw. `check` says what is wrong with a call, or nothing."""

    def __init__(self, check: Check, ok: Callable[[str], Response] | None = None) -> None:
        self._check, self._ok = check, ok or (lambda path: JSONResponse({"ok": True, "result": {}}))
        self.accepted: list[tuple[str, dict[str, Any]]] = []
        self.refused: list[str] = []
        self.faults: list[Fault] = []
        self.plan: Plan = lambda path, payload: None
        self.calls = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        self.calls += 1
        path, payload = request.url.path, await _payload(request)
        fault = self.faults.pop(0) if self.faults else self.plan(path, payload)
        wrong = self._check(path, payload, dict(request.headers))
        if wrong:
            self.refused.append(wrong)
            return JSONResponse({"ok": False, "error_code": 400, "description": wrong}, 400)
        if fault is None or fault.done:
            self.accepted.append((path, payload))
        if fault is None:
            return self._ok(path)
        if fault.hang:
            await asyncio.sleep(fault.hang)
        return JSONResponse(dict(fault.body), fault.status, dict(fault.headers))

    def wait(self, number: int, seconds: float = 8.0) -> list[tuple[str, dict[str, Any]]]:
        """The calls accepted, once there are so many."""
        until = time.monotonic() + seconds
        while len(self.accepted) < number and time.monotonic() < until:
            time.sleep(0.01)
        assert len(self.accepted) >= number, (len(self.accepted), self.refused)
        return list(self.accepted)


async def _payload(request: Request) -> dict[str, Any]:
    if request.method == "GET":
        return dict(request.query_params)
    body = await request.body()
    if "json" in request.headers.get("content-type", ""):
        return dict(json.loads(body))
    return dict(parse_qsl(body.decode()))


@contextmanager
def running(peer: Any) -> Iterator[str]:
    """The peer's address while it listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = uvicorn.Config(peer, "127.0.0.1", port, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join(5)


def plain(text: str) -> Response:
    return PlainTextResponse(text)
