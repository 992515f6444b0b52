"""Signal by signal-cli-rest-api in json-rpc mode. Unofficial, and its webhook is not signed: it is
believed only from a configured private address, and never through a proxy.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.channels.base import (
    Incoming,
    Kind,
    Malformed,
    Outgoing,
    Quiet,
    Received,
    Refused,
    Reply,
    inner,
    listed,
    parsed,
    seconds,
    word,
)
from bot.channels.client import Client
from bot.channels.text import Style, texts, utf8

FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")
MARKS = "*~|`"  # of the API's styled mode; its older versions know no escape
LIMIT = 2000  # bytes; above, signal-cli makes an attachment of the text
KEY = ("\x02", "\x03")  # around the key sentence, until it is clear whether it can be bold

STYLE = Style(limit=LIMIT, measure=utf8, key=(KEY[0] + "{}" + KEY[1] + "  ").format)
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def make(values: Mapping[str, str]) -> Signal:
    """From FUNDSTELLE_SIGNAL_*. Raises ValueError naming the setting."""
    if not re.fullmatch(r"\+[0-9]{6,16}", values["NUMBER"]):
        raise ValueError("NUMBER: not as +491701234567")
    if not re.fullmatch(r"https?://[^\s?#]+", values["URL"]):
        raise ValueError("URL: not signal-cli-rest-api's address, such as http://signal:8080")
    try:
        network = ipaddress.ip_network(values["FROM"])
    except ValueError:
        raise ValueError("FROM: not an address or network, such as 172.20.0.5") from None
    if not network.is_private:
        raise ValueError("FROM: not a private address; the webhook is not signed")
    return Signal(values["NUMBER"], values["URL"].rstrip("/"), network)


@dataclass(frozen=True)
class Signal(Quiet):
    """The account `number` of the API at `url`."""

    number: str = field(repr=False)
    url: str
    peers: Network
    name: str = "signal"
    lifetime: float = 24 * 3600.0

    def verify(self, received: Received) -> None:
        """Straight from the API's own address."""
        if any(name in received.headers for name in FORWARDED):
            raise Refused
        try:
            known = ipaddress.ip_address(received.client) in self.peers
        except ValueError:
            known = False
        if not known:
            raise Refused

    def parse(self, received: Received) -> Sequence[Incoming]:
        """The envelope, plain or in JSON-RPC's dress."""
        body = parsed(received.body)
        params = inner(body, "params") or body
        if not isinstance(params, dict) or not isinstance(params.get("envelope"), dict):
            raise Malformed
        if params.get("account") not in (None, self.number):
            raise Refused
        found = self._message(params["envelope"])
        return (found,) if found else ()

    def _message(self, envelope: dict[str, Any]) -> Incoming | None:
        edited = inner(envelope, "editMessage", "dataMessage")
        data = inner(envelope, "dataMessage") or edited
        author = word(envelope, "sourceUuid") or word(envelope, "source")
        if not data or not author or data.get("reaction") or data.get("remoteDelete"):
            return None
        text, group = word(data, "message"), word(inner(data, "groupInfo"), "groupId")
        if group and not self._addressed(data):
            return None
        recipient = f"group.{base64.b64encode(group.encode()).decode()}" if group else author
        kind: Kind = "edited" if edited else "text" if text else "other"
        return Incoming(
            id=f"{author}:{word(data, 'timestamp')}", sender=f"{author}:{group}",
            text=text.replace("\ufffc", " ").strip(), to={"recipient": recipient}, kind=kind,
            at=seconds(word(data, "timestamp"), 1000),
        )  # fmt: skip

    def _addressed(self, data: dict[str, Any]) -> bool:
        """In a group: mentioned, or one of our messages is quoted."""
        named = [word(mention, "number") for mention in listed(data, "mentions")]
        return self.number in (*named, word(inner(data, "quote"), "authorNumber"))

    def render(self, reply: Reply, incoming: Incoming) -> Sequence[Outgoing]:
        """Texts; the key sentence bold where that changes no sign of the programme's."""
        return [
            Outgoing("send", {"recipients": [incoming.to["recipient"]], **_styled(text)})
            for text in texts(reply, STYLE)
        ]

    async def deliver(self, outgoing: Outgoing, incoming: Incoming, client: Client) -> None:
        """The API's second version of sending."""
        payload = {"number": self.number, **outgoing.payload}
        await client.post(f"{self.url}/v2/send", json=payload)


def _styled(text: str) -> dict[str, str]:
    """A quote is verbatim before it is bold."""
    styled = KEY[0] in text and not any(mark in text for mark in MARKS)
    mark = "**" if styled else ""
    plain = text.replace(KEY[0], mark).replace(KEY[1] + "  ", mark)
    return {"message": plain, "text_mode": "styled" if styled else "normal"}
