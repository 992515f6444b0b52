"""What is remembered, and for how long: which messages were taken on, and where a conversation is.
Keys are hashes under a secret; nobody's id, no question is ever in here.

A message goes through `claim → begin → finish`. From `begin` on it is never answered again, since
the answer may be on its way; before that, a claim whose server died may be taken over. `owed`
counts what was claimed and never finished: what a killed server leaves behind is counted, and said
by the next one.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.commands.core import AsyncScript

Claim = Literal["new", "known", "busy"]
MOST = 200_000  # entries in memory; the oldest go first
ALIVE = 20  # seconds after which a server that gave no sign is dead


class Store(Protocol):
    """The same in memory and in Redis."""

    async def claim(self, key: str, lifetime: float) -> Claim:
        """`new`: it is ours to answer. `known`: it is being or was answered. `busy`: another
        server has it and may be dead; ask again later.
        """

    async def begin(self, key: str, lifetime: float) -> bool:
        """From here on it is never answered again; False where it is no longer ours."""

    async def finish(self, key: str) -> None:
        """It is answered, or counted as undeliverable."""

    async def release(self, key: str) -> None:
        """It was not taken on after all; whoever sends it again is served."""

    async def read(self, key: str) -> str | None:
        """Where a conversation is."""

    async def write(self, key: str, value: str, lifetime: float) -> None:
        """Remember it for a while."""

    async def pulse(self) -> int:
        """A sign of life; how many messages dead servers left unanswered since the last."""

    async def close(self) -> None:
        """Let go of the connections."""


class MemoryStore:
    """For one server process; forgets at its end."""

    def __init__(self, most: int = MOST, now: Any = time.monotonic) -> None:
        self._most, self._now = most, now
        self._lock = Lock()  # two event loops, see `lanes`
        self._claims: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._talks: OrderedDict[str, tuple[str, float]] = OrderedDict()

    async def claim(self, key: str, lifetime: float) -> Claim:
        """See Store; another server's claims are never seen here."""
        with self._lock:
            if self._get(self._claims, key) is not None:
                return "known"
            self._put(self._claims, key, "claimed", lifetime)
            return "new"

    async def begin(self, key: str, lifetime: float) -> bool:
        """See Store."""
        with self._lock:
            self._put(self._claims, key, "begun", lifetime)
        return True

    async def finish(self, key: str) -> None:
        """See Store."""

    async def release(self, key: str) -> None:
        """See Store."""
        with self._lock:
            self._claims.pop(key, None)

    async def read(self, key: str) -> str | None:
        """See Store."""
        with self._lock:
            return self._get(self._talks, key)

    async def write(self, key: str, value: str, lifetime: float) -> None:
        """See Store."""
        with self._lock:
            self._put(self._talks, key, value, lifetime)

    async def pulse(self) -> int:
        """Nothing outlives this process; and what has had its time goes, even where nobody asks."""
        with self._lock:
            for table in (self._claims, self._talks):
                for key in [k for k, (_, until) in table.items() if until <= self._now()]:
                    del table[key]
        return 0

    async def close(self) -> None:
        """See Store."""
        self._claims.clear()
        self._talks.clear()

    def _get(self, table: OrderedDict[str, tuple[str, float]], key: str) -> str | None:
        value, until = table.get(key, ("", 0.0))
        if until > self._now():
            return value
        table.pop(key, None)
        return None

    def _put(
        self, table: OrderedDict[str, tuple[str, float]], key: str, value: str, lifetime: float
    ) -> None:
        table[key] = (value, self._now() + lifetime)
        table.move_to_end(key)
        # A few expired ones each time, so that a lifetime is one even where nobody asks again.
        for _ in range(min(2, len(table))):
            oldest = next(iter(table))
            if table[oldest][1] <= self._now() or len(table) > self._most:
                table.pop(oldest)


