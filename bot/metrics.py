"""Prometheus metrics. No label is ever made of what people typed or who they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from prometheus_client import CONTENT_TYPE_LATEST as CONTENT_TYPE
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from bot.messages import Status

BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.04, 0.1, 0.25, 1.0)  # seconds


class Metrics:
    """Counts and times of one server process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._answers = Counter(
            "fundstelle_answers", "Answers given", ["programme", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "fundstelle_answer_seconds",
            "Time to find an answer",
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._errors = Counter(
            "fundstelle_errors", "Errors by HTTP status", ["status"], registry=self.registry
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

    def answered(self, programme: str, status: Status) -> None:
        """Count an answer."""
        self._answers.labels(programme, status).inc()

    def failed(self, status: int) -> None:
        """Count an error response."""
        self._errors.labels(str(status)).inc()

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Time the finding of an answer."""
        began = perf_counter()
        try:
            yield
        finally:
            self._seconds.observe(perf_counter() - began)

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return bytes(generate_latest(self.registry))


__all__ = ["CONTENT_TYPE", "Metrics"]
