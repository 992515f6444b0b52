"""`python -m bench`: latency of a question, start-up, memory, encoder and ingest, as the issues
promise.

Everything is measured in one run against a real server process on this machine; the questions are
those of eval/, each asked once a round, so that no cache can answer.
"""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bench import machine
from bench.servers import BUNDLE, ROOT, resident, running
from eval.asking import FILES
from eval.questions import read
from index import bundle

ROUNDS = 3
TWENTY = (
    "Mein Vermieter will mich aus der Wohnung werfen weil er sie verkauft, "
    "was tut die Stadt für Leute wie mich"
)


def main() -> int:
    """Print one line a figure: what, measured, promised; returns 1 where a promise is broken."""
    rows = [*measure_server(), measure_encoder(), measure_ingest()]
    print(machine.described())
    print(f"{'':<44}{'measured':>12}{'promised':>12}")
    for what, measured, promised, unit in rows:
        flag = "" if measured <= promised else "  ← broken"
        print(f"{what:<44}{measured:>9.1f} {unit:<2}{promised:>9.0f} {unit}{flag}")
    return int(any(measured > promised for _, measured, promised, _ in rows))


Row = tuple[str, float, float, str]


def measure_server() -> list[Row]:
    """Start a server, wait until it is ready, ask it everything, look at its memory."""
    began = time.perf_counter()
    with (
        tempfile.TemporaryDirectory() as folder,
        running(BUNDLE.parent, Path(folder), {"FUNDSTELLE_RATE_LIMIT": ""}) as server,
    ):
        _wait_ready(server.port)
        ready = time.perf_counter() - began
        times = _ask_everything(server.port)
        memory = resident(server.process.pid)
    return [
        ("server ready after start", ready * 1000, 2000, "ms"),
        ("POST /api/chat, warm, one client: median", float(np.median(times)), 10, "ms"),
        ("POST /api/chat, warm, one client: p99", float(np.percentile(times, 99)), 40, "ms"),
        ("server resident after all questions", memory, 250, "MB"),
    ]


def measure_encoder() -> Row:
    """One query of 20 words on one core."""
    encoder = bundle.load(BUNDLE).encoder
    times = []
    for _ in range(200):
        began = time.perf_counter()
        encoder.encode([TWENTY])
        times.append((time.perf_counter() - began) * 1000)
    return ("query of 20 words encoded, median", float(np.median(times)), 6, "ms")


def measure_ingest() -> Row:
    """The seed programme, from nothing, in a process of its own."""
    out = Path(tempfile.mkdtemp())
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "ingest.py", "programmes/dortmund-2025", "--out", str(out)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    shutil.rmtree(out)
    return ("ingest of the seed, from nothing", seconds, 30, "s")


def _wait_ready(port: int) -> None:
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.01)


def _ask_everything(port: int) -> list[float]:
    """Milliseconds of each question, the first round left out."""
    questions = [question.query for path in FILES for question in read(path)]
    connection = http.client.HTTPConnection("127.0.0.1", port)
    times: list[float] = []
    for turn in range(ROUNDS + 1):
        for query in questions:
            body = json.dumps({"message": query, "programme": BUNDLE.name})
            began = time.perf_counter()
            connection.request("POST", "/api/chat", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            if turn:
                times.append((time.perf_counter() - began) * 1000)
            if answer.status != 200:
                raise RuntimeError(f"status {answer.status}")
    return times


if __name__ == "__main__":
    sys.exit(main())
