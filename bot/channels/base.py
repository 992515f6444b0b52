"""What every messenger shares: the nouns, and the promises that a channel keeps.

    Received ── verify ── parse ──► Incoming … ── conversation ──► Reply ── render ──► Outgoing …
    (bytes, not trusted yet)        (one shape)                    (words only)        (its calls)

A channel verifies before it parses, parses a whole batch, and renders without looking anything up.
It knows `bot.messages`, `bot.wording` and this module; it never sees the library or the settings.
No noun here shows a sender, a text or a body in its repr: tracebacks and logs print reprs.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from bot.messages import Answer, Citation, Question
from bot.wording import DEFAULT
from index.types import Span

if TYPE_CHECKING:
    from bot.channels.client import Client  # httpx, only where a channel is on

Kind = Literal["text", "edited", "other"]


class Refused(Exception):
    """Not from the platform, or not meant for us; nothing of the body was looked at."""

    def __init__(self, status: int = 403) -> None:
        super().__init__()
        self.status = status


class Malformed(Exception):
    """It is from the platform, and makes no sense."""


class Said(Exception):
    """The core can't answer; the message is the sentence for the person."""


@dataclass(frozen=True)
class Received:
    """An HTTP request, before anybody is trusted. Names of headers are in lower case."""

    method: str
    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    client: str = field(repr=False)


@dataclass(frozen=True)
class Ack:
    """What the platform gets for its request."""

    status: int = 200
    body: bytes = b""
    media: str = "text/plain"


@dataclass(frozen=True)
class Incoming:
    """One message of one person. `to` is what the channel needs to answer it."""

    id: str = field(repr=False)  # WhatsApp's contains the number it came from
    sender: str = field(repr=False)
    text: str = field(repr=False)
    to: Mapping[str, Any] = field(repr=False)
    kind: Kind = "text"
    at: float | None = None  # seconds since 1970, where the platform says so
    inline: bool = False  # results for somebody who is still typing
    programme: str = ""  # named with the message itself
    language: str = ""


@dataclass(frozen=True)
class Button:
    """Something to press: it says `say` in the person's name, or opens `url`."""

    label: str
    say: str = ""
    url: str = ""


@dataclass(frozen=True)
class Quote:
    """A passage or a part of one, never without its citation."""

    text: str
    key: Span | None
    citation: str
    url: str = ""


@dataclass(frozen=True)
class Reply:
    """An answer in words, before any platform's markup. `choices` are numbered from 1."""

    before: tuple[str, ...] = ()
    quotes: tuple[Quote, ...] = ()
    after: tuple[str, ...] = ()
    choices: tuple[Button, ...] = ()
    buttons: tuple[Button, ...] = ()
    language: str = DEFAULT  # of the sentences; quotes are in the programme's


@dataclass(frozen=True)
class Outgoing:
    """One call of the platform. Where an `optional` one fails the answer is still given."""

    method: str
    payload: Mapping[str, Any] = field(repr=False)
    optional: bool = False


@dataclass(frozen=True)
class Programme:
    """What a conversation says about a programme."""

    slug: str
    title: str
    language: str
    imprint: str
    privacy: str


class Core(Protocol):
    """All that channels are given of the server."""

    def programmes(self) -> Sequence[Programme]:
        """Those being served, by slug."""

    def languages(self) -> Sequence[str]:
        """Those that there are sentences in."""

    def counting(self) -> int:
        """For how many days it is kept what many ask; 0 where nothing is."""

    def ask(self, question: Question, programme: str, client: str) -> Answer:
        """The answer. Raises Said."""

    def passages(self, programme: str, ids: Sequence[str]) -> Sequence[Citation]:
        """Passages by their ids; those that are gone are left out."""

    def url(self, path: str) -> str:
        """A public address; "" where the server was not told its own."""


class Channel(Protocol):
    """One messenger."""

    @property
    def name(self) -> str:
        """As in the address /channels/<name>."""

    @property
    def lifetime(self) -> float:
        """Seconds for which the platform may deliver a message again; as long it is remembered."""

    @property
    def responds(self) -> bool:
        """The answer may ride in the response, so it is found before the request is answered."""

    @property
    def paced(self) -> bool:
        """Whether one sender's messages are only answered up to a number: see `reception`."""

    @property
    def repeated(self) -> Ack:
        """What a message gets that was taken on before."""

    def challenge(self, received: Received) -> Ack:
        """The platform asks whether we are who we say we are (a GET). Raises Refused."""

    def verify(self, received: Received) -> None:
        """Raises Refused. Looks at the bytes, never at their meaning."""

    def parse(self, received: Received) -> Sequence[Incoming]:
        """Every message in it, in order; none for what nobody waits for. Raises Malformed."""

    async def open(self, incoming: Incoming, client: Client) -> Incoming | None:
        """The same, readable; for a channel that encrypts. None: nothing that is answered."""

    def render(self, reply: Reply, incoming: Incoming) -> Sequence[Outgoing]:
        """The calls that say `reply`. Pure."""

    def respond(self, outgoing: Sequence[Outgoing]) -> Ack | None:
        """All of it as the response; None where it has to be sent."""

    async def deliver(self, outgoing: Outgoing, incoming: Incoming, client: Client) -> None:
        """Send one. Raises client.Undeliverable."""


class Quiet:
    """What most channels do where they do nothing special."""

    name: str = ""
    lifetime: float = 3600.0
    responds: bool = False
    paced: bool = True
    repeated: Ack = Ack()

    def challenge(self, received: Received) -> Ack:
        """No platform asks."""
        raise Refused(405)

    async def open(self, incoming: Incoming, client: Client) -> Incoming | None:
        """It is readable as it is."""
        return incoming

    def respond(self, outgoing: Sequence[Outgoing]) -> Ack | None:
        """It has to be sent."""
        return None


def same(one: str | bytes, other: str | bytes) -> bool:
    """Equal, in a time that doesn't tell where they differ; whatever signs a forger sends."""
    left = one.encode("utf-8", "surrogatepass") if isinstance(one, str) else one
    right = other.encode("utf-8", "surrogatepass") if isinstance(other, str) else other
    return hmac.compare_digest(left, right)


def parsed(body: bytes) -> Any:
    """JSON. Raises Malformed."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed from None


def listed(table: Any, name: str) -> list[dict[str, Any]]:
    """The objects in a list of a payload; none where there is no list."""
    found = table.get(name) if isinstance(table, dict) else None
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def inner(table: Any, *names: str) -> dict[str, Any]:
    """An object within objects of a payload; empty where it isn't there."""
    for name in names:
        table = table.get(name) if isinstance(table, dict) else None
    return table if isinstance(table, dict) else {}


def word(table: Any, name: str) -> str:
    """A text or number of a payload as text; "" where it is neither."""
    value = table.get(name) if isinstance(table, dict) else None
    is_word = isinstance(value, str | int | float) and not isinstance(value, bool)
    return str(value) if is_word else ""


def seconds(text: str, unit: float = 1.0) -> float | None:
    """A platform's time in seconds since 1970; None where it is none."""
    try:
        value = float(text) / unit
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def signature(secret: str, body: bytes) -> str:
    """HMAC-SHA256 as hex, as nearly every platform signs."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
