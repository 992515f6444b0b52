"""How often one client may ask, and how often one programme may be asked. Both are counted as
hashes, never by address: in the memory of this process, or with others' in Redis (`replicas`).
"""

from __future__ import annotations

import time
from typing import Protocol

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from bot.addresses import network
from bot.errors import TooMany
from bot.hashes import Hasher

LINK = 64  # bits of an IPv6 address that a device doesn't choose itself (RFC 4291)


class Counts(Protocol):
    """Where it is counted."""

    def hit(self, item: RateLimitItem, key: str, cost: int) -> int:
        """Seconds to wait; 0, and it is counted, where there is room."""


class Window:
    """Counts in a window that slides: of two windows, weighted by how much of the earlier one is
    still in sight.
    """

    def __init__(self, limiter: SlidingWindowCounterRateLimiter | None = None) -> None:
        self._limiter = limiter or SlidingWindowCounterRateLimiter(MemoryStorage())

    def hit(self, item: RateLimitItem, key: str, cost: int) -> int:
        """See Counts."""
        if self._limiter.hit(item, key, cost=cost):
            return 0
        reset = self._limiter.get_window_stats(item, key).reset_time
        return max(1, round(reset - time.time()))


class RateLimit:
    """At most so many questions of one `what` in a time, e.g. "60/minute"; "" lets everything
    pass. `error` is raised beyond that, with the seconds to wait.
    """

    def __init__(
        self,
        rate: str,
        counts: Counts | None = None,
        hasher: Hasher | None = None,
        what: str = "client",
        error: type[TooMany] = TooMany,
    ) -> None:
        self._item = parse(rate) if rate else None
        self._counts, self._hasher = counts or Window(), hasher or Hasher()
        self._what, self._error = what, error

    def check(self, who: str, questions: int = 1) -> None:
        """Count questions of `who`, the IPv6 addresses of one link together: one to several
        programmes is as many questions. More than the limit as a whole allows count as what it
        allows, else they could never be asked.

        Raises TooMany, or what else was to be raised. May wait for Redis, some milliseconds: not
        for an event loop.
        """
        if self._item is None:
            return
        cost = max(1, min(questions, self._item.amount))
        key = self._hasher.key("limit", self._what, network(who, LINK))
        if wait := self._counts.hit(self._item, key, cost):
            raise self._error(wait)
