"""`python -m bench.channels --forged`, `--walk` and `--load`: what the channels promise, measured.

--forged [5000]  that many forged, replayed, truncated, re-encoded requests to each channel
--walk [NAME …]  docs/channels.md as a new user would follow it, see `channels_walk`
--load           200 WhatsApp deliveries a second to a real server, a fifth of them duplicates, a
                 tenth failing at the platform; then the same with kill -9 and restart in the middle
--seconds 60, --rate 200, --busy (only says so in the table)
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import hmac
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.servers import ROOT, free_port

SECRET, PHONE = "geheim-0123456789-0123456789-0123456789", "106540352242922"
QUESTIONS = ("Was ist mit Radwegen?", "Werden die Kita-Gebühren abgeschafft?", "Busse", "mehr",
             "Was tut ihr für Mieter?", "hilfe", "Quantenphysik")  # fmt: skip
FAILS = ("500", "hang", "429", "403")  # a tenth of the senders, one way each
DUPLICATES, TIMEOUT = 0.2, 2.0


def main() -> int:
    """The tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.channels", description=__doc__)
    parser.add_argument("--forged", nargs="?", type=int, const=5000)
    parser.add_argument("--walk", nargs="*")
    parser.add_argument("--index", type=Path, default=ROOT / "var" / "index")
    parser.add_argument("--load", action="store_true")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--peer", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        asyncio.run(_peer(options.peer))
    if options.walk is not None:
        from bench import channels_walk

        return channels_walk.main(options.walk, options.index)
    if options.forged:
        return _forged(options.forged)
    return asyncio.run(_load(options.rate, options.seconds)) if options.load else 0


# --- forged


def _forged(cases: int) -> int:
    from tests.bot.channels.forging import refuse_all
    from tests.bot.channels.kits import KITS

    print("| channel | cases | refused before parsing | seconds |\n|---|---|---|---|")
    for made in KITS:
        tried, began = 0, time.monotonic()
        while tried < cases:  # Hypothesis may find fewer that differ
            tried += refuse_all(made(), cases)
        print(f"| {made.name} | {tried} | {tried} | {time.monotonic() - began:.0f} |", flush=True)
    return 0


# --- the platform


