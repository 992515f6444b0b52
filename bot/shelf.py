"""The last few of what is dear to make: each made once, however many threads ask for it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Shelf(Generic[K, V]):
    """Holds `most` values by key; the one that was asked for longest ago makes room."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: OrderedDict[K, Future[V]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: K, make: Callable[[], V]) -> V:
        """The value; `make` makes it in this thread, if need be, while others who want it wait.

        What `make` raises, all of them get, and the next to ask tries again.
        """
        with self._lock:
            future = self._held.get(key)
            mine = future is None
            if future is None:
                future = self._held[key] = Future()
            self._held.move_to_end(key)
            while len(self._held) > self._most:
                self._held.popitem(last=False)
        if mine:
            self._make(key, future, make)
        return future.result()

    def known(self, key: K) -> V | None:
        """The value, if it is held already."""
        future = self._held.get(key)
        return future.result() if future and future.done() and not future.exception() else None

    def _make(self, key: K, future: Future[V], make: Callable[[], V]) -> None:
        try:
            future.set_result(make())
        except BaseException as error:
            future.set_exception(error)
            with self._lock:
                if self._held.get(key) is future:
                    del self._held[key]

    def __len__(self) -> int:
        return len(self._held)
