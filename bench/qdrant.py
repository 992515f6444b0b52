"""Real Qdrant nodes on loopback, each with a folder of its own, killed at the end."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.servers import free_port
from scripts.qdrant import PLACE


@dataclass
class Node:
    """One server; `process` changes when it is started again."""

    folder: Path
    arguments: list[str]
    http: int = field(default_factory=free_port)
    grpc: int = field(default_factory=free_port)
    p2p: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, also after a kill; returns when it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = {
            "QDRANT__TELEMETRY_DISABLED": "true",
            "QDRANT__SERVICE__HOST": "127.0.0.1",
            "QDRANT__SERVICE__HTTP_PORT": str(self.http),
            "QDRANT__SERVICE__GRPC_PORT": str(self.grpc),
            "QDRANT__CLUSTER__ENABLED": "true" if self.arguments else "false",
            "QDRANT__CLUSTER__P2P__PORT": str(self.p2p),
            "QDRANT__STORAGE__PERFORMANCE__MAX_SEARCH_THREADS": "2",
        }
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(PLACE), *self.arguments], cwd=self.folder, env={**os.environ, **settings},
                stdout=log, stderr=log,
            )  # fmt: skip
        self._wait()

    def kill(self) -> None:
        """As a power cut would."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def get(self, path: str) -> bytes:
        """What its REST interface says."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}", timeout=5) as answer:
            return bytes(answer.read())

    def _wait(self) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            assert self.process is not None
            if self.process.poll() is not None:
                break
            try:
                self.get("/readyz")
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError(f"no Qdrant: {(self.folder / 'log').read_text()[-2000:]}")


def address(nodes: list[Node], **options: object) -> str:
    """As FUNDSTELLE_STORE takes it."""
    hosts = ",".join(f"127.0.0.1:{node.grpc}" for node in nodes)
    asked = "&".join(f"{name}={value}" for name, value in options.items())
    return f"qdrant://{hosts}" + (f"?{asked}" if asked else "")


@contextmanager
def running(folder: Path, count: int = 1) -> Iterator[list[Node]]:
    """One node alone, or a cluster of several."""
    with ExitStack() as stack:
        nodes: list[Node] = []
        for number in range(count):
            node = Node(folder / f"node-{number}", [])
            if count > 1:
                first = nodes[0] if nodes else node
                join = ["--bootstrap", _peer(first)] if nodes else []
                node.arguments = ["--uri", _peer(node), *join]
            stack.callback(node.kill)
            node.start()
            nodes.append(node)
        yield nodes


def _peer(node: Node) -> str:
    return f"http://127.0.0.1:{node.p2p}"
