"""`python -m bench.schema [20000]`: the API's contract, tried by schemathesis.

A real server; every check, valid and invalid data, and sequences of requests that use each other's
answers. By turns with two programmes and names that nobody has, and with one that every request
names, so that it is answered. Ends with 1 where a response was a 5xx or not as the document says.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench import small
from bench.servers import running
from bench.small import Chapter

OPERATIONS = 6
TEXTS = {"rot": "Wir bauen Radwege.", "blau": "Busse fahren öfter."}
# 413 refuses what is too long; schemathesis would rather have 422.
REFUSED = "[checks]\nnegative_data_rejection.expected-statuses = [404, 405, 413, 422]\n"
KNOWN = '[parameters]\nslug = "rot"\nprogramme = "rot"\nprogrammes = "rot"\n'


@dataclass(frozen=True)
class Tried:
    """What a run found."""

    cases: int
    failed: bool
    report: str


def main() -> int:
    """Print the report and how many cases it took."""
    parser = argparse.ArgumentParser(prog="python -m bench.schema", description=__doc__)
    parser.add_argument("cases", type=int, nargs="?", default=20_000, help="about so many")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    cases, began, failed = 0, time.perf_counter(), False
    seed = options.seed
    while cases < options.cases and not failed:
        tried = run(max(20, (options.cases - cases) // OPERATIONS // 4), seed)
        cases, failed, seed = cases + tried.cases, tried.failed, seed + 1
        print(tried.report, flush=True)
    took = time.perf_counter() - began
    print(f"{cases} cases in {took:.0f} s: {'FAILED' if failed else 'no 5xx, no violation'}")
    return int(failed)


def run(examples: int, seed: int = 1) -> Tried:
    """Try every operation with so many examples, against a server of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for slug, text in list(TEXTS.items())[: 1 + seed % 2]:
            small.write(folder / "index", slug, [Chapter("Verkehr", [text])])
        (folder / "schemathesis.toml").write_text(REFUSED + ("" if seed % 2 else KNOWN))
        with running(folder / "index", folder, {"FUNDSTELLE_RATE_LIMIT": ""}) as server:
            result = subprocess.run(
                [
                    sys.executable, "-m", "schemathesis.cli", "run",
                    f"http://127.0.0.1:{server.port}/api/openapi.json",
                    "--checks", "all", "--max-examples", str(examples), "--seed", str(seed),
                    "--generation-database", "none", "--no-color",
                ],
                cwd=folder, capture_output=True, text=True, check=False,
            )  # fmt: skip
    report = result.stdout + result.stderr
    found = re.search(r"([\d,]+) generated", report)
    return Tried(int(found[1].replace(",", "")) if found else 0, result.returncode != 0, report)


if __name__ == "__main__":
    sys.exit(main())
