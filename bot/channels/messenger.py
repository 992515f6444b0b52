"""Messenger: a page's messages by Meta's webhook. See `meta` for signature and policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.channels.base import (
    Incoming,
    Malformed,
    Outgoing,
    Received,
    Reply,
    inner,
    listed,
    parsed,
    seconds,
    word,
)
from bot.channels.meta import API, Meta, checked
from bot.channels.text import Style, shorten, texts, unmarked, utf16

REPLIES, TITLE = 13, 20  # quick replies; letters of one
STYLE = Style(limit=2000, measure=utf16, text=unmarked, key="*{}*".format)


def make(values: Mapping[str, str]) -> Messenger:
    """From FUNDSTELLE_MESSENGER_*. Raises ValueError naming the setting."""
    checked(values)
    return Messenger(
        values["SECRET"], values["TOKEN"], values["VERIFY_TOKEN"], "me", values.get("API", API)
    )


@dataclass(frozen=True)
class Messenger(Meta):
    """A page."""

    name: str = "messenger"

    def parse(self, received: Received) -> Sequence[Incoming]:
        """Every event of every entry: Meta batches."""
        body = parsed(received.body)
        if not isinstance(body, dict):
            raise Malformed
        if body.get("object") != "page":
            return ()  # another product of the same app; sent again for days if it were refused
        events = [e for entry in listed(body, "entry") for e in listed(entry, "messaging")]
        return [message for event in events if (message := _message(event))]

    def render(self, reply: Reply, incoming: Incoming) -> Sequence[Outgoing]:
        """Texts, quick replies below the last."""
        messages: list[dict[str, Any]] = [{"text": text} for text in texts(reply, STYLE)]
        pressed = [*reply.choices, *(b for b in reply.buttons if b.say)][:REPLIES]
        if pressed:
            messages[-1]["quick_replies"] = [
                {"content_type": "text", "title": shorten(b.label, TITLE), "payload": b.say}
                for b in pressed
            ]
        return [
            Outgoing("messages", {"recipient": {"id": incoming.sender},
                                  "messaging_type": "RESPONSE", "message": message})
            for message in messages
        ]  # fmt: skip


def _message(event: dict[str, Any]) -> Incoming | None:
    """None for echoes, receipts, reactions, deletions."""
    sender, at = word(inner(event, "sender"), "id"), seconds(word(event, "timestamp"), 1000)
    postback, message = inner(event, "postback"), inner(event, "message")
    if postback:
        number = word(postback, "mid") or f"{sender}:{word(event, 'timestamp')}"
        return Incoming(number, sender, word(postback, "payload"), {}, at=at)
    if edited := inner(event, "message_edit"):
        return Incoming(
            f"{word(edited, 'mid')}:{word(edited, 'num_edit')}", sender, "", {}, "edited", at
        )
    if not sender or not word(message, "mid") or message.get("is_echo"):
        return None
    if message.get("is_deleted"):
        return None
    text = word(inner(message, "quick_reply"), "payload") or word(message, "text")
    return Incoming(word(message, "mid"), sender, text, {}, "text" if text else "other", at)
