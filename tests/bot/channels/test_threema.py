"""What only Threema has: types of messages, by their numbers in its apps."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bot.channels.conftest import WORDS, house
from tests.bot.channels.kits import Delivery, ThreemaKit
from tests.bot.channels.peers import threema


def delivery(kit: ThreemaKit, kind: int) -> Delivery:
    plain = threema.padded(kind, b"0" * 40)
    return Delivery(threema.callback(kit.phone, plain, "0123456789abcdef"))


@pytest.mark.parametrize(
    "kind",
    [0x18, 0x41, 0x4A, 0x80, 0x82, 0x90, 0x92],
    ids=["picture of a profile", "group", "new group", "receipt", "reaction", "typing", "deleted"],
)
def test_what_nobody_wrote_to_us_gets_no_answer(difficult: Path, kind: int) -> None:
    """And costs no credit."""
    kit = ThreemaKit()
    with house(kit, difficult) as found:
        found.post(delivery(kit, kind))
        assert found.settled(1)["ignored"] == 1
        assert found.said() == []


def test_an_edited_message_gets_its_sentence(difficult: Path) -> None:
    """As on every channel."""
    kit = ThreemaKit()
    with house(kit, difficult) as found:
        found.post(delivery(kit, 0x91))
        found.settled(1)
        assert WORDS.kind_edited in " ".join(found.said())
