"""Mattermost's slash command."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import parse_qsl

from bot.channels.base import Incoming, Malformed, Received, Refused, same
from bot.channels.slash import Slash, checked, quoted
from bot.channels.text import Style, utf16

# As mattermost/marked reads it: before any other sign a backslash would be seen.
_MARKS = re.compile(r"([`*_{}\[\]()#+\-.!|~>]|\\(?!\w))", re.ASCII)
_ENTITY = re.compile(r"&(?=#?\w+;)")


def _escaped(text: str) -> str:
    return _MARKS.sub(r"\\\1", _ENTITY.sub("&amp;", text).replace("<", "&lt;"))


def _source(citation: str, url: str) -> str:
    return f"[{_escaped(citation)}]({url})" if url else _escaped(citation)


STYLE = Style(16_000, utf16, _escaped, "**{}**".format, quoted, _source)  # cut above 16,383 signs


@dataclass(frozen=True)
class Mattermost(Slash):
    """A slash command, its token in the Authorization header. Only the person who asked sees the
    answer: what somebody asks a party is their business. Slack's marks stay text.
    """

    style: Style = STYLE
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


def make(values: Mapping[str, str]) -> Mattermost:
    """From FUNDSTELLE_MATTERMOST_*. Raises ValueError naming the setting."""
    return Mattermost(checked(values))
