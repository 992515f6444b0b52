"""OpenTelemetry traces, where the operator wants them: how long a request took, and what in it.
Off, nothing of the SDK is imported. Where they go, and how many, is said by the standard OTEL_*.

No span has anything of a person's: no question, no address, no query string, no message of an
error. FastAPI's own telemetry has all of these, so it is never on. A trace that a client claims to
belong to is not taken: it could be anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.logs import request_id
from bot.settings import SettingsError

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}  # others could be anything
T = TypeVar("T")
R = TypeVar("R")
_tracers: list[Tracer] = []  # one, where traces are on in this process


def configure() -> None:
    """Switch them on for this process; what is left is sent at its end.

    Raises SettingsError where the packages aren't there.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise SettingsError(
            f"FUNDSTELLE_TRACES: {error.name} is not installed: pip install '.[traces]'"
        ) from error
    resource = Resource.create()  # OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES
    if str(resource.attributes["service.name"]).startswith("unknown_service"):
        resource = resource.merge(Resource({"service.name": "fundstelle"}))
    provider = TracerProvider(resource=resource)  # ours alone: a global one would wake others'
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _tracers.append(provider.get_tracer("fundstelle"))


@contextmanager
def span(name: str, **attributes: str) -> Iterator[Span | None]:
    """What is done within, under `name`. Attributes are words of ours or of the programme."""
    if not _tracers:
        yield None
        return
    with _tracers[0].start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield current
        except Exception as error:
            current.set_attribute("error.type", type(error).__name__)  # its message might quote
            raise


def within(name: str, work: Callable[[T], R]) -> Callable[[T], R]:
    """`work`, with a span around each call."""

    def traced(given: T) -> R:
        with span(name):
            return work(given)

    return traced


class Traces:
    """A span around every request, named after its route, never after its path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else "OTHER"
        with span(method, **{"http.request.method": method}) as current:

            async def seen(message: Message) -> None:
                if current and message["type"] == "http.response.start":
                    _describe(current, method, scope, message["status"])
                await send(message)

            await self._app(scope, receive, seen)


def _describe(current: Any, method: str, scope: Scope, status: int) -> None:
    route = getattr(scope.get("route"), "path", "")
    current.update_name(f"{method} {route}".strip())
    current.set_attribute("http.route", route)
    current.set_attribute("http.response.status_code", status)
    current.set_attribute("fundstelle.request_id", request_id.get())
