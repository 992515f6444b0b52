"""The Bot API's limits, as core.telegram.org/bots/api states them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

from starlette.responses import JSONResponse, Response

TAGS = {"b", "strong", "i", "em", "u", "s", "a", "code", "pre", "blockquote", "tg-spoiler"}
ENTITIES = {"lt", "gt", "amp", "quot"}  # the only named ones it knows


class _Reader(HTMLParser):
    """As strict as Telegram: unknown tags, wrong order and bare signs are errors."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.open: list[str] = []
        self.text, self.wrong = "", ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS or (attrs and tag != "a"):
            self.wrong = f"can't parse entities: unsupported start tag {tag}"
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong = f"can't parse entities: unmatched end tag {tag}"

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_entityref(self, name: str) -> None:
        self.wrong = self.wrong or ("" if name in ENTITIES else f"can't parse entities: &{name};")
        self.text += {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}.get(name, "")

    def handle_charref(self, name: str) -> None:
        self.text += chr(int(name[1:], 16) if name.startswith("x") else int(name))


def shown(text: str) -> str:
    """What people read. Raises ValueError with Telegram's complaint."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    if reader.wrong or reader.open:
        raise ValueError(reader.wrong or "can't parse entities: missing end tag")
    if "<" in re.sub(r"<[^<>]+>", "", text):
        raise ValueError("can't parse entities: bare <")
    return reader.text


def _text(text: Any, mode: Any) -> str | None:
    if not isinstance(text, str):
        return "message text is empty"
    try:
        seen = shown(text) if mode == "HTML" else text
    except ValueError as error:
        return str(error)
    if not seen.strip():
        return "message text is empty"
    return "message is too long" if len(seen.encode("utf-16-le")) // 2 > 4096 else None


def _keyboard(markup: Mapping[str, Any]) -> str | None:
    for row in markup["inline_keyboard"]:
        if not row or len(row) > 8:
            return "BUTTON_ROW_INVALID"
        for button in row:
            kinds = {"callback_data", "url"} & set(button)
            if len(kinds) != 1 or not button.get("text"):
                return "BUTTON_INVALID"
            if "callback_data" in button and not 1 <= len(button["callback_data"].encode()) <= 64:
                return "BUTTON_DATA_INVALID"
            if "url" in button and not re.match(r"https?://(?!localhost)[^\s/]+\.", button["url"]):
                return "BUTTON_URL_INVALID"
    return None


def refusal(method: str, payload: Mapping[str, Any]) -> str | None:
    """What Telegram would say against a call."""
    if method == "sendMessage":
        if not isinstance(payload.get("chat_id"), int):
            return "chat_id is empty"
        wrong = _text(payload.get("text"), payload.get("parse_mode"))
        markup = payload.get("reply_markup")
        return wrong or (_keyboard(markup) if markup else None)
    if method == "answerCallbackQuery":
        return None if payload.get("callback_query_id") else "QUERY_ID_INVALID"
    if method == "answerInlineQuery":
        return _inline(payload)
    known = {"getMe", "setWebhook", "setMyCommands", "getWebhookInfo", "deleteWebhook"}
    return None if method in known else "Not Found"


def _inline(payload: Mapping[str, Any]) -> str | None:
    results = payload["results"]
    if len(results) > 50 or len({r["id"] for r in results}) != len(results):
        return "RESULTS_TOO_MUCH"
    for result in results:
        if not 1 <= len(result["id"].encode()) <= 64:
            return "RESULT_ID_INVALID"
        if result["type"] != "article" or not result.get("title"):
            return "ARTICLE_TITLE_EMPTY"
        content = result["input_message_content"]
        if wrong := _text(content.get("message_text"), content.get("parse_mode")):
            return wrong
    return None


def ok(path: str) -> Response:
    """What the methods of setting up return; the others' results nobody reads."""
    results = {"getMe": {"id": 4711, "is_bot": True, "username": "FragBot"},
               "getWebhookInfo": {"pending_update_count": 0}}  # fmt: skip
    return JSONResponse({"ok": True, "result": results.get(path.rsplit("/", 1)[1], True)})


def check(token: str) -> Any:
    """For Peer."""

    def wrong(path: str, payload: Mapping[str, Any], headers: Mapping[str, str]) -> str | None:
        prefix = f"/bot{token}/"
        if not path.startswith(prefix):
            return "Unauthorized"
        return refusal(path.removeprefix(prefix), payload)

    return wrong
