"""Telegram: Bot API by webhook. One message is answered in the webhook's response, more through
the API. `python -m bot.channels.telegram set-webhook` tells Telegram where we are.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.channels.base import (
    Ack,
    Button,
    Incoming,
    Malformed,
    Outgoing,
    Quiet,
    Quote,
    Received,
    Refused,
    Reply,
    inner,
    parsed,
    same,
    seconds,
    word,
)
from bot.channels.client import Client
from bot.channels.text import Style, cut, shorten, texts, utf16, written

API = "https://api.telegram.org"
HEADER = "x-telegram-bot-api-secret-token"
UPDATES = ("message", "edited_message", "callback_query", "inline_query")
RESULTS, LABEL = 5, 40  # inline results; letters of a button
CACHE = 60  # seconds that Telegram may keep an inline result for the same person
# A chat's own news, which nobody wrote.
SERVICE = {"pinned_message", "message_auto_delete_timer_changed", "write_access_allowed"}
SERVICE |= {"chat_background_set", "connected_website"}

_TAG = re.compile(r"<[^>]+>")


def _seen(text: str) -> int:
    """Telegram counts what is left when the entities are read."""
    return utf16(html.unescape(_TAG.sub("", text)))


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)


def _source(citation: str, url: str) -> str:
    cited = f"<i>{_escaped(citation)}</i>"
    return f'<a href="{html.escape(url)}">{cited}</a>' if url else cited


STYLE = Style(
    limit=4096, measure=_seen, text=_escaped, key="<b>{}</b>".format,
    quote="<blockquote>{}</blockquote>".format, source=_source,
)  # fmt: skip


def make(values: Mapping[str, str]) -> Telegram:
    """From FUNDSTELLE_TELEGRAM_*. Raises ValueError naming the setting."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{16,256}", values["SECRET"]):
        raise ValueError("SECRET: 16 to 256 of A-Z a-z 0-9 _ - are needed")
    if not re.fullmatch(r"[0-9]+:[A-Za-z0-9_-]+", values["TOKEN"]):
        raise ValueError("TOKEN: not as @BotFather gives it (numbers:letters)")
    return Telegram(
        values["TOKEN"], values["SECRET"], values["NAME"].lstrip("@"), values.get("API", API)
    )


