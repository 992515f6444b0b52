"""One kit for each channel: how its platform speaks to us, and how people read what we send. The
contract test runs all of them through the same promises.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from starlette.responses import JSONResponse, PlainTextResponse

from tests.bot.channels.peers import graph, signal, telegram, threema
from tests.bot.channels.peers.server import Peer

SECRET = "geheim-0123456789-0123456789-0123456789"
TOKEN = "4711:AAbbccddeeffgghhiijj"
NUMBER = "+4923112345"
PHONE_ID = "106540352242922"
SENDER = "4915112345678"


@dataclass(frozen=True)
class Delivery:
    """An HTTP request of a platform."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Kit:
    """A channel seen from outside. `in_response`: answers ride there, nothing is sent."""

    name = ""
    in_response = False
    signed = True  # the body, so that every change of a byte is a forgery
    limit = 4096

    def environment(self, api: str) -> dict[str, str]:
        raise NotImplementedError

    def peer(self) -> Peer:
        return Peer(lambda path, payload, headers: "nothing is ever sent here")

    def message(self, text: str, number: str = "1", sender: str = SENDER, **more: Any) -> Delivery:
        """A text message; `kind` for others."""
        raise NotImplementedError

    def batch(self, texts: list[str]) -> list[Delivery]:
        """Several messages, in one request where the platform does so."""
        return [self.message(t, f"batch{n}") for n, t in enumerate(texts)]

    def read(self, call: Mapping[str, Any]) -> str:
        """What the person sees of one call."""
        raise NotImplementedError

    def counts(self, path: str) -> bool:
        """Whether a call of the peer's is a message."""
        return True