# KEYS: the message. ARGV: this server, lifetime in ms, prefix.
_CLAIM = """
local owner = redis.call('GET', KEYS[1])
if owner == 'begun' then return 'known' end
if owner == ARGV[1] then return 'new' end
if owner then
  if redis.call('EXISTS', ARGV[3] .. 'alive:' .. owner) == 1 then return 'busy' end
  if redis.call('HEXISTS', ARGV[3] .. 'owed', owner) == 1 then
    redis.call('HINCRBY', ARGV[3] .. 'owed', owner, -1)
  end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('HINCRBY', ARGV[3] .. 'owed', ARGV[1], 1)
return 'new'
"""
_BEGIN = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], 'begun', 'PX', ARGV[2])
return 1
"""
# What was never begun, since it needed no answer, is known from now on all the same.
_FINISH = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], 'begun', 'KEEPTTL') end
redis.call('HINCRBY', ARGV[2] .. 'owed', ARGV[1], -1)
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HINCRBY', ARGV[2] .. 'owed', ARGV[1], -1)
return 1
"""
# Whoever takes a dead server's entry away counts it; nobody counts it twice.
_BURY = """
if redis.call('EXISTS', ARGV[2] .. 'alive:' .. ARGV[1]) == 1 then return 0 end
local owed = tonumber(redis.call('HGET', ARGV[2] .. 'owed', ARGV[1]) or '0')
redis.call('HDEL', ARGV[2] .. 'owed', ARGV[1])
return owed
"""


@dataclass(frozen=True)
class _Wire:
    """Connections of one event loop."""

    redis: Redis
    claim: AsyncScript
    begin: AsyncScript
    finish: AsyncScript
    release: AsyncScript
    bury: AsyncScript


def _wire(url: str) -> _Wire:
    # Only who uses it has to have it.
    from redis.asyncio import BlockingConnectionPool, Redis

    # Waits for a connection; the plain pool would fail where many messages come at once.
    pool = BlockingConnectionPool.from_url(
        url, max_connections=24, timeout=10, decode_responses=True, socket_timeout=5
    )
    redis = Redis.from_pool(pool)  # closes it, too
    scripts = (_CLAIM, _BEGIN, _FINISH, _RELEASE, _BURY)
    return _Wire(redis, *(redis.register_script(script) for script in scripts))


class RedisStore:
    """For several server processes, and across restarts."""

    def __init__(self, url: str, prefix: str = "fundstelle:") -> None:
        self._url, self._prefix = url, prefix
        self._held: set[str] = set()  # claimed here and not finished
        self._me = secrets.token_hex(8)
        self._wires: dict[int, _Wire] = {}

    async def claim(self, key: str, lifetime: float) -> Claim:
        """See Store. A claim of ours that nobody here holds is one whose answer from Redis was
        lost: it is ours still, and new.
        """
        if key in self._held:
            return "known"
        self._held.add(key)
        arguments: list[str | int] = [self._me, _ms(lifetime), self._prefix]
        claim: Claim | None = None
        try:
            claim = await self._wire.claim([self._name("m", key)], arguments)
        finally:
            if claim != "new":
                self._held.discard(key)
        return claim

    async def begin(self, key: str, lifetime: float) -> bool:
        """See Store."""
        return bool(await self._wire.begin([self._name("m", key)], [self._me, _ms(lifetime)]))

    async def finish(self, key: str) -> None:
        """See Store."""
        try:
            await self._wire.finish([self._name("m", key)], [self._me, self._prefix])
        finally:
            self._held.discard(key)

    async def release(self, key: str) -> None:
        """See Store."""
        self._held.discard(key)
        await self._wire.release([self._name("m", key)], [self._me, self._prefix])

    async def read(self, key: str) -> str | None:
        """See Store."""
        value = await self._wire.redis.get(self._name("t", key))
        return None if value is None else str(value)

    async def write(self, key: str, value: str, lifetime: float) -> None:
        """See Store."""
        await self._wire.redis.set(self._name("t", key), value, px=_ms(lifetime))

    async def pulse(self) -> int:
        """See Store."""
        await self._wire.redis.set(f"{self._prefix}alive:{self._me}", 1, ex=ALIVE)
        lost = 0
        for server in await self._wire.redis.hkeys(self._prefix + "owed"):
            if server != self._me:  # however late this sign of life came
                lost += int(await self._wire.bury([], [server, self._prefix]))
        return lost

    async def close(self) -> None:
        """See Store."""
        with contextlib.suppress(Exception):  # who can't say goodbye is taken for dead soon
            await self._wire.redis.delete(f"{self._prefix}alive:{self._me}")
        await self._wire.redis.aclose()
        del self._wires[id(asyncio.get_running_loop())]

    @property
    def _wire(self) -> _Wire:
        """Connections belong to an event loop, and there are two: see `lanes`."""
        loop = id(asyncio.get_running_loop())
        if loop not in self._wires:
            self._wires[loop] = _wire(self._url)
        return self._wires[loop]

    def _name(self, kind: str, key: str) -> str:
        return f"{self._prefix}{kind}:{key}"


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))
