"""What WhatsApp shows, beside pywa's types: the same objects from their side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pywa import WhatsApp as Pywa
from pywa._helpers import resolve_recipient
from pywa.types import Button as PywaButton
from pywa.types import Message, Section, SectionList, SectionRow

from bot.channels.base import Button, Incoming, Quote, Received, Reply
from bot.channels.whatsapp import WhatsApp
from tests.bot.channels.forging import opened
from tests.bot.channels.kits import PHONE_ID, WhatsAppKit
from tests.bot.channels.peers import graph

PAYLOADS = Path(__file__).parent / "payloads" / "whatsapp"
OURS = WhatsApp("s", "t", "v", PHONE_ID)
TO = Incoming("1", "16505551234", "", {})
HEADERS = {"authorization": "Bearer t"}
QUOTE = Quote("Wir bauen Radwege.", (0, 18), "Verkehr, S. 3", "https://frag.example.org/p/x")


def calls(reply: Reply) -> list[dict[str, Any]]:
    found = [dict(call.payload) for call in OURS.render(reply, TO)]
    for call in found:
        assert graph.whatsapp(f"/{PHONE_ID}/messages", call, HEADERS) is None
    return found


def test_buttons_are_pywas_buttons() -> None:
    """The same JSON from its types."""
    buttons = (Button("Mehr", say="mehr"), Button("Im Programm lesen", url="https://x.example"),
               Button("Weitere Fragen", say="fragen"))  # fmt: skip
    (call,) = calls(Reply(("Dazu:",), (QUOTE,), ("…",), (), buttons))
    theirs = [
        PywaButton("Mehr", "mehr").to_dict(),
        PywaButton("Weitere Fragen", "fragen").to_dict(),
    ]
    assert call["interactive"]["action"]["buttons"] == theirs
    assert call["interactive"]["type"] == PywaButton._interactive_type.value if hasattr(
        PywaButton, "_interactive_type"
    ) else True  # fmt: skip


def test_choices_are_pywas_list() -> None:
    """Rows with numbers, cut to what fits."""
    labels = ["Radwege", "Ein sehr langer Titel eines Programms, das niemand so nennt " * 2]
    choices = tuple(Button(label, say=f"#{n}") for n, label in enumerate(labels))
    (call,) = calls(Reply(("Welches?",), choices=choices))
    action = json.loads(json.dumps(call["interactive"]["action"]))
    rows = [SectionRow(r["title"], r["id"], r["description"]) for s in action["sections"]
            for r in s["rows"]]  # fmt: skip
    theirs = SectionList("Auswählen", [Section(None, rows)]).to_dict()
    theirs["sections"] = [{k: list(v) for k, v in s.items() if v} for s in theirs["sections"]]
    assert action == json.loads(json.dumps(theirs))


@pytest.mark.parametrize("length", [1, 900, 1100, 4200, 9000])
@pytest.mark.parametrize("number", [0, 1, 3, 4, 30])
def test_whatever_is_rendered_is_taken(length: int, number: int) -> None:
    """Any length, any number of things to press."""
    word = "🚲" * 9
    choices = tuple(Button(word * 9, say=f"#{n:08x}") for n in range(number))
    quote = Quote("Satz. " * (length // 6 + 1), (0, 5), "Verkehr " * 40, "https://x.example/")
    calls(Reply((word,), (quote,), (word,), choices, (Button("Mehr", say="mehr"),)))


def test_who_keeps_the_number_secret_is_answered_by_id() -> None:
    """Since usernames there are people without a number (Meta's "business-scoped user IDs")."""
    body = (PAYLOADS / "username.json").read_bytes()
    (ours,) = opened(WhatsAppKit()).parse(Received("POST", {}, {}, body, "127.0.0.1"))
    theirs = Message.from_update(Pywa(token="t", phone_id=PHONE_ID), json.loads(body))
    assert ours.sender == theirs.from_user.bsuid == "US.13491208655302741918"
    (call,) = OURS.render(Reply(("Ja.",)), ours)
    assert graph.whatsapp(f"/{PHONE_ID}/messages", call.payload, HEADERS) is None
    expected, _ = resolve_recipient(theirs.from_user.bsuid)
    for name in ("to", "recipient", "recipient_type"):
        assert call.payload.get(name) == expected[name]


@pytest.mark.parametrize("name", ["text", "image", "location", "unsupported"])
def test_examples_are_messages_for_pywa_too(name: str) -> None:
    """So that they are no invention of ours; sender and id are the same."""
    body = (PAYLOADS / f"{name}.json").read_bytes()
    theirs = Message.from_update(Pywa(token="t", phone_id=PHONE_ID), json.loads(body))
    request = Received("POST", {}, {}, body, "127.0.0.1")
    (ours,) = opened(WhatsAppKit()).parse(request)
    assert (ours.id, ours.sender) == (theirs.id, theirs.from_user.wa_id)
    assert ours.text == (theirs.text or "")
    assert ours.at == theirs.timestamp.timestamp()
