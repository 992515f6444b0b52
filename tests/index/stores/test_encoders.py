from __future__ import annotations

import errno
import hashlib
import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from index.errors import NoFolder
from index.stores.qdrant.encoders import FETCHED, KEPT, LOCK, Encoders


class Files:
    """As in Qdrant, each named after its content; `before` is called before one comes."""

    def __init__(self, before: Callable[[], object] = lambda: None) -> None:
        self.before, self.asked = before, 0

    def get(self, digests: Iterable[str]) -> dict[str, bytes]:
        self.asked += 1
        self.before()
        return {digest: b"encoder %d" % NUMBERS[digest] for digest in digests}


NUMBERS = {hashlib.sha256(b"encoder %d" % n).hexdigest(): n for n in range(9)}
SUMS = [{"encoder.onnx": digest} for digest in NUMBERS]


def encoders(root: Path, files: Files | None = None) -> Encoders:
    return Encoders(files or Files(), root)  # type: ignore[arg-type]


def lying(root: Path) -> set[str]:
    return {path.name for path in (root / FETCHED).iterdir()} - {LOCK}


def test_only_the_last_ones_used_stay(tmp_path: Path) -> None:
    """A folder of limited size never fills up with what no programme needs any more; nor with what
    a process left that was killed while it fetched.
    """
    known = encoders(tmp_path)
    made = [known.fetch(sums) for sums in SUMS[:KEPT]]
    for age, folder in enumerate(made):
        os.utime(folder, (time.time() - 100 + age,) * 2)
    (tmp_path / FETCHED / ".killed").mkdir()
    (tmp_path / FETCHED / ".killed" / "encoder.onnx").write_bytes(b"half")
    assert known.fetch(SUMS[0]) == made[0]  # used again
    new = known.fetch(SUMS[KEPT])
    assert lying(tmp_path) == {path.name for path in (made[0], *made[2:], new)}


def test_where_there_is_no_room_the_others_go(tmp_path: Path) -> None:
    """A small tmpfs holds one encoder, and the next one takes its place; if even that doesn't
    help, it is said.
    """
    old = encoders(tmp_path).fetch(SUMS[0])

    def full() -> None:
        if old.exists():
            raise OSError(errno.ENOSPC, "No space left on device")

    new = encoders(tmp_path, Files(full)).fetch(SUMS[1])
    assert (new / "encoder.onnx").read_bytes() == b"encoder 1"
    assert lying(tmp_path) == {new.name}
    with pytest.raises(NoFolder, match=r"No space left.*FUNDSTELLE_INDEX"):
        encoders(tmp_path, Files(fail)).fetch(SUMS[2])


def fail() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_processes_that_start_together_fetch_once(tmp_path: Path) -> None:
    """And none takes away what another one is fetching."""
    files = Files(lambda: time.sleep(0.1))
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: encoders(tmp_path, files).fetch(SUMS[0]), range(4)))
    assert files.asked == 1
    assert lying(tmp_path) == {folder.name for folder in found}
