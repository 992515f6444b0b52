"""Which sites' pages may read answers: CORS, decided for the programme that a request names.

    a programme's own origins      programme.toml, `allowed_origins`
    origins for every programme    FUNDSTELLE_ALLOWED_ORIGINS

A preflight carries no body, so it can't say which programme it is for: it is granted to an origin
that any programme allows. The answer itself is readable only where *its* programme allows it; the
list of all programmes, where any does. Cookies and other credentials are never asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.library import Served
from bot.state import State
from index.description import ANYWHERE

API = "/api/"
PROGRAMMES, COMPARE, SEARCH = f"{API}programmes", f"{API}compare", f"{API}search"
PREFLIGHT: Mapping[str, str] = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Content-Type, Accept",
    "Access-Control-Max-Age": "600",
}


def of(state: State, served: Served) -> frozenset[str]:
    """All origins that may ask `served`, besides the server's own."""
    return state.settings.origins | set(served.info.allowed_origins)


def allows(state: State, origin: str, programmes: Iterable[Served]) -> bool:
    """Whether each of `programmes` may be asked from a page of `origin`; with none, only where
    the settings say so.
    """
    named = [of(state, served) for served in programmes] or [state.settings.origins]
    return all(_holds(origins, origin) for origins in named)


def _holds(origins: frozenset[str], origin: str) -> bool:
    return ANYWHERE in origins or origin in origins


def _any(state: State, origin: str) -> bool:
    return any(allows(state, origin, [served]) for served in state.library.all())


@dataclass
class _Asked:
    """What of a request is needed to see whose answer it gets; `body` fills as it is read. `query`
    is read as FastAPI does.
    """

    path: str
    query: QueryParams
    body: bytearray = field(default_factory=bytearray)

    def slugs(self) -> list[str | None]:
        """The programmes named where the address' function looks, None where none is."""
        if self.path.startswith(f"{PROGRAMMES}/"):
            return [self.path.removeprefix(f"{PROGRAMMES}/").split("/")[0]]
        if self.path == COMPARE:
            named = self.query.get("programmes", "").split(",")
            return [slug.strip() for slug in named if slug.strip()]
        return [self.query.get("programme") if self.path == SEARCH else self._in_body()]

    def _in_body(self) -> str | None:
        try:
            named = json.loads(bytes(self.body)).get("programme")
        except (ValueError, AttributeError, RecursionError):
            return None
        return named if isinstance(named, str) else None


class Origins:
    """Lets pages of allowed origins read the API's answers; to any other it says nothing."""

    def __init__(self, app: ASGIApp, state: State) -> None:
        self._app, self._state = app, state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer a preflight."""
        if scope["type"] != "http" or not scope["path"].startswith(API):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin", "")
        if self._is_preflight(scope, headers) and _any(self._state, origin):
            allowed = {"Access-Control-Allow-Origin": origin, "Vary": "Origin", **PREFLIGHT}
            await Response(status_code=204, headers=allowed)(scope, receive, send)
            return
        asked = _Asked(scope["path"], QueryParams(scope["query_string"]))

        async def noted() -> Message:
            message = await receive()
            if origin:
                asked.body.extend(message.get("body", b""))
            return message

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                answer.add_vary_header("Origin")
                if origin and self._readable(origin, asked):
                    answer["Access-Control-Allow-Origin"] = origin
                    answer["Access-Control-Expose-Headers"] = "Retry-After"
            await send(message)

        await self._app(scope, noted, told)

    @staticmethod
    def _is_preflight(scope: Scope, headers: Headers) -> bool:
        return scope["method"] == "OPTIONS" and "access-control-request-method" in headers

    def _readable(self, origin: str, asked: _Asked) -> bool:
        if asked.path.rstrip("/") == PROGRAMMES:
            return _any(self._state, origin)
        served = {s.slug: s for s in self._state.library.all()}
        only = next(iter(served)) if len(served) == 1 else None
        slugs = [slug or only for slug in asked.slugs()]
        if asked.path == COMPARE and not slugs:
            slugs = list(served)  # none is named
        return allows(self._state, origin, [served[s] for s in slugs if s in served])
