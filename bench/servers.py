"""A real server process, everything it writes kept in a file."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
BUNDLE = ROOT / "var" / "index" / "dortmund-2025"


@dataclass(frozen=True)
class Server:
    """One that runs."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path  # stdout and stderr

    def said(self) -> str:
        """All it has written."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def raw(self, request: bytes, wait: float = 5) -> bytes:
        """What comes back for these very bytes, until the server closes or falls silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait) as connection:
            answer = b""
            try:
                connection.sendall(request)
                while piece := connection.recv(65536):
                    answer += piece
            except (TimeoutError, ConnectionError):
                pass
            return answer


@contextmanager
def running(
    index: Path,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    module: str = "bot",
    *arguments: str,
    port: int = 0,
) -> Iterator[Server]:
    """`python -m module arguments`, ready to answer; killed at the end."""
    port = port or free_port()
    log = folder / f"server-{port}.log"
    command = [sys.executable, "-m", module, "--port", str(port), *arguments]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=settings(index, environment), stdout=output, stderr=output
        )
        try:
            _wait(process, port, log)
            yield Server(process, port, log)
        finally:
            process.kill()
            process.wait()


def settings(index: Path, own: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment with these settings of the bot and none of this process's own."""
    others = {k: v for k, v in os.environ.items() if not k.startswith("FUNDSTELLE_")}
    return {**others, "FUNDSTELLE_INDEX": str(index), **(own or {})}


def resident(pid: int) -> float:
    """Megabytes of memory that a process has."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(row for row in status.splitlines() if row.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2).close()
        except (OSError, urllib.error.URLError):
            time.sleep(0.01)
        else:
            return
    raise AssertionError(f"no server: {log.read_text(errors='replace')[-2000:]}")
