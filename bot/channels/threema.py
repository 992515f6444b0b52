"""Threema Gateway in end-to-end mode: the gateway signs, the person encrypts.

The cryptography is NaCl's box, by PyNaCl: libsodium in the wheel, kept by the Python
Cryptographic Authority. Threema's own SDK does the same by libnacl, and brings aiohttp beside our
httpx; it is the other side in our tests.
"""

from __future__ import annotations

import re
import secrets
import time
from binascii import unhexlify
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl

from nacl.exceptions import CryptoError
from nacl.public import Box, PrivateKey, PublicKey

from bot.channels.base import (
    Incoming,
    Kind,
    Malformed,
    Outgoing,
    Quiet,
    Received,
    Refused,
    Reply,
    same,
    signature,
)
from bot.channels.client import Client, Undeliverable
from bot.channels.text import Style, texts, unmarked, utf8
from bot.hashes import Hasher

API = "https://msgapi.threema.ch"
HEX = "[0-9a-fA-F]"
# What is signed, in this order and with nothing between: only the last may have any length, else a
# border could be moved, and a message be sent again as another one.
SIGNED = {
    "from": "[*A-Z0-9]{8}", "to": "[*A-Z0-9]{8}", "messageId": HEX + "{16}", "date": "[0-9]{10}",
    "nonce": HEX + "{48}", "box": f"(?:{HEX}{{2}})+",
}  # fmt: skip
AHEAD = 300.0  # seconds that the gateway's clock may be before ours
MOST = 16 * 1024  # bytes of a callback, as the gateway promises
TEXT, EDITED = 0x01, 0x91
# Types of messages that nobody waits for an answer to (threema-android's ProtocolDefines):
PICTURES = range(0x18, 0x1B)  # of a profile
GROUPS = range(0x41, 0x55)  # the gateway could answer only one person, unasked
RECEIPTS = {0x80, 0x81, 0x82, 0x83, 0x90, 0x92, 0x93, 0x94, 0xFC}  # reactions, typing, deletions
SILENT = {*PICTURES, *GROUPS, *RECEIPTS}
KEYS, KEPT = 2000, 24 * 3600.0  # public keys in memory, seconds

STYLE = Style(limit=3500, measure=utf8, text=unmarked, key="*{}*".format)


def make(values: Mapping[str, str]) -> Threema:
    """From FUNDSTELLE_THREEMA_*. Raises ValueError naming the setting."""
    if not re.fullmatch(r"\*[A-Z0-9]{7}", values["ID"]):
        raise ValueError("ID: not a gateway's, such as *PARTEI1")
    key = values["KEY"].removeprefix("private:")
    if not re.fullmatch(r"[0-9a-fA-F]{64}", key):
        raise ValueError("KEY: not the private key as 64 hexadecimal digits")
    api = values.get("API", API)
    return Threema(values["ID"], values["SECRET"], PrivateKey(unhexlify(key)), api)


@dataclass(frozen=True)
class Threema(Quiet):
    """The gateway identity `identity`."""

    identity: str
    secret: str = field(repr=False)
    key: PrivateKey = field(repr=False)
    api: str = API
    name: str = "threema"
    lifetime: float = 3600.0  # three more tries, five minutes apart
    hasher: Hasher = field(default_factory=Hasher, repr=False)
    known: OrderedDict[str, tuple[bytes, float]] = field(default_factory=OrderedDict, repr=False)

    def verify(self, received: Received) -> None:
        """The gateway's HMAC, and that the message is for us."""
        form = _form(received.body)
        if form is None or form["to"] != self.identity:
            raise Refused
        signed = "".join(form[name] for name in SIGNED)
        if not same(form["mac"], signature(self.secret, signed.encode())):
            raise Refused

    def parse(self, received: Received) -> Sequence[Incoming]:
        """Still encrypted: the sender's public key may have to be asked for."""
        form = _form(received.body)
        if form is None or float(form["date"]) > time.time() + AHEAD:
            raise Malformed
        to = {"id": form["from"], "nonce": unhexlify(form["nonce"]), "box": unhexlify(form["box"])}
        message = form["from"] + form["messageId"]
        return (Incoming(message, form["from"], "", to, at=float(form["date"])),)

    async def open(self, incoming: Incoming, client: Client) -> Incoming | None:
        """Decrypted; None for receipts and what wasn't encrypted for us."""
        public = await self._public(incoming.to["id"], client)
        try:
            plain = Box(self.key, PublicKey(public)).decrypt(
                incoming.to["box"], incoming.to["nonce"]
            )
        except (CryptoError, ValueError):
            return None
        kind, text = _unpacked(plain)
        if kind is None:
            return None
        return replace(incoming, kind=kind, text=text, to={"id": incoming.to["id"], "key": public})

    async def _public(self, identity: str, client: Client) -> bytes:
        name = self.hasher.key(identity)
        key, until = self.known.get(name, (b"", 0.0))
        if until > time.monotonic():
            return key
        answer = await client.get(
            f"{self.api}/pubkeys/{identity}", {"from": self.identity, "secret": self.secret}
        )
        if not re.fullmatch(r"[0-9a-fA-F]{64}", answer.text.strip()):
            raise Undeliverable("key")
        self.known[name] = (unhexlify(answer.text.strip()), time.monotonic() + KEPT)
        while len(self.known) > KEYS:
            self.known.popitem(last=False)
        return self.known[name][0]

    def render(self, reply: Reply, incoming: Incoming) -> Sequence[Outgoing]:
        """Texts; Threema's gateway has no buttons."""
        return [Outgoing("send_e2e", {"text": text}) for text in texts(reply, STYLE)]

    async def deliver(self, outgoing: Outgoing, incoming: Incoming, client: Client) -> None:
        """Encrypted anew, padded so that the length says little."""
        nonce = secrets.token_bytes(Box.NONCE_SIZE)
        box = Box(self.key, PublicKey(incoming.to["key"]))
        sealed = box.encrypt(packed(outgoing.payload["text"]), nonce).ciphertext
        form = {"from": self.identity, "to": incoming.to["id"], "secret": self.secret,
                "nonce": nonce.hex(), "box": sealed.hex()}  # fmt: skip
        await client.post(f"{self.api}/send_e2e", data=form)


def _form(body: bytes) -> dict[str, str] | None:
    """The signed fields, each exactly once and of its shape; None for anything else."""
    if len(body) > MOST:
        return None
    try:
        pairs = parse_qsl(body.decode("ascii"), strict_parsing=True, keep_blank_values=True,
                          max_num_fields=20, errors="strict")  # fmt: skip
    except (ValueError, UnicodeDecodeError):
        return None
    form = dict(pairs)
    once = len(form) == len(pairs) and "mac" in form
    whole = all(re.fullmatch(sign, form.get(name, "")) for name, sign in SIGNED.items())
    return form if once and whole else None


def packed(text: str) -> bytes:
    """Type, text, 1 to 255 bytes of padding, each its number."""
    data = bytes([TEXT]) + text.encode()
    padding = max(1 + secrets.randbelow(255), 33 - len(data))
    return data + bytes([padding]) * padding


def _unpacked(plain: bytes) -> tuple[Kind | None, str]:
    """What kind of message, and its text."""
    padding = plain[-1] if plain else 0
    if not 0 < padding < len(plain):
        return None, ""
    kind, data = plain[0], plain[1:-padding]
    if kind in SILENT:
        return None, ""
    if kind == EDITED:
        return "edited", ""
    return ("text", data.decode("utf-8", "replace")) if kind == TEXT else ("other", "")
