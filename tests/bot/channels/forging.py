"""Requests that no platform sent: for Hypothesis, in tests and in `python -m bench.channels`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl, urlencode

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.channels.base import Channel, Incoming, Received
from bot.channels.client import Client
from bot.channels.lanes import Lanes
from bot.channels.reception import Reception
from bot.channels.store import MemoryStore
from bot.channels.wiring import configured
from bot.hashes import Hasher
from tests.bot.channels.kits import Delivery, Kit

FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip")


class Unparsed:
    """A channel whose bodies nobody may look into."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)

    def parse(self, received: Received) -> list[Incoming]:
        raise AssertionError("a forged body was parsed")


def opened(kit: Kit) -> Channel:
    values = kit.environment("http://127.0.0.1:9").items()
    return configured({f"FUNDSTELLE_{kit.name.upper()}_{k}": v for k, v in values})[kit.name]


def received(delivery: Delivery, client: str = "127.0.0.1") -> Received:
    headers = {k.lower(): v for k, v in delivery.headers.items()}
    return Received("POST", headers, {}, delivery.body, client)


@st.composite
def bodies(draw: Any, body: bytes) -> bytes:
    """Another body: cut, turned, grown, the same meaning in other signs, or anything."""
    way = draw(st.sampled_from(["cut", "turn", "insert", "drop", "recode", "any"]))
    at = draw(st.integers(0, len(body) - 1))
    if way == "cut":
        return body[:at]
    if way == "turn":
        return body[:at] + bytes([body[at] ^ (1 << draw(st.integers(0, 7)))]) + body[at + 1 :]
    if way == "insert":
        return body[:at] + draw(st.binary(min_size=1, max_size=9)) + body[at:]
    if way == "drop":
        return body[:at] + body[at + 1 + draw(st.integers(0, 20)) :]
    return _recoded(draw, body) if way == "recode" else draw(st.binary(max_size=300))


def _recoded(draw: Any, body: bytes) -> bytes:
    if not body.startswith(b"{"):
        pairs = parse_qsl(body.decode())
        return urlencode(
            draw(st.permutations(pairs)) + draw(st.lists(st.sampled_from(pairs)))
        ).encode()
    indent = draw(st.sampled_from([None, 0, 1, 2]))
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,", " :")]))
    keep = draw(st.booleans())
    recoded = json.dumps(json.loads(body), indent=indent, separators=separators, ensure_ascii=keep)
    encoding = draw(st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]))
    return recoded.encode(encoding)


@st.composite
def secrets(draw: Any, secret: str) -> str:
    """Another secret: near it, or anything that fits into a header."""
    at = draw(st.integers(0, len(secret) - 1))
    letter = draw(st.characters(min_codepoint=32, max_codepoint=255))
    near = [secret[:at], secret[:at] + letter + secret[at + 1 :], secret + letter, secret[at:],
            secret.swapcase(), letter + secret]  # fmt: skip
    header = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=80)
    other: str = draw(st.one_of(st.sampled_from(near), header))
    return other


@st.composite
def forgeries(draw: Any, kit: Kit) -> Received:
    """One request that must be refused. Where the platform doesn't sign the body, the secret or
    the address is wrong, whatever the body.
    """
    genuine = draw(st.sampled_from(_genuine(kit)))
    body = draw(bodies(genuine.body)) if draw(st.booleans()) else genuine.body
    headers = {k.lower(): v for k, v in genuine.headers.items()}
    if kit.name == "signal":
        return draw(_addressed(headers, body))
    if kit.name in ("threema", "rocketchat"):
        return _inside(draw, kit, headers, genuine.body)
    proof = next(k for k in headers if k not in ("content-type", "x-fundstelle-timestamp"))
    way = draw(st.sampled_from(["body", "proof", "none", "time"]))
    if way == "time" and kit.name == "webhook":
        old = int(headers["x-fundstelle-timestamp"]) + draw(
            st.one_of(st.integers(-(10**9), -3600), st.integers(3600, 10**9))
        )
        return received(kit.sign(genuine.body, old))  # type: ignore[attr-defined]
    if way == "body" and kit.signed and body != genuine.body:
        return Received("POST", headers, {}, body, "127.0.0.1")
    del_proof = {k: v for k, v in headers.items() if k != proof}
    wrong = draw(secrets(headers[proof]))
    if way == "none" or wrong == headers[proof]:
        return Received("POST", del_proof, {}, body, "127.0.0.1")
    return Received("POST", {**headers, proof: wrong}, {}, body, "127.0.0.1")


