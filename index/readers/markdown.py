"""Markdown: CommonMark with tables, footnotes and a front matter. Only importer of markdown-it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from index.errors import DocumentError
from index.readers import html, text
from index.readers.flow import BULLET, Flow, joined, plain
from index.types import Document

MOST_LETTERS = 2_000_000
LEAST_ENTRIES = 3  # fewer links in a list are no table of contents
MOST_DEPTH = 100  # deeper ones the parser would leave out without a word
FRONT = re.compile(r"---[ \t]*\n((?:[^\n]*\n){0,200}?)(?:---|\.\.\.)[ \t]*(?:\n|\Z)")
KEY = re.compile(r"^(title|author|lang|language)[ \t]*:[ \t]*(.*)$", re.I | re.M)
# "Bürger*innen und Mieter*innen" is no emphasis between two stars.
GENDER_STAR = re.compile(r"(?<=[^\W\d_])\*(?=in(?:nen)?\b|r\b|n\b)")
NOTE = re.compile(r"^ {0,3}\[\^([^\]\s]{1,80})\]:[ \t]*(.*)$")
MARK = re.compile(r"\[\^([^\]\s]{1,80})\]")
UNREAD = re.compile(r"<(script|style|template|noscript)\b", re.I)


def read(path: Path) -> Document:
    """A Markdown file, in any encoding that a text file may have.

    Raises DocumentError where it is binary, too large or nested too deeply.
    """
    source, warnings = text.decode(path)
    if len(source) > MOST_LETTERS:
        raise DocumentError(path, "more than 2 million letters", "split the document")
    about, body = _front_matter(source)
    flow = Flow()
    parser = MarkdownIt("commonmark", {"maxNesting": MOST_DEPTH}).enable("table")
    body, notes = _notes_apart(body)
    tokens = parser.parse(GENDER_STAR.sub(r"\\*", body))
    if any(token.level >= MOST_DEPTH - 1 for token in tokens):
        raise DocumentError(path, "its parts are nested too deeply", "export it again")
    _Walk(flow, frozenset(name for name, _, _ in notes)).all(tokens)
    for name, note, line in notes:
        flow.drop(f"[^{name}] {note}", "footnote", line)
    return flow.document(
        about.get("title", ""),
        about.get("author", ""),
        about.get("lang") or about.get("language", ""),
        warnings,
    )


def _front_matter(source: str) -> tuple[dict[str, str], str]:
    """What a head between lines of hyphens says, and the text with that head blanked out."""
    match = FRONT.match(source)
    if not match or not re.search(r"^\w[\w -]*:", match[1], re.M):
        return {}, source
    about = {key.lower(): value.strip().strip("\"'") for key, value in KEY.findall(match[1])}
    return about, "\n" * match[0].count("\n") + source[match.end() :]


def _notes_apart(source: str) -> tuple[str, list[tuple[str, str, int]]]:
    """The text with its footnotes blanked out; and those: mark, text, line."""
    lines = source.split("\n")
    notes: list[tuple[str, str, int]] = []
    goes_on = False
    for number, line in enumerate(lines, 1):
        match = NOTE.match(line)
        if match:
            notes.append((match[1], match[2], number))
        elif goes_on and line.startswith(("    ", "\t")):
            name, note, at = notes[-1]
            notes[-1] = (name, f"{note} {line.strip()}", at)
        elif not (goes_on and not line.strip()):
            goes_on = False
            continue
        goes_on = True
        lines[number - 1] = ""
    return "\n".join(lines), notes


@dataclass
class _List:
    """A list that is being walked through."""

    end: str  # of its numbers; "" for bullets
    count: int
    fresh: bool = False  # the item's first paragraph is still to come

    def marker(self) -> str:
        """What stands before the next paragraph."""
        if not self.fresh:
            return ""
        self.fresh = False
        return f"{self.count}{self.end} " if self.end else BULLET


@dataclass
class _Walk:
    """Walks through the parser's tokens once."""

    flow: Flow
    notes: frozenset[str]
    _lists: list[_List] = field(default_factory=list)
    _level: int | None = None
    _row: list[str] | None = None
    _row_line: int | None = None

    def all(self, tokens: Sequence[Token]) -> None:
        """Every token of the document."""
        for token in self._without_contents(tokens):
            line = token.map[0] + 1 if token.map else None
            if token.type == "inline":
                self._inline(token, line)
            elif token.type in {"fence", "code_block"}:
                self._add(token.content, line)
            elif token.type == "html_block":
                self._add(html.flat(token.content), line)
            elif token.type == "tr_close":
                self._close_row()
            elif token.nesting:
                self._bounds(token)

    def _without_contents(self, tokens: Sequence[Token]) -> Iterator[Token]:
        """The tokens, but of lists that hold nothing but links within the page: those are tables
        of contents.
        """
        pending: list[Token] = []
        for token in tokens:
            pending.append(token)
            if token.level == 0 and token.nesting != 1:
                links = [_anchor(t) for t in pending if t.type == "inline"]
                if pending[0].type.endswith("list_open") and _all_link(links):
                    self._enter(pending)
                else:
                    yield from pending
                pending = []

    def _enter(self, tokens: Sequence[Token]) -> None:
        depth = 0
        for token in tokens:
            depth += token.nesting if "_list_" in token.type else 0
            if token.type == "inline":
                self.flow.entry(self._words(token.children or []), depth)

    def _bounds(self, token: Token) -> None:
        """Where a heading, a row, a list or an item begins, or a list ends."""
        if token.type in {"bullet_list_open", "ordered_list_open"}:
            self._open_list(token)
        elif token.type in {"bullet_list_close", "ordered_list_close"}:
            self._lists.pop()
        elif token.type == "list_item_open":
            self._lists[-1].fresh = True
            self._lists[-1].count += 1
        elif token.type == "heading_open":
            self._level = int(token.tag[1:])
        elif token.type == "tr_open":
            self._row = []
            self._row_line = token.map[0] + 1 if token.map else None

    def _close_row(self) -> None:
        cells, self._row = self._row or [], None
        self._add(joined(cells), self._row_line)

    def _open_list(self, token: Token) -> None:
        ordered = token.type == "ordered_list_open"
        start = int(token.attrs.get("start", 1)) if ordered else 1
        self._lists.append(_List(token.markup if ordered else "", start - 1))

    def _inline(self, token: Token, line: int | None) -> None:
        words = MARK.sub(self._unmarked, self._words(token.children or []))
        if self._row is not None:
            self._row.append(plain(words))
        else:
            self._add(words, line)

    def _add(self, words: str, line: int | None) -> None:
        marker = self._lists[-1].marker() if self._lists and self._level is None else None
        self.flow.add(words, self._level, marker, line)
        self._level = None

    def _unmarked(self, match: re.Match[str]) -> str:
        return "" if match[1] in self.notes else match[0]

    def _words(self, tokens: Sequence[Token]) -> str:
        """The letters of a paragraph; nothing of its tags, scripts and pictures."""
        parts: list[str] = []
        unread = ""
        for token in tokens:
            if token.type == "html_inline":
                opened = UNREAD.match(token.content)
                unread = opened[1].lower() if opened else unread
                if unread and token.content.lower().startswith(f"</{unread}"):
                    unread = ""
                elif re.match(r"<br\b", token.content, re.I):
                    parts.append(" ")
            elif unread:
                continue
            elif token.type in {"text", "code_inline"}:
                parts.append(token.content)
            elif token.type in {"softbreak", "hardbreak"}:
                parts.append(" ")
        return "".join(parts)


def _anchor(token: Token) -> bool:
    """Whether a line is one link within the page."""
    parts = token.children or []
    href = str(parts[0].attrs.get("href", "")) if parts else ""
    return href.startswith("#") and parts[-1].type == "link_close" and _links(parts) == 1


def _links(tokens: Sequence[Token]) -> int:
    return sum(token.type == "link_open" for token in tokens)


def _all_link(lines: Sequence[bool]) -> bool:
    return len(lines) >= LEAST_ENTRIES and all(lines)
