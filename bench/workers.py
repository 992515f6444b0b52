"""`python -m bench.workers`: what several worker processes of one server cost in memory.

Starts `python -m bot --workers N` for 1, 2 and 4 over copies of the seed, asks until every process
has answered, and reads /proc: resident is what each sees, its share is what it would free by
ending (PSS: what is shared, divided by those who share it).
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
import tempfile
import time
from pathlib import Path

from bench.many import make
from bench.servers import ROOT, running

ASKED = 400


def main() -> int:
    """One line a number of workers."""
    parser = argparse.ArgumentParser(prog="python -m bench.workers", description=__doc__)
    parser.add_argument("--programmes", type=int, default=100)
    options = parser.parse_args()
    print(f"{options.programmes} programmes as large as the seed; MB")
    print("| workers | resident, all together | shares, all together | vectors, shares |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=ROOT / "var") as folder:
        for number in range(options.programmes):
            make(Path(folder), f"programm-{number:03}", number, seed=True)
        for workers in (1, 2, 4):
            figures = _measure(Path(folder), workers, options.programmes)
            print(f"| {workers} | " + " | ".join(f"{f / 1024:.0f}" for f in figures) + " |")
    return 0


def _measure(root: Path, workers: int, programmes: int) -> tuple[int, int, int]:
    limits, command = {"FUNDSTELLE_RATE_LIMIT": ""}, ("bot", "--workers", str(workers))
    with (
        tempfile.TemporaryDirectory() as folder,
        running(root, Path(folder), limits, *command) as server,
    ):
        process = server.process
        _ask(server.port, programmes)
        serving = [pid for pid in (process.pid, *_children(process.pid)) if _vectors(pid)]
        assert len(serving) == workers, serving
        rolled = [_kilobytes(Path(f"/proc/{pid}/smaps_rollup").read_text()) for pid in serving]
        vectors = sum(_vectors(pid) for pid in serving)
        process.terminate()  # killed, it would leave its workers behind
        process.wait()
    return sum(r["Rss"] for r in rolled), sum(r["Pss"] for r in rolled), vectors


def _ask(port: int, programmes: int) -> None:
    """Each question on a connection of its own, so that every worker gets some."""
    asked, until = 0, time.monotonic() + 120
    while asked < ASKED and time.monotonic() < until:
        body = {
            "message": "Was ist mit Radwegen?",
            "programme": f"programm-{asked % programmes:03}",
        }
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request(
                "POST", "/api/chat", json.dumps(body), {"Content-Type": "application/json"}
            )
            asked += connection.getresponse().status == 200
            connection.close()
        except OSError:
            time.sleep(0.1)  # not ready yet


def _children(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(path.parent.name))
    return found


def _vectors(pid: int) -> int:
    """Kilobytes of mapped vectors that are this process's share."""
    share, inside = 0, False
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if "-" in line.split(" ")[0]:
            inside = line.endswith("vectors.faiss")
        elif inside and line.startswith("Pss:"):
            share += int(line.split()[1])
    return share


def _kilobytes(text: str) -> dict[str, int]:
    return {line.split(":")[0]: int(line.split()[1]) for line in text.splitlines()[1:]}


if __name__ == "__main__":
    sys.exit(main())
