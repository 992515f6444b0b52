"""Nothing that is loaded can be code: read from the source, and tried with a poisoned bundle."""

from __future__ import annotations

import ast
import hashlib
import io
import json
from pathlib import Path

import faiss
import numpy as np
import pytest

from bench import small
from bench.small import Chapter
from index import bundle
from index.errors import BundleError
from index.manifest import MANIFEST, write_manifest
from tests.test_imports import imports, sources

UNPICKLERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
EXECUTORS = {"eval", "exec", "compile", "__import__"}
SHELLS = {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"}
FAISS_ALLOWED = {
    "IndexFlatIP", "IndexIVFFlat", "Index", "METRIC_INNER_PRODUCT", "serialize_index",
    "omp_set_num_threads", "read_index", "ZeroCopyIOReader", "swig_ptr",
}  # fmt: skip


def calls(path: Path) -> list[tuple[str, ast.Call]]:
    """Every call of a name, as it is written: `np.load`, `eval`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [(ast.unparse(node.func), node) for node in nodes]


def said(call: ast.Call, keyword: str) -> object:
    """What a keyword of the call literally is; None where it is left out or worked out."""
    found = [k.value for k in call.keywords if k.arg == keyword]
    return found[0].value if found and isinstance(found[0], ast.Constant) else None


def test_nothing_unpickles() -> None:
    """No module of the server or of ingest imports a pickle in any disguise."""
    for path in sources():
        roots = {name.split(".")[0] for name in imports(path)}
        assert not roots & UNPICKLERS, path


def test_every_array_is_loaded_without_objects() -> None:
    """`allow_pickle=False` is numpy's default; here it is written down, at every place."""
    loads = [(path, call) for path in sources() for name, call in calls(path) if name == "np.load"]
    assert loads
    for path, call in loads:
        assert said(call, "allow_pickle") is False, (path, call.lineno)


def test_nothing_is_evaluated_and_no_shell_is_asked() -> None:
    """No eval, no exec, no shell; what is started is started with a list."""
    for path in sources():
        for name, call in calls(path):
            assert name not in EXECUTORS | SHELLS, (path, call.lineno)
            assert said(call, "shell") is None, (path, call.lineno)


def test_faiss_reads_bytes_that_were_checked_and_no_files() -> None:
    """Its file readers take names, and flags that skip checks; ours reads memory, without any."""
    for path in sources():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        used = {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "faiss"
        }
        assert used <= FAISS_ALLOWED, (path, used)
        for name, call in calls(path):
            if name == "faiss.read_index":
                assert ast.unparse(call) == "faiss.read_index(reader)", path
            assert name != "faiss.ZeroCopyIOReader" or "swig_ptr(content)" in ast.unparse(call)


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    small.write(tmp_path, "rot", [Chapter("Verkehr", ["Wir bauen Radwege in der Stadt."])])
    folder = (tmp_path / "rot").resolve()
    bundle.load(folder)
    return folder


def forge(folder: Path, name: str, content: bytes) -> None:
    """Put `content` in the place of a file, and its checksum into the manifest."""
    (folder / name).write_bytes(content)
    path = folder / MANIFEST
    table = json.loads(path.read_text())
    table["files"][name] = hashlib.sha256(content).hexdigest()
    write_manifest(folder, table)


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> object:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", [bundle.ROWS, bundle.LEXICON])
def test_a_pickle_in_an_array_is_refused_and_never_run(
    whole: Path, tmp_path: Path, name: str
) -> None:
    """Not even where every checksum is right."""
    with np.load(whole / name, allow_pickle=False) as arrays:
        good = {key: arrays[key] for key in arrays.files}
    trap = tmp_path / "it went off"
    for key in good:
        buffer = io.BytesIO()
        np.savez(buffer, **{**good, key: np.array([Bomb(trap)], dtype=object)})
        forge(whole, name, buffer.getvalue())
        with pytest.raises(BundleError, match="don't fit together"):
            bundle.load(whole)
    assert not trap.exists()
    np.load(io.BytesIO(buffer.getvalue()), allow_pickle=True)[key]  # the bomb is a real one
    assert trap.exists()


@pytest.mark.parametrize("made", [faiss.IndexFlatL2, faiss.IndexLSH, "HNSW4,Flat", "IVF1,Flat"])
def test_another_kind_of_index_is_refused(whole: Path, made: object) -> None:
    """FAISS would load whatever its file says it is; only the flat one ranks as we promise."""
    vectors = bundle.load(whole).rankers.vectors()
    dimension = vectors.shape[1]
    if isinstance(made, str):
        other = faiss.index_factory(dimension, made)
    else:
        other = made(dimension, 64) if made is faiss.IndexLSH else made(dimension)  # type: ignore[operator]
    other.train(vectors)
    other.add(vectors)
    forge(whole, bundle.VECTORS, bytes(faiss.serialize_index(other).tobytes()))
    with pytest.raises(BundleError, match="not a flat index"):
        bundle.load(whole)
