from __future__ import annotations

import gc

import pytest

from bot.errors import TooMany
from bot.limits import RateLimit


def test_each_client_is_counted_alone() -> None:
    """One who asks much takes nothing from another."""
    limit = RateLimit("2/minute")
    for _ in range(2):
        limit.check("192.0.2.1")
    with pytest.raises(TooMany) as refused:
        limit.check("192.0.2.1")
    assert 1 <= refused.value.wait <= 60
    limit.check("192.0.2.2")


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
    one, other = RateLimit("5/minute"), RateLimit("5/minute")
    for limit in (one, other):
        limit.check(address)
    keys = [set(map(str, limit._limiter.storage.storage)) for limit in (one, other)]
    assert all(keys)
    assert not keys[0] & keys[1]
    assert not any(address in key for key in keys[0] | keys[1])
    gc.collect()
