from __future__ import annotations

import gc
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from bench import small
from bench.small import Chapter
from bot.app import create_app
from bot.channels.base import Said
from bot.channels.wiring import Desk
from bot.errors import TooMany
from bot.limits import RateLimit, Window
from bot.messages import Question
from bot.settings import Settings
from bot.wording import wording


def test_each_client_is_counted_alone() -> None:
    """One who asks much takes nothing from another."""
    limit = RateLimit("2/minute")
    for _ in range(2):
        limit.check("192.0.2.1")
    with pytest.raises(TooMany) as refused:
        limit.check("192.0.2.1")
    assert 1 <= refused.value.wait <= 60
    limit.check("192.0.2.2")


def test_who_changes_addresses_within_a_link_is_one_client() -> None:
    """Of IPv6 every device has 2⁶⁴ addresses; a neighbour's link is another client."""
    limit = RateLimit("2/minute")
    limit.check("2001:db8:0:1::1")
    limit.check("2001:db8:0:1:ffff::2")
    with pytest.raises(TooMany):
        limit.check("2001:db8:0:1:1234:5678:9abc:def0")
    limit.check("2001:db8:0:2::1")


def test_no_limit_lets_everything_pass() -> None:
    """An empty rate is none."""
    limit = RateLimit("")
    for _ in range(1000):
        limit.check("192.0.2.1")


def test_addresses_are_kept_only_as_keyed_hashes() -> None:
    """Nothing in the limiter's memory is or contains the address, and two servers hash
    differently.
    """
    address = "203.0.113.77"
    stores = [MemoryStorage(), MemoryStorage()]
    for store in stores:
        RateLimit("5/minute", Window(SlidingWindowCounterRateLimiter(store))).check(address)
    keys = [set(map(str, store.storage)) for store in stores]
    assert all(keys)
    assert not keys[0] & keys[1]
    assert not any(address in key for key in keys[0] | keys[1])
    gc.collect()


@pytest.mark.parametrize("language", ["de", "en"])
def test_a_programme_that_is_asked_too_much_says_so(tmp_path: Path, language: str) -> None:
    """Whoever asks, everywhere, in their language: they are not told that it was they who asked
    too often. The others' programmes answer.
    """
    for slug in ("rot", "blau"):
        small.write(tmp_path, slug, [Chapter("Verkehr", ["Wir bauen Radwege in der Stadt."])])
    app = create_app(Settings(index=tmp_path, programme_rate_limit="1/minute"))
    client, said = TestClient(app), wording(language).errors.programme_busy
    body = {"message": "Radwege?", "programme": "rot", "language": language}
    assert client.post("/api/chat", json=body).status_code == 200
    refused = client.post("/api/chat", json=body)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 120
    assert refused.json()["detail"] == said
    page = client.post(f"/p/rot?sprache={language}", data={"message": "Radwege?"})
    assert (page.status_code, said in page.text) == (429, True)
    frame = client.post("/p/rot/einbetten", data={"message": "Radwege?"})
    assert frame.status_code == 429
    for answer in (page, frame):
        assert int(answer.headers["retry-after"]) >= 1
    with pytest.raises(Said, match=re.escape(said)):
        Desk(app.state.fundstelle).ask(Question("Radwege?", language), "rot", "somebody")
    assert client.post("/api/chat", json={**body, "programme": "blau"}).status_code == 200
