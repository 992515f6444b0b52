"""One copy of each encoder on disk, `var/index/.encoders/<sha256>`; bundles hard-link to it.

A bundle is as whole as if it had copies of its own, and is one wherever it is copied to. Where the
file system has no hard links it keeps the files it has. A linked file must never be changed in
place, since that changes it in every bundle: so they are read-only, and the store's files are its
own, linked to nothing that people edit.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from index import checksums

STORE, LOCK = ".encoders", "lock"


def share(root: Path, folder: Path, files: Mapping[str, str]) -> None:
    """Put links in the place of `files` (name → SHA-256) in `folder`, where that is possible."""
    try:
        with _locked(root / STORE) as store:
            for name, digest in files.items():
                _link(_kept(store, folder / name, digest), folder / name)
    except OSError:
        return  # no links here: the files stay as they are, which costs space and nothing else


def prune(root: Path) -> None:
    """Remove from the store what no bundle links to."""
    if not (root / STORE).is_dir():
        return
    with suppress(OSError), _locked(root / STORE) as store:
        for path in store.iterdir():
            if path.stat().st_nlink == 1 and path.name != LOCK:
                path.unlink()


@contextmanager
def _locked(store: Path) -> Iterator[Path]:
    """The store, for one writer: between keeping a file and linking to it nobody may prune."""
    store.mkdir(exist_ok=True)
    with (store / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield store


def _kept(store: Path, source: Path, digest: str) -> Path:
    """The store's file of this checksum, copied from `source` where it has none that is right."""
    path = store / digest
    if not (path.is_file() and checksums.of_unchanged(path) == digest):
        handle, name = tempfile.mkstemp(prefix=".", dir=store)
        fresh = Path(name)
        with open(handle, "wb") as target, source.open("rb") as original:
            shutil.copyfileobj(original, target)
            target.flush()
            os.fsync(target.fileno())
        if checksums.sha256(fresh) != digest:
            raise OSError(f"{source} changed")
        fresh.chmod(0o444)
        fresh.replace(path)
    return path


def _link(kept: Path, target: Path) -> None:
    if target.samefile(kept):
        return
    aside = kept.with_name(".link")
    aside.unlink(missing_ok=True)
    os.link(kept, aside)
    aside.replace(target)
