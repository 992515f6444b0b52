from __future__ import annotations

from pathlib import Path

import pytest

from index import readers
from index.errors import DocumentError
from index.readers.text import blocks, without_edges


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
        (b"gut\nbin\0aer", "doc.txt:2: binary data"),
        ("gut\nStraße\x02".encode("cp1252"), "doc.txt:2: binary data"),
        (b"gut\n\x81\x8d", "doc.txt:2: binary data"),
        ("Größe, Mühe, Öl\nMüll".encode() + b"\xfc", "doc.txt:2: not UTF-8 throughout"),
        (b"\xff\xfea", "doc.txt:1: binary data"),
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


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8-sig", b""),
        ("utf-16", b""),
        ("utf-16-le", b""),
        ("utf-16-be", b""),
        ("utf-16-be", b"\xfe\xff"),
        ("cp1252", b""),
    ],
)
def test_every_common_encoding_gives_the_same_text(
    tmp_path: Path, encoding: str, mark: bytes
) -> None:
    """With and without a mark; only where it had to be guessed there is a warning."""
    path = tmp_path / "doc.txt"
    path.write_bytes(mark + "Straße nach Süden\n\nMüll".encode(encoding))
    found = readers.read(path)
    assert [b.text for b in found.blocks] == ["Straße nach Süden", "Müll"]
    assert found.warnings == (("read as Windows-1252",) if encoding == "cp1252" else ())


def found(text: str) -> list[str]:
    return [block.text for block in blocks(text)]


LONG = "Wir wollen eine Stadt, in der alle Menschen gut und sicher wohnen können, und zwar bald."
WRAPPED = (
    "Wir wollen eine Stadt, in der alle\nMenschen gut und sicher wohnen können.\nDafür bauen wir."
)


def test_wrapped_lines_without_blank_ones_are_paragraphs_and_headings() -> None:
    """A line that was ended early ends its paragraph; a short one that ends no sentence and begins
    one is a heading; headings in capitals stand apart wherever they are.
    """
    text = (
        f"Wohnen und Bauen\n{WRAPPED}\nNeuer Absatz hier.\nArbeit\n{WRAPPED}\n"
        f"KLIMA UND\nENERGIE\n{WRAPPED}"
    )
    assert found(text) == [
        "Wohnen und Bauen",
        WRAPPED,
        "Neuer Absatz hier.",
        "Arbeit",
        WRAPPED,
        "KLIMA UND\nENERGIE",
        WRAPPED,
    ]


def test_long_lines_are_paragraphs_each() -> None:
    """As word processors save text: no wrapping and no blank lines."""
    lines = [f"{LONG} {LONG} {n}" for n in range(9)]
    assert found("Wohnen\n" + "\n".join(lines)) == ["Wohnen", *lines]


def test_a_few_lines_tell_nothing_about_their_length() -> None:
    """Then only blank lines part paragraphs."""
    assert found("Eins.\nZwei.\n\nDrei") == ["Eins.\nZwei.", "Drei"]


def test_bullets_inside_a_block_are_items() -> None:
    """Any glyph; dashes where two stand together, numbers where they count up."""
    text = (
        "Wir wollen:\n• mehr\nWohnungen\n▪ weniger Müll\n\nUnd:\n- eins\n- zwei\n\n"
        "Ein Satz\n– ein Gedanke\n\nDann:\n1. eins\n2. zwei"
    )
    assert [(b.text, b.line, b.item) for b in blocks(text)] == [
        ("Wir wollen:", 1, False),
        ("• mehr\nWohnungen", 2, True),
        ("• weniger Müll", 4, True),
        ("Und:", 6, False),
        ("• eins", 7, True),
        ("• zwei", 8, True),
        ("Ein Satz\n– ein Gedanke", 10, False),
        ("Dann:", 13, False),
        ("1. eins", 14, True),
        ("2. zwei", 15, True),
    ]
    assert [b.item for b in blocks("Am\n1. September")] == [False]


def test_running_titles_and_page_numbers_at_the_edges_of_pages_are_dropped() -> None:
    """As pdftotext leaves them; what stands once at an edge is text; lines keep their numbers."""
    pages = [f"Dortmund kann das {n}\nText der Seite {n} {'abc'[n]}\n{n}" for n in range(3)]
    body, dropped = without_edges("\n\f".join([*pages, "Ein Ende"]))
    assert [b.text for b in blocks(body)] == [
        "Text der Seite 0 a",
        "Text der Seite 1 b",
        "Text der Seite 2 c",
        "Ein Ende",
    ]
    assert [(d.block.text, d.block.line, d.block.page, d.reason) for d in dropped[:4]] == [
        ("Dortmund kann das 0", 1, 1, "running title"),
        ("0", 3, 1, "page number"),
        ("Dortmund kann das 1", 4, 2, "running title"),
        ("1", 6, 2, "page number"),
    ]
    assert without_edges("eins\n\nzwei\n\n") == ("eins\n\nzwei\n\n", [])
