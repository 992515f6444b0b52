"""A real server is stopped, or its bundles are replaced, while twenty clients ask on end."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bench import small
from bench.servers import Server, running
from bench.small import Chapter
from bot.wording import wording
from index import bundle
from index.manifest import Manifest
from tests.bot.channels.kits import SignalKit
from tests.bot.channels.peers.server import Fault
from tests.bot.channels.peers.server import running as platform

CLIENTS = 20
BODY = json.dumps({"message": "Wo baut ihr Radwege?", "programme": "rot"})
SETTINGS = {"FUNDSTELLE_RATE_LIMIT": ""}


@dataclass
class Crowd:
    """Half keep their connection, half make a new one for each question. `broken`: whoever was
    let in and got no whole answer.
    """

    port: int
    over: threading.Event = field(default_factory=threading.Event)
    statuses: Counter[int] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)

    def ask_on(self, keep: bool) -> None:
        connection: http.client.HTTPConnection | None = None
        while not self.over.is_set():
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
                try:
                    connection.connect()
                except OSError:
                    return  # nobody is let in any more
            if not self._ask(connection) or not keep or connection.sock is None:
                connection.close()  # http.client has no socket after `Connection: close`
                connection = None
        if connection is not None:
            connection.close()

    def _ask(self, connection: http.client.HTTPConnection) -> bool:
        try:
            connection.request("POST", "/api/chat", BODY, {"Content-Type": "application/json"})
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.broken.append(repr(error))
            return False
        if response.status == 503 and response.headers["retry-after"]:
            time.sleep(0.1)  # admission: this machine has other things to do
            return True
        self.statuses[response.status] += 1
        if response.status == 200:
            self.answers.append(json.loads(content))
        return True


@contextmanager
def crowd(server: Server) -> Iterator[Crowd]:
    made = Crowd(server.port)
    threads = [
        threading.Thread(target=made.ask_on, args=(number % 2 == 0,)) for number in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    try:
        yield made
    finally:
        made.over.set()
        for thread in threads:
            thread.join(20)


def compile_(root: Path, words: str) -> Manifest:
    texts = [f"Wir bauen Radwege in {words}.", f"Busse fahren öfter nach {words}."]
    return small.write(root, "rot", [Chapter("Verkehr", texts)])


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("index")
    compile_(root, "der Stadt")
    return root


def stop(server: Server, how: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
    """The exit code, and the seconds until it was there."""
    began = time.monotonic()
    server.process.send_signal(how)
    return server.process.wait(20), time.monotonic() - began


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_stop_answers_whoever_was_let_in(index: Path, tmp_path: Path, workers: str) -> None:
    """No reset, no 5xx, exit code 0, soon."""
    with (
        running(index, tmp_path, SETTINGS, "bot", "--workers", workers) as server,
        crowd(server) as asking,
    ):
        time.sleep(0.7)
        code, seconds = stop(server)
    assert code == 0
    assert seconds < 8
    assert not asking.broken
    assert set(asking.statuses) == {200}
    assert asking.statuses[200] > CLIENTS


def test_while_proxies_are_waited_for_it_answers_and_says_that_it_goes(
    index: Path, tmp_path: Path
) -> None:
    """503 by `/readyz`, and every answer closes its connection."""
    settings = {**SETTINGS, "FUNDSTELLE_DRAIN_SECONDS": "1.5"}
    with (
        running(index, tmp_path, settings) as server,
        crowd(server) as asking,
        ThreadPoolExecutor() as pool,
    ):
        stopped = pool.submit(stop, server)
        time.sleep(0.5)
        before = asking.statuses[200]
        answer = server.raw(b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n").decode()
        code, seconds = stopped.result()
    assert answer.startswith("HTTP/1.1 503")
    assert "connection: close" in answer
    assert '"stopping":true' in answer
    assert asking.statuses[200] > before
    assert code == 0
    assert 1.5 < seconds < 6
    assert not asking.broken
    assert set(asking.statuses) == {200}


def test_what_channels_took_on_is_sent_before_the_end(index: Path, tmp_path: Path) -> None:
    """Though the platform is slow, and the stop comes at once."""
    kit = SignalKit()
    peer = kit.peer()
    peer.plan = lambda path, payload: Fault(201, {"timestamp": "1"}, hang=0.5, done=True)
    with platform(peer) as api:
        settings = {f"FUNDSTELLE_SIGNAL_{k}": v for k, v in kit.environment(api).items()}
        with running(index, tmp_path, {**SETTINGS, **settings}) as server:
            for number in range(30):
                sender = str(4915100000000 + number)
                delivery = kit.message("Wo baut ihr Radwege?", f"stop{number}", sender)
                request = urllib.request.Request(
                    f"http://127.0.0.1:{server.port}/channels/signal", delivery.body,
                    dict(delivery.headers),
                )  # fmt: skip
                with urllib.request.urlopen(request, timeout=5) as response:
                    assert response.status == 200
            answered = len({str(payload["recipients"]) for _, payload in peer.accepted})
            assert stop(server)[0] == 0
        assert answered < 30
        assert len({str(payload["recipients"]) for _, payload in peer.accepted}) == 30
        assert "left unanswered" not in server.said()


def versions(folder: Path) -> dict[str, Path]:
    """A few compiled ones, ready to be linked to: compiling would take longer than the test."""
    found = {}
    for number in range(3):
        version = compile_(folder / "index", f"Bezirk {number}").version
        found[version] = folder / version
        shutil.copytree(folder / "index" / "rot", found[version], copy_function=os.link)
    return found


def serve(index: Path, target: Path) -> None:
    """As ingest does: the link turns at once."""
    fresh = index / ".fresh"
    fresh.symlink_to(target)
    fresh.replace(index / "rot")


def test_ten_new_versions_under_load_and_no_answer_of_two(tmp_path: Path) -> None:
    """No 5xx; every passage belongs to the version that the answer names; each was seen."""
    made, index = versions(tmp_path), tmp_path / "served"
    index.mkdir()
    order = list(made) * 4  # each one is another than the one before
    serve(index, made[order[0]])
    settings = {**SETTINGS, "FUNDSTELLE_RELOAD_SECONDS": "0.05"}
    with running(index, tmp_path, settings) as server, crowd(server) as asking:
        for version in order[1:11]:
            before = len(asking.answers)
            serve(index, made[version])
            until = time.monotonic() + 5
            while not any(a["programme"]["version"] == version for a in asking.answers[before:]):
                assert time.monotonic() < until, "a version was never served"
                time.sleep(0.02)
    assert not asking.broken
    assert set(asking.statuses) == {200}
    ids = {v: {p.id for p in bundle.load(path).passages} for v, path in made.items()}
    assert not set.intersection(*ids.values())
    assert {answer["programme"]["version"] for answer in asking.answers} == set(made)
    for answer in asking.answers:
        assert answer["passages"]
        assert {p["id"] for p in answer["passages"]} <= ids[answer["programme"]["version"]]


def test_without_a_bundle_it_runs_and_says_why_it_is_not_ready(tmp_path: Path) -> None:
    """503 by the probe, and by a page in words; Ctrl-C ends it without waiting for proxies."""
    with running(tmp_path / "none", tmp_path, {"FUNDSTELLE_DRAIN_SECONDS": "30"}) as server:
        for path in ("/readyz", "/p/rot"):
            said = server.raw(f"GET {path} HTTP/1.0\r\nAccept: text/html\r\n\r\n".encode())
            assert said.startswith(b"HTTP/1.1 503"), path
        assert wording().errors.not_ready in said.decode()
        code, seconds = stop(server, signal.SIGINT)
    assert code == 0
    assert seconds < 5
