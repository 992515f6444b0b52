"""`python -m bench.cluster`: three Qdrant nodes, Redis, two bots behind Caddy; each killed in turn.

    --programmes 3000   how many are published; see bench.scale for the recipe they are made by
    --rate 40           questions a second
    --seconds 90        how long; node, bot and Redis are killed after a sixth, a half and five
                        sixths of it, and started again a twelfth later

Each answer is compared with what FAISS says of that very programme (vectors differ between
programmes, so that a mixture would be seen): the same passages with the same certainty, encoded in
full or, while others wait, by the light form. Besides, the ranking of both stores on both files of
eval/, and how limits behave without Redis. Exit code 1 where a promise is broken.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import re
import shutil
import ssl
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench import proxy, qdrant, scale
from bench.load import Row, show
from bench.qdrant import Node
from bench.servers import BUNDLE, ROOT, Server, free_port, resident, running
from eval import questions
from index import bundle
from index.bundle import Bundle
from index.search import Searcher, once
from index.stores.qdrant import QdrantStore
from index.types import Ranking
from scripts.qdrant import PLACE
from tests.redises import RedisServer

SHARDS, REPLICAS = 6, 2
CHECKED, EACH = 40, 60  # programmes whose answers are compared, questions to each
CLIENTS = 16
SECOND = 1.0  # after a kill, in which a 5xx is forgiven
LIMIT = 30  # questions a minute, of one client, for the test of limits
FILES = ("plain", "hard")
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Answer:
    """What FAISS answers."""

    ids: tuple[str, ...]
    confidences: tuple[float, ...]


@dataclass(frozen=True)
class Asked:
    """A question to a programme and its answers: encoded in full, and by the light form."""

    slug: str
    query: str
    answers: tuple[Answer, Answer]


@dataclass(frozen=True)
class Reply:
    """What came back, when (seconds after the start), after how long."""

    at: float
    took: float
    status: int  # 0: no answer at all
    right: bool
    said: str  # what an error's answer says


@dataclass
class Fault:
    """Something killed, and when."""

    name: str
    kill: Callable[[], None]
    start: Callable[[], None]
    at: float = 0.0


@dataclass
class Bot:
    """One that can be killed and started again, on the same port."""

    folder: Path
    settings: Mapping[str, str]
    port: int = field(default_factory=free_port)

    def start(self) -> None:
        """Returns when it is up."""
        self._running = running(self.folder / "index", self.folder, self.settings, port=self.port)
        self.server: Server = self._running.__enter__()

    def kill(self) -> None:
        """As a power cut would."""
        self._running.__exit__(None, None, None)


def main() -> int:
    """Print what was measured beside what was promised."""
    parser = argparse.ArgumentParser(prog="python -m bench.cluster", description=__doc__)
    parser.add_argument("--programmes", type=int, default=3000)
    parser.add_argument("--rate", type=float, default=40)
    parser.add_argument("--seconds", type=float, default=90)
    options = parser.parse_args()
    missing = [name for name in ("caddy", "redis-server") if not shutil.which(name)]
    if missing or not PLACE.is_file():
        print(f"needs {', '.join(missing) or 'python scripts/qdrant.py'} first", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(dir=ROOT / "var") as name, ExitStack() as stack:
        return show(list(measure(Path(name), options, stack)))


def measure(folder: Path, options: argparse.Namespace, stack: ExitStack) -> Iterator[Row]:
    """All of it, a row a figure."""
    (folder / "made").mkdir()
    seed = bundle.load(BUNDLE)
    passages = scale.make(folder / "made", seed, options.programmes)
    nodes = stack.enter_context(qdrant.running(folder / "qdrant", 3))
    address = qdrant.address(nodes, shards=SHARDS, replicas=REPLICAS)
    store = QdrantStore(address, folder / "ingest")
    began = time.perf_counter()
    publish(store, sorted((folder / "made").glob("programm-*")))
    took = time.perf_counter() - began
    yield Row(
        f"{options.programmes} programmes, {passages:,} passages: published in", f"{took:.0f} s"
    )
    yield Row("  memory of the three nodes", f"{sum(map(_resident, nodes)):.0f} MB")
    yield Row("  on disk", f"{size(folder / 'qdrant') / 1e9:.1f} GB")
    store.publish(BUNDLE)
    yield from equality(seed, store)
    asked = expected(folder / "made", options.programmes)
    redis = stack.enter_context(redis_server(folder))
    settings = {
        "FUNDSTELLE_STORE": address, "FUNDSTELLE_REDIS": redis.url, "FUNDSTELLE_SECRET": "x" * 32,
        "FUNDSTELLE_TRUSTED_PROXIES": "127.0.0.1", "FUNDSTELLE_RATE_LIMIT": f"{LIMIT}/minute",
    }  # fmt: skip
    bots = [Bot(folder / f"bot-{number}", settings) for number in range(2)]
    for bot in bots:
        (bot.folder).mkdir()
        bot.start()
        stack.callback(bot.kill)
    before = stack.enter_context(proxy.running(folder, [b.port for b in bots], errors=True))
    port = before.port
    wait(port, asked[0])
    faults = [
        Fault("a node", nodes[1].kill, nodes[1].start),
        Fault("a bot", bots[0].kill, bots[0].start),
        Fault("Redis", redis.kill, redis.start),
    ]
    replies = load(port, asked, options.rate, options.seconds, faults)
    yield from judged(replies, faults, options.rate * options.seconds)
    for reason, times in reasons(bots).most_common(5):
        yield Row(f"  a bot said: {reason}", f"{times}")
    for reason, times in failures(before).most_common(5):
        yield Row(f"  the proxy said: {reason}", f"{times}")
    yield from limits(port, asked, redis)


def publish(store: QdrantStore, folders: Sequence[Path]) -> None:
    """As ingest.py does, two at a time."""
    store.publish(folders[0])  # makes the collections, brings the encoder
    with ThreadPoolExecutor(2) as pool:
        for number, _ in enumerate(pool.map(store.publish, folders[1:]), 2):
            if number % 250 == 0:
                print(f"published {number}", file=sys.stderr)


def _resident(node: Node) -> float:
    assert node.process is not None
    return resident(node.process.pid)


def size(folder: Path) -> int:
    """Bytes that its files take on the disk; some go while they are counted."""
    total = 0
    for inside, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += os.stat(os.path.join(inside, name)).st_blocks * 512
    return total


# --- the same ranking


def equality(seed: Bundle, store: QdrantStore) -> Iterator[Row]:
    """Both stores on both files of eval/."""
    here, there = seed.searcher(), store.load(seed.manifest.slug).searcher()
    for name in FILES:
        asked = [q.query for q in questions.read(ROOT / "eval" / f"{name}.jsonl")]
        took: list[float] = []
        same = sum(ten(here, query) == ten(there, query, took) for query in asked)
        label = f"eval/{name}.jsonl: the same ten passages in the same order as FAISS"
        yield Row(label, f"{same} of {len(asked)}", f"{len(asked)}", same == len(asked))
        middle, end = np.percentile(np.array(took) * 1000, [50, 99])
        yield Row("  encoded and searched: p50 / p99", f"{middle:.1f} / {end:.1f} ms")


def ten(searcher: Searcher, query: str, took: list[float] | None = None) -> list[int]:
    """The first ten passages."""
    began = time.perf_counter()
    hits = searcher.search(query, 10).hits
    if took is not None:
        took.append(time.perf_counter() - began)
    return [hit.passage for hit in hits]


# --- under load, with faults


def expected(made: Path, count: int) -> list[Asked]:
    """What FAISS answers, of some programmes to some questions, in an order by chance."""
    dice = random.Random(5)
    every = [q.query for name in FILES for q in questions.read(ROOT / "eval" / f"{name}.jsonl")]
    found = []
    for number in dice.sample(range(count), min(CHECKED, count)):
        loaded = bundle.load(made / f"programm-{number:04}")
        searcher = loaded.searcher()
        for query in dice.sample(every, EACH):
            full, light = (
                answer(loaded, searcher.search(query, 3, once(encode)))
                for encode in (loaded.encoder.encode, loaded.encoder.lightly)
            )
            found.append(Asked(loaded.manifest.slug, query, (full, light)))
    dice.shuffle(found)
    return found


def answer(loaded: Bundle, ranking: Ranking) -> Answer:
    """What is shown of a ranking."""
    shown = ranking.hits if ranking.confidence >= loaded.calibration.related else ()
    best = ranking.hits[0].score
    sure = [ranking.confidence * max(0.0, hit.score / best) for hit in shown]
    ids = tuple(loaded.passages[hit.passage].id for hit in shown)
    return Answer(ids, tuple(min(1.0, c) for c in sure))


class Client:
    """One keep-alive connection to the proxy, from an address of its own on loopback."""

    def __init__(self, port: int, number: int) -> None:
        self._port, self._number, self._turn = port, number, 0
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self._context = context
        self._connection: http.client.HTTPSConnection | None = None

    def ask(self, asked: Asked) -> tuple[int, bool, str]:
        """Status, whether it is what FAISS answers, and what an error says; a connection that
        broke is 0.
        """
        body = json.dumps({"message": asked.query, "programme": asked.slug})
        try:
            if self._connection is None:
                self._connect()
            assert self._connection is not None
            self._connection.request("POST", "/api/chat", body, JSON)
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            self.close()
            return 0, True, "no answer"
        self._turn += 1
        if self._turn % (LIMIT - 5) == 0:
            self.close()  # as another visitor, since this one would soon be asked to wait
        if answer.status != 200:
            return answer.status, True, content.decode(errors="replace")
        return 200, right(asked, json.loads(content)), ""

    def _connect(self) -> None:
        self._number += CLIENTS
        source = (
            f"127.{1 + self._number // 65025}.{self._number // 255 % 255}.{self._number % 255}",
            0,
        )
        self._connection = http.client.HTTPSConnection(
            "localhost", self._port, timeout=15, source_address=source, context=self._context
        )

    def close(self) -> None:
        """The next question comes from another address."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def right(asked: Asked, answer: Mapping[str, object]) -> bool:
    """Of this programme, and just what FAISS says, in either form of the encoder."""
    passages: list[dict[str, object]] = answer["passages"]  # type: ignore[assignment]
    sure = [float(str(p["confidence"])) for p in passages]
    ids = tuple(p["id"] for p in passages)
    return all(f"/p/{asked.slug}/" in str(p["url"]) for p in passages) and any(
        ids == said.ids and np.allclose(sure, said.confidences, atol=2e-3) for said in asked.answers
    )


