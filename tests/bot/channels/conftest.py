"""A server with one channel on, its platform on loopback, and a programme that is hard to quote."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from bench import small
from bench.small import Chapter
from bot.app import create_app
from bot.settings import Settings
from bot.wording import wording
from tests.bot.channels.kits import KITS, Delivery, Kit
from tests.bot.channels.peers import chats
from tests.bot.channels.peers.server import Peer, running

SIGNS = (
    "Wir wollen *Freiheit* und _Gleichheit_ für Bürger*innen & Co, auch wo a < b und c > d ist. "
    "Der Faktor 5 * 3 * 2 bleibt, ~nichts~ wird gestrichen, `alles` bleibt im snake_case_wort. "
    "Ein &amp; bleibt ein &amp; und <b>fett</b> bleibt <b>fett</b>."
)
ASKED_SIGNS = "Was ist mit Freiheit und Gleichheit?"
PARTS = [
    f"Das Schwimmbad Nummer {n} bleibt offen und bekommt z. B. neue Becken." for n in range(90)
]
LONG = " ".join(PARTS)
ASKED_LONG = "Bleibt das Schwimmbad offen?"
WORDS = wording().channels


@pytest.fixture(scope="session")
def difficult(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One programme: signs that are markup elsewhere, and a passage longer than any message."""
    root = tmp_path_factory.mktemp("difficult")
    chapters = [
        Chapter("Freiheit & Gleichheit", [SIGNS], page=3),
        Chapter("Bäder", [LONG], page=7),
        Chapter("Verkehr", ["Wir bauen Radwege aus. Busse fahren öfter."]),
    ]
    small.write(root, "zeichen", chapters, imprint=("Die Partei", "Weg 1"))
    return root


@dataclass
class House:
    """A running server with one channel, and the platform that it talks to."""

    kit: Kit
    client: TestClient
    peer: Peer

    def post(self, delivery: Delivery, client: TestClient | None = None, **headers: str) -> Any:
        return (client or self.client).post(
            f"/channels/{self.kit.name}",
            content=delivery.body,
            headers={k: v.encode() for k, v in {**delivery.headers, **headers}.items()},
        )

    def metrics(self) -> dict[str, float]:
        lines = self.client.get("/metrics").text.splitlines()
        found: dict[str, float] = {}
        for line in lines:
            if line.startswith("fundstelle_channel_messages_total{"):
                name = line.partition('outcome="')[2].partition('"')[0]
                found[name] = found.get(name, 0) + float(line.rsplit(" ", 1)[1])
        return found

    def settled(self, number: int, seconds: float = 10.0) -> dict[str, float]:
        """The outcomes, once so many messages have one that is an end."""
        ends = ("answered", "unsure", "undeliverable", "ignored")
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = self.metrics()
            if sum(found.get(end, 0) for end in ends) >= number:
                return found
            time.sleep(0.02)
        raise AssertionError((self.metrics(), self.peer.refused))

    def said(self, response: Any = None) -> list[str]:
        """All that the person has read: in this response, and sent until now."""
        in_response = read_response(self.kit, response) if response is not None else []
        calls = [payload for path, payload in self.peer.accepted if self.kit.counts(path)]
        return [*in_response, *(self.kit.read(call) for call in calls)]

    def ask(self, text: str, number: str = "1", **more: Any) -> list[str]:
        """What the person reads after one message."""
        done = sum(self.metrics().get(k, 0) for k in ("answered",))
        before = len(self.said())
        response = self.post(self.kit.message(text, number, **more))
        assert response.status_code == 200
        self.settled(int(done) + 1)
        said = self.said(response)
        return said if response.content else said[before:]


def read_response(kit: Kit, response: httpx2.Response) -> list[str]:
    if not response.content:
        return []
    body = response.json()
    if kit.name == "telegram":
        return [kit.read(body)] if body["method"] == "sendMessage" else []
    if kit.name == "webhook":
        return list(body["texts"])
    shown = chats.mattermost if kit.name == "mattermost" else chats.rocketchat
    return [shown(body["text"])]


@contextmanager
def house(
    kit: Kit, index: Path, redis: str = "", secret: str = "", **extra: str
) -> Iterator[House]:
    with ExitStack() as stack:
        peer = kit.peer()
        api = stack.enter_context(running(peer))
        values = {
            f"FUNDSTELLE_{kit.name.upper()}_{k}": v for k, v in kit.environment(api).items()
        } | {"FUNDSTELLE_CHANNELS_TIMEOUT": "1.0"}
        settings = Settings(
            index=index, rate_limit="", redis=redis, secret=secret, base_url="https://frag.example.org",
            channels={**values, **extra},
        )  # fmt: skip
        client = TestClient(create_app(settings), client=("127.0.0.1", 50000))
        stack.enter_context(client)
        yield House(kit, client, peer)


@pytest.fixture(params=KITS, ids=lambda kit: kit.name)
def kit(request: pytest.FixtureRequest) -> Kit:
    made: Kit = request.param()
    return made


@pytest.fixture
def channel(kit: Kit, difficult: Path) -> Iterator[House]:
    logging.getLogger("bot").setLevel(logging.DEBUG)
    with house(kit, difficult) as found:
        yield found
