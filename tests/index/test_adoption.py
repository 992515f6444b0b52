from __future__ import annotations

import os
import shutil
from pathlib import Path

import pypdfium2
import pytest

from index import adoption, description, readers
from index.errors import DocumentError
from index.types import Document
from tests.pdfs import LEFT, Text, column, prose, write

DOCUMENT = Document((), title="Dortmund kann das", author='SPD "Dortmund"', language="de")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "plan.txt"
    path.write_text("WOHNEN\n\nText.", encoding="utf-8")
    return path


def test_a_document_gets_a_folder_that_describes_it(file: Path, tmp_path: Path) -> None:
    """Title, party and language come from the document; the description reads as any other."""
    folder = adoption.adopt(file, tmp_path / "programmes", DOCUMENT)
    info = description.read(folder)
    assert folder.name == "dortmund-kann-das"
    assert (info.title, info.party) == ("Dortmund kann das", 'SPD "Dortmund"')
    assert (folder / info.document).read_bytes() == file.read_bytes()


def test_any_title_and_file_name_can_be_described(tmp_path: Path) -> None:
    """Documents and file systems allow what a TOML file may not hold as it is."""
    file = tmp_path / 'a  "b"\x7f\n.txt'
    file.write_text("WOHNEN", encoding="utf-8")
    document = Document((), title="Plan\x7f\x01 A\nfür alle", author="\\SPD\x7f")
    folder = adoption.adopt(file, tmp_path / "programmes", document)
    info = description.read(folder)
    assert (info.title, info.party) == ("Plan\x7f\x01 A für alle", "\\SPD\x7f")
    assert (folder / info.document).read_bytes() == file.read_bytes()


def test_the_user_s_edits_are_never_overwritten(file: Path, tmp_path: Path) -> None:
    """The same document again leaves the folder alone; another one is refused with the way out."""
    folder = adoption.adopt(file, tmp_path, DOCUMENT)
    edited = folder / "programme.toml"
    edited.write_text(edited.read_text().replace("Dortmund kann das", "Geändert"), encoding="utf-8")
    adoption.adopt(file, tmp_path, DOCUMENT)
    assert description.read(folder).title == "Geändert"
    file.write_text("ANDERES", encoding="utf-8")
    with pytest.raises(DocumentError, match="another document.*--slug"):
        adoption.adopt(file, tmp_path, DOCUMENT)
    assert adoption.adopt(file, tmp_path, DOCUMENT, "zweites").name == "zweites"


def test_without_a_title_the_file_s_name_serves_and_a_bad_slug_is_said(
    file: Path, tmp_path: Path
) -> None:
    """plan.txt becomes programmes/plan."""
    assert adoption.adopt(file, tmp_path, Document(())).name == "plan"
    with pytest.raises(DocumentError, match="'Mein Plan' is no slug; give one: --slug"):
        adoption.adopt(file, tmp_path, Document(()), "Mein Plan")


def test_an_unwritable_place_is_said_and_leaves_nothing(file: Path, tmp_path: Path) -> None:
    """A file where the folder should be."""
    (tmp_path / "root").write_text("")
    with pytest.raises(DocumentError, match="can't be written"):
        adoption.adopt(file, tmp_path / "root", DOCUMENT)


def test_ocr_without_ocrmypdf_names_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The remedy is a command; the scan is untouched."""
    monkeypatch.setenv("PATH", str(tmp_path))
    scan = write(tmp_path / "scan.pdf", [[Text(LEFT, 90, "x")]])
    before = scan.read_bytes()
    with pytest.raises(DocumentError, match="apt install ocrmypdf"):
        list(adoption.recognise(scan))
    assert scan.read_bytes() == before
    with pytest.raises(DocumentError, match="--ocr is for PDF"):
        list(adoption.recognise(tmp_path / "a.docx"))


@pytest.mark.skipif(not shutil.which("ocrmypdf"), reason="ocrmypdf is not installed")
def test_ocr_makes_a_scan_readable_and_keeps_it(tmp_path: Path) -> None:
    """With the real ocrmypdf: what was a picture has text, and the scan stands beside it."""
    page = [Text(LEFT, 90, "Wohnen", 20, bold=True), *column([prose(1)], 130, size=14, leading=20)]
    drawn = pypdfium2.PdfDocument(write(tmp_path / "a.pdf", [page]))[0].render(scale=3).to_pil()
    scan = tmp_path / "scan.pdf"
    drawn.save(scan)
    with pytest.raises(DocumentError, match="pictures without text"):
        readers.read(scan)
    list(adoption.recognise(scan))
    assert "Wohnen" in " ".join(block.text for block in readers.read(scan).blocks)
    assert (tmp_path / "scan.scan.pdf").is_file()
    assert os.listdir(tmp_path).count("scan.ocr.pdf") == 0
