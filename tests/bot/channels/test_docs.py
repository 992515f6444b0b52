"""docs/channels.md, tried as a new user would: its commands against a real server."""

from __future__ import annotations

import json
import logging
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
from typing import Any

import pytest

from bench import channels_walk
from bot.channels.wiring import configured
from tests.bot.channels import document
from tests.bot.channels.kits import KITS, TelegramKit
from tests.conftest import ROOT

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
    signed = document.block("openssl dgst").replace("https://frag.example.org", server)
    assert json.loads(shell(signed))["texts"]
    plain = document.block("trigger_id=1").replace("localhost:8000", server.removeprefix("http://"))
    assert "Radwege" in json.loads(shell(plain))["text"]


def test_the_python_example_works_as_it_stands(server: str) -> None:
    """The function from the page, called as it says."""
    scope: dict[str, object] = {}
    exec(document.block("def ask(").replace("https://frag.example.org", server), scope)
    answer = scope["ask"](SECRET, "Was ist mit Radwegen?", "gast-7", "43")  # type: ignore[operator]
    assert "Wir bauen Radwege aus." in answer["quotes"][0]["text"]


@pytest.mark.parametrize("made", KITS, ids=lambda kit: kit.name)
def test_the_settings_in_a_section_turn_its_channel_on(
    made: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Exactly those that the document sets; without any one of them it stays off, and the start
    names the one that is missing.
    """
    caplog.set_level(logging.INFO)
    kit = made()
    named = document.settings(kit.name)
    values = {
        f"FUNDSTELLE_{kit.name.upper()}_{name}": kit.environment("http://127.0.0.1:9")[name]
        for name in named
    }
    assert f"`{kit.name}`" in document.TEXT
    assert list(configured(values)) == [kit.name]
    for missing in values:
        caplog.clear()
        others = {name: value for name, value in values.items() if name != missing}
        assert not configured(others)
        assert kit.name in caplog.text.partition("channels off, not set up:")[2]
        if others:
            assert f"channel {kit.name} stays off: no {missing}" in caplog.text


def test_a_set_up_works_from_the_first_command_to_the_first_conversation(difficult: Path) -> None:
    """One of the eight that `python -m bench.channels --walk` tries: Telegram."""
    seen = channels_walk.walk(TelegramKit(), difficult)
    assert any("now delivers to https://frag.example.org/channels/telegram" in s for s in seen)


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
        known = ("bot.channels", "bot.hashes", "bot.messages", "bot.traces", "bot.wording")
        assert all(name.startswith(known) for name in found), path
