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
class Block:
    """A piece of a document as its reader found it: a paragraph or a heading."""

    text: str
    line: int  # where it stands in the document, counted from 1; for messages
    page: int | None = None
    gap: bool = False  # a page ended before it, as far as the reader can tell
    level: int | None = None  # heading level, where the format says so


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
    """A cleaned paragraph and the page it begins on."""

    text: str
    page: int | None = None


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
    dropped: tuple[Block, ...] = ()
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
    page: int | None = None

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
