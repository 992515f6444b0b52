"""The nouns of the PDF reader, from the letter to the decoded document."""

from __future__ import annotations

from dataclasses import dataclass

from index.types import Entry


@dataclass(frozen=True)
class Style:
    """How text looks: size in points, and what sets it apart."""

    size: float
    font: str
    colour: tuple[int, int, int]
    bold: bool
    italic: bool


@dataclass(frozen=True)
class Tag:
    """What the structure of a tagged PDF says about a piece of text."""

    level: int | None = None  # of the heading it is in
    spans: bool = False  # its paragraph goes on on another page


@dataclass(frozen=True)
class Look:
    """What the letters of one text object share."""

    style: Style
    upright: bool
    tag: Tag | None
    artifact: bool


@dataclass(frozen=True)
class Letter:
    """A sign as it was painted: points from the page's upper left corner."""

    text: str  # a space for any white space
    left: float
    top: float
    right: float
    bottom: float
    baseline: float
    look: Look
    unknown: bool  # the PDF does not say which letter it is


@dataclass(frozen=True)
class Line:
    """One line of one column: points from the page's upper left corner.

    A word that goes on in the next line ends with "-", or U+00AD where the PDF says so itself;
    small raised digits are private characters, RAISED + digit.
    """

    text: str
    page: int
    left: float
    top: float
    right: float
    bottom: float
    baseline: float
    style: Style  # of most of its letters
    first: Style
    last: Style
    share: float  # of its letters in that style
    tag: Tag | None = None  # where the PDF is tagged
    artifact: bool = False  # where the PDF says that it is none of the text
    label: str = ""  # bullet or number set apart before it, which `text` begins with
    body_left: float = 0.0  # where the text after the label begins

    @property
    def uniform(self) -> bool:
        """Whether the whole line is in one style, but for a sign or two."""
        return self.share >= 0.9


@dataclass(frozen=True)
class Page:
    """One page as it was decoded."""

    number: int  # from 1
    width: float
    height: float
    lines: tuple[Line, ...]
    picture: bool  # no text to speak of, but images
    broken: bool  # text whose letters can't be told


@dataclass(frozen=True)
class Decoded:
    """A PDF's pages, its electronic table of contents and what it says of itself."""

    pages: tuple[Page, ...]
    outline: tuple[Entry, ...]
    title: str
    author: str
    language: str
