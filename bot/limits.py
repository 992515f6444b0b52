"""How often one client may ask. Addresses live in memory only, as hashes under a key of this
process.
"""

from __future__ import annotations

import hashlib
import secrets
import time

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from bot.errors import TooMany


class RateLimit:
    """At most so many questions of one client in a time, e.g. "60/minute"; "" lets everything
    pass.
    """

    def __init__(self, rate: str) -> None:
        self._item = parse(rate) if rate else None
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._key = secrets.token_bytes(32)

    def check(self, client: str, questions: int = 1) -> None:
        """Count questions of `client`: one to several programmes is as many questions. More than
        the limit as a whole allows count as what it allows, else they could never be asked.

        Raises TooMany with the seconds to wait.
        """
        if self._item is None:
            return
        cost = max(1, min(questions, self._item.amount))
        hashed = hashlib.blake2b(client.encode(), key=self._key, digest_size=16).hexdigest()
        if not self._limiter.hit(self._item, hashed, cost=cost):
            reset = self._limiter.get_window_stats(self._item, hashed).reset_time
            raise TooMany(max(1, round(reset - time.time())))