@dataclass(frozen=True)
class Telegram(Quiet):
    """The bot `bot`, known to people as @`handle`."""

    token: str = field(repr=False)
    secret: str = field(repr=False)
    handle: str
    api: str = API
    name: str = "telegram"
    lifetime: float = 25 * 3600.0  # Telegram keeps updates for 24 hours
    responds: bool = True

    @property
    def bot(self) -> str:
        """The bot's own number."""
        return self.token.partition(":")[0]

    def verify(self, received: Received) -> None:
        """The secret that `set-webhook` told Telegram."""
        if not same(received.headers.get(HEADER, ""), self.secret):
            raise Refused

    def parse(self, received: Received) -> Sequence[Incoming]:
        """An update is one thing of many kinds; those not in UPDATES wait for no answer."""
        update = parsed(received.body)
        if not isinstance(update, dict) or not word(update, "update_id"):
            raise Malformed
        number = word(update, "update_id")
        found = (
            self._message(number, inner(update, "message"), edited=False)
            or self._message(number, inner(update, "edited_message"), edited=True)
            or self._pressed(number, inner(update, "callback_query"))
            or self._typing(number, inner(update, "inline_query"))
        )
        return (found,) if found else ()

    def _message(self, number: str, message: dict[str, Any], edited: bool) -> Incoming | None:
        chat, author = inner(message, "chat"), inner(message, "from")
        if not chat or not author or author.get("is_bot") or message.get("via_bot"):
            return None  # bots would talk to each other for ever
        private = chat.get("type") == "private"
        text = word(message, "text")
        if SERVICE & set(message) or edited and not text:
            return None  # a live location is edited every few seconds
        if not private:
            if edited or not self._addressed(message, text):
                return None
            text = self._without_name(text)
        to = {"chat_id": chat.get("id"), "thread": _topic(message)}
        if not private:
            to["reply"] = message.get("message_id")
        return Incoming(
            id=number, sender=f"{word(chat, 'id')}:{word(author, 'id')}", text=text, to=to,
            kind="edited" if edited else "text" if text else "other",
            at=seconds(word(message, "date")),
        )  # fmt: skip

    def _addressed(self, message: dict[str, Any], text: str) -> bool:
        """In a group: a command or a mention that is ours, or a reply to one of our messages."""
        if command := re.match(r"/\w+(?:@(\w+))?", text):
            return command[1] is None or command[1].casefold() == self.handle.casefold()
        if word(inner(message, "reply_to_message", "from"), "id") == self.bot:
            return True
        return bool(self._mention().search(text))

    def _mention(self) -> re.Pattern[str]:
        return re.compile(rf"(?<!\w)@{re.escape(self.handle)}(?!\w)", re.IGNORECASE)

    def _without_name(self, text: str) -> str:
        return " ".join(self._mention().sub(" ", text).split()) or "/hilfe"

    def _pressed(self, number: str, query: dict[str, Any]) -> Incoming | None:
        chat, author = inner(query, "message", "chat"), inner(query, "from")
        if not chat or not word(query, "data"):
            return None
        return Incoming(
            id=number, sender=f"{word(chat, 'id')}:{word(author, 'id')}",
            text=word(query, "data"),
            to={"chat_id": chat.get("id"), "thread": _topic(inner(query, "message")),
                "query": word(query, "id")},
        )  # fmt: skip

    def _typing(self, number: str, query: dict[str, Any]) -> Incoming | None:
        author = word(inner(query, "from"), "id")
        if not word(query, "id"):
            return None
        return Incoming(  # as in the private chat, whose number is the person's
            id=number, sender=f"{author}:{author}", text=word(query, "query"),
            to={"query": word(query, "id")}, inline=True,
        )  # fmt: skip

    def render(self, reply: Reply, incoming: Incoming) -> Sequence[Outgoing]:
        """The texts, buttons below the last; a pressed button stops turning first."""
        if incoming.inline:
            return (_results(reply.quotes, incoming),)
        common = {"chat_id": incoming.to["chat_id"], "parse_mode": "HTML",
                  "link_preview_options": {"is_disabled": True}}  # fmt: skip
        if incoming.to.get("reply"):
            common["reply_parameters"] = {
                "message_id": incoming.to["reply"], "allow_sending_without_reply": True
            }  # fmt: skip
        if incoming.to.get("thread"):
            common["message_thread_id"] = incoming.to["thread"]
        messages = [{**common, "text": text} for text in texts(reply, STYLE)]
        if keyboard := _keyboard(reply):
            messages[-1]["reply_markup"] = {"inline_keyboard": keyboard}
        sent = [Outgoing("sendMessage", message) for message in messages]
        if query := incoming.to.get("query"):
            stop = Outgoing("answerCallbackQuery", {"callback_query_id": query}, optional=True)
            return (stop, *sent)
        return sent

    def respond(self, outgoing: Sequence[Outgoing]) -> Ack | None:
        """One call may ride in the response."""
        if len(outgoing) != 1:
            return None
        call = {"method": outgoing[0].method, **outgoing[0].payload}
        return Ack(200, json.dumps(call, ensure_ascii=False).encode(), "application/json")

    async def deliver(self, outgoing: Outgoing, incoming: Incoming, client: Client) -> None:
        """The address holds the token: never to be logged."""
        url = f"{self.api}/bot{self.token}/{outgoing.method}"
        await client.post(url, json=dict(outgoing.payload))


def _topic(message: dict[str, Any]) -> Any:
    """Of a forum. A reply elsewhere has a message_thread_id as well, one that can't be sent to
    (tdlib/telegram-bot-api#447).
    """
    return message.get("message_thread_id") if message.get("is_topic_message") else None


def _keyboard(reply: Reply) -> list[list[dict[str, str]]]:
    """A choice in each row, the buttons together in one."""
    rows = [[_key(choice)] for choice in reply.choices]
    return [*rows, [_key(button) for button in reply.buttons]] if reply.buttons else rows


def _key(button: Button) -> dict[str, str]:
    action = {"url": button.url} if button.url else {"callback_data": button.say}
    return {"text": shorten(button.label, LABEL), **action}


def _results(quotes: Sequence[Quote], incoming: Incoming) -> Outgoing:
    """Articles to choose from while typing, each the quote with its citation."""
    return Outgoing(
        "answerInlineQuery",
        {
            "inline_query_id": incoming.to["query"],
            "cache_time": CACHE,
            "is_personal": True,  # it depends on the programme that they chose
            "results": [
                _article(number, quote) for number, quote in enumerate(quotes[:RESULTS])
            ],
        },
    )  # fmt: skip


def _article(number: int, quote: Quote) -> dict[str, Any]:
    start, end = quote.key or (0, len(quote.text))
    return {
        "type": "article",
        "id": str(number),
        "title": shorten(quote.citation, 120),
        "description": shorten(quote.text[start:end], 200),
        "input_message_content": {
            "message_text": written(cut(quote, STYLE)[0], STYLE),  # one message is all there is
            "parse_mode": "HTML",
            "link_preview_options": {"is_disabled": True},
        },
    }
