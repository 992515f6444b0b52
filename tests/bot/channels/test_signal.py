"""What only Signal has: groups by their doubly encoded id."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.bot.channels.conftest import house
from tests.bot.channels.kits import Delivery, SignalKit

PAYLOADS = Path(__file__).parent / "payloads" / "signal"


@pytest.mark.parametrize("name", ["group_mention", "group_reply"])
def test_a_group_is_answered_when_it_asks(difficult: Path, name: str) -> None:
    """Where somebody mentions us or quotes one of our messages; everybody sees the answer."""
    body = json.loads((PAYLOADS / f"{name}.json").read_text(encoding="utf-8"))
    body["envelope"]["dataMessage"]["timestamp"] = int(time.time() * 1000)
    with house(SignalKit(), difficult) as found:
        assert found.post(Delivery(json.dumps(body).encode())).status_code == 200
        assert found.settled(1)["answered"] == 1
        (recipient,) = found.peer.accepted[0][1]["recipients"]
    assert recipient.startswith("group.")
    assert not found.peer.refused
