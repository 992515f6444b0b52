"""Versions on disk: what is served is whole, whoever writes, fails or is killed."""

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
from index import bundle, checksums, versions
from index.errors import BundleError, BundleLocked
from index.manifest import MANIFEST, read_manifest, write_manifest
from tests.conftest import ROOT, SLUG


def test_a_failed_write_leaves_the_old_bundle_and_no_litter(
    index_root: Path, tmp_path: Path
) -> None:
    """An error in the middle of writing changes nothing."""
    root = tmp_path / "index"
    shutil.copytree(index_root, root, symlinks=True)
    before = read_manifest(root / SLUG)
    with pytest.raises(RuntimeError), versions.writing(root, SLUG) as fresh:
        (fresh / "half").write_text("x")
        raise RuntimeError
    assert bundle.load(root / SLUG).manifest == before
    assert not list((root / bundle.VERSIONS).glob(f".{SLUG}-*"))


def test_two_ingests_of_one_programme_exclude_each_other(tmp_path: Path) -> None:
    """The second says so instead of mixing."""
    with (
        pytest.raises(BundleError),
        versions.writing(tmp_path, SLUG),
        pytest.raises(BundleLocked),
        versions.writing(tmp_path, SLUG),
    ):
        pass


def test_an_ingest_leaves_another_programme_s_alone(copy: Path, tmp_path: Path) -> None:
    """Its own leftovers it removes; what is being written of a programme whose name goes on where
    its own ends stays, and is served whole.
    """
    root = tmp_path / "served"
    with versions.writing(root, "spd-dortmund") as fresh:
        shutil.copytree(copy, fresh, dirs_exist_ok=True)
        left = root / bundle.VERSIONS / ".spd-abcdefgh"
        left.mkdir()
        again(root, "spd", copy, "a")
        assert not left.exists()
        assert bundle.checked(fresh, read_manifest(fresh))
    assert bundle.load(root / "spd").passages
    assert read_manifest(root / "spd-dortmund")


KILLED = """
import sys, shutil
from pathlib import Path
from index import versions
from index.manifest import MANIFEST, write_manifest
root, good = Path(sys.argv[1]), Path(sys.argv[2])
print("ready", flush=True)
while True:
    with versions.writing(root, good.name) as fresh:
        shutil.copytree(good, fresh, dirs_exist_ok=True)
        table = (fresh / MANIFEST).read_text()
        import json, os
        content = json.loads(table); content["version"] = os.urandom(4).hex()
        write_manifest(fresh, content)
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
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(dice.random() * 0.4)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert bundle.load(root / SLUG).passages


def again(root: Path, slug: str, source: Path, version: str) -> None:
    """Write `source` once more, as another version or another programme."""
    with versions.writing(root, slug) as fresh:
        shutil.copytree(source, fresh, dirs_exist_ok=True)
        table = json.loads((fresh / bundle.PROGRAMME).read_text())
        table["info"]["slug"] = slug
        (fresh / bundle.PROGRAMME).write_text(json.dumps(table))
        manifest = json.loads((fresh / MANIFEST).read_text())
        manifest["files"][bundle.PROGRAMME] = checksums.sha256(fresh / bundle.PROGRAMME)
        manifest |= {"slug": slug, "version": version}
        write_manifest(fresh, manifest)


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
        for name, digest in read_manifest(root / "zwei").files.items()
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
