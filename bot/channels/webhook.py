"""A signed webhook for a CMS, a Matrix bridge, anything that can make an HMAC: JSON in, JSON out.

X-Fundstelle-Timestamp: seconds since 1970
X-Fundstelle-Signature: sha256=HMAC-SHA256(secret, timestamp + "." + body), hexadecimal
{"text": "…", "id": "…"?, "sender": "…"?, "programme": "slug"?, "language": "de"?}
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from bot.channels.base import (
    Ack,
    Incoming,
    Malformed,
    Outgoing,
    Quiet,
    Received,
    Refused,
    Reply,
    parsed,
    same,
    signature,
    word,
)
from bot.channels.client import Client, Undeliverable
from bot.channels.text import Style, texts, utf16

TIME, SIGNATURE = "x-fundstelle-timestamp", "x-fundstelle-signature"
SKEW = 300  # seconds that clocks may differ; as long a signature is remembered
STYLE = Style(limit=4000, measure=utf16)


def make(values: Mapping[str, str]) -> Webhook:
    """From FUNDSTELLE_WEBHOOK_*. Raises ValueError naming the setting."""
    if len(values["SECRET"]) < 32:
        raise ValueError("SECRET: at least 32 signs are needed")
    return Webhook(values["SECRET"])


@dataclass(frozen=True)
class Webhook(Quiet):
    """Whoever has the secret."""

    secret: str = field(repr=False)
    name: str = "webhook"
    lifetime: float = 2.0 * SKEW
    responds: bool = True
    paced: bool = False  # it may be one sender for all the visitors of a site
    repeated: Ack = Ack(409)
    now: Callable[[], float] = time.time

    def verify(self, received: Received) -> None:
        """Signed, and lately."""
        told = received.headers.get(TIME, "")
        if not re.fullmatch(r"[0-9]{1,12}", told) or abs(self.now() - int(told)) > SKEW:
            raise Refused(401)
        expected = "sha256=" + signature(self.secret, told.encode() + b"." + received.body)
        if not same(received.headers.get(SIGNATURE, ""), expected):
            raise Refused(401)

    def parse(self, received: Received) -> Sequence[Incoming]:
        """One message. Where it has no id, the same signature is the same message."""
        body = parsed(received.body)
        if not isinstance(body, dict) or not isinstance(body.get("text", ""), str):
            raise Malformed
        number = word(body, "id") or received.headers[SIGNATURE]
        return (
            Incoming(
                number, word(body, "sender") or number, body.get("text", ""), {},
                programme=word(body, "programme"), language=word(body, "language")[:16],
            ),
        )  # fmt: skip

    def render(self, reply: Reply, incoming: Incoming) -> Sequence[Outgoing]:
        """Ready texts for a chat, and the parts for who draws it themselves."""
        return (Outgoing("", {"texts": texts(reply, STYLE), **asdict(reply)}),)

    def respond(self, outgoing: Sequence[Outgoing]) -> Ack | None:
        """Always in the response."""
        body = json.dumps(outgoing[0].payload, ensure_ascii=False).encode()
        return Ack(200, body, "application/json")

    async def deliver(self, outgoing: Outgoing, incoming: Incoming, client: Client) -> None:
        """There is nowhere to send it."""
        raise Undeliverable("nowhere")
