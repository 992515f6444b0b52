"""docs/channels.md, tried as a new user would: its commands against a real server."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.channels import CHANNELS
from tests.conftest import ROOT

DOCS = (ROOT / "docs" / "channels.md").read_text(encoding="utf-8")
SECRET = "s" * 40
HEAVY = {"nacl", "httpx", "httpcore", "redis", "aiogram", "pywa", "aiohttp"}


@pytest.fixture(scope="module")
def server(difficult: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ, "FUNDSTELLE_INDEX": str(difficult),
        "FUNDSTELLE_BASE_URL": "https://frag.example.org",
        "FUNDSTELLE_WEBHOOK_SECRET": SECRET, "FUNDSTELLE_MATTERMOST_TOKEN": SECRET,
    }  # fmt: skip
    command = [sys.executable, "-m", "bot", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{address}/readyz", timeout=5)
            break
        except OSError:
            time.sleep(0.1)
    yield address
    process.send_signal(signal.SIGTERM)
    process.wait(20)


def block(containing: str) -> str:
    """The indented example with these words, as somebody would copy it."""
    blocks = re.findall(r"(?:^ {4}.*\n|^\n(?= {4}))+", DOCS, re.MULTILINE)
    found = next(b for b in blocks if containing in b)
    return re.sub(r"(?m)^ {4}", "", found)


def shell(script: str) -> str:
    environment = {
        **os.environ, "FUNDSTELLE_WEBHOOK_SECRET": SECRET, "FUNDSTELLE_MATTERMOST_TOKEN": SECRET
    }  # fmt: skip
    done = subprocess.run(
        ["bash", "-ec", script], env=environment, capture_output=True, text=True, timeout=30,
        check=True,
    )  # fmt: skip
    return done.stdout


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="no curl here")
def test_the_curl_examples_work_as_they_stand(server: str) -> None:
    """Copied, the address changed: the signed webhook and Mattermost's command."""
    signed = block("openssl dgst").replace("https://frag.example.org", server)
    assert json.loads(shell(signed))["texts"]
    plain = block("trigger_id=1").replace("localhost:8000", server.removeprefix("http://"))
    assert "Radwege" in json.loads(shell(plain))["text"]


def test_the_python_example_works_as_it_stands(server: str) -> None:
    """The function from the page, called as it says."""
    scope: dict[str, object] = {}
    exec(block("def ask(").replace("https://frag.example.org", server), scope)
    answer = scope["ask"](SECRET, "Was ist mit Radwegen?", "gast-7", "43")  # type: ignore[operator]
    assert "Wir bauen Radwege aus." in answer["quotes"][0]["text"]


def test_every_channel_and_setting_is_described() -> None:
    """By the name it has in the environment, or the name after "…_"."""
    for registered in CHANNELS:
        assert f"`{registered.name}`" in DOCS
        for need in registered.needs:
            assert registered.variable(need) in DOCS or f"…_{need}" in DOCS, registered.variable(
                need
            )


def test_a_server_without_channels_imports_none_of_their_libraries(difficult: Path) -> None:
    """It starts as fast as before: read from every module that it imports."""
    program = (
        "import sys; from pathlib import Path; from bot.app import create_app;"
        "from bot.settings import Settings; from fastapi import FastAPI;"
        "app = create_app(Settings(index=Path(sys.argv[1]))); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(difficult)], cwd=ROOT, capture_output=True, text=True,
        timeout=60, check=True,
    )  # fmt: skip
    imported = {name.split(".")[0] for name in done.stdout.split()}
    assert "bot" in imported
    assert not imported & HEAVY


def test_channels_know_only_messages_and_wording() -> None:
    """Read from the imports: `wiring` alone knows the server, Telegram's command its settings."""
    for path in (ROOT / "bot" / "channels").rglob("*.py"):
        if path.name in ("wiring.py", "__main__.py"):
            continue
        found = re.findall(r"(?m)^\s*(?:from|import) (bot[.\w]*)", path.read_text(encoding="utf-8"))
        known = ("bot.channels", "bot.hashes", "bot.messages", "bot.wording")
        assert all(name.startswith(known) for name in found), path
