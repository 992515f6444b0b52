"""docs/channels.md as a new user would follow it: for each channel a real server with exactly the
settings that its section names, the platform on loopback, the section's commands, and a first
conversation. `python -m bench.channels --walk [telegram …]` prints what people see.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bench import servers
from bench.servers import ROOT
from bot.channels import CHANNELS
from bot.wording import wording
from tests.bot.channels import document
from tests.bot.channels.conftest import House
from tests.bot.channels.kits import KITS, MetaKit, TelegramKit, ThreemaKit
from tests.bot.channels.peers.server import Peer, running

BASE = "https://frag.example.org"  # as in the document
FIRST, NOTHING = "Werden Radwege ausgebaut?", "Quantenphysik auf dem Mars?"
SLASH = ("mattermost", "rocketchat")  # know no pictures
WORDS = wording().channels


@dataclass
class Walk:
    """One channel's set-up on the way."""

    kit: Any
    address: str
    environment: dict[str, str]
    house: House
    seen: list[str] = field(default_factory=list)

    def say(self, line: str) -> None:
        """Something that a new user reads; printed without the middle of long quotes."""
        self.seen.append(line)
        short = [each if len(each) < 160 else f"{each[:90]} […] {each[-60:]}"
                 for each in line.split("\n") if each]  # fmt: skip
        print("  " + "\n    ".join(short), flush=True)

    def run(self, command: Sequence[str] | str, **changes: str) -> str:
        """A command of the document, with the server's own settings."""
        shell = isinstance(command, str)
        done = subprocess.run(
            ["bash", "-ec", command] if shell else command,
            cwd=ROOT, env={**self.environment, **changes}, capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout


def main(names: Sequence[str], index: Path) -> int:
    """All channels, or those named; 0 where each of them answered."""
    rows = []
    for made in KITS:
        if names and made.name not in names:
            continue
        began = time.monotonic()
        try:
            walk(made(), index)
            how = "as described"
        except AssertionError as error:
            how = f"FAILED: {error}"
        rows.append(f"| {made.name} | {how} | {time.monotonic() - began:.0f} |")
    print("\n| channel | set up and first conversation | seconds |\n|---|---|---|")
    print("\n".join(rows))
    return int(any("FAILED" in row for row in rows))


def walk(kit: Any, index: Path) -> list[str]:
    """One channel; what a new user reads. Raises AssertionError where the document is wrong."""
    print(f"\n## {kit.name}", flush=True)
    if isinstance(kit, ThreemaKit):
        _threema_keys(kit)
    peer: Peer = kit.peer()
    with (
        running(peer) as api,
        _server(kit, api, index) as (address, environment, log),
        httpx.Client(base_url=address, timeout=20) as client,
    ):
        house = House(kit, client, peer)  # type: ignore[arg-type]
        found = Walk(kit, address, environment, house)
        found.say(f"server: {log()}")
        assert f"channels on: {kit.name}" in log(), log()
        for step in STEPS.get(kit.name, ()):
            step(found)
        _conversation(found)
        assert not peer.refused, peer.refused
        return found.seen


@contextmanager
def _server(
    kit: Any, api: str, index: Path
) -> Iterator[tuple[str, dict[str, str], Callable[[], str]]]:
    """`python -m bot` with what the document names, and where the platform is."""
    values = kit.environment(api)
    named = document.settings(kit.name)
    assert set(named) == set(values) - {"API"}, (named, set(values))
    own = {f"FUNDSTELLE_{kit.name.upper()}_{name}": value for name, value in values.items()}
    own |= {"FUNDSTELLE_BASE_URL": BASE}
    with (
        tempfile.TemporaryDirectory() as folder,
        servers.running(index, Path(folder), own) as server,
    ):
        address = f"http://127.0.0.1:{server.port}"
        yield address, servers.settings(index, own), lambda: _read(server.said())


def _read(log: str) -> str:
    lines = [line for line in log.splitlines() if "channel" in line or "REDIS" in line]
    return "\n".join(re.sub(r"^.*?(?=channels? |without |\w+ is on)", "", line) for line in lines)


# --- the conversation


def _conversation(found: Walk) -> None:
    answers = {
        "first": _ask(found, FIRST, "1"),
        "more": _ask(found, "mehr", "2"),
        "nothing": _ask(found, NOTHING, "3"),
        "picture": _ask(found, "", "4", kind="picture"),
    }
    assert "automatische Suche" in answers["first"]
    assert f"{BASE}/p/" in answers["first"]
    assert wording().nothing in answers["nothing"]
    kind = WORDS.help if found.kit.name in SLASH else WORDS.kind_other
    assert kind.split("\n")[0] in answers["picture"]


def _ask(found: Walk, text: str, number: str, **more: Any) -> str:
    nothing = "(nur das Kommando)" if found.kit.name in SLASH else "(ein Bild)"
    found.say(f"> {text or nothing}")
    said = found.house.ask(text, f"walk-{number}", **more)
    assert said, "no answer"
    for message in said:
        found.say(message)
    return "\n".join(said)


# --- what a section says beside its settings


def _set_webhook(found: Walk) -> None:
    """The command tells the Bot API where and with which secret; deliveries use just that."""
    command = [sys.executable, "-m", "bot.channels.telegram"]
    found.say(found.run([*command, "set-webhook"]).strip())
    told = next(p for path, p in found.house.peer.accepted if path.endswith("/setWebhook"))
    assert told["url"] == f"{BASE}/channels/telegram"
    found.kit.secret = told["secret_token"]
    found.say(found.run([*command, "info"]).strip())


def _challenge(found: Walk) -> None:
    """What Meta asks when the callback is entered."""
    token = found.environment[f"FUNDSTELLE_{found.kit.name.upper()}_VERIFY_TOKEN"]
    for given, expected in ((token, "200 1158201444"), ("another", "403 ")):
        query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": given}
        response = found.house.client.get(f"/channels/{found.kit.name}", params=query)
        answer = f"{response.status_code} {response.text}"
        found.say(f"Meta asks with {'the' if given == token else 'another'} verify token: {answer}")
        assert answer == expected


def _threema_keys(kit: ThreemaKit) -> None:
    """The SDK's own command makes the keys, as the document says; its file is the setting."""
    folder = Path(tempfile.mkdtemp(prefix="fundstelle-threema-"))
    try:
        files = [str(folder / "private.key"), str(folder / "public.key")]
        module = "threema.gateway.bin.gateway_client"  # the command `threema-gateway`
        subprocess.run([sys.executable, "-m", module, "generate", *files], check=True)
        kit.phone.gateway(*(Path(file).read_text().strip() for file in files))
    finally:
        shutil.rmtree(folder)


def _curl(found: Walk) -> None:
    script = document.block("openssl dgst").replace(BASE, found.address)
    found.say("curl: " + found.run(script)[:120] + "…")


def _python(found: Walk) -> None:
    scope: dict[str, Any] = {}
    exec(document.block("def ask(").replace(BASE, found.address), scope)
    secret = found.environment["FUNDSTELLE_WEBHOOK_SECRET"]
    answer = scope["ask"](secret, FIRST, "gast-8", "44")
    found.say("Python: " + answer["quotes"][0]["citation"])


def _curl_slash(found: Walk) -> None:
    host = found.address.removeprefix("http://")
    script = document.block("trigger_id=1").replace("localhost:8000", host)
    found.say("curl: " + found.run(script)[:120] + "…")


STEPS: dict[str, Sequence[Callable[[Walk], None]]] = {
    TelegramKit.name: (_set_webhook,),
    "webhook": (_curl, _python),
    "mattermost": (_curl_slash,),
    **{made.name: (_challenge,) for made in KITS if issubclass(made, MetaKit)},
}
assert set(STEPS) <= {registered.name for registered in CHANNELS}
