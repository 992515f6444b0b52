"""Feed the readers thousands of odd files: `python -m tests.fuzz --inputs 2000 docx odt`.

Exit code 1 where one gave neither a document nor a DocumentError, in time and within memory; such
inputs are kept in var/fuzz.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fuzz import inputs, pool

KEPT = Path("var/fuzz")
LIMIT = 10.0  # seconds
HEAD = "format    inputs  documents  refused  failures   slowest"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    names = options.formats or [suffix[1:] for suffix in inputs.FORMATS]
    _say(HEAD)
    failures: list[pool.Outcome] = []
    for name in names:
        outcomes = _fuzz(f".{name}", options)
        failures += [outcome for outcome in outcomes if outcome.failed]
        _say(_row(name, outcomes))
    for outcome in failures:
        _say(f"\n{KEPT / outcome.path.name}: {outcome.result.rstrip()}")
    return int(bool(failures))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("formats", nargs="*", help=f"of {', '.join(inputs.FORMATS)}; default all")
    parser.add_argument("--inputs", type=int, default=2000, help="how many for each format")
    parser.add_argument("--folder", type=Path, help="real files to damage, besides our own")
    parser.add_argument("--seed", type=int, default=1, help="another one gives other inputs")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds for each input")
    parser.add_argument("--jobs", type=int, default=min(4, os.cpu_count() or 1))
    parser.add_argument("--whole", action="store_true", help="cut the documents into passages too")
    return parser


def _fuzz(suffix: str, options: argparse.Namespace) -> list[pool.Outcome]:
    if suffix not in inputs.FORMATS:
        sys.exit(f"fuzz: no reader for {suffix}; use one of {', '.join(inputs.FORMATS)}")
    with TemporaryDirectory() as place:
        paths = inputs.write(suffix, options.inputs, Path(place), options.folder, options.seed)
        outcomes = pool.run(paths, options.limit, options.jobs, options.whole)
        for outcome in outcomes:
            if outcome.failed:
                KEPT.mkdir(parents=True, exist_ok=True)
                shutil.copy(outcome.path, KEPT)
    return outcomes


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _row(name: str, outcomes: Sequence[pool.Outcome]) -> str:
    count = Counter(o.result if not o.failed else "failure" for o in outcomes)
    slowest = max((o.seconds for o in outcomes), default=0.0)
    return (
        f"{name:8}{len(outcomes):8}{count[pool.DOCUMENT]:11}{count[pool.REFUSED]:9}"
        f"{count['failure']:10}{slowest:9.2f}s"
    )


if __name__ == "__main__":
    sys.exit(main())
