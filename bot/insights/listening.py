"""Answers → groups → store, beside the requests: an answer waits for nothing of it, and no fault
here reaches one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from queue import Empty, Full, Queue
from threading import Thread

from bot.insights.groups import Asked, Groups
from bot.insights.store import InsightsError, Store
from bot.library import Served
from bot.messages import Answer, Question
from index.search import Encode
from index.types import Vectors

log = logging.getLogger(__name__)
WAITING = 1000  # answers that may wait; beyond, they are not counted
LOOK = 60.0  # seconds between looks at the clock
AGAIN = 3600.0  # seconds after a fault until the file is tried again
STOP = 6.0  # seconds that a stop may take
END = "end"  # in the queue: nothing comes after it


class Hearing:
    """Listens in on one question: takes the encoder's place, and notes the vector it made, so that
    no question is encoded twice.
    """

    def __init__(self, take: Callable[[Asked], None], served: Served, encode: Encode) -> None:
        self._take, self._served, self._encode = take, served, encode
        self._vector: Vectors | None = None

    def __call__(self, query: str) -> Vectors:
        """The vector of `query`, shape (dimension,)."""
        self._vector = self._encode(query)
        return self._vector

    def answered(self, question: Question, answer: Answer, asker: str) -> None:
        """Take note. What was no question in words has no vector, and does not count."""
        if self._vector is None:
            return
        manifest = self._served.bundle.manifest
        first = answer.passages[:1]
        section = " › ".join(dict.fromkeys(w for c in first for w in (c.chapter, c.section)))
        self._take(
            Asked(
                manifest.slug, manifest.model_sha256, answer.status, section, asker,
                question.text, self._vector,
            )
        )  # fmt: skip


class Insights:
    """Counts what is asked; started and stopped with the server."""

    def __init__(
        self,
        store: Store,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`now`: seconds since 1970, for the day of a row alone. All else goes by `clock`, which
        nobody sets: what is in memory would else live on until a wrong time is over.
        """
        self._store, self._now, self._clock = store, now, clock
        self._groups = Groups()
        self._queue: Queue[Asked | str] = Queue(WAITING)
        self._thread = Thread(target=self._run, name="insights", daemon=True)
        self._written: date | None = None  # the day of the last writing
        self._not_before = self._next_look = 0.0

    @property
    def waiting(self) -> int:
        """Answers not yet counted."""
        return self._queue.qsize()

    def hearing(self, served: Served, encode: Encode) -> Hearing:
        """For one question to one programme."""
        return Hearing(self._take, served, encode)

    def start(self) -> None:
        """Begin to count."""
        self._thread.start()

    def stop(self) -> None:
        """Count what waits, keep the groups that are large enough, forget the others."""
        try:
            self._queue.put(END, timeout=STOP / 2)
        except Full:
            log.error("insights are lost: they did not keep up")
            return
        self._thread.join(STOP)

    def _take(self, asked: Asked) -> None:
        try:
            self._queue.put_nowait(asked)
        except Full:
            return  # an answer is worth more than being counted

    def _run(self) -> None:
        self._guarded(self._look)
        while (asked := self._next()) is not END:
            self._guarded(partial(self._count, asked))
        self._guarded(self._write)

    def _next(self) -> Asked | str | None:
        """An answer to count, `END`, or None where there was none for a while."""
        try:
            return self._queue.get(timeout=LOOK)
        except Empty:
            return None

    def _guarded(self, work: Callable[[], None]) -> None:
        """A fault's message could quote a question; its kind can't."""
        try:
            work()
        except Exception as error:
            log.error("an answer was not counted: %s", type(error).__name__)

    def _count(self, asked: Asked | str | None) -> None:
        if isinstance(asked, Asked):
            self._groups.add(asked, self._clock())
        if self._groups.full:
            self._write()
            self._groups.shrink()
        if self._clock() >= self._next_look:
            self._look()

    def _look(self) -> None:
        """Write once a day, at the first look after midnight (UTC)."""
        now = self._clock()
        self._next_look = now + LOOK
        self._groups.expire(now)
        if self._today() != self._written and now >= self._not_before:
            self._write()

    def _write(self) -> None:
        today = self._today()
        try:
            self._store.write(self._groups.rows(), today)
        except InsightsError as error:
            log.error("insights are not kept: %s", error)
            self._not_before = self._clock() + AGAIN
        else:
            self._groups.drop_kept()
            self._written = today

    def _today(self) -> date:
        return datetime.fromtimestamp(self._now(), UTC).date()
