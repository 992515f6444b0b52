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

import numpy as np
import pytest

from bench import small
from bench.small import Chapter
from index import bundle
from index.errors import BundleError, BundleLocked
from tests.conftest import ROOT, SLUG


@pytest.fixture
def copy(index_root: Path, tmp_path: Path) -> Path:
    shutil.copytree((index_root / SLUG).resolve(), tmp_path / SLUG)
    for path in (tmp_path / SLUG).rglob("*"):
        path.chmod(0o755)  # a copy's encoder is read-only, too: here it is damaged on purpose
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
    bundle.write_manifest(copy, {**table, "format": bundle.FORMAT + 1})
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


def test_an_ingest_leaves_another_programme_s_alone(copy: Path, tmp_path: Path) -> None:
    """Its own leftovers it removes; what is being written of a programme whose name goes on where
    its own ends stays, and is served whole.
    """
    root = tmp_path / "served"
    with bundle.writing(root, "spd-dortmund") as fresh:
        shutil.copytree(copy, fresh, dirs_exist_ok=True)
        left = root / bundle.VERSIONS / ".spd-abcdefgh"
        left.mkdir()
        again(root, "spd", copy, "a")
        assert not left.exists()
        assert bundle._checked(fresh, bundle.read_manifest(fresh))
    assert bundle.load(root / "spd").passages
    assert bundle.read_manifest(root / "spd-dortmund")


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
        bundle.write_manifest(fresh, content)
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


def again(root: Path, slug: str, source: Path, version: str) -> None:
    """Write `source` once more, as another version or another programme."""
    with bundle.writing(root, slug) as fresh:
        shutil.copytree(source, fresh, dirs_exist_ok=True)
        table = json.loads((fresh / bundle.PROGRAMME).read_text())
        table["info"]["slug"] = slug
        (fresh / bundle.PROGRAMME).write_text(json.dumps(table))
        manifest = json.loads((fresh / bundle.MANIFEST).read_text())
        manifest["files"][bundle.PROGRAMME] = bundle.sha256(fresh / bundle.PROGRAMME)
        manifest |= {"slug": slug, "version": version}
        bundle.write_manifest(fresh, manifest)


def inodes(root: Path) -> set[int]:
    return {path.stat().st_ino for path in root.rglob("encoder.onnx")}


def test_bundles_share_their_encoder_on_disk_and_in_memory(copy: Path, tmp_path: Path) -> None:
    """Three programmes, five versions: one file, one session; and each can be copied away whole."""
    root = tmp_path / "served"
    for slug in ("eins", "zwei", "drei"):
        again(root, slug, copy, "a")
    again(root, "eins", copy, "b")
    assert len(inodes(root)) == 1
    loaded = [bundle.load(root / slug) for slug in ("eins", "zwei", "drei")]
    assert len({id(each.encoder) for each in loaded}) == 1
    away = tmp_path / "away" / "eins"
    shutil.copytree((root / "eins").resolve(), away)
    shutil.rmtree(root)
    assert bundle.load(away).encoder is loaded[0].encoder


def test_a_shared_encoder_is_read_only_and_its_own_file(copy: Path, tmp_path: Path) -> None:
    """No link leads to what a person edits; a change would be one in every bundle."""
    root = tmp_path / "served"
    again(root, "eins", copy, "a")
    path = root / "eins" / "encoder" / "encoder.onnx"
    assert path.stat().st_mode & 0o222 == 0
    assert not path.samefile(copy / "encoder" / "encoder.onnx")


def test_a_damaged_shared_encoder_is_refused_and_made_anew(copy: Path, tmp_path: Path) -> None:
    """Both bundles notice; the next ingest of one puts it right, that of the other, too."""
    root = tmp_path / "served"
    for slug in ("eins", "zwei"):
        again(root, slug, copy, "a")
        bundle.load(root / slug)
    path = root / "eins" / "encoder" / "encoder.onnx"
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(1000)
        file.write(b"????")
    for slug in ("eins", "zwei"):
        with pytest.raises(BundleError, match=r"encoder\.onnx.*damaged"):
            bundle.load(root / slug)
    for slug in ("eins", "zwei"):
        again(root, slug, copy, "a")
        bundle.load(root / slug)
    assert (
        len({(root / s / "encoder" / "encoder.onnx").stat().st_ino for s in ("eins", "zwei")}) == 1
    )


