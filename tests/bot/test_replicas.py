"""What servers share through a real Redis, and what is left when it dies."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from redis import Redis

from bench import small
from bench.small import Chapter
from bot import replicas
from bot.app import create_app
from bot.settings import Settings
from tests.redises import RedisServer

ADDRESS = "203.0.113.77"
Servers = Callable[..., list[TestClient]]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("index")
    for slug in ("rot", "blau"):
        small.write(root, slug, [Chapter("Verkehr", ["Wir bauen Radwege in der Stadt."])])
    return root


@pytest.fixture
def two(index: Path, own_redis: RedisServer) -> Iterator[Servers]:
    """Two servers with one Redis."""
    with ExitStack() as stack:

        def made(**settings: str) -> list[TestClient]:
            shared = Settings(index, redis=own_redis.url, secret="s" * 40, **settings)  # type: ignore[arg-type]
            return [
                stack.enter_context(TestClient(create_app(shared), client=(ADDRESS, 50000)))
                for _ in range(2)
            ]

        yield made


def ask(client: TestClient, programme: str = "rot") -> int:
    body = {"message": "Radwege?", "programme": programme}
    return client.post("/api/chat", json=body).status_code


def up(client: TestClient) -> bool:
    return "fundstelle_redis_up 1.0" in client.get("/metrics").text


def wait(there: Callable[[], bool], seconds: float = 5) -> None:
    until = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_client_is_counted_by_all_servers_together(two: Servers, own_redis: RedisServer) -> None:
    """However it is spread over them; and Redis never hears who it is."""
    one, other = two(rate_limit="4/minute")
    assert [ask(client) for client in (one, other, other, one)] == [200] * 4
    assert [ask(one), ask(other)] == [429, 429]
    with Redis.from_url(own_redis.url) as redis:
        stored = [key.decode() for key in redis.scan_iter()]
        assert len(stored) == 1
        assert stored[0].startswith("fundstelle:limits:")
        assert ADDRESS not in repr([(key, redis.get(key)) for key in stored])
        assert 0 < redis.pttl(stored[0]) <= 120_000  # two windows


def test_a_programme_is_limited_for_everybody_together(two: Servers) -> None:
    """On all servers, by chat, search and comparison; the others' questions are not touched."""
    one, other = two(rate_limit="", programme_rate_limit="3/minute")
    assert ask(one) == 200
    assert other.get("/api/search", params={"q": "Rad", "programme": "rot"}).status_code == 200
    assert one.get("/api/compare", params={"q": "Rad"}).status_code == 200
    assert ask(other) == 429
    assert other.get("/api/compare", params={"q": "Rad", "programmes": "rot"}).status_code == 429
    assert [ask(other, "blau") for _ in range(3)] == [200, 200, 429]


def test_without_redis_each_server_counts_alone_and_nobody_waits(
    two: Servers, own_redis: RedisServer, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """No error; a line in the log and a metric, once; and counted together when it is back, with
    no help.
    """
    monkeypatch.setattr(replicas, "PROBE", 0.1)
    caplog.set_level(logging.INFO)
    one, other = two(rate_limit="4/minute")
    assert [ask(one) for _ in range(4)] == [200] * 4
    assert ask(other) == 429
    own_redis.kill()
    answers = {client: [ask(client) for _ in range(6)] for client in (one, other)}
    assert list(answers.values()) == [[200] * 4 + [429] * 2] * 2
    assert not up(one)
    own_redis.start()
    wait(lambda: up(one) and up(other))
    assert [ask(client) for client in (one, other, one, other)] == [200] * 4
    assert ask(one) == 429
    said = [r.getMessage() for r in caplog.records if r.name == "bot.replicas"]
    assert len([line for line in said if "counts limits alone" in line]) == 2  # two servers
    assert len([line for line in said if "Redis is back" in line]) == 2
    assert ADDRESS not in "".join(said)


@pytest.mark.alone
def test_a_redis_that_hangs_costs_one_question_a_moment(
    two: Servers, own_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not asked again for each question, only by the thread that waits for its return."""
    monkeypatch.setattr(replicas, "PROBE", 0.1)
    one, _ = two(rate_limit="1000/minute")
    assert ask(one) == 200
    own_redis.hang()
    began = time.monotonic()
    assert ask(one) == 200
    assert 0.04 < time.monotonic() - began < 0.5
    assert not up(one)
    began = time.monotonic()
    assert [ask(one) for _ in range(20)] == [200] * 20
    assert time.monotonic() - began < 20 * 0.045
    own_redis.resume()
    wait(lambda: up(one))


def test_a_redis_that_cannot_write_is_as_good_as_none(
    two: Servers, own_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its memory is full, say: it answers every PING, and counts nothing."""
    monkeypatch.setattr(replicas, "PROBE", 0.1)
    one, _ = two(rate_limit="4/minute")
    with Redis.from_url(own_redis.url) as redis:
        redis.config_set("maxmemory", "1")
        assert [ask(one) for _ in range(5)] == [200] * 4 + [429]
        time.sleep(0.5)
        assert not up(one)
        redis.config_set("maxmemory", "0")
    wait(lambda: up(one))


def test_a_server_starts_without_redis(index: Path) -> None:
    """It is not needed for any answer."""
    settings = Settings(
        index, rate_limit="2/minute", redis="redis://127.0.0.1:9/0", secret="s" * 40
    )
    with TestClient(create_app(settings)) as client:
        assert [ask(client) for _ in range(3)] == [200, 200, 429]
