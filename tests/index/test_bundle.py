from __future__ import annotations

import ast
import random
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from bench import small
from bench.small import Chapter
from index import bundle
from index.errors import BundleError
from index.manifest import MANIFEST, read_manifest
from index.query_encoder import ONNX


def test_a_bundle_reads_as_it_was_written(compiled: bundle.Bundle, draft: object) -> None:
    """Passages, sections and description come back equal."""
    assert compiled.passages == draft.passages  # type: ignore[attr-defined]
    assert compiled.sections == draft.programme.sections  # type: ignore[attr-defined]
    assert compiled.info == draft.info  # type: ignore[attr-defined]
    assert compiled.manifest.counts["passages"] == len(compiled.passages)


def test_a_changed_byte_anywhere_is_refused_by_name(copy: Path) -> None:
    """Every file of the bundle, at random places."""
    dice = random.Random(3)
    names = [p for p in copy.rglob("*") if p.is_file() and p.name != MANIFEST]
    for path in names:
        good = path.read_bytes()
        at = dice.randrange(len(good))
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        with pytest.raises(BundleError, match=path.name):
            bundle.load(copy)
        path.write_bytes(good)
    bundle.load(copy)


def test_two_threads_never_read_arrays_at_once(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.11 may take one's syntax tree for the other's: a good bundle would be refused."""
    literal_eval, inside, most = ast.literal_eval, [0], [0]

    def watched(text: str) -> object:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.001)
        inside[0] -= 1
        return literal_eval(text)

    monkeypatch.setattr(ast, "literal_eval", watched)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(bundle.load, [copy] * 4))
    assert most == [1]


def test_missing_and_surplus_files_are_refused(copy: Path) -> None:
    """The manifest lists all files, and only those are there."""
    (copy / "extra.bin").write_bytes(b"x")
    with pytest.raises(BundleError, match=r"extra\.bin.*not in the manifest"):
        bundle.load(copy)
    (copy / "extra.bin").unlink()
    (copy / bundle.ROWS).unlink()
    with pytest.raises(BundleError, match=r"rows\.npz: missing"):
        bundle.load(copy)


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


def test_a_copied_folder_has_no_light_form(copy: Path) -> None:
    """It would read its words from a mapped file, and the truncation of that ends the process."""
    made = bundle._encoder(copy, read_manifest(copy))
    (copy / bundle.ENCODER / ONNX).write_bytes(b"")
    assert np.array_equal(made.lightly(["Müllabfuhr"]), made.encode(["Müllabfuhr"]))
