from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from rich.console import Console

import ingest
from index import bundle
from tests.conftest import SEED, SLUG
from tests.pdfs import LEFT, Text, column, prose, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "programmes" / SLUG
    shutil.copytree(SEED, path)
    return path


def test_it_compiles_reports_and_verifies(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command a volunteer types: table at the end, then --check and --diff agree."""
    out = ["--out", str(tmp_path / "index")]
    document = folder / "dortmund-kann-das.txt"
    document.write_text(document.read_text(encoding="utf-8")[:33_000], encoding="utf-8")
    (folder / "questions.toml").unlink()  # its headings are cut off
    assert ingest.main([str(folder), *out]) == 0
    shown = capsys.readouterr().err
    for what in (
        "chapters",
        "sections",
        "passages",
        "words",
        "repairs",
        "warnings",
        "seconds",
        "model",
    ):
        assert what in shown
    assert "warning:" in shown
    assert ingest.main([str(folder), *out, "--check"]) == 0
    assert ingest.main([str(folder), *out, "--diff"]) == 0
    text = document.read_text(encoding="utf-8")
    document.write_text(text.replace("Wir können das!**", "Wir schaffen das!**"), encoding="utf-8")
    assert ingest.main([str(folder), *out, "--diff"]) == 1
    assert "~ dortmund-kann-das" in capsys.readouterr().err


def test_a_document_is_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`ingest.py FILE` makes the folder, compiles it, and does not mind being told twice."""
    monkeypatch.chdir(tmp_path)
    chapters = [
        [Text(LEFT, 90, name, 16, bold=True), *column([prose(n), prose(n + 4)], 120)]
        for n, name in ((10, "Wohnen"), (30, "Verkehr"))
    ]
    write(tmp_path / "plan.pdf", chapters, title="Unser Plan")
    for _ in range(2):
        assert ingest.main(["plan.pdf"]) == 0
        assert "pages" in capsys.readouterr().err
    served = bundle.load(tmp_path / "var" / "index" / "unser-plan")
    assert [p.page for p in served.passages] == [1, 1, 2, 2]
    assert ingest.main(["plan.pdf", "--report"]) == 0
    assert "heading, level 1" in (tmp_path / "var" / "report" / "plan.html").read_text()
    assert ingest.main(["nichts.pdf"]) == 2
    assert "nichts.pdf: no such file" in capsys.readouterr().err


def test_servers_are_told_of_a_new_bundle(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], redis: str
) -> None:
    """Where they share a Redis; that nobody hears it, or that there is no Redis, fails nothing."""
    for url, said in ((redis, "servers told: 0"), ("redis://:sesam@127.0.0.1:9", "were not told")):
        monkeypatch.setenv("FUNDSTELLE_REDIS", url)
        ingest._announce(Console(stderr=True))
        shown = capsys.readouterr().err
        assert said in " ".join(shown.split())
        assert "sesam" not in shown


def test_report_lists_repairs_and_warnings(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was repaired where, with lines; and a page to look at."""
    monkeypatch.chdir(folder)
    assert ingest.main([str(folder), "--report"]) == 0
    shown = capsys.readouterr().out
    assert "soft-hyphen: sicher-gestellt → sichergestellt" in shown
    assert ":161" not in shown.split("warning")[0]
    assert "dropped (running title): PROGRAMM DER SPD DORTMUND" in shown


def empty(folder: Path) -> None:
    (folder / "dortmund-kann-das.txt").write_bytes(b"")


def latin(folder: Path) -> None:
    (folder / "dortmund-kann-das.txt").write_bytes("STRAßE\n\nMüll".encode("cp1252"))


def headless(folder: Path) -> None:
    (folder / "dortmund-kann-das.txt").write_text("Ein Satz ohne alles. " * 9)


def missing(folder: Path) -> None:
    (folder / "dortmund-kann-das.txt").unlink()


@pytest.mark.parametrize("damage", [empty, latin, headless, missing])
def test_a_bad_document_is_one_line_and_exit_code_2(
    damage: object, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It names the file and the way out; no bundle appears."""
    damage(folder)  # type: ignore[operator]
    assert ingest.main([str(folder), "--out", str(tmp_path / "index")]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    lines = [line for line in lines if not line.startswith("read ")]  # the progress bar
    assert len(lines) == 1
    assert "dortmund-kann-das.txt" in lines[0]
    assert ";" in lines[0]
    assert not (tmp_path / "index" / SLUG).exists()


def test_a_place_that_cannot_be_written_is_said(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file where the folder should be, for example."""
    (tmp_path / "index").write_text("in the way")
    assert ingest.main([str(folder), "--out", str(tmp_path / "index")]) == 2
    assert "choose another --out" in capsys.readouterr().err


def test_an_unknown_model_leaves_the_old_bundle(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], index_root: Path
) -> None:
    """The bundle that was there still serves."""
    root = tmp_path / "index"
    shutil.copytree(index_root, root, symlinks=True)
    before = (root / SLUG).resolve()
    assert ingest.main([str(folder), "--out", str(root), "--model", "no-such/model"]) == 2
    assert "no such model" in capsys.readouterr().err
    assert (root / SLUG).resolve() == before