@st.composite
def _addressed(draw: Any, headers: dict[str, str], body: bytes) -> Received:
    strangers = st.one_of(
        st.ip_addresses().map(str).filter(lambda a: a != "127.0.0.1"), st.text(max_size=20)
    )
    if draw(st.booleans()):
        return Received(
            "POST", headers, {}, body, draw(strangers.filter(lambda a: a != "127.0.0.1"))
        )
    through = {draw(st.sampled_from(FORWARDED)): draw(st.text(max_size=20))}
    return Received("POST", {**headers, **through}, {}, body, "127.0.0.1")


def _inside(draw: Any, kit: Kit, headers: dict[str, str], body: bytes) -> Received:
    """The proof stands in the body itself, so the body must differ where it counts."""
    channel = opened_once(kit)
    other = draw(bodies(body))
    genuine = _meaning(kit, other) == _meaning(kit, body)
    if kit.name == "rocketchat":
        genuine = channel.token.encode() in other  # type: ignore[attr-defined]
    return Received("POST", headers, {}, b"" if genuine else other, "127.0.0.1")


def _meaning(kit: Kit, body: bytes) -> Any:
    """The signed fields: another order of the form, another nickname are no forgery."""
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True)
    except ValueError:
        return body
    form = dict(pairs)
    return [form.get(n) for n in ("from", "to", "messageId", "date", "nonce", "box", "mac")]


_OPENED: dict[Kit, Channel] = {}
_GENUINE: dict[Kit, list[Delivery]] = {}
TEXTS = ("Radwege für Dörfer?", "", '"token":"\\', "a&b=c&mac=0", "\u2028 \U0001f6b2 \x00")


def _genuine(kit: Kit) -> list[Delivery]:
    """Made once: Hypothesis wants the same choices to lead to the same case."""
    if kit not in _GENUINE:
        _GENUINE[kit] = [kit.message(text, str(n)) for n, text in enumerate(TEXTS)]
    return _GENUINE[kit]


def opened_once(kit: Kit) -> Channel:
    if kit not in _OPENED:
        _OPENED[kit] = opened(kit)
    return _OPENED[kit]


def refuse_all(kit: Kit, cases: int) -> int:
    """Every one of so many forgeries is refused, none is parsed; how many there were."""
    channel, tried = Unparsed(opened_once(kit)), 0
    outcomes: list[str] = []
    client: Any = Client.__new__(Client)
    loop = asyncio.new_event_loop()
    store = MemoryStore()
    count: Callable[[str, str], None] = lambda name, outcome: outcomes.append(outcome)  # noqa: E731
    core: Any = None
    reception = Reception(core, store, Hasher(), client, count, Lanes())

    @settings(max_examples=cases, deadline=None, database=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(forgeries(kit))
    def check(forgery: Received) -> None:
        nonlocal tried
        tried += 1
        ack = loop.run_until_complete(reception.receive(channel, forgery))  # type: ignore[arg-type]
        assert ack.status in (401, 403)
        assert outcomes.pop() == "refused"

    try:
        check()
    finally:
        loop.run_until_complete(reception.lanes.close())
        loop.close()
        assert isinstance(reception._threads, ThreadPoolExecutor)
        reception._threads.shutdown(wait=False)
    return tried
