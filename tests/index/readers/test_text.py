from __future__ import annotations

from pathlib import Path

import pytest

from index import readers
from index.errors import DocumentError
from index.readers.text import blocks


def test_blank_lines_part_paragraphs_and_runs_of_them_are_page_breaks() -> None:
    """One blank line is a new paragraph, three in a row a page break; lines are counted from 1."""
    found = blocks("eins\nzwei\n\ndrei\n\n\n\nvier")
    assert [(b.text, b.line, b.gap) for b in found] == [
        ("eins\nzwei", 1, False),
        ("drei", 4, False),
        ("vier", 8, True),
    ]


def test_form_feeds_number_the_pages() -> None:
    """With form feeds every block knows its page; without, none does."""
    assert [b.page for b in blocks("a\n\fb\n\n\fc")] == [1, 2, 3]
    assert [b.page for b in blocks("a\n\n\n\nb")] == [None, None]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no text"),
        (b" \n\n\t\n", "no text"),
        ("Straße\nMüll".encode("cp1252"), "doc.txt:1: not UTF-8"),
        (b"gut\nbin\0aer", "doc.txt:2: binary data"),
    ],
)
def test_unusable_files_are_named_with_line_and_remedy(
    tmp_path: Path, content: bytes, says: str
) -> None:
    """Empty, wrongly encoded and binary files give one line that names the place and the way
    out.
    """
    path = tmp_path / "doc.txt"
    path.write_bytes(content)
    with pytest.raises(DocumentError, match=says) as error:
        readers.read(path)
    assert ";" in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_format_names_the_known_ones(tmp_path: Path) -> None:
    """What can't be read says what could be."""
    with pytest.raises(DocumentError, match=r"\.txt"):
        readers.read(tmp_path / "programm.xyz")


def test_a_byte_order_mark_and_windows_line_ends_leave_no_trace(tmp_path: Path) -> None:
    """Files saved by Windows' Notepad read like any other."""
    path = tmp_path / "doc.txt"
    path.write_bytes(b"\xef\xbb\xbfEins\r\n\r\nZwei")
    assert [b.text for b in readers.read(path).blocks] == ["Eins", "Zwei"]
