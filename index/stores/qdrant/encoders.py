"""Encoders that came from Qdrant, on this machine: fetched once for all its processes.

    <index folder>/.fetched/<hash over the files'>/    an encoder
                            .<random>/                 one being fetched
                            lock                       held while one is

What is loaded is in memory: a folder that goes is missed by nobody but a phone that fetches the
encoder from it just then.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from index import checksums
from index.errors import NoFolder
from index.stores.qdrant.files import Files

FETCHED, LOCK = ".fetched", "lock"
KEPT = 4  # the last ones used; 56 MB each


class Encoders:
    """Those under an index folder."""

    def __init__(self, files: Files, folder: Path) -> None:
        self._files, self._folder = files, folder / FETCHED

    def fetch(self, sums: Mapping[str, str]) -> Path:
        """The folder with these files (name → SHA-256).

        Raises NoFolder where it can't be written, StoreError where they can't be had.
        """
        folder = self._folder / hashlib.sha256("".join(sums.values()).encode()).hexdigest()[:32]
        try:
            if not _is_whole(folder, sums):
                self._fetch(folder, sums)
        except OSError as error:
            problem = f"can't be written ({error.strerror})"
            raise NoFolder(folder, problem, "set FUNDSTELLE_INDEX to a folder that can") from error
        with suppress(OSError):  # somebody else's, or of a disk that is only read
            os.utime(folder)
        return folder

    def _fetch(self, folder: Path, sums: Mapping[str, str]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if _is_whole(folder, sums):  # another process was faster
                return
            self._keep(KEPT - 1)
            try:
                self._write(folder, sums)
            except OSError:
                if not self._keep(0):
                    raise
                self._write(folder, sums)

    def _keep(self, most: int) -> bool:
        """Make room: only the last ones used stay, and nothing of a process that was killed. Call
        it with the lock held. Returns whether anything went.
        """
        found = [path for path in self._folder.iterdir() if path.is_dir()]
        whole = [path for path in found if not path.name.startswith(".")]
        kept = sorted(whole, key=lambda path: path.stat().st_mtime, reverse=True)[:most]
        gone = [path for path in found if path not in kept]
        for path in gone:
            shutil.rmtree(path, ignore_errors=True)
        return bool(gone)

    def _write(self, folder: Path, sums: Mapping[str, str]) -> None:
        aside = Path(tempfile.mkdtemp(prefix=".", dir=self._folder))
        try:
            for name, digest in sums.items():
                (aside / name).write_bytes(self._files.get([digest])[digest])
            shutil.rmtree(folder, ignore_errors=True)
            aside.rename(folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def _is_whole(folder: Path, sums: Mapping[str, str]) -> bool:
    try:
        return all(checksums.of_unchanged(folder / n) == digest for n, digest in sums.items())
    except OSError:
        return False
