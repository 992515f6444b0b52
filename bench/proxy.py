"""The Caddyfile of deploy/ with a real Caddy before real bots. Only addresses and ports differ."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.servers import ROOT, free_port

SILENCE = "exclude http.log.error http.handlers.reverse_proxy"


@dataclass(frozen=True)
class Proxy:
    """One that runs; `log` is all it has written."""

    port: int
    log: Path


@contextmanager
def running(folder: Path, bots: Sequence[int], errors: bool = False) -> Iterator[Proxy]:
    """Caddy before the bots on these ports, TLS by a certificate of its own; `errors`: it says
    why a bot did not answer, which it must not where people ask.
    """
    port, log, config = free_port(), folder / "caddy.log", folder / "Caddyfile"
    text = (ROOT / "deploy/caddy/Caddyfile").read_text("utf-8")
    assert SILENCE in text  # else errors would be silent, too
    config.write_text(_local(text.replace(SILENCE, "level debug") if errors else text, bots))
    home = str(folder / "home")
    environment = {
        **os.environ, "FUNDSTELLE_DOMAIN": f"localhost:{port}", "HOME": home,
        "XDG_DATA_HOME": home, "XDG_CONFIG_HOME": home,
    }  # fmt: skip
    command = ["caddy", "run", "--config", str(config), "--adapter", "caddyfile"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        yield Proxy(port, log)
    finally:
        process.kill()
        process.wait()


def _local(text: str, bots: Sequence[int]) -> str:
    """The same, for this machine: no root's certificate store, no port below 1024."""
    places = " ".join(f"127.0.0.1:{port}" for port in bots)
    options = (
        f"admin off\nskip_install_trust\nauto_https disable_redirects\nhttp_port {free_port()}"
    )
    return text.replace("admin 127.0.0.1:2019", options).replace("bot-a:8000 bot-b:8000", places)
