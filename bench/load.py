"""`python -m bench.load`: what one process answers in a second, and what becomes of ten times that.

A real server, FAISS, two cores shared with this generator. Arrivals are open-loop: each question
has a moment at which it is due, whatever became of the others, and its time counts from that moment
(else a slow server would be asked less: "coordinated omission"). Questions are those of eval/ with
seeded slips and words put in, no two alike, so that no cache can answer.

    steady      200 questions a second for 5 minutes; memory from the 30th second to the last
    overload    2,000 a second for 30 s
    after       200 a second again, until it is as it was

--seconds 300, --rate 200, --times 10, --overload 30, --even (arrivals evenly spaced, else by
chance, as independent people ask: a Poisson process)
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import random
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench import machine
from bench.servers import BUNDLE, ROOT, resident, running
from eval.questions import read

PROMISED = {"rate": 200, "p99": 100.0, "growth": 2.0, "accepted": 300.0, "recovery": 5.0}
WARM_UP, AFTER = 30.0, 10.0  # seconds
MOST_CONNECTIONS = 1000
KEPT = 3.0  # seconds that a connection is kept without a question
PATIENCE = 10.0  # seconds that an answer may take before it counts as none
FILLERS = (
    "eigentlich", "bitte", "mal", "genau", "denn", "jetzt", "überhaupt", "konkret", "vor Ort", "so",
    "in Dortmund", "wirklich", "auch", "noch", "dann", "nächstes Jahr", "bald", "hier", "bei uns",
    "endlich", "in Hörde", "in der Nordstadt", "langfristig", "als Stadt",
)  # fmt: skip


@dataclass
class Asked:
    """One question's fate; times as of `time.perf_counter`."""

    due: float
    sent: float = 0.0
    done: float = 0.0
    status: int = 0  # 0: no answer
    told_when: bool = False  # Retry-After

    @property
    def took(self) -> float:
        """Milliseconds since it was due."""
        return (self.done - self.due) * 1000


def questions(seed: int) -> Iterator[str]:
    """Endlessly many, no two alike."""
    dice = random.Random(seed)
    real = [q.query for path in sorted((ROOT / "eval").glob("*.jsonl")) for q in read(path)]
    given: set[str] = set()
    while True:
        words = dice.choice(real).split()
        words.insert(dice.randrange(len(words) + 1), dice.choice(FILLERS))
        if dice.random() < 0.5:
            number = dice.randrange(len(words))
            words[number] = _slip(words[number], dice)
        query = " ".join(words)
        if query not in given:
            given.add(query)
            yield query


def _slip(word: str, dice: random.Random) -> str:
    """One letter doubled, left out, or swapped with the next."""
    at = dice.randrange(max(1, len(word) - 1))
    return dice.choice((
        word[:at] + word[at : at + 1] + word[at:],
        word[:at] + word[at + 1 :],
        word[:at] + word[at + 1 : at + 2] + word[at : at + 1] + word[at + 2 :],
    )) or word  # fmt: skip


