"""The application: only wiring. `create_app(settings)` starts nothing until the server runs it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from fastapi.telemetry import TelemetryConfig
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from bot import api, assets, feedback, offline, pages, problems, programme_pages, widget
from bot.admission import Admission, Line
from bot.channels.wiring import Channels
from bot.errors import ProgrammeBusy
from bot.guards import Guards
from bot.hashes import Hasher
from bot.heads import Heads
from bot.library import Library
from bot.limits import Counts, RateLimit, Window
from bot.logs import RequestIds
from bot.metrics import CONTENT_TYPE, Metrics
from bot.origins import Origins
from bot.serving import stopping
from bot.settings import Settings
from bot.state import Shared, State
from bot.traces import Traces
from bot.watching import watching
from index.stores import open_store

# FastAPI's own would send query strings, hosts and errors' messages wherever OTEL_* point to.
NO_TELEMETRY: TelemetryConfig = {
    "tracing": False, "metrics": False, "logs": False, "auto_configure": False,
}  # fmt: skip

if TYPE_CHECKING:
    from bot.insights.listening import Insights


def create_app(settings: Settings) -> FastAPI:
    """A server for all programmes of the store that the settings name."""
    state, close = _state(settings)
    channels = Channels(state)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if state.insights:
            state.insights.start()
        async with watching(state), channels.running():
            yield
        if state.insights:
            await asyncio.to_thread(state.insights.stop)
        close()

    app = FastAPI(
        title="Fundstelle", version="1", lifespan=lifespan, docs_url=None, redoc_url=None,
        openapi_url="/api/openapi.json", telemetry=NO_TELEMETRY,
        middleware=_middleware(state, channels),
    )  # fmt: skip
    app.state.fundstelle, app.state.channels = state, channels
    for part in (api, feedback, pages, channels, offline, widget, programme_pages):
        app.include_router(part.router)
    app.mount("/static", assets.Assets(directory=assets.STATIC), name="static")
    problems.install(app)
    _add_probes(app)
    return app


def _middleware(state: State, channels: Channels) -> list[Middleware]:
    """What a request passes on its way in, in this order; an answer in the opposite one."""
    settings = state.settings
    most_bytes, seconds = channels.most_bytes(settings.most_bytes), settings.read_seconds
    return [
        Middleware(Heads),
        Middleware(RequestIds),
        *([Middleware(Traces)] if settings.traces == "on" else []),
        Middleware(Guards, most_bytes=most_bytes, seconds=seconds, on_fault=problems.unexpected),
        Middleware(Origins, state=state),
        Middleware(Admission, line=state.line, on_busy=problems.busy),
        # No cookie and no secret is in any answer, so compressing what somebody typed reveals
        # nothing.
        Middleware(GZipMiddleware, minimum_size=600, compresslevel=6),
    ]


def _state(settings: Settings) -> tuple[State, Callable[[], None]]:
    """What the routers share, all programmes looked up; and what lets go of it."""
    metrics = Metrics()
    store = open_store(settings.store, settings.index, settings.qdrant_key)
    line = _line(settings, metrics)
    library = Library(store, metrics.loaded, settings.most_loaded, line.excuse)
    metrics.watch("fundstelle_programmes", "Programmes served", lambda: len(library.all()))
    metrics.watch("fundstelle_refused", "Bundles refused", lambda: len(library.refused()))
    insights = _insights(settings, metrics)
    hasher = Hasher(settings.secret if settings.redis else "")
    counts, close = _counts(settings, metrics)
    library.refresh()
    state = State(
        settings, library, RateLimit(settings.rate_limit, counts, hasher),
        RateLimit(settings.programme_rate_limit, counts, hasher, "programme", ProgrammeBusy),
        metrics, hasher, line, insights,
    )  # fmt: skip
    return state, close


def _counts(settings: Settings, metrics: Metrics) -> tuple[Counts, Callable[[], None]]:
    """Where limits are counted, and what lets go of it."""
    if not settings.redis:
        return Window(), lambda: None
    from bot.replicas import SharedCounts

    shared = SharedCounts(settings.redis)
    metrics.watch("fundstelle_redis_up", "1: limits are counted together", lambda: shared.up)
    return shared, shared.close


def _line(settings: Settings, metrics: Metrics) -> Line:
    line = Line(settings.most_waiting)
    metrics.queue("questions", lambda: line.waiting)
    return line


def _insights(settings: Settings, metrics: Metrics) -> Insights | None:
    if not settings.counting:
        return None
    from bot.insights.listening import Insights  # not above: switched off, it isn't there
    from bot.insights.store import Store

    insights = Insights(Store(settings.insights_file, settings.insights_days))
    metrics.queue("insights", lambda: insights.waiting)
    return insights


def _add_probes(app: FastAPI) -> None:
    @app.get("/healthz", include_in_schema=False)
    def healthz() -> dict[str, str]:
        """The process is up."""
        return {"status": "up"}

    @app.get("/readyz", include_in_schema=False)
    def readyz(state: Shared) -> JSONResponse:
        """A programme is being served, and the server isn't about to stop; and which bundles were
        refused, with the reason.
        """
        served = {s.slug: s.version for s in state.library.all()}
        ready = bool(served) and not stopping.is_set()
        body: dict[str, Any] = {
            "ready": ready,
            "stopping": stopping.is_set(),
            "programmes": served,
            "refused": state.library.refused(),
        }
        return JSONResponse(body, 200 if ready else 503)

    @app.get("/metrics", include_in_schema=False)
    def metrics(state: Shared) -> Response:
        """Prometheus metrics of this process."""
        return Response(state.metrics.text(), media_type=CONTENT_TYPE)
