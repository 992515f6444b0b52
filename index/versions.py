"""Versions of a bundle on disk, and the link that says which of them is served.

<root>/<slug> → .versions/<slug>-<version>/    a link: a new version is turned on at once
.versions/<slug>.lock          held by the one ingest that writes
.versions/.<slug>-<random>/    being written
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from index import encoder_store
from index.bundle import SHARED, VERSIONS, checked
from index.errors import BundleError, BundleLocked
from index.manifest import MANIFEST, read_manifest

KEPT = 2  # versions left on disk: the served one, and the last, which a server may be reading yet

Stamp = tuple[object, ...]  # equal as long as a folder is the same


def look(root: Path) -> dict[str, Stamp]:
    """What may be a bundle under `root`, by name: folders, links that lead to one or nowhere;
    each with a stamp that changes when another bundle takes its place.

    One look at the disk for each, since a server does this every other second. Raises OSError.
    """
    found: dict[str, Stamp] = {}
    with os.scandir(root) as entries:
        for entry in entries:
            if not entry.name.startswith("."):
                stamp = _stamp(f"{entry.path}/{MANIFEST}")
                # of os.path, since a link that leads to itself is no error there
                if stamp or os.path.isdir(entry.path) or not os.path.exists(entry.path):
                    found[entry.name] = stamp
    return found


def _stamp(path: str) -> Stamp:
    try:
        return _status(path)
    except OSError:
        return ()


def stamp_of_all(folder: Path) -> Stamp:
    """Changes when any file of the folder does."""
    try:
        return tuple((str(path), *_status(path)) for path in sorted(folder.rglob("*")))
    except OSError:
        return ()


def _status(path: Path | str) -> tuple[int, ...]:
    status = os.stat(path)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


@contextmanager
def writing(root: Path, slug: str) -> Iterator[Path]:
    """A fresh folder to write a bundle into; when the block ends well, it takes the old one's
    place.

    Whatever happens in between, `root/slug` shows the old bundle or the new one, whole.

    Raises BundleError where `root` can't be written, BundleLocked where another ingest is at it.
    """
    with _alone(root, slug) as versions:
        for abandoned in _of(versions, f".{slug}"):  # by an ingest that was killed
            shutil.rmtree(abandoned, ignore_errors=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{slug}-", dir=versions))
        try:
            yield fresh
            _turn_on(root, slug, fresh)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)


@contextmanager
def _alone(root: Path, slug: str) -> Iterator[Path]:
    """The folder of versions, for one writer of this programme."""
    versions = root / VERSIONS
    try:
        versions.mkdir(parents=True, exist_ok=True)
        lock = (versions / f"{slug}.lock").open("w")
    except OSError as error:
        raise BundleError(
            root, f"can't be written ({error.strerror})", "choose another --out"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BundleLocked(
                root / slug, "another ingest is writing it", "wait for it"
            ) from error
        yield versions


def _turn_on(root: Path, slug: str, fresh: Path) -> None:
    manifest = read_manifest(fresh)
    fresh.chmod(0o755)
    link = root / slug
    if link.exists() and not link.is_symlink():
        raise BundleError(link, "is a folder, not a link to a version", "move it away")
    target = root / VERSIONS / f"{slug}-{manifest.version}"
    shared = {name: digest for name, digest in manifest.files.items() if name in SHARED}
    if _is_served(link, target) and _is_whole(target):
        encoder_store.share(root, target, shared)
    else:
        target = _free(link, target)
        encoder_store.share(root, fresh, shared)
        os.utime(fresh)  # versions are removed by age, whatever was copied into this one
        _sync(fresh)
        fresh.rename(target)
        aside = root / VERSIONS / f".{slug}-link"
        aside.unlink(missing_ok=True)
        aside.symlink_to(os.path.relpath(target, root))
        aside.replace(link)
    _remove_old(root, slug, target)
    encoder_store.prune(root)


def _is_served(link: Path, target: Path) -> bool:
    return link.is_symlink() and link.resolve() == target.resolve()


def _is_whole(folder: Path) -> bool:
    try:
        checked(folder, read_manifest(folder))
    except (BundleError, OSError):
        return False
    return True


def _free(link: Path, target: Path) -> Path:
    """`target`, or a name beside it where that is served, but damaged: nothing served is
    removed.
    """
    number = 1
    chosen = target
    while _is_served(link, chosen):
        number += 1
        chosen = target.with_name(f"{target.name}.{number}")
    shutil.rmtree(chosen, ignore_errors=True)
    return chosen


def _sync(folder: Path) -> None:
    """Onto the disk before the link turns, so that a power cut can't leave it pointing at
    nothing.
    """
    for path in [*folder.rglob("*"), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove_old(root: Path, slug: str, current: Path) -> None:
    olds = [path for path in _of(root / VERSIONS, slug) if path != current]
    for path in sorted(olds, key=lambda p: p.stat().st_mtime)[: -(KEPT - 1) or None]:
        shutil.rmtree(path, ignore_errors=True)


def _of(versions: Path, name: str) -> list[Path]:
    """The folders called `name`, a hyphen, and what has none: of spd, not of spd-dortmund."""
    found = versions.glob(f"{name}-*")
    return [path for path in found if path.name.rpartition("-")[0] == name and path.is_dir()]


def remove(root: Path, slug: str) -> None:
    """Let go of a programme: its link, then its versions; nothing where there is none.

    Raises BundleError where another ingest is writing it.
    """
    link = root / slug
    if not link.is_symlink():
        return
    with _alone(root, slug):
        link.unlink()
        for path in _of(root / VERSIONS, slug):
            shutil.rmtree(path, ignore_errors=True)
    encoder_store.prune(root)
