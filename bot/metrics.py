"""Prometheus metrics. No label is ever made of what people typed or who they are: programmes are
those served, channels and languages those we have. Nor is a time shown that says when something was
asked; only when the process began.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from time import perf_counter

from prometheus_client import CONTENT_TYPE_LATEST as CONTENT_TYPE
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from bot.messages import Status

BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.04, 0.1, 0.25, 1.0)  # seconds
OTHER = "other"  # stands for every language that we have no words in
# When each was first counted, so when the first question came:
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """Counts and times of one server process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)  # memory, time, open files: where /proc is
        self._languages = _languages()
        self._answers = self._counter(
            "answers", "Answers given", "programme", "channel", "language", "status"
        )
        self._seconds = Histogram(
            "fundstelle_answer_seconds", "Time to find an answer", ["channel"],
            buckets=BUCKETS, registry=self.registry,
        )  # fmt: skip
        self._errors = self._counter("errors", "Errors by HTTP status", "status")
        self._shed = self._counter("shed", "Questions sent away because too many waited")
        self._light = self._counter("light", "Questions encoded by the light form: others waited")
        self._loads = self._counter("loads", "Bundles taken up", "programme")
        self._refusals = self._counter("refusals", "Bundles refused, each reason once")
        self._queues = Gauge(
            "fundstelle_queue_length", "Waiting", ["queue"], registry=self.registry
        )
        self._channels = Counter(
            "fundstelle_channel_messages",
            "Messages by channel and what became of them",
            ["channel", "outcome"],
            registry=self.registry,
        )

    def channel(self, name: str, outcome: str) -> None:
        """Count a message of a channel."""
        self._channels.labels(name, outcome).inc()

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"fundstelle_{name}", text, labels, registry=self.registry)

    def answered(
        self, programme: str, status: Status, channel: str = "page", language: str = "de"
    ) -> None:
        """Count an answer of a programme that is served."""
        known = language if language in self._languages else OTHER
        self._answers.labels(programme, channel, known, status).inc()

    def failed(self, status: int) -> None:
        """Count an error response."""
        self._errors.labels(str(status)).inc()

    def shed(self) -> None:
        """Count a question that found no place."""
        self._shed.inc()

    def light(self) -> None:
        """Count a question that was encoded by the light form."""
        self._light.inc()

    def loaded(self, programme: str, whole: bool) -> None:
        """Count a bundle that was taken up, or refused; the latter may be called anything."""
        if whole:
            self._loads.labels(programme).inc()
        else:
            self._refusals.inc()

    def watch(self, name: str, text: str, number: Callable[[], float]) -> None:
        """Show what `number` says whenever somebody looks."""
        Gauge(name, text, registry=self.registry).set_function(number)

    def queue(self, name: str, length: Callable[[], float]) -> None:
        """Show how much waits in a queue, by its name in our code."""
        self._queues.labels(name).set_function(length)

    @contextmanager
    def timed(self, channel: str = "page") -> Iterator[None]:
        """Time the finding of an answer."""
        began = perf_counter()
        try:
            yield
        finally:
            self._seconds.labels(channel).observe(perf_counter() - began)

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return bytes(generate_latest(self.registry))


def _languages() -> frozenset[str]:
    names = [entry.name for entry in resources.files("bot.wording").iterdir()]
    return frozenset(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


__all__ = ["CONTENT_TYPE", "Metrics"]
