"""signal-cli-rest-api: sending with its limits, and how its styled mode reads a text.

The oldest parser that is around, without any escape: it takes every mark away
(src/utils/textstyleparser.go, first version).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def shown(message: Mapping[str, Any]) -> str:
    """What people read."""
    text = str(message["message"])
    if message.get("text_mode") != "styled":
        return text
    return "".join(sign for sign in text if sign not in "*`~|")


def check(path: str, payload: Mapping[str, Any], headers: Mapping[str, str]) -> str | None:
    """Above 2,000 bytes the text would become an attachment."""
    if path != "/v2/send":
        return "404 page not found"
    if not payload.get("number", "").startswith("+") or not payload.get("recipients"):
        return "Please provide a valid number and recipients"
    if not 1 <= len(payload.get("message", "").encode()) <= 2000:
        return "message too long"
    return None if payload.get("text_mode") in (None, "normal", "styled") else "text_mode unknown"
