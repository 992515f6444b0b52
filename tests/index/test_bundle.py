from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from index import bundle
from index.errors import BundleError, BundleLocked
from tests.conftest import ROOT, SLUG


@pytest.fixture
def copy(index_root: Path, tmp_path: Path) -> Path:
    shutil.copytree((index_root / SLUG).resolve(), tmp_path / SLUG)
    return tmp_path / SLUG


def test_a_bundle_reads_as_it_was_written(compiled: bundle.Bundle, draft: object) -> None:
    """Passages, sections and description come back equal."""
    assert compiled.passages == draft.passages  # type: ignore[attr-defined]
    assert compiled.sections == draft.programme.sections  # type: ignore[attr-defined]
    assert compiled.info == draft.info  # type: ignore[attr-defined]
    assert compiled.manifest.counts["passages"] == len(compiled.passages)


def test_a_changed_byte_anywhere_is_refused_by_name(copy: Path) -> None:
    """Every file of the bundle, at random places."""
    dice = random.Random(3)
    names = [p for p in copy.rglob("*") if p.is_file() and p.name != bundle.MANIFEST]
    for path in names:
        good = path.read_bytes()
        at = dice.randrange(len(good))
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        with pytest.raises(BundleError, match=path.name):
            bundle.load(copy)
        path.write_bytes(good)
    bundle.load(copy)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 99}', '{"format": 1}'])
def test_a_damaged_manifest_is_refused(copy: Path, text: str) -> None:
    """With the file's name and the remedy."""
    (copy / bundle.MANIFEST).write_text(text)
    with pytest.raises(BundleError, match="run ingest.py"):
        bundle.load(copy)


def test_missing_and_surplus_files_are_refused(copy: Path) -> None:
    """The manifest lists all files, and only those are there."""
    (copy / "extra.bin").write_bytes(b"x")
    with pytest.raises(BundleError, match=r"extra\.bin.*not in the manifest"):
        bundle.load(copy)
    (copy / "extra.bin").unlink()
    (copy / bundle.ROWS).unlink()
    with pytest.raises(BundleError, match=r"rows\.npz: missing"):
        bundle.load(copy)


def test_another_format_is_refused(copy: Path) -> None:
    """A bundle of a later program says which format this one reads."""
    table = json.loads((copy / bundle.MANIFEST).read_text())
    (copy / bundle.MANIFEST).write_text(json.dumps({**table, "format": bundle.FORMAT + 1}))
    with pytest.raises(
        BundleError, match=f"format {bundle.FORMAT + 1}, this program reads {bundle.FORMAT}"
    ):
        bundle.load(copy)


def test_a_failed_write_leaves_the_old_bundle_and_no_litter(
    index_root: Path, tmp_path: Path
) -> None:
    """An error in the middle of writing changes nothing."""
    root = tmp_path / "index"
    shutil.copytree(index_root, root, symlinks=True)
    before = bundle.read_manifest(root / SLUG)
    with pytest.raises(RuntimeError), bundle.writing(root, SLUG) as fresh:
        (fresh / "half").write_text("x")
        raise RuntimeError
    assert bundle.load(root / SLUG).manifest == before
    assert not list((root / bundle.VERSIONS).glob(f".{SLUG}-*"))


def test_two_ingests_of_one_programme_exclude_each_other(tmp_path: Path) -> None:
    """The second says so instead of mixing."""
    with (
        pytest.raises(BundleError),
        bundle.writing(tmp_path, SLUG),
        pytest.raises(BundleLocked),
        bundle.writing(tmp_path, SLUG),
    ):
        pass


KILLED = """
import sys, shutil
from pathlib import Path
from index import bundle
root, good = Path(sys.argv[1]), Path(sys.argv[2])
print("ready", flush=True)
while True:
    with bundle.writing(root, good.name) as fresh:
        shutil.copytree(good, fresh, dirs_exist_ok=True)
        table = (fresh / bundle.MANIFEST).read_text()
        import json, os
        content = json.loads(table); content["version"] = os.urandom(4).hex()
        (fresh / bundle.MANIFEST).write_text(json.dumps(content))
"""


def test_killed_at_any_moment_a_whole_bundle_is_served(copy: Path, tmp_path: Path) -> None:
    """Kill -9 while versions are being switched: the old one or the new one, never a third
    thing.
    """
    root = tmp_path / "served"
    dice = random.Random(1)
    for _ in range(12):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(root), str(copy)],
            cwd=ROOT, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        while not (root / SLUG).exists():
            time.sleep(0.01)
        time.sleep(dice.random() * 0.4)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert bundle.load(root / SLUG).passages
