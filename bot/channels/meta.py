"""What Messenger and WhatsApp share: Meta's challenge, signature and Graph API.

Meta's business policy bars parties and candidates from WhatsApp Business; both channels stay off
until FUNDSTELLE_<CHANNEL>_POLICY_READ=yes says that the operator knows (docs/channels.md).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.channels.base import Ack, Incoming, Outgoing, Quiet, Received, Refused, same, signature
from bot.channels.client import Client

API = "https://graph.facebook.com/v25.0"  # until 29 July 2028, says Meta's changelog
HEADER = "x-hub-signature-256"
WINDOW = 24 * 3600.0  # seconds in which an answer is allowed; who waited longer gets none


def checked(values: Mapping[str, str]) -> None:
    """Raises ValueError naming the setting."""
    if values["POLICY_READ"] != "yes":
        raise ValueError("POLICY_READ: must be yes, see docs/channels.md")
    if not re.fullmatch(r"https?://[^\s?#]+", values.get("API", API)):
        raise ValueError("API: not an address")


@dataclass(frozen=True)
class Meta(Quiet):
    """An app of Meta's, with the secret it signs with and the token it answers with."""

    secret: str = field(repr=False)
    token: str = field(repr=False)
    verify_token: str = field(repr=False)
    path: str  # of the Graph API, where messages are sent
    api: str = API
    name: str = ""
    lifetime: float = WINDOW

    def challenge(self, received: Received) -> Ack:
        """Asked once, when the webhook is entered at Meta."""
        asked = received.query
        subscribes = asked.get("hub.mode") == "subscribe"
        if not same(asked.get("hub.verify_token", ""), self.verify_token) or not subscribes:
            raise Refused
        return Ack(200, asked.get("hub.challenge", "").encode())

    def verify(self, received: Received) -> None:
        """HMAC over the bytes as they came; Meta escapes its JSON in its own way."""
        claimed = received.headers.get(HEADER, "")
        if not same(claimed, "sha256=" + signature(self.secret, received.body)):
            raise Refused

    async def deliver(self, outgoing: Outgoing, incoming: Incoming, client: Client) -> None:
        """One message by the Graph API."""
        await client.post(
            f"{self.api}/{self.path}/messages",
            json=dict(outgoing.payload),
            headers={"Authorization": f"Bearer {self.token}"},
        )
