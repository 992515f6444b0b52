"""A programme as the reader shows it: parts within parts, paragraphs, and where a page begins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from index.bundle import Bundle
from index.types import Paragraph, Passage, Piece, Section


@dataclass(frozen=True)
class Run:
    """Text without a page turn in it; `page` is the one that begins before it, if one does."""

    text: str
    page: int | None = None


@dataclass(frozen=True)
class PieceView:
    """The part of a passage that stands in one paragraph."""

    passage_id: str
    runs: tuple[Run, ...]
    first: bool  # of its passage: here is the anchor
    new_line: bool  # in its paragraph: an item of a list
    old: tuple[str, ...] = ()  # ids this passage had in earlier versions: links to them still work


@dataclass
class Part:
    """A chapter, or a section within one, as deep as the programme goes."""

    id: str
    title: str
    original: str
    depth: int  # 1: a chapter; counted without gaps, whatever levels the document uses
    level: int
    paragraphs: list[list[PieceView]]
    parts: list[Part] = field(default_factory=list)


@dataclass
class _Pages:
    """The page one has come to while reading."""

    page: int | None = None

    def turn_to(self, page: int | None) -> int | None:
        """`page`, where it is another than before."""
        if page is None or page == self.page:
            return None
        self.page = page
        return page


def chapters(bundle: Bundle) -> list[Part]:
    """The whole programme. Every word once, in reading order."""
    pieces = _pieces(bundle)
    old = _former_ids(bundle)
    pages = _Pages()
    roots: list[Part] = []
    above: list[Part] = []
    for number, section in enumerate(bundle.sections):
        while above and above[-1].level >= section.level:
            above.pop()
        texts = [
            list(_views(paragraph, pieces.get((number, at), []), old, pages))
            for at, paragraph in enumerate(section.paragraphs)
        ]
        part = _part(section, len(above) + 1, texts)
        (above[-1].parts if above else roots).append(part)
        above.append(part)
    return roots


def flat(parts: Iterable[Part]) -> list[Part]:
    """All parts in reading order, as the bundle's sections are."""
    return [each for part in parts for each in (part, *flat(part.parts))]


def _part(section: Section, depth: int, paragraphs: list[list[PieceView]]) -> Part:
    heading = section.heading
    return Part(section.id, heading.text, heading.original, depth, section.level, paragraphs)


def _pieces(bundle: Bundle) -> dict[tuple[int, int], list[tuple[Passage, Piece]]]:
    """(section, paragraph) → what passages hold of it, in order."""
    found: dict[tuple[int, int], list[tuple[Passage, Piece]]] = {}
    for passage in bundle.passages:
        for piece in passage.pieces:
            found.setdefault((passage.section, piece.paragraph), []).append((passage, piece))
    return found


def _former_ids(bundle: Bundle) -> dict[str, tuple[str, ...]]:
    old: dict[str, tuple[str, ...]] = {}
    for former, current in bundle.aliases.items():
        old[current] = (*old.get(current, ()), former)
    return old


def _views(
    paragraph: Paragraph,
    pieces: Iterable[tuple[Passage, Piece]],
    old: dict[str, tuple[str, ...]],
    pages: _Pages,
) -> Iterator[PieceView]:
    end = 0
    for passage, piece in pieces:
        text = passage.text[piece.start : piece.end]
        start = max(end, paragraph.text.find(text, end))
        first = piece is passage.pieces[0]
        yield PieceView(
            passage.id,
            tuple(_runs(text, start, paragraph, pages)),
            first,
            "\n" in paragraph.text[end:start],
            old.get(passage.id, ()) if first else (),
        )
        end = start + len(text)


def _runs(text: str, start: int, paragraph: Paragraph, pages: _Pages) -> Iterator[Run]:
    """`text`, which stands in its paragraph from `start` on, cut where a page begins."""
    at = 0
    page = pages.turn_to(paragraph.page_at(start))
    for offset, next_page in paragraph.turns:
        if start < offset < start + len(text) and (turned := pages.turn_to(next_page)):
            yield Run(text[at : offset - start], page)
            at, page = offset - start, turned
    yield Run(text[at:], page)
