from __future__ import annotations

from pathlib import Path

import pytest

from index.readers.markdown import read
from index.types import Document


def markdown(tmp_path: Path, text: str) -> Document:
    path = tmp_path / "a.md"
    path.write_text(text, encoding="utf-8")
    return read(path)


def texts(document: Document) -> list[str]:
    return [block.text for block in document.blocks]


def test_headings_paragraphs_and_their_lines(tmp_path: Path) -> None:
    """With signs or underlined; a bold opening makes no heading; lines are the file's own."""
    found = markdown(
        tmp_path,
        "---\ntitle: 'Dortmund kann das'\nauthor: SPD\nlang: de\n---\n\nWohnen\n======\n\n"
        "### Bauen ###\n\n**Löhne:** Wir wollen\ngute Löhne.\n",
    )
    assert (found.title, found.author, found.language) == ("Dortmund kann das", "SPD", "de")
    assert [(b.text, b.level, b.line) for b in found.blocks] == [
        ("Wohnen", 1, 7),
        ("Bauen", 3, 10),
        ("Löhne: Wir wollen gute Löhne.", None, 12),
    ]


def test_a_line_of_hyphens_alone_is_no_front_matter(tmp_path: Path) -> None:
    """Nothing between two rules is lost that is the programme's."""
    assert texts(markdown(tmp_path, "---\n\nErster Satz.\n\n---\n\nText")) == [
        "Erster Satz.",
        "Text",
    ]


def test_inline_markup_is_flattened(tmp_path: Path) -> None:
    """Emphasis, links by reference, code, escapes, entities and HTML leave only their letters;
    scripts and pictures leave nothing.
    """
    found = markdown(
        tmp_path,
        "Ein *kur*sives [Wort][1] mit `Code`, \\*Stern\\*, &amp; <b>fett</b><br>neu"
        "<script>alert(1)</script> ![Bild](x.png) hart  \nEnde.\n\n[1]: http://example.org\n\n"
        "<div>\n<p>Block <i>HTML</i></p>\n<script>böse()</script>\n</div>\n\n<!-- Notiz -->\n",
    )
    assert texts(found) == [
        "Ein kursives Wort mit Code, *Stern*, & fett neu hart Ende.",
        "Block HTML",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Bürger*innen und Mieter*innen",
        "jede*r Bürger*in und jede*n Mieter*in",
        "Bürger_innen und Mieter_innen",
        "Bürger:innen, Mieter:innen",
    ],
)
def test_gender_signs_are_letters(tmp_path: Path, text: str) -> None:
    """Two of them in a sentence are no emphasis."""
    assert texts(markdown(tmp_path, text)) == [text]


def test_lists_of_both_kinds_nested(tmp_path: Path) -> None:
    """Numbers go on from the first; a second paragraph belongs to its item."""
    found = markdown(
        tmp_path,
        "Wir wollen:\n"
        "- eins\n  1. innen\n  2. innen\n* zwei\n\n  noch zwei\n\n3) drei\n3) vier\n\nEnde.",
    )
    assert [(b.text, b.item) for b in found.blocks] == [
        ("Wir wollen:", False),
        ("• eins", True),
        ("1. innen", True),
        ("2. innen", True),
        ("• zwei", True),
        ("noch zwei", True),
        ("3) drei", True),
        ("4) vier", True),
        ("Ende.", False),
    ]


def test_footnotes_are_left_out_and_listed(tmp_path: Path) -> None:
    """With what is indented below them; a mark without a footnote is text."""
    found = markdown(
        tmp_path,
        "Satz[^1] und[^zwei], aber [^3].\n\n[^1]: Quelle: Amt\n    auf zwei Zeilen\n\n"
        "    und in zwei Absätzen\n[^zwei]: http://example.org\n\nWeiter.",
    )
    assert [(b.text, b.line) for b in found.blocks] == [
        ("Satz und, aber [^3].", 1),
        ("Weiter.", 9),
    ]
    assert [(d.block.text, d.block.line, d.reason) for d in found.dropped] == [
        ("[^1] Quelle: Amt auf zwei Zeilen und in zwei Absätzen", 3, "footnote"),
        ("[^zwei] http://example.org", 7, "footnote"),
    ]


def test_tables_quotes_and_code(tmp_path: Path) -> None:
    """Rows are blocks, quotations and code paragraphs."""
    found = markdown(
        tmp_path,
        "| Jahr | Zahl |\n|---|---|\n"
        "| 2025 | **2.000** |\n| | allein |\n\n> Zitat\n\n```\nCode\n```\n",
    )
    assert [(b.text, b.line) for b in found.blocks] == [
        ("Jahr | Zahl", 1),
        ("2025 | 2.000", 3),
        ("allein", 4),
        ("Zitat", 6),
        ("Code", 8),
    ]


def test_old_encodings_are_read_too(tmp_path: Path) -> None:
    """As those of plain text are, with the same warning."""
    path = tmp_path / "a.md"
    path.write_bytes("# Straße\n\nMüll".encode("cp1252"))
    assert texts(read(path)) == ["Straße", "Müll"]
    assert read(path).warnings == ("read as Windows-1252",)


def test_a_list_of_links_within_the_page_is_its_contents(tmp_path: Path) -> None:
    """As many editors write it at the top; a list with other words is text."""
    found = markdown(
        tmp_path,
        "- [Wohnen](#w)\n  - [Bauen](#b)\n- [Arbeit](#a)\n\nText\n\n- [Wohnen](#w)\n"
        "- [Bauen](#b)\n- siehe [Arbeit](#a)\n",
    )
    assert [(e.title, e.level) for e in found.contents] == [
        ("Wohnen", 1),
        ("Bauen", 2),
        ("Arbeit", 1),
    ]
    assert texts(found) == ["Text", "• Wohnen", "• Bauen", "• siehe Arbeit"]
