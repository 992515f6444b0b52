"""`python -m bench.faults`: bundles under accidents. Ingest killed at 50 random moments; 500 random
bytes changed, one at a time. Ends with 1 where anything but a whole bundle would be served.

The kills hit the real ingest.py, which compiles by turns two editions of the seed programme: a
third anywhere, a third while it writes, a third while it puts the new bundle in the old one's
place. Half of the bytes are drawn from all bytes, half by file, since the encoder holds most.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from bot.library import Library
from index import bundle
from index.errors import BundleError
from index.manifest import MANIFEST, read_manifest
from index.stores.folder import FolderStore

ROOT = Path(__file__).parent.parent
SEED = ROOT / "programmes" / "dortmund-2025"
SLUG = SEED.name
# From its start, from the folder of a bundle to be, and from that folder's manifest, which is
# written last: then come the sync, the rename, the turn of the link.
MOMENTS = ("", f".{SLUG}-*", f".{SLUG}-*/{MANIFEST}")
# One process that has loaded torch, forked for each run: else most kills would hit its import.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["ingest", "index.build", "index.encoder", "sentence_transformers"])


def main() -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--flips", type=int, default=500)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    dice = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        killed = kills(Path(folder), options.kills, dice)
        flipped = flips((Path(folder) / "index" / SLUG).resolve(), options.flips, dice)
    _table(f"kill -9 of ingest.py at {options.kills} random moments", killed)
    _table(f"{options.flips} flipped bytes", flipped)
    return int(any(bad in outcome for outcome in (*killed, *flipped) for bad in BAD))


BAD = ("NEITHER", "SERVED", "NOT NAMED")


def kills(
    folder: Path, count: int, dice: random.Random, letters: int | None = None
) -> Counter[str]:
    """What is served after each kill: the old edition, the new one, or NEITHER. `letters` shortens
    the programme.
    """
    editions = [_edition(folder, number, letters) for number in range(2)]
    root = folder / "index"
    times, versions = [], {}
    for edition in (*editions, *editions):  # the first two runs compile everything anew
        times.append(_times(_run(edition, root), root))
        versions[edition] = bundle.load(root / SLUG).manifest.version
    spans = min(times[2:])
    found: Counter[str] = Counter()
    library = Library(FolderStore(root))  # as a server has it, looking on all the while
    hits = 0
    while hits < count:
        before = read_manifest(root / SLUG).version
        edition = next(e for e in editions if versions[e] != before)
        process = _run(edition, root)
        kind = hits % len(MOMENTS)
        for moment in MOMENTS[: kind + 1]:
            _wait(process, root, moment)
        time.sleep(dice.random() * spans[kind])
        process.kill()
        process.join()
        outcome = _outcome(library, root, before, versions[edition])
        if process.exitcode == 0:  # it was quicker than we: no kill
            found[f"(ended before it could be killed: {outcome})"] += 1
        else:
            hits += 1
            found[f"killed: {outcome}"] += 1
    _run(editions[0], root).join()
    litter = [path.name for path in (root / bundle.VERSIONS).glob(f".{SLUG}-*")]
    found[f"at last, left undisturbed: {_outcome(library, root, '', versions[editions[0]])}"] += 1
    found["NEITHER: litter stays" if litter else "no litter stays"] += 1
    return found


def _outcome(library: Library, root: Path, before: str, after: str) -> str:
    library.refresh()
    try:
        version = bundle.load(root / SLUG).manifest.version
        served = library.get(SLUG).version
    except Exception as error:
        return f"NEITHER: {type(error).__name__}"
    if served != version or library.refused():
        return f"NEITHER: the server says {served}, the disk {version}"
    names = {before: "the old bundle", after: "the new bundle"}
    return names.get(version, f"NEITHER: {version}")


def _edition(folder: Path, number: int, letters: int | None) -> Path:
    target = folder / f"edition-{number}" / SLUG
    shutil.copytree(SEED, target)
    document = next(path for path in target.iterdir() if path.suffix in {".txt", ".md"})
    text = document.read_text(encoding="utf-8")[:letters]
    if letters:
        (target / "questions.toml").unlink(missing_ok=True)  # its headings may be cut off
    document.write_text(text.rstrip() + f"\n\nDies ist die Ausgabe Nummer {number}.\n", "utf-8")
    return target


def _times(process: multiprocessing.process.BaseProcess, root: Path) -> list[float]:
    """Seconds from each of the MOMENTS to the end."""
    began = []
    for moment in MOMENTS:
        _wait(process, root, moment)
        began.append(time.perf_counter())
    process.join()
    return [time.perf_counter() - at for at in began]


def _wait(process: multiprocessing.process.BaseProcess, root: Path, moment: str) -> None:
    """Until what `moment` looks for is there; what a killed run left is not it."""
    left = set((root / bundle.VERSIONS).glob(moment)) if moment == MOMENTS[1] else set()
    while moment and process.is_alive() and not set((root / bundle.VERSIONS).glob(moment)) - left:
        time.sleep(0.001)


def _run(edition: Path, root: Path) -> multiprocessing.process.BaseProcess:
    process = FORKS.Process(target=_ingest, args=(str(edition), str(root)))
    process.start()
    return process


def _ingest(edition: str, root: str) -> None:
    import ingest

    with Path(os.devnull).open("w") as nothing, contextlib.redirect_stderr(nothing):
        sys.exit(ingest.main([edition, "--out", root]))


def flips(good: Path, count: int, dice: random.Random) -> Counter[str]:
    """By file: refused and named, refused otherwise, or SERVED."""
    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / SLUG
        shutil.copytree(good, folder)  # a copy, since the encoder is linked to other bundles
        for path in folder.rglob("*"):
            path.chmod(0o755)
        for path, at in _places(folder, count, dice):
            with _flipped(path, at, dice.randrange(1, 256)):
                found[f"{path.relative_to(folder)}: {_refusal(folder, path)}"] += 1
        bundle.load(folder)  # it was the flips
    return found


def _places(folder: Path, count: int, dice: random.Random) -> Iterator[tuple[Path, int]]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    sizes = [path.stat().st_size for path in paths]
    for number in range(count):
        weights = sizes if number % 2 else None
        (path,) = dice.choices(paths, weights)
        yield path, dice.randrange(path.stat().st_size)


@contextlib.contextmanager
def _flipped(path: Path, at: int, mask: int) -> Iterator[None]:
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        for value in (byte ^ mask, byte):
            file.seek(at)
            file.write(bytes([value]))
            file.flush()
            if value != byte:
                yield


def _refusal(folder: Path, path: Path) -> str:
    try:
        bundle.load(folder)
    except BundleError as error:
        named = path.name in str(error)
        return "refused by name" if named else f"refused, NOT NAMED: {str(error)[:80]}"
    return "SERVED"


def _table(title: str, found: Counter[str]) -> None:
    print(f"\n{title}")
    for outcome, number in sorted(found.items()):
        print(f"{number:>6}  {outcome}")


if __name__ == "__main__":
    sys.exit(main())
