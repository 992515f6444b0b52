"""What the chats of one's own have in common, Mattermost and Rocket.Chat: the answer rides in the
response.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.channels.base import Ack, Incoming, Outgoing, Quiet, Reply
from bot.channels.client import Client, Undeliverable
from bot.channels.text import Style, pack, texts


def quoted(text: str) -> str:
    """As both mark a quote."""
    return "> " + text.replace("\n", "\n> ")


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


def checked(values: Mapping[str, str]) -> str:
    """The token. Raises ValueError."""
    if len(values["TOKEN"]) < 16:
        raise ValueError("TOKEN: at least 16 signs are needed")
    return values["TOKEN"]
