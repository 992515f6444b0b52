"""Threema's gateway and a person's phone: keys and boxes by the official SDK, not our library."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from binascii import hexlify, unhexlify
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from threema.gateway import e2e, key

GATEWAY, SECRET = "*PARTEI1", "ein-geheimnis-der-tests"


def _hex(one: Any) -> str:
    return str(key.Key.encode(one)).partition(":")[2]


class Phone:
    """Somebody with a Threema ID."""

    def __init__(self, identity: str = "ECHOECHO") -> None:
        self.identity = identity
        self.private, self.public = key.Key.generate_pair()
        private, public = key.Key.generate_pair()
        self.gateway(key.Key.encode(private), key.Key.encode(public))

    def gateway(self, private: str, public: str) -> None:
        """The gateway's keys, as the SDK's command writes them, type and colon before each."""
        self.gateway_private = key.Key.decode(private, key.Key.Type.private)
        self.gateway_public = key.Key.decode(public, key.Key.Type.public)
        self.gateway_key = private

    @property
    def public_hex(self) -> str:
        return _hex(self.public)

    def seal(self, plain: bytes) -> tuple[str, str]:
        """Nonce and box, as the SDK encrypts."""
        nonce, box = e2e._pk_encrypt((self.private, self.gateway_public), plain)
        return hexlify(nonce).decode(), hexlify(box).decode()

    def read(self, form: Mapping[str, Any]) -> str:
        """A text message as the SDK decrypts; its padding taken away as the protocol says."""
        pair = (self.private, self.gateway_public)
        plain = e2e._pk_decrypt(pair, unhexlify(form["nonce"]), unhexlify(form["box"]))
        assert plain[0] == e2e.Message.Type.text_message
        assert len(plain) >= 33
        return bytes(plain[1 : -plain[-1]]).decode()


def padded(kind: int, data: bytes) -> bytes:
    """As the SDK packs: type, content, padding."""
    padding = max(1 + secrets.randbelow(255), 32 - len(data))
    return bytes([kind]) + data + bytes([padding]) * padding


def callback(phone: Phone, plain: bytes, number: str, at: float | None = None) -> bytes:
    """What the gateway posts to us."""
    nonce, box = phone.seal(plain)
    # The nickname is the one field that the gateway doesn't sign; we don't read it.
    form = {"from": phone.identity, "to": GATEWAY, "messageId": number,
            "date": str(int(at or time.time())), "nonce": nonce, "box": box}  # fmt: skip
    signed = "".join(form.values()).encode("ascii")
    form["mac"] = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    return urlencode({"nickname": "Jemand", **form}).encode()


def check(phone: Phone) -> Any:
    """For Peer."""

    def wrong(path: str, payload: Mapping[str, Any], headers: Mapping[str, str]) -> str | None:
        if payload.get("secret") != SECRET or payload.get("from") != GATEWAY:
            return "401"
        if path == f"/pubkeys/{phone.identity}":
            return None
        if path != "/send_e2e" or payload["to"] != phone.identity:
            return "404"
        return None if len(phone.read(payload).encode()) <= 3500 else "413 message too long"

    return wrong
