"""`python -m bench.many [400]`: many programmes on one server, beside one.

Makes that many programmes (each as large as the seed with --seed; else small), starts a real server
on one of them and on all, and prints start-up, memory, answer times across programmes, the cost of
a look at the folder, and how long a changed programme takes to be served.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import small
from bench.servers import BUNDLE, ROOT, resident, running
from bench.small import Chapter
from bot.library import Library
from index import bundle, checksums, versions
from index.manifest import MANIFEST, write_manifest
from index.stores.folder import FolderStore

QUESTIONS = 2000
SUBJECTS = ("Radwege", "Schulen", "Busse", "Wohnungen", "Parks", "Kitas", "Bäder", "Museen")
ASKED = [f"Was plant ihr für {subject}?" for subject in SUBJECTS]


@dataclass(frozen=True)
class Measured:
    """One server's figures."""

    start: float  # s until every programme is served
    memory: float  # MB resident after all questions
    median: float  # ms
    p99: float  # ms
    look: float  # ms, of the library at an index that has not changed
    take_up: float  # ms, of the library when one programme has changed
    reload: float  # s from the new version on disk to the first answer from it
    disk: float  # MB


def main() -> int:
    """Print one line a figure: for one programme, for many, and the ratio."""
    parser = argparse.ArgumentParser(prog="python -m bench.many", description=__doc__)
    parser.add_argument("many", type=int, nargs="?", default=400)
    parser.add_argument("--seed", action="store_true", help="copies of the seed, not small ones")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=ROOT / "var") as folder:
        roots = {count: Path(folder) / str(count) for count in (1, options.many)}
        began = time.perf_counter()
        for count, root in roots.items():
            for number in range(count):
                make(root, f"programm-{number:03}", number, options.seed)
        print(f"made in {time.perf_counter() - began:.1f} s")
        one, many = (measure(root, count, options.seed) for count, root in roots.items())
    print(f"{'':<52}{1:>9}{options.many:>9}{'ratio':>8}")
    for label, name in LABELS.items():
        first, second = getattr(one, name), getattr(many, name)
        print(f"{label:<52}{first:>9.2f}{second:>9.2f}{second / first:>8.1f}")
    each = (many.memory - one.memory) / max(1, options.many - 1)
    print(f"{'memory for each further programme, MB':<52}{each:>18.2f}")
    return 0


LABELS = {
    "start until all are served, s": "start",
    "resident after all questions, MB": "memory",
    "POST /api/chat across programmes, median, ms": "median",
    "POST /api/chat across programmes, p99, ms": "p99",
    "a look at an unchanged index, ms": "look",
    "a look that takes up a changed programme, ms": "take_up",
    "its new version answers after, s (looks: every 2)": "reload",
    "on disk, MB": "disk",
}


def make(root: Path, slug: str, number: int, seed: bool, edition: str = "") -> str:
    """Compile programme `number`; returns its version."""
    if seed:
        return _copy_of_seed(root, slug, edition)
    chapters = [
        Chapter(subject, [f"Wir kümmern uns um {subject}. Das ist uns wichtig."])
        for subject in SUBJECTS
    ]
    own = Chapter("Eigenes", [f"Dies ist Programm {number}{edition}. Wir sind für alle da."])
    return small.write(root, slug, [*chapters, own]).version


def _copy_of_seed(root: Path, slug: str, edition: str) -> str:
    with versions.writing(root, slug) as fresh:
        shutil.copytree(BUNDLE, fresh, dirs_exist_ok=True)
        table = json.loads((fresh / bundle.PROGRAMME).read_text())
        table["info"]["slug"], table["info"]["copyright"] = slug, edition
        (fresh / bundle.PROGRAMME).write_text(json.dumps(table, ensure_ascii=False))
        manifest = json.loads((fresh / MANIFEST).read_text())
        manifest["files"][bundle.PROGRAMME] = checksums.sha256(fresh / bundle.PROGRAMME)
        manifest |= {"slug": slug, "version": f"{manifest['version'][:8]}{edition}"}
        write_manifest(fresh, manifest)
    return str(manifest["version"])


def measure(root: Path, count: int, seed: bool) -> Measured:
    """Start a server on `root`, ask it, change a programme, and stop it."""
    began = time.perf_counter()
    with (
        tempfile.TemporaryDirectory() as folder,
        running(root, Path(folder), {"FUNDSTELLE_RATE_LIMIT": ""}) as server,
    ):
        while _served(server.port) < count:
            time.sleep(0.02)
        start = time.perf_counter() - began
        times = _ask(server.port, count)
        memory = resident(server.process.pid)
        reload = _reload(root, server.port, seed)
    disk = float(subprocess.check_output(["du", "-sk", str(root)]).split()[0]) / 1024
    median, p99 = float(np.median(times)), float(np.percentile(times, 99))
    return Measured(start, memory, median, p99, *_looks(root, seed), reload, disk)


def _served(port: int) -> int:
    try:
        return len(_call(port, "GET", "/readyz")["programmes"])
    except OSError:
        return -1


def _call(port: int, method: str, path: str, body: object = None) -> dict[str, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    content = json.dumps(body) if body else None
    connection.request(method, path, content, {"Content-Type": "application/json"})
    answer: dict[str, dict[str, str]] = json.load(connection.getresponse())
    connection.close()
    return answer


def _ask(port: int, count: int) -> list[float]:
    """Milliseconds of each question, to a programme chosen by chance; the first ones left out."""
    dice = random.Random(5)
    connection = http.client.HTTPConnection("127.0.0.1", port)
    times = []
    for _ in range(QUESTIONS + 100):
        slug = f"programm-{dice.randrange(count):03}"
        body = json.dumps({"message": dice.choice(ASKED), "programme": slug})
        began = time.perf_counter()
        connection.request("POST", "/api/chat", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        times.append((time.perf_counter() - began) * 1000)
        assert answer.status == 200
    return times[100:]


def _reload(root: Path, port: int, seed: bool) -> float:
    """Median of five: looks come at any moment of their two seconds."""
    waits = []
    for turn in range(5):
        version = make(root, "programm-000", 0, seed, f"-neu{turn}")
        began = time.perf_counter()
        while _served_version(port) != version:
            time.sleep(0.01)
        waits.append(time.perf_counter() - began)
    return float(np.median(waits))


def _served_version(port: int) -> str:
    body = {"message": "Busse", "programme": "programm-000"}
    return _call(port, "POST", "/api/chat", body)["programme"]["version"]


def _looks(root: Path, seed: bool) -> tuple[float, float]:
    """Milliseconds of a look without and with a change; medians."""
    library = Library(FolderStore(root))
    library.refresh()
    idle = [_milliseconds(library.refresh) for _ in range(30)]
    changed = []
    for turn in range(5):
        make(root, "programm-000", 0, seed, f"-noch{turn}")
        changed.append(_milliseconds(library.refresh))
    return float(np.median(idle)), float(np.median(changed))


def _milliseconds(do: Callable[[], None]) -> float:
    began = time.perf_counter()
    do()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    sys.exit(main())
