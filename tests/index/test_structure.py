from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.build import Draft
from index.errors import DocumentError
from index.readers.text import blocks
from index.structure import programme, slugify
from index.types import Block, Document

PROSE = (
    "Wir wollen, dass alle Menschen in unserer Stadt gut und sicher wohnen, lernen, arbeiten "
    "und alt werden können."
)


def test_the_seed_has_59_headings_in_13_chapters(draft: Draft) -> None:
    """Sections that begin like a chapter are none: only the refrain DORTMUND KANN makes one."""
    sections = draft.programme.sections
    assert len(sections) == 59
    assert sum(s.level == 1 for s in sections) == 13
    levels = {s.heading.original: s.level for s in sections}
    assert levels["DORTMUND IST INTERNATIONAL"] == 2
    assert levels["DORTMUND WIRD ZUR SMART-CITY"] == 2
    assert levels["DORTMUND KANN SOLIDARISCHE GROßSTADT DER NACHBARN"] == 1


def test_title_page_and_running_title_are_dropped_and_said(draft: Draft) -> None:
    """The title page is no chapter; the title in the middle of a chapter tears no paragraph."""
    dropped = [d.block.text for d in draft.programme.dropped]
    assert dropped[-1].startswith("PROGRAMM DER SPD DORTMUND Zur Kommunalwahl")
    assert any("Thomas Westphal" in text for text in dropped)
    body = " ".join(p.text for s in draft.programme.sections for p in s.paragraphs)
    assert "PROGRAMM DER SPD" not in body


def test_paragraphs_torn_by_page_breaks_are_whole(draft: Draft) -> None:
    """In mid-sentence and in mid-word."""
    paragraphs = [p.text for s in draft.programme.sections for p in s.paragraphs]
    for seam in (
        "Serielles Bauen, die Modulbauweise",
        "auf unsere Initiative hin",
        "Zentrale Ansätze sind",
    ):
        assert sum(seam in p for p in paragraphs) == 1


def test_a_paragraph_that_ends_in_mid_sentence_is_a_warning(draft: Draft) -> None:
    """What the clean-up can't repair it reports."""
    assert draft.programme.warnings == (
        "line 161: paragraph ends in mid-sentence: …heit der hier lebenden Menschen schaffen",
    )


@pytest.mark.parametrize(
    ("text", "headings"),
    [
        (f"WOHNEN\n{PROSE}\n\nARBEIT\n\n{PROSE}", ["Wohnen", "Arbeit"]),
        (f"1. Wohnen\n\n{PROSE}\n\n1.1 Mieten\n\n{PROSE}", ["1. Wohnen", "1.1 Mieten"]),
        (f"Gutes Wohnen\n\n{PROSE}\n\nGute Arbeit\n\n{PROSE}", ["Gutes Wohnen", "Gute Arbeit"]),
    ],
)
def test_headings_are_found_by_capitals_numbers_or_brevity(text: str, headings: list[str]) -> None:
    """In this order; a heading may stand directly on its paragraph."""
    found = programme(Document(tuple(blocks(text))), "x").sections
    assert [s.heading.text for s in found] == headings
    assert all(len(s.paragraphs) == 1 for s in found)


def test_no_headings_is_an_error_with_a_remedy() -> None:
    """A text that can't be cited by section is refused."""
    with pytest.raises(DocumentError, match="no headings found; put each heading"):
        programme(Document(tuple(blocks(f"{PROSE}\n\n{PROSE}"))), "doc.txt")


@given(st.text(max_size=300))
def test_slugs_are_short_ascii_and_idempotent(text: str) -> None:
    """Whatever the heading, the address is clean."""
    slug = slugify(text)
    assert len(slug) <= 60
    assert slug == slugify(slug)
    assert all(c.isascii() and (c.isalnum() or c == "-") for c in slug)


@given(st.lists(st.text(max_size=60), max_size=12))
def test_any_text_gives_a_programme_or_a_clear_error(lines: list[str]) -> None:
    """Nothing but DocumentError ever comes out."""
    found = blocks("\n".join(lines))
    try:
        programme(Document(tuple(found)), "doc.txt")
    except DocumentError as error:
        assert str(error).startswith("doc.txt")


def test_the_imprint_is_no_part_of_the_programme() -> None:
    """Who printed it is not what the party promises; what follows is."""
    text = f"WOHNEN\n\n{PROSE}\n\nIMPRESSUM\n\nDruck: Muster, Ort\n\nVERKEHR\n\n{PROSE}"
    found = programme(Document(tuple(blocks(text))), "x")
    assert [s.heading.original for s in found.sections] == ["WOHNEN", "VERKEHR"]
    assert [d.block.text for d in found.dropped if d.reason == "imprint"] == [
        "IMPRESSUM",
        "Druck: Muster, Ort",
    ]


def test_levels_are_depths_and_a_single_highest_one_is_the_title() -> None:
    """A document may jump from 1 to 3; its title is no chapter."""
    levels = [(1, "Titel"), (2, "A"), (4, "a"), (4, "b"), (2, "B"), (3, "c")]
    found = [
        block
        for level, name in levels
        for block in (Block(name, 1, level=level), Block(f"{name}: {PROSE}", 1))
    ]
    sections = programme(Document(tuple(found)), "x").sections
    assert [(s.level, s.heading.text) for s in sections][-5:] == [
        (1, "A"), (2, "a"), (2, "b"), (1, "B"), (2, "c"),
    ]  # fmt: skip


def test_a_document_of_an_imprint_alone_has_no_headings() -> None:
    """One line of error, as for any other document without a programme in it."""
    found = (Block("Impressum", 1, level=1), Block(PROSE, 2))
    with pytest.raises(DocumentError, match="no headings found"):
        programme(Document(found), "doc.pdf")
