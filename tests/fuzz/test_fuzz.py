"""A short run of the fuzzer; `python -m tests.fuzz` is the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz import inputs, pool


@pytest.mark.parametrize("suffix", inputs.FORMATS)
def test_odd_files_give_a_document_or_an_error_of_ours(tmp_path: Path, suffix: str) -> None:
    """Never another exception, a hang or a crash; and the inputs reach both outcomes."""
    outcomes = pool.run(inputs.write(suffix, 60, tmp_path, None, 1), limit=10, jobs=1)
    assert len(outcomes) == 60
    assert [(o.path.name, o.result) for o in outcomes if o.failed] == []
    assert {o.result for o in outcomes} == {pool.DOCUMENT, pool.REFUSED}


def test_a_crash_a_hang_and_a_foreign_exception_are_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fuzzer can fail: a worker that dies, sleeps or raises is a failure with its reason."""
    paths = []
    for name in ("crash", "hang", "raise", "good"):
        paths.append(tmp_path / f"{name}.txt")
        paths[-1].write_text("Text", encoding="utf-8")
    monkeypatch.setattr(pool, "_serve", _serve_badly)
    results = {o.path.stem: o.result for o in pool.run(paths, limit=2, jobs=1)}
    assert results["crash"] == "crash, exit code -11"
    assert results["hang"] == "no end after 2 s"
    assert "ZeroDivisionError" in results["raise"]
    assert results["good"] == pool.DOCUMENT


def _serve_badly(pipe: object, whole: bool) -> None:
    import os
    import signal
    import time

    from index.readers import READERS

    reader = READERS[".txt"]

    def read(path: Path, watch: object) -> object:
        if path.stem == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        if path.stem == "hang":
            time.sleep(60)
        if path.stem == "raise":
            return 1 / 0
        return reader(path, watch)  # type: ignore[arg-type]

    READERS[".txt"] = read  # type: ignore[index]
    pool._serve(pipe, whole)  # type: ignore[arg-type]
