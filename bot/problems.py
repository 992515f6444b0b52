"""Errors → responses, in one place and one shape: RFC 9457 for programs, a page for people."""

from __future__ import annotations

import json
import logging
import traceback
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.routing import Match

from bot import languages, pages
from bot.errors import BotError, NotReady
from bot.wording import sentence
from index.errors import FundstelleError

log = logging.getLogger(__name__)
KEYS = {
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    413: "too_large",
    422: "malformed",
}


def install(app: FastAPI) -> None:
    """Map every kind of error of `app`."""
    app.add_exception_handler(BotError, known)
    app.add_exception_handler(FundstelleError, _not_had)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http_error)


def problem(
    request: Request, status: int, detail: str, headers: dict[str, str] | None = None, **more: Any
) -> Response:
    """A problem document, or a page where the client is a browser that asked for one."""
    request.app.state.fundstelle.metrics.failed(status)
    title = HTTPStatus(status).phrase
    if "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api"):
        page = pages.error_page(request, status, title, detail)
        page.headers.update(headers or {})
        return page
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    content = json.dumps(body, ensure_ascii=False)
    return Response(content, status, headers, "application/problem+json")


def known(request: Request, error: Exception) -> Response:
    """The response to an error of `bot.errors`."""
    assert isinstance(error, BotError)  # noqa: S101 - registered for this class alone
    said = sentence(error.key, _language(request), **error.words)
    return problem(request, error.status, said, error.headers, **error.more)


def _not_had(request: Request, error: Exception) -> Response:
    """The store has not what it should, or can't be reached: perhaps in a moment."""
    log.error("a programme can't be had: %s", error)  # places and reasons; never what was asked
    again = {"Retry-After": "1"}
    return problem(request, 503, sentence(NotReady.key, _language(request)), again)


def busy(request: Request, error: Exception) -> Response:
    """The response to a question that found no place."""
    request.app.state.fundstelle.metrics.shed()
    return known(request, error)


def _malformed(request: Request, error: Exception) -> Response:
    """Names the field and what is wrong with it; never repeats the value, which may be the
    question.
    """
    assert isinstance(error, RequestValidationError)  # noqa: S101
    fields = [
        {"field": ".".join(str(part) for part in e["loc"][1:]) or "body", "problem": e["type"]}
        for e in error.errors()
    ]
    if isinstance(error.body, dict) and isinstance(error.body.get("language"), str):
        request.state.language = error.body["language"]
    return problem(request, 422, sentence("malformed", _language(request)), errors=fields)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    status = 422 if error.status_code == 400 else error.status_code  # a body that is no UTF-8
    key = KEYS.get(status, "malformed" if status < 500 else "internal")
    headers = dict(error.headers) if error.headers else {}
    if status == 405:
        headers["Allow"] = ", ".join(_allowed(request))
    return problem(request, status, sentence(key, _language(request)), headers)


def _allowed(request: Request) -> list[str]:
    """Every method of this address. The router names only those of the first route that fits; and
    none where static files answer, which are read.
    """
    found = [m for m in ("GET", "POST", "PUT", "PATCH", "DELETE") if _fits(request, m)] or ["GET"]
    return ["HEAD", *found] if "GET" in found else found


def _fits(request: Request, method: str) -> bool:
    scope = {**request.scope, "method": method}
    return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)


def unexpected(request: Request, error: Exception) -> Response:
    """A fault of ours. The log gets its kind and place, but no message: that might quote a
    question.
    """
    frames = traceback.extract_tb(error.__traceback__)
    place = " < ".join(f"{f.filename}:{f.lineno} {f.name}" for f in reversed(frames[-6:]))
    log.error("unexpected %s at %s", type(error).__name__, place)
    return problem(request, 500, sentence("internal", _language(request)))


def _language(request: Request) -> str:
    """What a program named in its payload or query, else as for a page."""
    named = getattr(request.state, "language", None) or request.query_params.get("language")
    return named or languages.chosen(request).language.code
