"""What stands around every request: limits of size and time, security headers. Plain ASGI."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = "; ".join(
    (
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'", "manifest-src 'self'", "form-action 'self'", "base-uri 'none'",
        "frame-ancestors 'self'",
    )
)  # fmt: skip


def framed_by(origins: Iterable[str]) -> str:
    """The policy of a page that other sites' pages may hold in a frame."""
    return " ".join((POLICY, *sorted(origins)))


# The generated API documentation loads its scripts from elsewhere, so there is none: see
# docs/api.md.
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class _Body:
    """What arrives of one request, as long as it is neither too much nor too slow."""

    def __init__(self, receive: Receive, most: int, seconds: float) -> None:
        self._receive, self._most, self._size = receive, most, 0
        self._until: float | None = asyncio.get_running_loop().time() + seconds

    async def receive(self) -> Message:
        """The next piece. Raises HTTPException with 408 or 413."""
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408, headers={"Connection": "close"}) from None
        if not message.get("more_body"):
            self._until = None  # what comes after the body is the client's farewell, at any time
        self._size += len(message.get("body", b""))
        if self._size > self._most:
            raise HTTPException(413)
        return message


class Guards:
    """Refuses bodies above a limit or too slow, while they arrive, and sends security headers with
    everything.
    """

    def __init__(
        self,
        app: ASGIApp,
        most_bytes: int,
        seconds: float,
        on_fault: Callable[[Request, Exception], Response],
    ) -> None:
        self._app, self._most, self._seconds, self._on_fault = app, most_bytes, seconds, on_fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False
        body = _Body(receive, self._most, self._seconds)

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if not scope["path"].startswith("/static/"):
                    # An answer in a browser's cache betrays its question.
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self._app(scope, body.receive, guarded)
        except Exception as error:
            # Must not reach the server, which would log its message: that might quote a question.
            response = self._on_fault(Request(scope), error)
            if not started:
                await response(scope, receive, guarded)
