"""Calling again, and when: against a real server that refuses."""

from __future__ import annotations

import asyncio

import pytest

from bot.channels.client import Client, Undeliverable
from tests.bot.channels.peers.server import Fault, Peer, running


def call(*faults: Fault) -> tuple[list[float], int]:
    """The waits between the calls of one message, and how many calls there were."""
    peer, waits = Peer(lambda path, payload, headers: None), []
    peer.faults = list(faults)

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    async def post(url: str) -> None:
        client = Client(5.0, wait)
        try:
            await client.post(url, json={})
        finally:
            await client.close()

    with running(peer) as url:
        asyncio.run(post(url))
    return waits, peer.calls


@pytest.mark.parametrize("code", [4, 613, 80007, 130429, 131056])
@pytest.mark.parametrize("status", [400, 429])
def test_the_graph_api_says_too_many_in_its_own_way(code: int, status: int) -> None:
    """By a code, whatever the status; Meta advises to wait 4^n seconds."""
    busy = Fault(status, {"error": {"code": code, "message": "Rate limit hit"}})
    assert call(busy, busy) == ([1.0, 4.0], 3)


def test_its_other_errors_are_final() -> None:
    """A window that is over, a number that is no WhatsApp."""
    with pytest.raises(Undeliverable, match="400"):
        call(Fault(400, {"error": {"code": 131047}}))


def test_nobody_waits_longer_than_a_minute() -> None:
    """Telegram may say an hour."""
    with pytest.raises(Undeliverable, match="429"):
        call(Fault(429, {"parameters": {"retry_after": 3600}}))
