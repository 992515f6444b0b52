"""The application: only wiring. `create_app(settings)` starts nothing until the server runs it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from starlette.middleware.gzip import GZipMiddleware

from bot import api, assets, feedback, offline, pages, problems, programme_pages, widget
from bot.channels.wiring import Channels
from bot.guards import Guards
from bot.heads import Heads
from bot.library import Library
from bot.limits import RateLimit
from bot.logs import RequestIds
from bot.metrics import CONTENT_TYPE, Metrics
from bot.origins import Origins
from bot.settings import Settings
from bot.state import Shared, State

if TYPE_CHECKING:
    from bot.insights.listening import Insights

log = logging.getLogger(__name__)


def create_app(settings: Settings) -> FastAPI:
    """A server for all programmes under `settings.index`."""
    metrics = Metrics()
    library = Library(settings.index, metrics.loaded)
    metrics.watch("fundstelle_programmes", "Programmes served", lambda: len(library.all()))
    metrics.watch("fundstelle_refused", "Bundles refused", lambda: len(library.refused()))
    insights = _insights(settings, metrics)
    state = State(settings, library, RateLimit(settings.rate_limit), metrics, insights)
    state.library.refresh()
    channels = Channels(state)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        watcher = asyncio.create_task(_watch(state))
        if insights:
            insights.start()
        async with channels.running():
            yield
        if insights:
            await asyncio.to_thread(insights.stop)
        watcher.cancel()
        with suppress(asyncio.CancelledError):
            await watcher

    app = FastAPI(
        title="Fundstelle", version="1", lifespan=lifespan, docs_url=None, redoc_url=None,
        openapi_url="/api/openapi.json",
    )  # fmt: skip
    app.state.fundstelle = state
    app.add_middleware(Origins, state=state)  # before the guards, which so stand around it
    # No cookie and no secret is in any answer, so compressing what somebody typed reveals nothing.
    app.add_middleware(GZipMiddleware, minimum_size=600, compresslevel=6)
    app.state.channels = channels
    most_bytes = channels.most_bytes(settings.most_bytes)
    app.add_middleware(Guards, most_bytes=most_bytes, on_fault=problems.unexpected)
    app.add_middleware(RequestIds)
    app.add_middleware(Heads)  # the last one added is the first one asked
    app.include_router(api.router)
    app.include_router(feedback.router)
    app.include_router(pages.router)
    app.include_router(channels.router)
    app.include_router(offline.router)
    app.include_router(widget.router)
    app.include_router(programme_pages.router)
    app.mount("/static", assets.Assets(directory=assets.STATIC), name="static")
    problems.install(app)
    _add_probes(app)
    return app


def _insights(settings: Settings, metrics: Metrics) -> Insights | None:
    if not settings.counting:
        return None
    from bot.insights.listening import Insights  # not above: switched off, it isn't there
    from bot.insights.store import Store

    insights = Insights(Store(settings.insights_file, settings.insights_days))
    metrics.queue("insights", lambda: insights.waiting)
    return insights


async def _watch(state: State) -> None:
    """Look for new bundles from time to time, beside the requests."""
    while state.settings.reload_seconds:
        await asyncio.sleep(state.settings.reload_seconds)
        try:
            await asyncio.to_thread(state.library.refresh)
        except Exception as error:  # must not end the looking; the next look may go better
            log.error("looking for new bundles failed: %s", type(error).__name__)


def _add_probes(app: FastAPI) -> None:
    @app.get("/healthz", include_in_schema=False)
    def healthz() -> dict[str, str]:
        """The process is up."""
        return {"status": "up"}

    @app.get("/readyz", include_in_schema=False)
    def readyz(state: Shared) -> JSONResponse:
        """A programme is being served; and which bundles were refused, with the reason."""
        served = {s.slug: s.version for s in state.library.all()}
        body: dict[str, Any] = {
            "ready": bool(served),
            "programmes": served,
            "refused": state.library.refused(),
        }
        return JSONResponse(body, 200 if served else 503)

    @app.get("/metrics", include_in_schema=False)
    def metrics(state: Shared) -> Response:
        """Prometheus metrics of this process."""
        return Response(state.metrics.text(), media_type=CONTENT_TYPE)
