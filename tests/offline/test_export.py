"""The files that a phone stores, and the addresses that give them out."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from index import offline
from index.bundle import ENCODER, Bundle
from index.query_encoder import ONNX, TOKENIZER
from index.types import Passage, Piece
from index.vectors import Kind
from tests.conftest import SLUG


def manifest_of(client: TestClient) -> dict[str, Any]:
    return dict(client.get(f"/p/{SLUG}/offline/manifest.json").json())


def arrays_of(packed: bytes) -> dict[str, Any]:
    length = int.from_bytes(packed[:4], "little")
    header = json.loads(packed[4 : 4 + length])
    start = -(-(4 + length) // 8) * 8
    return {
        name: np.frombuffer(packed, np.dtype(f"<{kind}"), count, start + offset)
        for name, (kind, offset, count) in header["arrays"].items()
    }


def test_every_file_is_as_the_manifest_says(client: TestClient) -> None:
    """Size and hash, for the programme's files, the app's own and the runtime's; and all of them
    may be kept for ever, since their addresses change with them.
    """
    manifest = manifest_of(client)
    places = [(f"/p/{SLUG}/offline/{manifest['version']}", f) for f in manifest["files"]]
    for part in ("shell", "runtime"):
        table = manifest[part]
        places += [(f"/offline/{table['version']}", f) for f in table["files"]]
    assert len(places) > 20
    for base, file in places:
        answer = client.get(f"{base}/{file['name']}")
        assert answer.status_code == 200, file["name"]
        assert len(answer.content) == file["size"]
        assert hashlib.sha256(answer.content).hexdigest() == file["sha256"]
        assert "immutable" in answer.headers["cache-control"]


def test_the_first_step_is_small(client: TestClient) -> None:
    """Text, lexicon, tokenizer and the app itself: below 1.5 MB as they travel."""
    manifest = manifest_of(client)
    files = [f for f in manifest["files"] if f["step"] == 1] + manifest["shell"]["files"]
    assert sum(f["transfer"] for f in files) < 1_500_000
    assert {f["name"] for f in manifest["files"] if f["step"] == 2} == {"vectors.bin", ONNX}


def test_who_can_not_unpack_gets_it_unpacked(client: TestClient) -> None:
    """Not every client takes gzip."""
    version = manifest_of(client)["version"]
    address = f"/p/{SLUG}/offline/{version}/programme.json"
    plain = client.get(address, headers={"Accept-Encoding": "identity"})
    packed = client.get(address)
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.content == packed.content


def test_the_encoder_comes_in_parts_where_asked(client: TestClient, index_root: Path) -> None:
    """So that a lost connection loses little."""
    version = manifest_of(client)["version"]
    answer = client.get(f"/p/{SLUG}/offline/{version}/{ONNX}", headers={"Range": "bytes=100-199"})
    assert answer.status_code == 206
    assert answer.content == (index_root / SLUG / ENCODER / ONNX).read_bytes()[100:200]


@pytest.mark.parametrize(
    "path",
    [
        f"/p/{SLUG}/offline/0000000000000000/programme.json",
        f"/p/{SLUG}/offline/0000000000000000/manifest.json",
        "/offline/0000000000000000/app.js",
        "/p/nichts/offline/manifest.json",
        "/p/nichts/app",
    ],
)
def test_nothing_is_given_out_under_another_name(client: TestClient, path: str) -> None:
    """An unknown version, programme or file is a 404, never something else."""
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("name", ["../manifest.json", "rows.npz", "%2e%2e/%2e%2e/pyproject.toml"])
def test_only_listed_files_can_be_fetched(client: TestClient, name: str) -> None:
    """No path leads out of the version or of the app's folder."""
    manifest = manifest_of(client)
    for base in (
        f"/p/{SLUG}/offline/{manifest['version']}",
        f"/offline/{manifest['shell']['version']}",
    ):
        answer = client.get(f"{base}/{name}")
        assert answer.status_code == 404 or answer.json().get("slug") == SLUG  # normalised by httpx


def test_only_the_app_may_compile_webassembly(client: TestClient) -> None:
    """All other pages keep the stricter policy; nobody may evaluate text as code."""
    shell = manifest_of(client)["shell"]["version"]
    for path in (f"/p/{SLUG}/app", f"/offline/{shell}/worker.js"):
        assert "'wasm-unsafe-eval'" in client.get(path).headers["content-security-policy"]
    for path in (f"/p/{SLUG}", f"/p/{SLUG}/programm"):
        assert "wasm" not in client.get(path).headers["content-security-policy"]
    assert "'unsafe-eval'" not in client.get(f"/p/{SLUG}/app").headers["content-security-policy"]


def test_rows_are_the_same_as_online(compiled: Bundle, index_root: Path) -> None:
    """Every vector, in the same place."""
    files = offline.export(compiled).files
    found = arrays_of(files["vectors.bin"])
    assert np.array_equal(found["vectors"], compiled.rankers.vectors().ravel())
    assert (found["kind"] == compiled.rows.kind).all()
    assert (found["owner"] == compiled.rows.owner).all()


def test_the_bank_is_attached_as_ingest_did(compiled: Bundle) -> None:
    """Every question of the bank, each to the passage that its vector's row names."""
    attached = offline.bank(compiled)
    rows = compiled.rows
    assert len(attached) == int((rows.kind == Kind.BANK).sum())
    for question, passage in attached:
        section = compiled.sections[compiled.passages[passage].section]
        assert question in compiled.info.questions(section.heading)


def test_spans_count_as_javascript_does() -> None:
    """Beyond the basic plane a character is two."""
    text = "Mehr 🌳 für alle. Auch hier."
    passage = Passage("a", 0, text, ((0, 17), (18, 28)), (Piece(0, 0, len(text)),))
    units = text.encode("utf-16-le")
    (_, end), (start, _) = offline._passage(passage)["sentences"]
    assert units[: 2 * end].decode("utf-16-le") == text[:17]
    assert units[2 * start :].decode("utf-16-le") == text[18:]


def test_an_unknown_tokenizer_leaves_the_search_by_words(
    compiled: Bundle, index_root: Path, tmp_path: Path
) -> None:
    """Any SentenceTransformer can be served; only Unigram tokenizers run in the browser."""
    (tmp_path / ENCODER).mkdir()
    table = json.loads((index_root / SLUG / ENCODER / TOKENIZER).read_text(encoding="utf-8"))
    table["model"]["type"] = "WordPiece"
    (tmp_path / ENCODER / TOKENIZER).write_text(json.dumps(table), encoding="utf-8")
    made = offline.export(replace(compiled, encoder_folder=tmp_path / ENCODER))
    assert made.encoder is None
    assert set(made.files) == {"programme.json", "settings.json", "lexicon.bin"}


def test_no_question_can_reach_the_files(compiled: Bundle, index_root: Path) -> None:
    """They hold the programme and nothing else: making them twice gives the same bytes."""
    first = offline.export(compiled).files
    second = offline.export(replace(compiled)).files
    assert first == second
    assert len(gzip.compress(first["lexicon.bin"])) < 400_000
