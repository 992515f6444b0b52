"""What only Threema has: types of messages, by their numbers in its apps."""

from __future__ import annotations

import time
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

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


@pytest.mark.parametrize(
    ("left", "right"), [("messageId", "date"), ("date", "nonce"), ("nonce", "box")]
)
def test_a_message_is_not_another_one_by_a_border_that_is_moved(
    difficult: Path, left: str, right: str
) -> None:
    """The gateway signs the fields with nothing between, so each must have its length: else who has
    overheard a message could have it answered again, and for ever.
    """
    kit = ThreemaKit()
    with house(kit, difficult) as found:
        heard = kit.message("Radwege?")
        form = dict(parse_qsl(heard.body.decode()))
        form[left], form[right] = form[left][:-1], form[left][-1] + form[right]
        moved = Delivery(urlencode(form).encode(), heard.headers)
        assert [found.post(d).status_code for d in (heard, moved)] == [200, 403]


def test_a_message_from_the_future_is_refused(difficult: Path) -> None:
    """It would be good for longer than it is remembered."""
    kit = ThreemaKit()
    with house(kit, difficult) as found:
        later = {n: kit.message("Radwege?", str(n), at=time.time() + n) for n in (60, 3600)}
        assert [found.post(d).status_code for d in later.values()] == [200, 400]
