from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from bench import small
from bench.small import Chapter
from bot import replicas
from bot.app import create_app
from bot.settings import Settings
from index.announcing import Unheard, announce
from tests.redises import RedisServer

SECRET = "s" * 40


def compile_(root: Path, words: str) -> str:
    return small.write(root, "rot", [Chapter("Verkehr", [f"Wir bauen {words}."])]).version


def version(client: TestClient) -> str:
    return str(client.get("/readyz").json()["programmes"].get("rot", ""))


def within(seconds: float, there: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_all_servers_look_when_they_are_told(
    tmp_path: Path, own_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, though they never look by themselves; and what was said while Redis was away is
    made up for.
    """
    monkeypatch.setattr(replicas, "AGAIN", 0.1)
    compile_(tmp_path, "Radwege")
    settings = Settings(tmp_path, reload_seconds=0, redis=own_redis.url, secret=SECRET)
    with ExitStack() as stack:
        servers = [stack.enter_context(TestClient(create_app(settings))) for _ in range(2)]
        within(5, lambda: announce(own_redis.url) == 2)  # both listen
        new = compile_(tmp_path, "Brücken")
        assert {version(server) for server in servers} != {new}
        assert announce(own_redis.url) == 2
        within(2, lambda: {version(server) for server in servers} == {new})
        own_redis.kill()
        newest = compile_(tmp_path, "Tunnel")
        with pytest.raises(Unheard):
            announce(own_redis.url)
        own_redis.start()
        within(5, lambda: {version(server) for server in servers} == {newest})


def test_without_redis_they_look_by_themselves(tmp_path: Path) -> None:
    """And with one that is not there."""
    compile_(tmp_path, "Radwege")
    for url in ("", "redis://127.0.0.1:9"):
        settings = Settings(tmp_path, reload_seconds=0.1, redis=url, secret=SECRET)
        with TestClient(create_app(settings)) as client:
            new = compile_(tmp_path, f"Brücken{len(url)}")
            within(2, lambda client=client, new=new: version(client) == new)  # type: ignore[misc]


def test_one_look_that_fails_is_not_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever goes wrong in it."""
    app = create_app(Settings(tmp_path, reload_seconds=0.02))
    library, real = app.state.fundstelle.library, app.state.fundstelle.library.refresh
    looks: list[int] = []

    def refresh() -> None:
        looks.append(1)
        if len(looks) == 1:
            raise RuntimeError("Geheimnis")
        real()

    monkeypatch.setattr(library, "refresh", refresh)
    with TestClient(app) as client:
        new = compile_(tmp_path, "Radwege")
        within(2, lambda: version(client) == new)
    assert "looking for new bundles failed: RuntimeError" in caplog.text
    assert "Geheimnis" not in caplog.text


def test_nothing_is_left_running(tmp_path: Path) -> None:
    """When the server has ended."""
    settings = Settings(tmp_path, redis="redis://127.0.0.1:9", secret=SECRET)
    app = create_app(settings)

    async def scenario() -> set[str]:
        before = asyncio.all_tasks()
        async with app.router.lifespan_context(app):
            await asyncio.sleep(0.05)
            assert len(asyncio.all_tasks() - before) == 2
        return {str(task) for task in asyncio.all_tasks() - before}

    assert not asyncio.run(scenario())
