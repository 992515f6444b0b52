"""What stands around every request: size limit and security headers, as plain ASGI."""

from __future__ import annotations

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


class Guards:
    """Refuses bodies above a limit, while they arrive, and sends security headers with
    everything.
    """

    def __init__(
        self, app: ASGIApp, most_bytes: int, on_fault: Callable[[Request, Exception], Response]
    ) -> None:
        self._app, self._most, self._on_fault = app, most_bytes, on_fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        size, started = 0, False

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._most:
                raise HTTPException(413)
            return message

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
            await self._app(scope, counted, guarded)
        except Exception as error:
            # Must not reach the server, which would log its message: that might quote a question.
            response = self._on_fault(Request(scope), error)
            if not started:
                await response(scope, receive, guarded)
