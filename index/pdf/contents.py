"""The table of contents, as printed: a witness for the headings, never a passage."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from index.pdf import layout
from index.pdf.types import Line
from index.types import Entry

TITLE = re.compile(
    r"^(?:Inhalt(?:s(?:verzeichnis|übersicht|angabe))?|Contents|Table of contents)\W*$", re.I
)
ENTRY = re.compile(r"^(?P<title>.*?[^\W\d_].*?)(?P<leaders>[\s.·•…_‥]*)(?P<page>\d{1,3})$")
MARK = re.compile(r"^[–•*-]\s+")
LEADERS = re.compile(r"(?:[.·…_‥]\s?){3,}$")
FRONT, LEAST = 0.15, 4  # share of the pages where it is looked for; entries that make one


@dataclass(frozen=True)
class Contents:
    """The entries, and the lines they stand in."""

    entries: tuple[Entry, ...]
    lines: tuple[Line, ...]


@dataclass
class _Row:
    """One line of the table: text at the left, a page number at the right."""

    line: Line
    title: str
    page: int | None
    parts: list[Line]


def find(pages: Sequence[Sequence[Line]]) -> Contents:
    """The table of contents on the first or last of `pages`."""
    front = max(12, round(FRONT * len(pages)))
    entries: list[Entry] = []
    taken: list[Line] = []
    before = False
    for number, lines in enumerate(pages):
        if number >= front and number < len(pages) - 4:
            before = False
            continue
        title, rows = _table(lines)
        back = number >= front  # where untitled lines with numbers are an index, not contents
        before = (title is not None or before or not back) and _is_table(rows, title, before)
        if before:
            rows = _trimmed(rows, title is None)
            taken += ([title] if title else []) + [part for row in rows for part in row.parts]
            entries += _entries(rows)
    return Contents(tuple(entries), tuple(taken))


def _table(lines: Sequence[Line]) -> tuple[Line | None, list[_Row]]:
    """The line that says contents, and the rows below it; without it, all rows."""
    title = next((line for line in lines if TITLE.match(line.text)), None)
    below = [o for o in lines if title is None or (o.baseline >= title.baseline and o is not title)]
    return title, [row for half in layout.halves(below) for row in _rows(half)]


def _rows(lines: Sequence[Line]) -> list[_Row]:
    rows: list[_Row] = []
    for line in sorted(lines, key=lambda one: (round(one.baseline / 3), one.left)):
        same = rows and abs(rows[-1].line.baseline - line.baseline) < 0.4 * line.style.size
        if same and rows[-1].page is None and re.fullmatch(r"[\s.·…_]*\d{1,3}", line.text):
            rows[-1].page = int(re.sub(r"\D", "", line.text))
            rows[-1].parts.append(line)
            continue
        match = ENTRY.match(line.text)
        leaders = bool(match and re.search(r"(?:[.·…_‥]\s?){3}|\s{3}", match["leaders"]))
        if match and (leaders or match["leaders"].strip()):
            rows.append(_Row(line, match["title"], int(match["page"]), [line]))
        else:
            title = LEADERS.sub("", line.text).strip()
            rows.append(_Row(line, title, None, [line]))
    return rows


def _is_table(rows: Sequence[_Row], title: Line | None, before: bool) -> bool:
    """Whether a page is one: enough entries whose page numbers grow; or the word above, no prose
    below.
    """
    pages = [row.page for row in rows if row.page is not None]
    growing = sum(a <= b for a, b in zip(pages, pages[1:], strict=False))
    orderly = len(pages) >= 2 and growing >= 0.8 * (len(pages) - 1)
    if title or before:
        if orderly and len(pages) >= (2 if before else 3):
            return len(pages) >= 0.3 * len(rows)
        return title is not None and len(rows) > 3 and not _has_prose(rows)
    return orderly and len(pages) >= LEAST and len(pages) >= 0.5 * len(rows)


def _has_prose(rows: Sequence[_Row]) -> bool:
    """Long rows, or many that end a sentence."""
    words = [len(row.title.split()) for row in rows]
    ends = sum(bool(re.search(r"[.!?]$", row.title)) for row in rows)
    return ends > 0.3 * len(rows) or sum(words) / max(1, len(rows)) > 11


def _trimmed(rows: list[_Row], untitled: bool) -> list[_Row]:
    """Up to the last line with a page number, where the table has any; without a title from the
    first one on.
    """
    numbered = [k for k, row in enumerate(rows) if row.page is not None]
    if not numbered:
        return rows
    return rows[numbered[0] if untitled else 0 : numbered[-1] + 1]


Found = tuple[str, Line, int | None]  # title, its first line, page


def _entries(rows: Sequence[_Row]) -> list[Entry]:
    """Entries of several lines put together; levels from indents."""
    found = _numbered(rows) if any(row.page is not None for row in rows) else _unnumbered(rows)
    lefts = sorted({round(line.left / 6) for _, line, _ in found})
    return [Entry(t, lefts.index(round(line.left / 6)) + 1, page) for t, line, page in found]


def _numbered(rows: Sequence[_Row]) -> list[Found]:
    """An entry ends with its page; a line without one begins the next, if that looks the same."""
    found: list[Found] = []
    for row in rows:
        title = MARK.sub("", row.title)
        begun = found[-1] if found and found[-1][2] is None else None
        if begun and row.page is not None and begun[1].style == row.line.style:
            found[-1] = (f"{begun[0]} {title}", begun[1], row.page)
        else:
            found.append((title, row.line, row.page))
    return found


def _unnumbered(rows: Sequence[_Row]) -> list[Found]:
    """An entry begins with a mark, or where the line before it does; indented lines go on."""
    found: list[Found] = []
    for row in rows:
        title = MARK.sub("", row.title)
        if found and title == row.title and row.line.left > found[-1][1].left + 4:
            found[-1] = (f"{found[-1][0]} {title}", found[-1][1], None)
        else:
            found.append((title, row.line, None))
    return found