def test_the_served_version_is_never_removed(copy: Path, tmp_path: Path) -> None:
    """Neither when others follow each other, nor by an ingest that changes nothing; the last one
    before it stays, too.
    """
    root = tmp_path / "served"
    for version in "abcc":
        again(root, SLUG, copy, version)
        assert bundle.load(root / SLUG).manifest.version == version
    kept = {p.name for p in (root / bundle.VERSIONS).iterdir() if p.is_dir()}
    assert kept == {f"{SLUG}-b", f"{SLUG}-c"}


def test_encoders_that_nothing_uses_leave_the_disk(copy: Path, tmp_path: Path) -> None:
    """The store holds what bundles link to, and its lock."""
    root = tmp_path / "served"
    again(root, "eins", copy, "a")
    again(root, "zwei", copy, "a")
    store = root / ".encoders"
    (store / ("0" * 64)).write_bytes(b"of a bundle long gone")
    (root / "eins").unlink()
    shutil.rmtree(root / bundle.VERSIONS / "eins-a")
    again(root, "zwei", copy, "b")
    assert {p.name for p in store.iterdir()} == {"lock"} | {
        digest
        for name, digest in bundle.read_manifest(root / "zwei").files.items()
        if name in bundle.SHARED
    }


def test_without_hard_links_a_bundle_keeps_its_files(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems have none: it costs space, nothing else."""

    def refuse(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    root = tmp_path / "served"
    for slug in ("eins", "zwei"):
        again(root, slug, copy, "a")
        bundle.load(root / slug)
    assert len(inodes(root)) == 2
    assert [p.name for p in (root / ".encoders").iterdir()] == ["lock"]


def test_a_programme_under_another_slug_is_refused(copy: Path) -> None:
    """Manifest and programme must agree on whose words these are."""
    table = json.loads((copy / bundle.MANIFEST).read_text())
    bundle.write_manifest(copy, {**table, "slug": "berlin"})
    with pytest.raises(BundleError, match=f"programme.json is about {SLUG}"):
        bundle.load(copy)
    bundle.write_manifest(copy, {**table, "slug": "../Berlin"})
    with pytest.raises(BundleError, match="slug"):
        bundle.load(copy)


def test_a_version_is_mapped_and_outlives_its_removal(tmp_path: Path) -> None:
    """Several processes share it; ingest removes old versions while servers read them."""
    small.write(tmp_path, "rot", [Chapter("Busse", ["Wir bauen Busspuren."])])
    folder = (tmp_path / "rot").resolve()
    loaded = bundle.load(tmp_path / "rot")
    mapped = [row for row in Path("/proc/self/maps").read_text().splitlines() if str(folder) in row]
    assert [row.split("/")[-1] for row in mapped] == [bundle.VECTORS]
    query = loaded.encoder.encode(["Busse"])[0]
    before = loaded.rankers.scores(query, {}, {})["passage"]
    shutil.rmtree(folder)
    small.write(tmp_path, "rot", [Chapter("Busse", ["Busspuren gibt es genug."])])
    assert np.array_equal(loaded.rankers.scores(query, {}, {})["passage"], before)


def test_a_copied_folder_may_be_written_over(tmp_path: Path) -> None:
    """Its vectors are read, not mapped: else whoever truncates the file would stop the server."""
    small.write(tmp_path, "rot", [Chapter("Busse", ["Wir bauen Busspuren."])])
    shutil.copytree((tmp_path / "rot").resolve(), tmp_path / "kopie" / "rot")
    loaded = bundle.load(tmp_path / "kopie" / "rot")
    query = loaded.encoder.encode(["Busse"])[0]
    before = loaded.rankers.scores(query, {}, {})["passage"]
    (tmp_path / "kopie" / "rot" / bundle.VECTORS).write_bytes(b"")
    assert np.array_equal(loaded.rankers.scores(query, {}, {})["passage"], before)
    with pytest.raises(BundleError, match=bundle.VECTORS):
        bundle.load(tmp_path / "kopie" / "rot")
