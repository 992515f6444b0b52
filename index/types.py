"""The nouns of the index, all frozen. Numpy is the heaviest thing they know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Span = tuple[int, int]


@dataclass(frozen=True)
class Box:
    """Where something stands on a page: points from its upper left corner."""

    page: int
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class Block:
    """A piece of a document as its reader found it: a heading, a paragraph or an item of a list."""

    text: str
    line: int  # where it stands in the document, counted from 1; for messages
    page: int | None = None  # where it begins
    gap: bool = False  # a page or column ended before it, as far as the reader can tell
    torn: bool = False  # and tore its paragraph, as the reader can see
    level: int | None = None  # heading level, 1 the highest, where the format says so
    item: bool = False  # of a list; belongs to the paragraph before it
    turns: tuple[tuple[int, int], ...] = ()  # (letters before a page turn, the page that follows)
    boxes: tuple[Box, ...] = ()


@dataclass(frozen=True)
class Dropped:
    """A block that is no part of the programme's text, and why."""

    block: Block
    reason: str


@dataclass(frozen=True)
class Entry:
    """A line of a table of contents, printed or electronic."""

    title: str
    level: int
    page: int | None = None


@dataclass(frozen=True)
class Document:
    """What a reader found in a file, in reading order, and what the file says about itself."""

    blocks: tuple[Block, ...]
    title: str = ""
    author: str = ""
    language: str = ""
    contents: tuple[Entry, ...] = ()  # the table of contents, as printed
    dropped: tuple[Dropped, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Repair:
    """One place where the clean-up changed the extracted text."""

    rule: str
    line: int
    before: str
    after: str


@dataclass(frozen=True)
class Heading:
    """A heading as shown (`text`) and as printed (`original`)."""

    text: str
    original: str


@dataclass(frozen=True)
class Paragraph:
    """A cleaned paragraph, the page it begins on and the pages it goes on to.

    Items of a list are lines of their paragraph.
    """

    text: str
    page: int | None = None
    turns: tuple[Span, ...] = ()  # (offset into `text`, the page that begins there)

    def page_at(self, offset: int) -> int | None:
        """The page on which the character at `offset` stands."""
        return next((page for at, page in reversed(self.turns) if at <= offset), self.page)


@dataclass(frozen=True)
class Section:
    """A stretch of paragraphs under one heading; level 1 is a chapter's own introduction."""

    id: str
    level: int
    heading: Heading
    chapter: Heading
    paragraphs: tuple[Paragraph, ...]


@dataclass(frozen=True)
class Programme:
    """A programme cut into sections, with what was repaired, dropped and doubtful on the way."""

    sections: tuple[Section, ...]
    repairs: tuple[Repair, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Piece:
    """The part of a passage that lies in one paragraph: `paragraph` counts within the section."""

    paragraph: int
    start: int  # character offsets into the passage's text
    end: int


@dataclass(frozen=True)
class Passage:
    """Whole sentences of one section, at most 130 words: what is found, shown and cited."""

    id: str
    section: int  # position in Programme.sections
    text: str
    sentences: tuple[Span, ...]  # character offsets into `text`
    pieces: tuple[Piece, ...]
    page: int | None = None  # where it begins, counted from 1 as a PDF viewer does
    end_page: int | None = None  # where it ends

    def __post_init__(self) -> None:
        if not self.text or not self.sentences:
            raise ValueError(f"passage {self.id} is empty")


@dataclass(frozen=True)
class Info:
    """What programme.toml says about a programme."""

    slug: str
    title: str
    document: str
    party: str = ""
    subtitle: str = ""
    language: str = "de"
    date: str = ""
    source_url: str = ""
    pdf_url: str = ""
    imprint: tuple[str, ...] = ()
    imprint_url: str = ""
    privacy_url: str = ""
    notice_url: str = ""
    copyright: str = ""
    bank: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # section heading → questions
    allowed_origins: tuple[str, ...] = ()  # sites whose pages may ask, besides the server's own

    def __post_init__(self) -> None:
        # A bundle's JSON knows no tuples.
        object.__setattr__(self, "allowed_origins", tuple(self.allowed_origins))

    def questions(self, heading: Heading) -> tuple[str, ...]:
        """The editor's questions for the section below `heading`, as printed or as shown."""
        names = dict.fromkeys((heading.original, heading.text))
        return tuple(question for name in names for question in self.bank.get(name, ()))


@dataclass(frozen=True)
class Hit:
    """A passage found for a query; higher `score` is better, `key` is its best sentence."""

    passage: int
    score: float
    key: Span
    cosine: float


@dataclass(frozen=True)
class Ranking:
    """All hits of one query, best first, and the probability that the first ones answer it."""

    hits: tuple[Hit, ...]
    confidence: float


class QueryEncoder(Protocol):
    """Turns texts into unit vectors, shape (texts, dimension)."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (len(texts), dimension), float32."""
        ...

    def pieces(self, word: str) -> int:
        """How many word pieces the encoder's tokenizer makes of `word`."""
        ...
