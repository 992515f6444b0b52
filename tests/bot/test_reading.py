from __future__ import annotations

from types import SimpleNamespace

import pytest

from bot import answering, reading
from bot.library import Served
from bot.reading import Part, PieceView
from index import passages
from index.types import Heading, Info, Paragraph, Passage, Piece, Programme, Section

TITLE = Heading("Verkehr", "VERKEHR")


def shown(*paragraphs: Paragraph) -> list[list[PieceView]]:
    """A programme of one section, cut as every one is, as the reader shows it."""
    programme = Programme((Section("verkehr", 1, TITLE, TITLE, paragraphs),))
    bundle = SimpleNamespace(
        sections=programme.sections, passages=passages.cut(programme), aliases={}
    )
    (chapter,) = reading.chapters(bundle)  # type: ignore[arg-type]
    return chapter.paragraphs


def marked(paragraphs: list[list[PieceView]]) -> str:
    """The text with [7] where page 7 begins."""
    return "\n\n".join(
        "".join(
            ("\n" if piece.new_line else " " if number else "")
            + "".join((f"[{run.page}]" if run.page else "") + run.text for run in piece.runs)
            for number, piece in enumerate(paragraph)
        )
        for paragraph in paragraphs
    )


def test_a_page_begins_where_the_document_turns_it() -> None:
    """In the middle of a sentence, at a paragraph, not at all where it goes on; each once."""
    first = Paragraph("Wir bauen Radwege. Das ist gut so.", 6, ((19, 7),))
    assert marked(shown(first, Paragraph("Busse fahren.", 7), Paragraph("Bahnen auch.", 9))) == (
        "[6]Wir bauen Radwege. [7]Das ist gut so.\n\nBusse fahren.\n\n[9]Bahnen auch."
    )
    middle = Paragraph("Wir bauen Radwege.", 6, ((10, 7),))
    assert marked(shown(middle)) == "[6]Wir bauen [7]Radwege."
    assert marked(shown(Paragraph("Ohne Seiten."))) == "Ohne Seiten."


def test_a_page_may_turn_between_two_passages() -> None:
    """It begins with the second one's first word; long paragraphs are several passages."""
    half = "Wir bauen in jedem Jahr viele gute und sichere Radwege für alle. " * 8
    text = (half + half).strip()
    paragraphs = shown(Paragraph(text, 1, ((len(half), 2),)))
    assert len(paragraphs[0]) == 2
    assert [run.page for piece in paragraphs[0] for run in piece.runs if run.page] == [1, 2]
    assert marked(paragraphs) == f"[1]{half}[2]{half}".strip()


def test_items_of_a_list_stay_on_lines_of_their_own() -> None:
    """Within a passage, and where the next one begins with an item."""
    item = "\n• Wir bauen in jedem Jahr viele gute und sichere Radwege für alle, die fahren."
    text = "Das haben wir vor:" + item * 20
    paragraphs = shown(Paragraph(text))
    assert len(paragraphs[0]) > 1
    assert marked(paragraphs) == text


def test_levels_that_are_left_out_leave_no_gap() -> None:
    """A section of level 3 right under a chapter stands one deep, as does one of level 2."""
    sections = tuple(
        Section(f"s{number}", level, TITLE, TITLE, ())
        for number, level in enumerate((1, 3, 4, 2, 1, 4, 6))
    )
    bundle = SimpleNamespace(sections=sections, passages=(), aliases={})
    seen: list[tuple[str, int]] = []

    def walk(parts: list[Part]) -> None:
        for part in parts:
            seen.append((part.id, part.depth))
            walk(part.parts)

    walk(reading.chapters(bundle))  # type: ignore[arg-type]
    assert seen == [("s0", 1), ("s1", 2), ("s2", 3), ("s3", 2), ("s4", 1), ("s5", 2), ("s6", 3)]


def test_the_seed_is_shown_whole_and_in_order(served: Served) -> None:
    """Every paragraph, to the letter."""

    def texts(parts: list[Part]) -> list[str]:
        return [
            t for p in parts for t in [*marked(p.paragraphs).split("\n\n"), *texts(p.parts)] if t
        ]

    expected = [p.text for s in served.bundle.sections for p in s.paragraphs]
    assert texts(reading.chapters(served.bundle)) == expected


@pytest.mark.parametrize(
    ("page", "end", "said"), [(None, None, ""), (7, None, ", S. 7"), (7, 7, ", S. 7"),
                              (7, 8, ", S. 7–8")]
)  # fmt: skip
def test_a_citation_names_its_pages(page: int | None, end: int | None, said: str) -> None:
    """The one, or from which to which."""
    passage = Passage("p", 0, "Text.", ((0, 5),), (Piece(0, 0, 5),), page, end)
    bundle = SimpleNamespace(
        sections=(Section("s", 1, TITLE, TITLE, ()),), passages=(passage,),
        info=Info("rot", "Rot", "p.pdf", pdf_url="https://rot.example/p.pdf#zoom=50"),
    )  # fmt: skip
    made = answering.citation(SimpleNamespace(bundle=bundle, slug="rot"), 0)  # type: ignore[arg-type]
    assert made.citation == f"Verkehr{said}"
    assert made.end_page == end
    assert made.pdf_url == (f"https://rot.example/p.pdf#page={page}" if page else None)
