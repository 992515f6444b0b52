"""The direction of imports, read from the source: what docs/architecture.md draws."""

from __future__ import annotations

import ast
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import ROOT

HEAVY = {
    "sentence_transformers": {"index/encoder.py"},
    "onnxruntime": {"index/query_encoder.py"},
    "tokenizers": {"index/query_encoder.py"},
    "faiss": {"index/vectors.py"},
    "syntok": {"index/sentences.py"},
    "simplemma": {"index/headings.py"},
    "Stemmer": {"index/german.py"},
    "rapidfuzz": {"index/spelling.py"},
    "selectolax": {"index/readers/html.py"},
    "markdown_it": {"index/readers/markdown.py"},
    "nacl": {"bot/channels/threema.py"},
    "redis": {"bot/channels/store.py", "bot/replicas.py", "index/announcing.py"},
    "pypdfium2": {"index/pdf/decode.py"},
    "PIL": {"index/pdf/decode.py", "index/report.py", "bot/pictures.py"},
    "xml": {"index/readers/files.py", "index/readers/docx.py", "index/readers/odt.py"},
}


def sources() -> list[Path]:
    own = [ROOT / "ingest.py", *(ROOT / "bot").rglob("*.py"), *(ROOT / "index").rglob("*.py")]
    return [path for path in own if "models" not in path.parts]


def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_index_never_imports_bot() -> None:
    """Imports point downwards: bot and ingest know index, not the other way round."""
    for path in (ROOT / "index").rglob("*.py"):
        assert not any(name.split(".")[0] in {"bot", "ingest", "eval"} for name in imports(path)), (
            path
        )


def test_each_heavy_library_is_behind_one_module() -> None:
    """So that it can be replaced there."""
    for path in sources():
        relative = path.relative_to(ROOT).as_posix()
        for library, allowed in HEAVY.items():
            if any(name.split(".")[0] == library for name in imports(path)):
                assert relative in allowed, f"{relative} imports {library}"


def test_answering_knows_no_http() -> None:
    """The core can be used by any channel."""
    for name in ("answering", "messages", "library", "errors"):
        roots = {n.split(".")[0] for n in imports(ROOT / "bot" / f"{name}.py")}
        assert not roots & {"fastapi", "starlette", "uvicorn"}


def test_settings_are_read_in_one_place() -> None:
    """Nothing else reads the environment of the server."""
    for path in (ROOT / "bot").rglob("*.py"):
        if path.name != "__main__.py":
            assert "os" not in imports(path), path


@pytest.fixture
def server(index_root: Path) -> tuple[subprocess.Popen[bytes], str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "FUNDSTELLE_INDEX": str(index_root)}
    command = [sys.executable, "-X", "importtime", "-m", "bot", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE)
    return process, f"http://127.0.0.1:{port}"


def test_the_server_imports_neither_torch_nor_transformers(
    server: tuple[subprocess.Popen[bytes], str],
) -> None:
    """Read from a running server that has answered a question: every module it ever imported."""
    process, address = server
    try:
        body = json.dumps({"message": "Kita-Gebühren"}).encode()
        request = urllib.request.Request(
            f"{address}/api/chat", body, {"Content-Type": "application/json"}
        )
        for _ in range(100):
            try:
                answer = json.load(urllib.request.urlopen(request, timeout=5))
                break
            except OSError:
                time.sleep(0.1)
        assert answer["passages"]
    finally:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
    modules = {line.rsplit("|")[-1].strip() for line in errors.decode().splitlines() if "|" in line}
    assert "index.query_encoder" in modules
    heavy = {
        "torch",
        "transformers",
        "sentence_transformers",
        "sklearn",
        "scipy",
        "syntok",
        "simplemma",
    }
    assert not modules & heavy