def load(
    port: int, asked: Sequence[Asked], rate: float, seconds: float, faults: Sequence[Fault]
) -> list[Reply]:
    """Questions at a steady rate from the start on, whatever the answers do; faults in between."""
    replies: list[Reply] = []
    turns, lock = iter(range(int(rate * seconds))), threading.Lock()
    began = time.perf_counter()

    def client(number: int) -> None:
        mine = Client(port, number)
        while True:
            with lock:
                turn = next(turns, None)
            if turn is None:
                return
            due = began + turn / rate
            time.sleep(max(0.0, due - time.perf_counter()))
            status, fits, said = mine.ask(asked[turn % len(asked)])
            now = time.perf_counter()
            replies.append(Reply(due - began, now - due, status, fits, said))

    def break_things() -> None:
        for number, fault in enumerate(faults):
            start = seconds * (2 * number + 1) / (2 * len(faults))
            time.sleep(max(0.0, began + start - time.perf_counter()))
            fault.at = time.perf_counter() - began
            fault.kill()
            time.sleep(seconds / (4 * len(faults)))
            fault.start()

    threads = [threading.Thread(target=client, args=(n,)) for n in range(CLIENTS)]
    threads.append(threading.Thread(target=break_things))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return replies


def judged(replies: Sequence[Reply], faults: Sequence[Fault], sent: float) -> Iterator[Row]:
    """Wrong answers, errors beyond the second of the kill, latency."""
    yield Row("questions asked", f"{len(replies)}", f"{sent:.0f}", len(replies) >= int(sent))
    wrong = sum(not reply.right for reply in replies)
    yield Row("wrong or another programme's answers", f"{wrong}", "0", wrong == 0)
    failed = [r for r in replies if r.status == 0 or r.status >= 500]
    late = [r for r in failed if not any(f.at - 0.2 <= r.at <= f.at + SECOND for f in faults)]
    for fault in faults:
        within = sum(fault.at - 0.2 <= r.at <= fault.at + SECOND for r in failed)
        yield Row(f"  {fault.name} killed: no answer or 5xx within a second", f"{within}")
    yield Row("no answer or 5xx beyond the second of the kill", f"{len(late)}", "0", not late)
    for (second, status, what), times in sorted(Counter(map(kind, late)).items()):
        yield Row(f"    at {second} s: {status} {what}", f"{times}")
    refused = sum(r.status == 429 for r in replies)
    yield Row("429, though nobody asked too often", f"{refused}", "0", refused == 0)
    middle, end = np.percentile([r.took * 1000 for r in replies], [50, 99])
    yield Row("answered after: p50 / p99, through the proxy", f"{middle:.0f} / {end:.0f} ms")


