"""What is remembered: the same promises in memory and in a real Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.channels import store
from bot.channels.store import MemoryStore, RedisStore, Store
from bot.hashes import Hasher

Scenario = Callable[[Callable[[], Store]], Awaitable[None]]


@pytest.fixture(params=["memory", "redis"])
def run(request: pytest.FixtureRequest) -> Callable[[Scenario], None]:
    """Runs a scenario with servers that share a memory; in memory there is one server."""
    prefix = f"test-{time.monotonic_ns()}:"
    if request.param == "memory":
        one = MemoryStore()
        make: Callable[[], Store] = lambda: one  # noqa: E731
    else:
        url = request.getfixturevalue("redis")
        make = lambda: RedisStore(url, prefix)  # noqa: E731

    def running(scenario: Scenario) -> None:
        made: list[Store] = []

        def server() -> Store:
            made.append(make())
            return made[-1]

        async def whole() -> None:
            await scenario(server)
            for each in made:
                await each.close()

        asyncio.run(whole())

    return running


def test_a_message_is_claimed_once(run: Any) -> None:
    """By fifty deliveries at the same moment, exactly one answers."""

    async def scenario(server: Callable[[], Store]) -> None:
        one = server()
        await one.pulse()
        claims = await asyncio.gather(*(one.claim("a", 60) for _ in range(50)))
        assert sorted(claims) == ["known"] * 49 + ["new"]
        assert await one.begin("a", 60)
        await one.finish("a")
        assert await one.claim("a", 60) == "known"
        assert await one.claim("b", 60) == "new"
        await one.release("b")
        assert await one.claim("b", 60) == "new"

    run(scenario)


def test_what_needed_no_answer_is_known_when_it_comes_again(run: Any) -> None:
    """Ignored, or one too many: finished without a beginning. Else its sender's platform would
    hear "busy" from other servers for days, and the count of what is owed would fall below 0.
    """

    async def scenario(server: Callable[[], Store]) -> None:
        one, two = server(), server()
        for each in (one, two):
            await each.pulse()
        assert await one.claim("a", 60) == "new"
        await one.finish("a")
        assert [await one.claim("a", 60), await two.claim("a", 60)] == ["known", "known"]

    run(scenario)


def test_a_memory_has_a_lifetime(run: Any) -> None:
    """Claims and conversations are gone after it."""

    async def scenario(server: Callable[[], Store]) -> None:
        one = server()
        await one.claim("a", 0.05)
        await one.finish("a")
        await one.write("talk", "x", 0.05)
        assert await one.read("talk") == "x"
        await asyncio.sleep(0.1)
        assert await one.read("talk") is None
        assert await one.claim("a", 60) == "new"

    run(scenario)


def test_several_servers_answer_once_and_take_over_from_the_dead(
    redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A living server's message is put off, a dead one's is taken over unless its answer may be
    on its way; what it left is counted once.
    """
    monkeypatch.setattr(store, "ALIVE", 1)

    async def scenario() -> None:
        dead, one, two = (RedisStore(redis, "over:") for _ in range(3))
        for each in (dead, one, two):
            await each.pulse()
        for key in ("waiting", "sending", "forgotten", "answered"):
            assert await dead.claim(key, 60) == "new"
        assert await dead.begin("sending", 60)
        assert await dead.begin("answered", 60)
        await dead.finish("answered")
        assert await one.claim("waiting", 60) == "busy"
        assert await one.claim("answered", 60) == "known"
        await asyncio.sleep(1.2)  # no sign of life from `dead`
        assert await one.claim("waiting", 60) == "new"
        assert not await dead.begin("waiting", 60)
        assert await two.claim("sending", 60) == "known"
        await one.pulse()
        counted = [await two.pulse(), await one.pulse()]
        assert sum(counted) in (0, 2)  # `one` may have counted in its first pulse
        await one.finish("waiting")
        for each in (dead, one, two):
            await each.close()

    asyncio.run(scenario())


def test_what_a_dead_server_left_is_counted_once(
    redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By whichever server looks first."""
    monkeypatch.setattr(store, "ALIVE", 1)

    async def scenario() -> None:
        dead, one, two = (RedisStore(redis, "left:") for _ in range(3))
        await dead.pulse()
        for key in "abc":
            await dead.claim(key, 60)
        await dead.finish("c")
        assert await one.pulse() == 0
        await asyncio.sleep(1.2)
        assert [await one.pulse(), await two.pulse(), await one.pulse()] == [2, 0, 0]
        for each in (dead, one, two):
            await each.close()

    asyncio.run(scenario())


def test_memory_is_bounded() -> None:
    """A flood pushes out what is oldest, and takes no more room."""

    async def scenario() -> None:
        one = MemoryStore(most=100)
        for number in range(1000):
            await one.claim(str(number), 60)
            await one.write(str(number), "x", 60)
        assert len(one._claims) <= 100
        assert len(one._talks) <= 100
        assert await one.claim("999", 60) == "known"
        assert await one.claim("0", 60) == "new"

    asyncio.run(scenario())


def test_keys_say_nothing_without_the_secret() -> None:
    """Equal under one secret, different under another, never the id itself."""
    one, again, other = Hasher("a" * 40), Hasher("a" * 40), Hasher("b" * 40)
    number = "+4915112345678"
    assert one.key("sender", number) == again.key("sender", number) != other.key("sender", number)
    assert number not in one.key("sender", number)
    assert Hasher().key(number) != Hasher().key(number)
    assert one.key("ab", "c") != one.key("a", "bc")
