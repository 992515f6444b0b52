"""Rocket.Chat's outgoing webhook."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.channels.base import Incoming, Kind, Malformed, Received, Refused, parsed, same, word
from bot.channels.slash import Slash, checked, quoted
from bot.channels.text import HAIR, Style, utf16

# As @rocket.chat/message-parser reads it; within bold a backslash would be seen.
_MARKS = re.compile(r"([*_~`#])")
_APART = re.compile(r"(\](?=\()|\\(?=\.|$))")  # has no escape: a hair space in a link
_TOKEN = re.compile(rb'"token"\s*:\s*"([^"\\]{1,256})"')


def _escaped(text: str) -> str:
    return _MARKS.sub(r"\\\1", _APART.sub(rf"\1{HAIR}", text))


def _key(text: str) -> str:
    """A quote is verbatim before it is bold."""
    return text if "\\" in text else f"*{text}*"


def _source(citation: str, url: str) -> str:
    return f"{_escaped(citation)} {url}".rstrip()


STYLE = Style(4_900, utf16, _escaped, _key, quoted, _source)  # cut above 5,000 signs


@dataclass(frozen=True)
class RocketChat(Slash):
    """An outgoing webhook, its token in the body."""

    style: Style = STYLE
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


def make(values: Mapping[str, str]) -> RocketChat:
    """From FUNDSTELLE_ROCKETCHAT_*. Raises ValueError naming the setting."""
    return RocketChat(checked(values))