def kind(reply: Reply) -> tuple[int, int, str]:
    """When, and what it says, short."""
    found = re.search(r'"detail": "([^"]*)', reply.said)
    return int(reply.at), reply.status, (found[1] if found else reply.said)[:30]


def reasons(bots: Sequence[Bot]) -> Counter[str]:
    """Errors in the bots' logs, without the places."""
    lines = [line for bot in bots for log in bot.folder.glob("*.log") for line in said(log)]
    return Counter(re.sub(r"qdrant://\S+|\[.*?\]|\d+", "…", line)[:120] for line in lines)


def said(log: Path) -> list[str]:
    """Its errors."""
    return [line for line in log.read_text(errors="replace").splitlines() if "ERROR" in line]


def failures(before: proxy.Proxy) -> Counter[str]:
    """Why the proxy could not pass questions on; without ports."""
    lines = [line for line in before.log.read_text().splitlines() if "http.log.error" in line]
    said = (json.loads(line)["msg"] for line in lines)
    return Counter(re.sub(r"[\d.]+:\d+", "…", message)[:120] for message in said)


# --- limits


def limits(port: int, asked: Sequence[Asked], redis: RedisServer) -> Iterator[Row]:
    """With Redis the bots count together; without, each for itself; and together again."""
    time.sleep(2)
    together = accepted(port, asked, "127.200.0.1")
    yield Row("one client, with Redis: accepted", f"{together}", f"{LIMIT}", together == LIMIT)
    redis.kill()
    alone = accepted(port, asked, "127.200.0.2")
    fits = LIMIT <= alone <= 2 * LIMIT
    yield Row("  without it, each bot for itself", f"{alone}", f"{LIMIT} to {2 * LIMIT}", fits)
    redis.start()
    time.sleep(10)
    again = accepted(port, asked, "127.200.0.3")
    yield Row("  when it is back", f"{again}", f"{LIMIT}", again == LIMIT)


def accepted(port: int, asked: Sequence[Asked], source: str) -> int:
    """Of three times as many questions as one client may ask in a minute."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    count = 0
    for one in asked[: 3 * LIMIT]:
        connection = http.client.HTTPSConnection(
            "localhost", port, timeout=15, source_address=(source, 0), context=context
        )
        body = json.dumps({"message": one.query, "programme": one.slug})
        connection.request("POST", "/api/chat", body, JSON)
        count += connection.getresponse().status == 200
        connection.close()
    return count


def wait(port: int, asked: Asked) -> None:
    """Until the proxy answers with what the bots say."""
    client, until = Client(port, 0), time.monotonic() + 60
    while client.ask(asked)[0] != 200:
        if time.monotonic() > until:
            raise AssertionError("no answer through the proxy")
        time.sleep(0.3)
        client.close()


@contextmanager
def redis_server(folder: Path) -> Iterator[RedisServer]:
    """A real one."""
    program = shutil.which("redis-server")
    assert program is not None
    server = RedisServer(program, folder)
    try:
        yield server
    finally:
        server.kill()


if __name__ == "__main__":
    sys.exit(main())
