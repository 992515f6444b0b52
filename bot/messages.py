"""What goes in and what comes out, for every channel alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from index.types import Span

Status = Literal["answered", "related", "nothing"]


@dataclass(frozen=True)
class Question:
    """What somebody asked. Never stored, never logged."""

    text: str
    language: str = "de"
    limit: int = 3
    channel: str = "page"  # how it came: page, api, or a messenger's name; never what was typed
    whole: bool = True  # False while somebody is still typing it


@dataclass(frozen=True)
class Citation:
    """A passage with all that is needed to quote it. `path` begins at the server's root."""

    id: str
    text: str
    highlights: tuple[Span, ...]
    chapter: str
    section: str
    page: int | None
    end_page: int | None
    citation: str
    path: str
    pdf_url: str | None  # the page in the party's own PDF
    confidence: float

    @property
    def segments(self) -> list[tuple[str, bool]]:
        """The text in order, in pieces that are highlighted or not."""
        pieces: list[tuple[str, bool]] = []
        at = 0
        for start, end in self.highlights:
            pieces += [(self.text[at:start], False), (self.text[start:end], True)]
            at = end
        pieces.append((self.text[at:], False))
        return [(text, key) for text, key in pieces if text]


@dataclass(frozen=True)
class Answer:
    """The programme's own words, or that it has none; and what else could be asked."""

    status: Status
    message: str
    passages: tuple[Citation, ...]
    suggestions: tuple[str, ...]
