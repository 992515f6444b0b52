"""signal-cli-rest-api: sending with its limits, and how its styled mode reads a text.

The oldest parser that is around, without any escape: it takes every mark away
(src/utils/textstyleparser.go, first version).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any


def shown(message: Mapping[str, Any]) -> str:
    """What people read."""
    text = str(message["message"])
    if message.get("text_mode") != "styled":
        return text
    return "".join(sign for sign in text if sign not in "*`~|")


def _known(recipient: str) -> bool:
    """A number, an account's UUID, or a group of 32 bytes, encoded twice (getRecipientType)."""
    if not recipient.startswith("group."):
        return bool(re.fullmatch(r"\+[0-9]+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", recipient))
    once = base64.b64decode(recipient.removeprefix("group."), validate=True)
    return len(base64.b64decode(once, validate=True)) == 32


def check(path: str, payload: Mapping[str, Any], headers: Mapping[str, str]) -> str | None:
    """Above 2,000 bytes the text would become an attachment."""
    if path != "/v2/send":
        return "404 page not found"
    recipients = payload.get("recipients", [])
    if not payload.get("number", "").startswith("+") or not recipients:
        return "Please provide a valid number and recipients"
    if not all(map(_known, recipients)):
        return "Invalid identifier"
    if not 1 <= len(payload.get("message", "").encode()) <= 2000:
        return "message too long"
    return None if payload.get("text_mode") in (None, "normal", "styled") else "text_mode unknown"
