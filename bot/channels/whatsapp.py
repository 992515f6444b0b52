"""WhatsApp: the Cloud API by Meta's webhook. See `meta` for signature and policy."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
from bot.channels.conversation import say
from bot.channels.meta import API, Meta, checked
from bot.channels.text import Style, shorten, texts, unmarked, utf16

BUTTONS, TITLE = 3, 20
ROWS, ROW_TITLE, ROW_TEXT = 10, 24, 72
STYLE = Style(limit=4096, measure=utf16, text=unmarked, key="*{}*".format)
WITH_BUTTONS = replace(STYLE, limit=1024)
SILENT = ("revoke", "reaction", "system", "ephemeral", "request_welcome")


def make(values: Mapping[str, str]) -> WhatsApp:
    """From FUNDSTELLE_WHATSAPP_*. Raises ValueError naming the setting."""
    checked(values)
    if not re.fullmatch(r"[0-9]+", values["PHONE_ID"]):
        raise ValueError("PHONE_ID: not the number's id (digits)")
    return WhatsApp(
        values["SECRET"], values["TOKEN"], values["VERIFY_TOKEN"], values["PHONE_ID"],
        values.get("API", API),
    )  # fmt: skip


@dataclass(frozen=True)
class WhatsApp(Meta):
    """A business number; `path` is its id."""

    name: str = "whatsapp"

    def parse(self, received: Received) -> Sequence[Incoming]:
        """Every message of every change of every entry: Meta batches. Receipts are none."""
        body = parsed(received.body)
        if not isinstance(body, dict):
            raise Malformed
        if body.get("object") != "whatsapp_business_account":
            return ()  # another product of the same app; sent again for days if it were refused
        values = [
            inner(change, "value")
            for entry in listed(body, "entry")
            for change in listed(entry, "changes")
        ]
        ours = [v for v in values if word(inner(v, "metadata"), "phone_number_id") == self.path]
        messages = [m for value in ours for m in listed(value, "messages")]
        return [message for m in messages if (message := _message(m))]

    def render(self, reply: Reply, incoming: Incoming) -> Sequence[Outgoing]:
        """Texts; what can be pressed below the last, or by itself where that is too long."""
        action = _action(reply)
        if action is None:
            return [_text(incoming, t) for t in texts(reply, STYLE)]
        whole = texts(reply, WITH_BUTTONS, numbered=False)
        if len(whole) == 1:
            return [_pressable(incoming, whole[0], action)]
        below = Reply(after=reply.after or reply.before[-1:] or ("…",))
        above = texts(replace(reply, after=(), choices=()), STYLE, numbered=False)
        *others, last = texts(below, WITH_BUTTONS)
        return [
            *(_text(incoming, t) for t in (*above, *others)), _pressable(incoming, last, action)
        ]  # fmt: skip


def _message(message: dict[str, Any]) -> Incoming | None:
    kind = word(message, "type")
    # Who has a username keeps the number secret; then there is an id that is good for us alone.
    sender = word(message, "from") or word(message, "from_user_id")
    if not sender or not word(message, "id") or kind in SILENT:
        return None
    at = seconds(word(message, "timestamp"))
    if kind == "edit":
        return Incoming(word(message, "id"), sender, "", {}, "edited", at)
    pressed = inner(message, "interactive", "button_reply") or inner(
        message, "interactive", "list_reply"
    )
    text = (
        word(inner(message, "text"), "body")
        or word(pressed, "id")
        or word(inner(message, "button"), "payload")
    )
    return Incoming(
        word(message, "id"), sender, text, {}, "text" if text else "other",
        at,
    )  # fmt: skip


def _action(reply: Reply) -> dict[str, Any] | None:
    """Up to three buttons, else a list; None where nothing can be pressed."""
    buttons = [b for b in (*reply.choices, *reply.buttons) if b.say]
    if not buttons:
        return None
    if not reply.choices and len(buttons) <= BUTTONS:
        return {
            "type": "button",
            "action": {"buttons": [
                {"type": "reply", "reply": {"id": b.say, "title": shorten(b.label, TITLE)}}
                for b in buttons
            ]},
        }  # fmt: skip
    rows = [_row(number, b.say, b.label) for number, b in enumerate(buttons[:ROWS], 1)]
    choose = shorten(say(reply.language, "button_choose"), TITLE)
    return {"type": "list", "action": {"button": choose, "sections": [{"rows": rows}]}}


def _row(number: int, said: str, label: str) -> dict[str, str]:
    title = shorten(f"{number} {label}", ROW_TITLE)
    return {"id": said, "title": title, "description": shorten(label, ROW_TEXT)}


def _text(incoming: Incoming, text: str) -> Outgoing:
    return _outgoing(incoming, {"type": "text", "text": {"body": text, "preview_url": False}})


def _pressable(incoming: Incoming, text: str, action: dict[str, Any]) -> Outgoing:
    interactive = {"body": {"text": text}, **action}
    return _outgoing(incoming, {"type": "interactive", "interactive": interactive})


def _outgoing(incoming: Incoming, content: dict[str, Any]) -> Outgoing:
    common = {"messaging_product": "whatsapp", "recipient_type": "individual"}
    to = "to" if incoming.sender.isdecimal() else "recipient"
    return Outgoing("messages", {**common, to: incoming.sender, **content})
