"""`--workers`: several processes behind one port."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import small
from bench.servers import free_port
from bench.small import Chapter
from tests.conftest import ROOT


@contextmanager
def running(index: Path, **environment: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "--port", str(port), "--workers", "2"], cwd=ROOT, text=True,
        env={**os.environ, "FUNDSTELLE_INDEX": str(index), **environment}, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process, port
    finally:
        process.terminate()
        process.communicate(timeout=30)


def served(port: int) -> str:
    """The version that whoever takes this connection serves; "" while nobody does."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
            return str(json.load(answer)["programmes"]["rot"])
    except OSError:
        return ""


def workers(parent: int) -> set[int]:
    """Processes below `parent` that map the vectors."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            below = int(path.read_text().rpartition(")")[2].split()[1]) == parent
            if below and "vectors.faiss" in (path.parent / "maps").read_text():
                found.add(int(path.parent.name))
        except OSError:
            continue
    return found


def test_workers_share_a_port_take_up_new_bundles_and_go_when_told(tmp_path: Path) -> None:
    """Each looks for new bundles by itself; none is left when the server ends."""
    first = small.write(tmp_path, "rot", [Chapter("Busse", ["Wir bauen Busspuren."])]).version
    with running(tmp_path, FUNDSTELLE_RELOAD_SECONDS="0.1") as (process, port):
        until = time.monotonic() + 60
        while len(serving := workers(process.pid)) < 2 or served(port) != first:
            assert time.monotonic() < until and process.poll() is None
            time.sleep(0.1)
        second = small.write(tmp_path, "rot", [Chapter("Busse", ["Busse für alle."])]).version
        alike = 0
        while alike < 20:  # a connection is taken by whoever comes first
            assert time.monotonic() < until
            alike = alike + 1 if served(port) == second else 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in serving)


def test_a_setting_that_cannot_be_used_ends_the_server(tmp_path: Path) -> None:
    """It does not start workers again and again."""
    with running(tmp_path, FUNDSTELLE_MOST_WAITING="0") as (process, _):
        assert process.wait(60) != 0
        assert "FUNDSTELLE_MOST_WAITING" in process.communicate()[1]
