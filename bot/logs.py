"""What the server writes about itself: a line for people, or JSON for machines. No request is
logged; a fault is, with the id that its answer carries, so that somebody who reports one can name
it.

Messages of exceptions never get into a line, whoever logs them: they may quote a question.
"""

from __future__ import annotations

import json
import logging
import secrets
import time
from contextvars import ContextVar

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

request_id: ContextVar[str] = ContextVar("request_id", default="")


def configure(style: str) -> None:
    """Send all logs to stderr, the server library's, too; `style` is "json" or ""."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if style == "json" else Lines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


class Lines(logging.Formatter):
    """Level, origin, message; the id of the request, where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        parts = [record.levelname, f"{record.name}:", _said(record)]
        current = request_id.get()
        return " ".join([*parts, f"[{current}]"] if current else parts)


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Time in UTC, level, origin, message, the id of the request."""
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = {
            "time": f"{when}.{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _said(record),
        }
        current = request_id.get()
        return json.dumps({**line, "request": current} if current else line, ensure_ascii=False)


def _said(record: logging.LogRecord) -> str:
    message = record.getMessage()
    kind = record.exc_info[0] if record.exc_info else None
    return f"{message} ({kind.__name__})" if kind else message


class RequestIds:
    """Gives every request an id of ours. One that a client sends is not taken: it could be
    anything.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        current = secrets.token_hex(8)
        token = request_id.set(current)

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-Id"] = current
            await send(message)

        try:
            await self._app(scope, receive, named)
        finally:
            request_id.reset(token)
