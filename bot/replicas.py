"""What several server processes share through Redis, and how each goes on alone without it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

from limits import RateLimitItem, parse
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from bot.limits import Window
from index.announcing import CHANNEL

if TYPE_CHECKING:
    from redis import ConnectionPool
    from redis.asyncio.client import PubSub

log = logging.getLogger(__name__)
PREFIX = "fundstelle:limits"
PATIENCE = 0.05  # seconds that a question waits for Redis
AGAIN = 1.0  # seconds between tries to listen
PROBE = 1.0  # seconds between looks whether it is there again
TRIED = parse("1000000/second")  # counted by a look: what can be read may still not be written


class SharedCounts:
    """Counts of all processes together. When Redis fails, by silence too, one question waits
    `PATIENCE` for each of its answers; from then on this process counts alone, from nought, and
    only a thread asks whether Redis is back. No question ever fails by it.
    """

    def __init__(self, url: str) -> None:
        self._pool = _pool(url)  # connects to nothing yet
        storage = RedisStorage(url, self._pool, PREFIX)
        self._together = Window(SlidingWindowCounterRateLimiter(storage))
        self._alone = Window()
        self._changing, self._closed = Lock(), Event()
        self.up = True

    def hit(self, item: RateLimitItem, key: str, cost: int) -> int:
        """See limits.Counts."""
        if self.up:
            try:
                return self._together.hit(item, key, cost)
            except Exception as error:  # whatever it is, it must not be a citizen's problem
                self._lose(type(error).__name__)
        return self._alone.hit(item, key, cost)

    def close(self) -> None:
        """Let go of the connections, look no more."""
        self._closed.set()
        self._pool.disconnect()

    def _lose(self, reason: str) -> None:
        with self._changing:
            if not self.up:
                return
            self.up = False
        log.warning("Redis fails (%s): each server counts limits alone", reason)
        Thread(target=self._return, name="redis", daemon=True).start()

    def _return(self) -> None:
        while not self._closed.wait(PROBE):
            try:
                self._together.hit(TRIED, "probe", 1)
            except Exception:  # noqa: S112 - said once, when it was lost
                continue
            self._alone, self.up = Window(), True
            log.info("Redis is back: limits are counted together")
            return


async def listen(url: str, wake: Callable[[], None]) -> None:
    """Call `wake` whenever somebody says that there is a new bundle, and when listening begins
    anew, since it may have been said meanwhile.
    """
    said = False
    while True:
        try:
            async with _ear(url) as ear:
                await ear.subscribe(CHANNEL)
                wake()
                said = False
                async for _ in ear.listen():
                    wake()
        except Exception as error:
            if not said:
                log.warning("no word of new bundles through Redis (%s)", type(error).__name__)
            said = True
        await asyncio.sleep(AGAIN)


@asynccontextmanager
async def _ear(url: str) -> AsyncIterator[PubSub]:
    """A connection that fails rather than come back unnoticed."""
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    once = Retry(NoBackoff(), 0)
    redis = Redis.from_url(url, socket_connect_timeout=5, socket_keepalive=True, retry=once)
    async with redis, redis.pubsub(ignore_subscribe_messages=True) as ear:
        yield ear


def _pool(url: str) -> ConnectionPool:
    # Only who uses it has to have it. No second try: the first one has cost the whole patience.
    from redis import ConnectionPool

    return ConnectionPool.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)
