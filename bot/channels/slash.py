"""Presets for chats of one's own: Mattermost's slash command, Rocket.Chat's outgoing webhook. The
answer rides in the response.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from urllib.parse import parse_qsl

from bot.channels.base import (
    Ack,
    Incoming,
    Kind,
    Malformed,
    Outgoing,
    Quiet,
    Received,
    Refused,
    Reply,
    parsed,
    same,
    word,
)
from bot.channels.client import Client, Undeliverable
from bot.channels.text import HAIR, Style, pack, texts, utf16

# What a backslash stands for is each chat's own affair: before any other sign it would be seen.
_MARKS = re.compile(r"([`*_{}\[\]()#+\-.!|~>]|\\(?!\w))", re.ASCII)  # mattermost/marked
_ENTITY = re.compile(r"&(?=#?\w+;)")
_ROCKET_MARKS = re.compile(r"([*_~`#])")  # @rocket.chat/message-parser; within bold, none
_ROCKET_APART = re.compile(r"(\](?=\()|\\(?=\.|$))")  # has no escape: a hair space in a link
_TOKEN = re.compile(rb'"token"\s*:\s*"([^"\\]{1,256})"')


def _source(citation: str, url: str) -> str:
    return f"[{_escaped(citation)}]({url})" if url else _escaped(citation)


def _quoted(text: str) -> str:
    return "> " + text.replace("\n", "\n> ")


def _escaped(text: str) -> str:
    return _MARKS.sub(r"\\\1", _ENTITY.sub("&amp;", text).replace("<", "&lt;"))


def _rocket(text: str) -> str:
    apart = _ROCKET_APART.sub(rf"\1{HAIR}", text)
    return _ROCKET_MARKS.sub(r"\\\1", apart)


def _rocket_key(text: str) -> str:
    """A quote is verbatim before it is bold."""
    return text if "\\" in text else f"*{text}*"


# Messages would be cut above: 16,383 signs in Mattermost, 5,000 in Rocket.Chat.
MATTERMOST = Style(16_000, utf16, _escaped, "**{}**".format, _quoted, _source)
ROCKETCHAT = Style(
    4_900, utf16, _rocket, _rocket_key, _quoted,
    lambda citation, url: f"{_rocket(citation)} {url}".rstrip(),
)  # fmt: skip


@dataclass(frozen=True)
class Slash(Quiet):
    """A chat that shows the response."""

    token: str = field(repr=False)
    style: Style
    name: str = ""
    more: tuple[tuple[str, object], ...] = ()  # of each response
    responds: bool = True
    paced: bool = False

    def render(self, reply: Reply, incoming: Incoming) -> Sequence[Outgoing]:
        """One text, since one is all that the chat shows. A programme's passages fit; what doesn't
        is left out at the end, whole quotes at a time.
        """
        short = replace(self.style, limit=self.style.limit // 2)
        whole = pack(texts(reply, short), self.style)[0]
        return (Outgoing("", {"text": whole}),)

    def respond(self, outgoing: Sequence[Outgoing]) -> Ack | None:
        """One JSON object."""
        body = {**dict(self.more), **outgoing[0].payload}
        return Ack(200, json.dumps(body, ensure_ascii=False).encode(), "application/json")

    async def deliver(self, outgoing: Outgoing, incoming: Incoming, client: Client) -> None:
        """There is nowhere to send it."""
        raise Undeliverable("nowhere")


@dataclass(frozen=True)
class Mattermost(Slash):
    """A slash command, its token in the Authorization header. Only the person who asked sees the
    answer: what somebody asks a party is their business. Slack's marks stay text.
    """

    name: str = "mattermost"
    more: tuple[tuple[str, object], ...] = (
        ("response_type", "ephemeral"), ("skip_slack_parsing", True),
    )  # fmt: skip

    def verify(self, received: Received) -> None:
        """Mattermost sends the token in a header as well as in the form."""
        if not same(received.headers.get("authorization", ""), f"Token {self.token}"):
            raise Refused(401)

    def parse(self, received: Received) -> Sequence[Incoming]:
        """A form."""
        try:
            form = dict(
                parse_qsl(
                    received.body.decode("ascii"),
                    keep_blank_values=True,
                    strict_parsing=True,
                    max_num_fields=40,
                    errors="strict",
                )
            )
        except ValueError:
            raise Malformed from None
        if "user_id" not in form or "text" not in form:
            raise Malformed
        number = form.get("trigger_id") or sha256(received.body).hexdigest()
        return (Incoming(number, form["user_id"], form["text"] or "/hilfe", {}),)


@dataclass(frozen=True)
class RocketChat(Slash):
    """An outgoing webhook, its token in the body."""

    name: str = "rocketchat"

    def verify(self, received: Received) -> None:
        """The token is found without parsing: a quotation mark in a text is escaped, so only a
        name of the payload can look like this.
        """
        found = _TOKEN.findall(received.body)
        if len(found) != 1 or not same(found[0], self.token):
            raise Refused(401)

    def parse(self, received: Received) -> Sequence[Incoming]:
        """A message; none where another bot wrote it."""
        body = parsed(received.body)
        if not isinstance(body, dict):
            raise Malformed
        if not word(body, "user_id") or not word(body, "message_id"):
            raise Malformed
        if body.get("bot"):
            return ()
        text = word(body, "text").removeprefix(word(body, "trigger_word")).strip()
        number = word(body, "message_id") + ("e" if body.get("isEdited") else "")
        kind: Kind = "edited" if body.get("isEdited") else "text"
        return (Incoming(number, word(body, "user_id"), text or "/hilfe", {}, kind),)


def checked(values: Mapping[str, str]) -> str:
    """The token. Raises ValueError."""
    if len(values["TOKEN"]) < 16:
        raise ValueError("TOKEN: at least 16 signs are needed")
    return values["TOKEN"]
