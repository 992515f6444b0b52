"""SHA-256 of files; of the big ones, only once while they stay the same file.

Bundles share their encoder's files by hard links (see `index.encoder_store`), so that of 400
bundles' encoders, 20 GB to look at, 49 MB are read.
"""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from threading import Lock

YOUNG = 100_000_000  # ns: file systems' clocks tick; what was written in this tick may change in it
MOST = 4096  # files remembered

Identity = tuple[int, int, int, int, int]

_known: dict[Identity, str] = {}
_lock = Lock()


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def of_unchanged(path: Path) -> str:
    """As `sha256`, remembered while device, inode, size and both times are the same.

    The change time can't be set back, so that a file that was tampered with is read again.
    """
    with path.open("rb") as file:
        identity = _identity(os.fstat(file.fileno()))
        with _lock:
            known = _known.get(identity)
        if known is None:
            known = hashlib.file_digest(file, "sha256").hexdigest()
            if identity == _identity(os.fstat(file.fileno())) and _settled(identity):
                _remember(identity, known)
    return known


def _identity(status: os.stat_result) -> Identity:
    return (
        status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns,
    )  # fmt: skip


def _settled(identity: Identity) -> bool:
    return time.time_ns() - max(identity[-2:]) > YOUNG


def _remember(identity: Identity, digest: str) -> None:
    with _lock:
        if len(_known) >= MOST:
            _known.clear()
        _known[identity] = digest
