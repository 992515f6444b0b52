"""A real Redis on loopback, which can be killed and started again. It keeps nothing on the disk."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.servers import free_port


class RedisServer:
    """One, always on the same port."""

    def __init__(self, program: str, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._command = [program, "--port", str(self.port), "--save", "", "--appendonly", "no"]
        self._folder = folder
        self.start()

    @classmethod
    @contextmanager
    def running(cls, folder: Path) -> Iterator[RedisServer]:
        """Skips the test where there is no Redis."""
        program = shutil.which("redis-server")
        if program is None:
            pytest.skip("no redis-server here: apt-get install redis-server")
        server = cls(program, folder)
        try:
            yield server
        finally:
            server.kill()
        assert not list(folder.glob("*.rdb"))

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, cwd=self._folder, stdout=subprocess.DEVNULL)
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError("Redis did not start")

    def kill(self) -> None:
        """As a crash would, or a stop that hangs."""
        self._process.send_signal(signal.SIGCONT)
        self._process.kill()
        self._process.wait()

    def hang(self) -> None:
        """It takes connections and says nothing, until `resume`."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)