class Connection(asyncio.Protocol):
    """A kept-alive connection that carries one question at a time."""

    def __init__(self, load: Load) -> None:
        self._load, self._buffer = load, bytearray()
        self.asked: Asked | None = None
        self.idle_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Free for the first question."""
        self._transport = transport
        self._load.free(self)

    def ask(self, asked: Asked, request: bytes) -> None:
        """Send it."""
        self.asked, asked.sent = asked, time.perf_counter()
        self._transport.write(request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        """Take an answer in, whole."""
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 or self.asked is None:
            return
        head = bytes(self._buffer[:end]).lower()
        at = head.index(b"content-length:") + 15
        length = int(head[at : (head + b"\r").index(b"\r", at)])
        if len(self._buffer) >= end + 4 + length:
            asked, self.asked = self.asked, None
            asked.done, asked.status = time.perf_counter(), int(head[9:12])
            asked.told_when = b"\r\nretry-after:" in head
            self._buffer.clear()
            self._load.free(self)

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """What it carried has no answer."""
        self._load.lost(self)


@dataclass
class Load:
    """The generator."""

    port: int
    open: int = 0
    idle: list[Connection] = field(default_factory=list)
    waiting: deque[tuple[Asked, bytes]] = field(default_factory=deque)  # for a connection

    def free(self, connection: Connection) -> None:
        """Give it what waits, or keep it."""
        if self.waiting:
            connection.ask(*self.waiting.popleft())
        else:
            connection.idle_since = time.perf_counter()
            self.idle.append(connection)

    def fresh(self) -> Connection | None:
        """The one used last. Those idle for longer than `KEPT` are closed, as the Caddyfile's proxy
        does: the server hangs up after 5 seconds, and a question sent into that moment is lost.
        """
        while self.idle:
            connection = self.idle.pop()
            if time.perf_counter() - connection.idle_since < KEPT:
                return connection
            connection.close()
        return None

    def lost(self, connection: Connection) -> None:
        """Forget it."""
        self.open -= 1
        if connection in self.idle:
            self.idle.remove(connection)

    async def offer(
        self, rate: float, seconds: float, source: Iterator[str], even: bool
    ) -> list[Asked]:
        """Ask for `seconds`, then wait for what is under way."""
        loop, dice = asyncio.get_running_loop(), np.random.default_rng(1)
        gaps = 1 / rate if even else dice.exponential(1 / rate, int(rate * seconds))
        moments = np.cumsum(np.broadcast_to(gaps, int(rate * seconds)))
        requests = [_request(next(source)) for _ in moments]  # now, when there is time
        everything, began = [], time.perf_counter()
        for moment, request in zip(moments, requests, strict=True):
            if (wait := began + moment - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            asked = Asked(began + float(moment))
            everything.append(asked)
            self.waiting.append((asked, request))
            if connection := self.fresh():
                connection.ask(*self.waiting.popleft())
            elif self.open < MOST_CONNECTIONS:
                self.open += 1
                loop.create_task(self._connect())
        until = time.perf_counter() + PATIENCE
        while any(not a.status for a in everything[-5000:]) and time.perf_counter() < until:
            await asyncio.sleep(0.01)
        return everything

    async def _connect(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: Connection(self), "127.0.0.1", self.port
            )
        except OSError:
            self.open -= 1


def _request(query: str) -> bytes:
    body = json.dumps({"message": query, "programme": BUNDLE.name}).encode()
    return (b"POST /api/chat HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n"
            b"Accept-Encoding: gzip\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body)) + body  # fmt: skip


# --- the measurement


@dataclass(frozen=True)
class Row:
    """A line of the table; without a promise where `kept` is None."""

    what: str
    measured: str
    promised: str = ""
    kept: bool | None = None


async def _measure(port: int, pid: int, options: argparse.Namespace) -> list[Row]:
    load, source = Load(port), questions(6)
    warm_up = min(WARM_UP, options.seconds / 4)
    warm = await load.offer(options.rate, warm_up, source, options.even)
    before, cpu = resident(pid), _cpu(pid)
    steady = await load.offer(options.rate, options.seconds - warm_up, source, options.even)
    after, busy = resident(pid), (_cpu(pid) - cpu) / (options.seconds - warm_up)
    rows = [*_steady(warm + steady, options), *_memory(before, after, busy)]
    if options.overload:
        offered = options.rate * options.times
        crowd = await load.offer(offered, options.overload, source, options.even)
        ended = crowd[-1].due
        calm = await load.offer(options.rate, AFTER, source, options.even)
        rows += [*_overload(crowd, offered, options.overload), *_recovery(calm, ended)]
        rows.append(Row("resident at the very end", f"{resident(pid):.1f} MB"))
    return rows


def _steady(asked: list[Asked], options: argparse.Namespace) -> list[Row]:
    answered = [a for a in asked if a.status == 200]
    times = [a.took for a in answered]
    span = max(a.done for a in asked) - asked[0].due
    rate, p99 = len(answered) / span, _percentile(times, 99)
    late = _percentile([(a.sent - a.due) * 1000 for a in asked if a.sent], 99)
    lost = len(asked) - len(answered)
    instead = Counter(a.status for a in asked if a.status != 200)
    return [
        Row(f"answered a second, over {options.seconds:.0f} s", f"{rate:.1f}",
            f"≥ {PROMISED['rate']}", rate >= 0.99 * PROMISED["rate"]),
        Row("not answered with 200", f"{lost} of {len(asked)}", "< 0.1 %",
            lost < len(asked) / 1000),
        *(Row(f"  but {f'with {status}' if status else 'not at all'}", f"{times}")
          for status, times in sorted(instead.items())),
        Row("p50 / p90", f"{_percentile(times, 50):.1f} / {_percentile(times, 90):.1f} ms"),
        Row("p99", f"{p99:.1f} ms", f"≤ {PROMISED['p99']:.0f} ms", p99 <= PROMISED["p99"]),
        Row("sent later than due, p99: the generator itself", f"{late:.1f} ms"),
    ]  # fmt: skip


def _memory(before: float, after: float, busy: float) -> list[Row]:
    growth = (after - before) / before * 100
    return [
        Row("server's cores in use, steady", f"{busy:.2f}"),
        Row("resident after warm-up / at the end", f"{before:.1f} / {after:.1f} MB"),
        Row("growth", f"{growth:.2f} %", f"< {PROMISED['growth']:.0f} %",
            growth < PROMISED["growth"]),
    ]  # fmt: skip


def _overload(asked: list[Asked], offered: float, seconds: float) -> list[Row]:
    accepted = [a.took for a in asked if a.status == 200]
    shed = [a for a in asked if a.status in (429, 503)]
    others = len(asked) - len(accepted) - len(shed)
    p99 = _percentile(accepted, 99)
    polite = all(a.told_when for a in shed)
    return [
        Row(f"overload: offered {offered:.0f}/s for {seconds:.0f} s: answered a second",
            f"{len(accepted) / seconds:.0f}"),
        Row("  shed with 429 or 503", f"{len(shed) / seconds:.0f}/s", "> 0", bool(shed)),
        Row("  of these with Retry-After", "all" if polite else "not all", "all", polite),
        Row("  neither answered nor shed", f"{others}", "0", others == 0),
        Row("  p50 / p99 of shed", f"{_percentile([a.took for a in shed], 50):.0f} / "
            f"{_percentile([a.took for a in shed], 99):.0f} ms"),
        Row("  p99 of the accepted", f"{p99:.0f} ms", f"≤ {PROMISED['accepted']:.0f} ms",
            p99 <= PROMISED["accepted"]),
    ]  # fmt: skip


def _recovery(calm: list[Asked], ended: float) -> list[Row]:
    """Until the end of the last second that was not as promised."""
    bad = [a for a in calm if a.status != 200 or a.took > PROMISED["p99"]]
    seconds = max((a.due for a in _worse_than_usual(calm, bad)), default=ended) - ended
    return [Row("  after it, until p99 is as before", f"{seconds:.1f} s",
                f"≤ {PROMISED['recovery']:.0f} s", seconds <= PROMISED["recovery"])]  # fmt: skip


def _worse_than_usual(calm: list[Asked], bad: list[Asked]) -> list[Asked]:
    """Of `bad` those in whose second more than one in a hundred was bad."""
    per_second: dict[int, list[Asked]] = {}
    for asked in bad:
        per_second.setdefault(int(asked.due), []).append(asked)
    usual = max(1.0, len(calm) / AFTER / 100)
    return [a for several in per_second.values() if len(several) > usual for a in several]


def _percentile(values: list[float], percent: float) -> float:
    return float(np.percentile(values, percent)) if values else float("nan")


def _cpu(pid: int) -> float:
    """Seconds of processor time used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def main() -> int:
    """The table; 1 where a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--rate", type=float, default=PROMISED["rate"])
    parser.add_argument("--times", type=float, default=10)
    parser.add_argument("--overload", type=float, default=30)
    parser.add_argument("--even", action="store_true")
    options = parser.parse_args()
    gc.freeze()
    gc.disable()  # a pause here would look like one of the server
    environment = {"FUNDSTELLE_RATE_LIMIT": "100000000/minute"}  # all come from one address
    with (
        tempfile.TemporaryDirectory() as folder,
        running(BUNDLE.parent, Path(folder), environment) as server,
    ):
        rows = asyncio.run(_measure(server.port, server.process.pid, options))
    return show(rows)


def show(rows: list[Row]) -> int:
    """Print the table; 1 where a promise is broken."""
    print(machine.described())
    print(f"{'':<56}{'measured':>20}{'promised':>12}")
    for row in rows:
        flag = "  ← broken" if row.kept is False else ""
        print(f"{row.what:<56}{row.measured:>20}{row.promised:>12}{flag}")
    return int(any(row.kept is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