def _signed(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


class TelegramKit(Kit):
    name, signed = "telegram", False
    secret = "S" * 32

    def environment(self, api: str) -> dict[str, str]:
        return {"TOKEN": TOKEN, "SECRET": self.secret, "NAME": "FragBot", "API": api}

    def peer(self) -> Peer:
        return Peer(telegram.check(TOKEN), telegram.ok)

    def delivery(self, update: Mapping[str, Any]) -> Delivery:
        body = json.dumps(update).encode()
        return Delivery(body, {"X-Telegram-Bot-Api-Secret-Token": self.secret})

    def message(self, text: str, number: str = "1", sender: str = SENDER, **more: Any) -> Delivery:
        author = {"id": int(sender), "is_bot": False, "first_name": "Jemand"}
        message = {"message_id": 7, "date": int(more.get("at") or time.time()), "from": author,
                   "chat": {"id": int(sender), "type": "private"}}  # fmt: skip
        kind = more.get("kind", "text")
        message |= {"text": {"text": text}, "empty": {},
                    "sticker": {"sticker": {"file_id": "x"}},
                    "location": {"location": {"latitude": 51.5, "longitude": 7.4}},
                    "voice": {"voice": {"file_id": "x"}},
                    "picture": {"photo": [{"file_id": "x"}], "caption": text},
                    "edited": {"text": text}}[kind]  # fmt: skip
        name = "edited_message" if kind == "edited" else "message"
        return self.delivery({"update_id": _number(number), name: message})

    def read(self, call: Mapping[str, Any]) -> str:
        return telegram.shown(call["text"])

    def counts(self, path: str) -> bool:
        return path.endswith("/sendMessage")


class ThreemaKit(Kit):
    name, limit = "threema", 3500

    def __init__(self) -> None:
        self.phone = threema.Phone()

    def environment(self, api: str) -> dict[str, str]:
        key = self.phone.gateway_key
        return {"ID": threema.GATEWAY, "SECRET": threema.SECRET, "KEY": key, "API": api}

    def peer(self) -> Peer:
        def ok(path: str) -> Any:
            return PlainTextResponse(self.phone.public_hex if "pubkeys" in path else "ok")

        return Peer(threema.check(self.phone), ok)

    def message(self, text: str, number: str = "1", sender: str = SENDER, **more: Any) -> Delivery:
        kinds = {"text": 1, "empty": 1, "sticker": 0x17, "location": 0x10, "voice": 0x17,
                 "picture": 0x02, "edited": 0x91}  # fmt: skip
        kind = more.get("kind", "text")
        data = {"text": text, "empty": " "}.get(kind, "0" * 40).encode()
        plain = threema.padded(kinds[kind], data)
        number = hashlib.sha256(number.encode()).hexdigest()[:16]
        body = threema.callback(self.phone, plain, number, more.get("at"))
        return Delivery(body, {"Content-Type": "application/x-www-form-urlencoded"})

    def read(self, call: Mapping[str, Any]) -> str:
        return graph.shown(self.phone.read(call))

    def counts(self, path: str) -> bool:
        return path == "/send_e2e"


class SignalKit(Kit):
    name, signed, limit = "signal", False, 2000

    def environment(self, api: str) -> dict[str, str]:
        return {"NUMBER": NUMBER, "URL": api, "FROM": "127.0.0.1"}

    def peer(self) -> Peer:
        return Peer(signal.check, lambda path: JSONResponse({"timestamp": "1"}, 201))

    def message(self, text: str, number: str = "1", sender: str = SENDER, **more: Any) -> Delivery:
        at = int((more.get("at") or time.time()) * 1000) - _number(number) % 1000
        if number not in _TIMES:
            _TIMES[number] = at
        at = at if more.get("at") else _TIMES[number]
        data: dict[str, Any] = {"timestamp": at, "message": text, "expiresInSeconds": 0}
        kind = more.get("kind", "text")
        if kind not in ("text", "edited"):
            data |= {"message": None, "attachments": [{"contentType": "image/jpeg"}]}
        content = {"editMessage": {"dataMessage": data}} if kind == "edited" else {
            "dataMessage": data}  # fmt: skip
        account = f"00000000-0000-4000-8000-{int(sender) % 10**12:012d}"
        envelope = {"source": f"+{sender}", **content, "timestamp": at, "sourceUuid": account}
        body = json.dumps({"envelope": envelope, "account": NUMBER}).encode()
        return Delivery(body, {"Content-Type": "application/json"})

    def read(self, call: Mapping[str, Any]) -> str:
        return signal.shown(call)


_TIMES: dict[str, int] = {}


class MetaKit(Kit):
    def signature(self, body: bytes) -> Delivery:
        return Delivery(body, {"X-Hub-Signature-256": "sha256=" + _signed(body)})


META = {"SECRET": SECRET, "TOKEN": "EAAG-token", "VERIFY_TOKEN": "prüf-mich", "POLICY_READ": "yes"}


class MessengerKit(MetaKit):
    name, limit = "messenger", 2000

    def environment(self, api: str) -> dict[str, str]:
        return {**META, "API": api}

    def peer(self) -> Peer:
        return Peer(graph.messenger)

    def event(self, text: str, number: str, sender: str, **more: Any) -> dict[str, Any]:
        kind = more.get("kind", "text")
        message: dict[str, Any] = {"mid": f"m_{number}"}
        if kind == "text":
            message["text"] = text
        elif kind != "empty":
            message["attachments"] = [{"type": "image", "payload": {"url": "https://x.example"}}]
        event = {"sender": {"id": sender}, "recipient": {"id": "9"},
                 "timestamp": int((more.get("at") or time.time()) * 1000)}  # fmt: skip
        if kind == "edited":
            return event | {"message_edit": {"mid": f"m_{number}", "text": text, "num_edit": 1}}
        return event | {"message": message}

    def payload(self, events: list[dict[str, Any]]) -> Delivery:
        half = len(events) // 2
        entries = [{"id": "9", "time": 1, "messaging": part}
                   for part in (events[:half], events[half:]) if part]  # fmt: skip
        return self.signature(json.dumps({"object": "page", "entry": entries}).encode())

    def message(self, text: str, number: str = "1", sender: str = SENDER, **more: Any) -> Delivery:
        return self.payload([self.event(text, number, sender, **more)])

    def batch(self, texts: list[str]) -> list[Delivery]:
        return [self.payload([self.event(t, f"b{n}", SENDER) for n, t in enumerate(texts)])]

    def read(self, call: Mapping[str, Any]) -> str:
        return graph.shown(call["message"]["text"])


class WhatsAppKit(MetaKit):
    name = "whatsapp"

    def environment(self, api: str) -> dict[str, str]:
        return {**META, "PHONE_ID": PHONE_ID, "API": api}

    def peer(self) -> Peer:
        return Peer(graph.whatsapp)

    def event(self, text: str, number: str, sender: str, **more: Any) -> dict[str, Any]:
        kind = more.get("kind", "text")
        names = {"empty": "unsupported", "edited": "unsupported", "picture": "image"}
        name = names.get(kind, kind)
        content = {"body": text} if name == "text" else {"id": "1"}
        return {"from": sender, "id": f"wamid.{number}", "type": name, name: content,
                "timestamp": str(int(more.get("at") or time.time()))}  # fmt: skip

    def payload(self, messages: list[dict[str, Any]]) -> Delivery:
        half = len(messages) // 2
        entries = [
            {"id": "1", "changes": [{"field": "messages", "value": {
                "messaging_product": "whatsapp", "messages": part,
                "metadata": {"display_phone_number": "1", "phone_number_id": PHONE_ID}}}]}
            for part in (messages[:half], messages[half:]) if part
        ]  # fmt: skip
        body = {"object": "whatsapp_business_account", "entry": entries}
        return self.signature(json.dumps(body).encode())

    def message(self, text: str, number: str = "1", sender: str = SENDER, **more: Any) -> Delivery:
        return self.payload([self.event(text, number, sender, **more)])

    def batch(self, texts: list[str]) -> list[Delivery]:
        return [self.payload([self.event(t, f"b{n}", SENDER) for n, t in enumerate(texts)])]

    def read(self, call: Mapping[str, Any]) -> str:
        if call["type"] == "text":
            return graph.shown(call["text"]["body"])
        return graph.shown(call["interactive"]["body"]["text"])


class WebhookKit(Kit):
    name, in_response, limit = "webhook", True, 4000

    def environment(self, api: str) -> dict[str, str]:
        return {"SECRET": SECRET}

    def sign(self, body: bytes, at: float | None = None) -> Delivery:
        told = str(int(at or time.time()))
        signature = "sha256=" + _signed(told.encode() + b"." + body)
        return Delivery(body, {"X-Fundstelle-Timestamp": told, "X-Fundstelle-Signature": signature})

    def message(self, text: str, number: str = "1", sender: str = SENDER, **more: Any) -> Delivery:
        kind = more.get("kind", "text")
        said = text if kind == "text" else ""
        body = json.dumps({"id": number, "sender": sender, "text": said}).encode()
        return self.sign(body, more.get("at"))


class MattermostKit(Kit):
    name, in_response, signed, limit = "mattermost", True, False, 16383

    def environment(self, api: str) -> dict[str, str]:
        return {"TOKEN": SECRET}

    def message(self, text: str, number: str = "1", sender: str = SENDER, **more: Any) -> Delivery:
        said = text if more.get("kind", "text") == "text" else ""
        form = {"channel_id": "c", "command": "/frag", "text": said, "token": SECRET,
                "trigger_id": number, "user_id": sender, "user_name": "jemand"}  # fmt: skip
        return Delivery(
            urlencode(form).encode(),
            {"Authorization": f"Token {SECRET}",
             "Content-Type": "application/x-www-form-urlencoded"},
        )  # fmt: skip


class RocketChatKit(Kit):
    name, in_response, signed, limit = "rocketchat", True, False, 5000

    def environment(self, api: str) -> dict[str, str]:
        return {"TOKEN": SECRET}

    def message(self, text: str, number: str = "1", sender: str = SENDER, **more: Any) -> Delivery:
        kind = more.get("kind", "text")
        said = text if kind in ("text", "edited") else ""
        body = {"token": SECRET, "message_id": number, "user_id": sender, "user_name": "jemand",
                "text": f"frag {said}", "trigger_word": "frag", "bot": False,
                "isEdited": kind == "edited"}  # fmt: skip
        return Delivery(json.dumps(body).encode(), {"Content-Type": "application/json"})


KITS = (TelegramKit, ThreemaKit, SignalKit, MessengerKit, WhatsAppKit, WebhookKit, MattermostKit,
        RocketChatKit)  # fmt: skip


def changed(delivery: Delivery, body: bytes) -> Delivery:
    return replace(delivery, body=body)