def _fails(sender: str) -> str:
    number = int(sender[-7:])
    return FAILS[number // 10 % len(FAILS)] if number % 10 == 3 else ""


async def _peer(port: int) -> None:
    """A Graph API as small as can be, so that it takes little of the two cores."""
    answers: Counter[str] = Counter()
    asked: dict[str, str] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head, body = await _read(reader)
                if head.startswith("GET"):
                    await _write(writer, 200, json.dumps(answers).encode())
                    continue
                status, wait = _platform(json.loads(body), answers, asked)
                await asyncio.sleep(wait)
                await _write(writer, status, b'{"parameters": {"retry_after": 0.5}}')
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    await server.serve_forever()


def _platform(call: Any, answers: Counter[str], asked: dict[str, str]) -> tuple[int, float]:
    """An answer is its last message, the one with buttons or the only one. What fails fails at an
    answer's first message; "hang" arrives all the same, and is the answer: where the bot is so busy
    that it sees the late 200 before its own timeout, what it goes on with is the answer's rest.
    """
    to, way, said = call["to"], _fails(call["to"]), json.dumps(call)
    if way and to not in asked:
        asked[to] = said
        if way == "hang":
            answers[to] += 1
            return 200, TIMEOUT + 1
        return int(way), 0.0
    if way == "hang" and said != asked[to]:
        return 200, 0.0
    last = call["type"] == "interactive" or "/mehr zeigt" in call["text"]["body"]
    alone = "Mehr Stellen dazu gibt es nicht" in json.dumps(call, ensure_ascii=False)
    answers[to] += int(last or alone)
    return 200, random.uniform(0.02, 0.08)


async def _read(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    lines = [line.partition(":") for line in head.lower().split("\r\n")]
    length = next((int(v) for k, _, v in lines if k == "content-length"), 0)
    return head, await reader.readexactly(length)


async def _write(writer: asyncio.StreamWriter, status: int, body: bytes) -> None:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    writer.write(head.encode() + b"\r\n\r\n" + body)
    await writer.drain()


# --- the deliveries


@dataclass
class Sent:
    """What the platform knows of its own deliveries."""

    port: int
    times: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    acknowledged: set[str] = field(default_factory=set)
    redelivered: int = 0
    late: int = 0
    pool: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)

    async def deliver(self, sender: str, text: str) -> None:
        """Until it is acknowledged, as platforms do."""
        body = _delivery(sender, text)
        for attempt in range(60):
            began = time.monotonic()
            status = await self._post(body)
            self.statuses[status] += 1
            if status:
                self.times.append(time.monotonic() - began)
            if status == 200:
                self.acknowledged.add(sender)
                return
            self.redelivered += 1
            await asyncio.sleep(min(0.5 * 2**attempt, 20.0) * random.uniform(0.5, 1.5))

    async def _post(self, body: bytes) -> int:
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        head = (f"POST /channels/whatsapp HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
                f"X-Hub-Signature-256: sha256={signature}\r\n\r\n")  # fmt: skip
        try:
            reader, writer = self.pool.pop() if self.pool else await asyncio.open_connection(
                "127.0.0.1", self.port)  # fmt: skip
            writer.write(head.encode() + body)
            answer, _ = await asyncio.wait_for(_read(reader), 60)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            return 0
        self.pool.append((reader, writer))
        return int(answer.split()[1])


def _delivery(sender: str, text: str) -> bytes:
    message = {"from": sender, "id": f"wamid.{sender}", "timestamp": str(int(time.time())),
               "type": "text", "text": {"body": text}}  # fmt: skip
    value = {"metadata": {"phone_number_id": PHONE}, "messages": [message]}
    entry = {"id": "1", "changes": [{"field": "messages", "value": value}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


async def _stream(sent: Sent, rate: int, seconds: int, first: int) -> list[str]:
    """Deliveries at an even rate; the distinct ones' senders."""
    tasks, senders = [], []
    began = time.monotonic()
    for number in range(rate * seconds):
        if senders and random.random() < DUPLICATES:
            sender = random.choice(senders[-400:])
        else:
            sender = f"49151{first + len(senders):07d}"
            senders.append(sender)
        text = QUESTIONS[int(sender) % len(QUESTIONS)]
        tasks.append(asyncio.create_task(sent.deliver(sender, text)))
        due = began + (number + 1) / rate
        sent.late += time.monotonic() > due + 0.05
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    await asyncio.gather(*tasks)
    return senders


# --- the measurement


class Machines:
    """A Redis, a platform, a server: real processes on free ports."""

    def __init__(self, folder: Path) -> None:
        self.redis, self.platform, self.port = free_port(), free_port(), free_port()
        self.log = folder / "server.log"
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        redis = ["redis-server", "--port", str(self.redis), "--save", "", "--appendonly", "no"]
        peer = [sys.executable, "-m", "bench.channels", "--peer", str(self.platform)]
        self.others = [subprocess.Popen(redis, cwd=folder, **quiet),  # type: ignore[call-overload]
                       subprocess.Popen(peer, cwd=ROOT, **quiet)]  # type: ignore[call-overload]  # fmt: skip
        self.server = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        """A server; its log goes on where another's ended."""
        environment = {
            **os.environ, "FUNDSTELLE_REDIS": f"redis://127.0.0.1:{self.redis}/0",
            "FUNDSTELLE_SECRET": "s" * 40, "FUNDSTELLE_CHANNELS_TIMEOUT": str(TIMEOUT),
            "FUNDSTELLE_BASE_URL": "https://frag.example.org",
            **{f"FUNDSTELLE_WHATSAPP_{k}": v for k, v in {
                "SECRET": SECRET, "TOKEN": "t", "VERIFY_TOKEN": "v", "POLICY_READ": "yes",
                "PHONE_ID": PHONE, "API": f"http://127.0.0.1:{self.platform}"}.items()},
        }  # fmt: skip
        command = [sys.executable, "-m", "bot", "--port", str(self.port)]
        with self.log.open("ab") as log:
            return subprocess.Popen(command, cwd=ROOT, env=environment, stderr=log)

    async def ready(self) -> None:
        """Until the server answers."""
        for _ in range(300):
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                if "200" in (await _get(self.port, "/readyz"))[0]:
                    return
            await asyncio.sleep(0.1)
        raise SystemExit(self.log.read_text(encoding="utf-8")[-2000:])

    def stop(self) -> None:
        """All of them."""
        for process in (self.server, *self.others):
            process.terminate()
        for process in (self.server, *self.others):
            process.wait(30)


async def _get(port: int, path: str) -> tuple[str, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    answer = await _read(reader)
    writer.close()
    return answer


async def _outcomes(port: int) -> Counter[str]:
    found: Counter[str] = Counter()
    for line in (await _get(port, "/metrics"))[1].decode().splitlines():
        if line.startswith("fundstelle_channel_messages_total{"):
            found[line.partition('outcome="')[2].partition('"')[0]] += int(float(line.split()[-1]))
    return found


async def _settled(port: int, enough: int, seconds: float = 90) -> Counter[str]:
    """The outcomes once so many messages have one, or nothing moves any more."""
    ends, last, since = ("answered", "unsure", "undeliverable"), -1, time.monotonic()
    while True:
        found = await _outcomes(port)
        done = sum(found[end] for end in ends)
        if done != last:
            last, since = done, time.monotonic()
        if done >= enough or time.monotonic() - since > seconds:
            return found
        await asyncio.sleep(0.5)


async def _load(rate: int, seconds: int) -> int:
    folder = Path(tempfile.mkdtemp(prefix="fundstelle-channels-"))
    machines = Machines(folder)
    try:
        await machines.ready()
        good = await _steady(machines, rate, seconds)
        good = await _killed(machines, rate, max(10, seconds // 3)) and good
    finally:
        machines.stop()
        shutil.rmtree(folder)
    return 0 if good else 1


async def _steady(machines: Machines, rate: int, seconds: int) -> bool:
    sent = Sent(machines.port)
    senders = await _stream(sent, rate, seconds, 1_000_000)
    waiting = time.monotonic()
    outcomes = await _settled(machines.port, len(senders))
    waited = time.monotonic() - waiting
    answers: dict[str, int] = json.loads((await _get(machines.platform, "/"))[1])
    good = [s for s in senders if _fails(s) in ("", "429")]
    ended = sum(outcomes[e] for e in ("answered", "unsure", "undeliverable"))
    times = sorted(sent.times)
    p99 = times[int(len(times) * 0.99)] * 1000
    twice = sum(n > 1 for n in answers.values())
    exactly = sum(answers.get(s) == 1 for s in good)
    print(f"""
| {rate} deliveries a second for {seconds} s, load {os.getloadavg()[0]:.1f} | |
|---|---|
| deliveries, distinct messages | {len(sent.times)}, {len(senders)} |
| acknowledged 200, told to come again 503, no connection | {sent.statuses[200]}, \
{sent.statuses[503]}, {sent.statuses[0]} |
| acknowledgement p50, p99, most | {times[len(times) // 2] * 1000:.1f}, {p99:.1f}, \
{times[-1] * 1000:.1f} ms |
| last one done after the last delivery | {waited:.1f} s |
| answered exactly once of those the platform lets through | {exactly} of {len(good)} |
| answered twice | {twice} |
| outcomes | {dict(outcomes)} |
| every distinct message has an outcome | {ended} of {len(senders)} |
""", flush=True)  # fmt: skip
    return p99 <= 250 and not twice and exactly == len(good) and ended == len(senders)


async def _killed(machines: Machines, rate: int, seconds: int) -> bool:
    sent = Sent(machines.port)
    stream = asyncio.create_task(_stream(sent, rate, seconds, 5_000_000))
    await asyncio.sleep(seconds / 2)
    machines.server.send_signal(signal.SIGKILL)
    machines.server.wait()
    before = set(sent.acknowledged)
    sent.pool.clear()
    machines.server = machines.start()
    await machines.ready()
    senders = await stream
    await asyncio.sleep(24)  # a server is dead when it gave no sign for twenty seconds
    outcomes = await _settled(machines.port, len(senders), 5)
    answers: dict[str, int] = json.loads((await _get(machines.platform, "/"))[1])
    good = [s for s in senders if _fails(s) in ("", "429")]
    silent = [s for s in senders if not answers.get(s) and _fails(s) in ("", "429", "hang")]
    unanswered = [s for s in senders if not answers.get(s)]
    twice = sum(answers.get(s, 0) > 1 for s in senders)
    told = [x for x in machines.log.read_text(encoding="utf-8").splitlines() if "left unans" in x]
    known = outcomes["lost"] + outcomes["undeliverable"] + outcomes["unsure"]
    print(f"""
| kill -9 after {seconds // 2} of {seconds} s, restarted | |
|---|---|
| distinct messages; acknowledged before the kill | {len(senders)}; {len(before)} |
| deliveries made again until acknowledged | {sent.redelivered} \
({sent.statuses[0]} without a connection, {sent.statuses[503]} told to come again) |
| answered exactly once of those the platform lets through | \
{sum(answers.get(s) == 1 for s in good)} of {len(good)} |
| answered twice | {twice} |
| never answered, though the platform would have taken it | {len(silent)}, \
{sum(s in before for s in silent)} of them acknowledged before the kill |
| counted as lost by the next server | {outcomes["lost"]} |
| said | {told[-1].split(": ", 1)[-1] if told else "nothing"} |
| outcomes of the next server | {dict(outcomes)} |
""", flush=True)  # fmt: skip
    return not twice and outcomes["lost"] >= len(silent) and known > 0 and bool(unanswered)


if __name__ == "__main__":
    sys.exit(main())
