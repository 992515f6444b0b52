"""The Graph API's limits for Messenger and WhatsApp, and how their apps read `*bold*`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

STYLED = re.compile(r"(?<!\w)([*_~`])(?=\S)([^\n]+?)(?<=\S)\1(?!\w)")


def shown(text: str) -> str:
    """What people read: styles are taken away, hair spaces unseen."""
    before = None
    while before != text:
        before, text = text, STYLED.sub(r"\2", text)
    return text.replace("\u200a", "")  # as thin as a hair


def _length(text: Any) -> int:
    return len(text.encode("utf-16-le")) // 2 if isinstance(text, str) else 0


def messenger(path: str, payload: Mapping[str, Any], headers: Mapping[str, str]) -> str | None:
    """(#100) and its like."""
    if path != "/me/messages" or not headers.get("authorization", "").startswith("Bearer "):
        return "unknown path or no token"
    message = payload.get("message", {})
    if payload.get("messaging_type") != "RESPONSE" or not payload["recipient"].get("id"):
        return "messaging_type or recipient is missing"
    if not 1 <= _length(message.get("text")) <= 2000:
        return "message text must be between 1 and 2000 characters"
    replies = message.get("quick_replies", [])
    if "quick_replies" in message and not 1 <= len(replies) <= 13:
        return "quick_replies: 1 to 13"
    for reply in replies:
        if not 1 <= _length(reply["title"]) <= 20 or not 1 <= _length(reply["payload"]) <= 1000:
            return "quick reply too long"
    return None


def whatsapp(path: str, payload: Mapping[str, Any], headers: Mapping[str, str]) -> str | None:
    """(#131009) and its like."""
    if not re.fullmatch(r"/\d+/messages", path) or payload.get("messaging_product") != "whatsapp":
        return "unknown path or product"
    if not headers.get("authorization", "").startswith("Bearer "):
        return "no token"
    if not re.fullmatch(r"\d+", payload.get("to", "")) and not re.fullmatch(
        r"[A-Z]{2}\.[A-Za-z0-9.]+", payload.get("recipient", "")
    ):
        return "neither a number nor a user id"
    if payload["type"] == "text":
        return None if 1 <= _length(payload["text"]["body"]) <= 4096 else "text: 1 to 4096"
    interactive = payload["interactive"]
    if not 1 <= _length(interactive["body"]["text"]) <= 1024:
        return "body text: 1 to 1024"
    return _buttons(interactive) if interactive["type"] == "button" else _rows(interactive)


def _buttons(interactive: Mapping[str, Any]) -> str | None:
    buttons = [b["reply"] for b in interactive["action"]["buttons"]]
    if not 1 <= len(buttons) <= 3 or len({b["title"] for b in buttons}) != len(buttons):
        return "buttons: 1 to 3, different"
    fit = all(1 <= _length(b["title"]) <= 20 and 1 <= len(b["id"]) <= 256 for b in buttons)
    return None if fit else "button title: 1 to 20"


def _rows(interactive: Mapping[str, Any]) -> str | None:
    action = interactive["action"]
    rows = [row for section in action["sections"] for row in section["rows"]]
    if not 1 <= len(rows) <= 10 or not 1 <= _length(action["button"]) <= 20:
        return "rows: 1 to 10"
    if len({row["id"] for row in rows}) != len(rows):
        return "row ids must differ"
    for row in rows:
        if not 1 <= _length(row["title"]) <= 24 or _length(row.get("description", "")) > 72:
            return "row too long"
    return None
