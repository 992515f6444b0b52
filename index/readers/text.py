"""Plain text, as copied out of a PDF or saved by a word processor: blank lines part paragraphs,
runs of them betray page breaks.

Where lines are wrapped, or stand without blank lines between them, their length tells where a
paragraph ends: a line that had room for the next one's first word was ended on purpose.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from index.errors import DocumentError
from index.headings import in_capitals
from index.readers.flow import BULLET, bulleted, unbulleted, with_items
from index.types import Block, Document

FORM_FEED = "\f"
GAP_LINES = 3  # blank lines in a row that betray a page break; one or two only part paragraphs
MOST_BYTES = 20_000_000  # the Bible has four million letters
MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
BINARY = "binary data in a text file", "export it as plain text"

ENDED = re.compile(r"[.!?:…][\"“”»«’')\]]*$")
STARTS = re.compile(r"[\"„“»(]*[A-ZÄÖÜ0-9]")
NUMBER = re.compile(r"^(\d{1,3}|[a-z])([.)])[ \t]+(?=\S)")
ENOUGH_LINES = 8  # neighbouring lines that it takes to tell how long lines are
UNWRAPPED = 160  # letters; no page and no screen wraps lines as long as this
ROOM = 0.8  # of the width: a line shorter than this was ended on purpose, however letters vary
HEADING_WORDS = 10  # more words than this, standing on a paragraph, are its first line


def read(path: Path) -> Document:
    """A text file in UTF-8, UTF-16 or Windows-1252.

    Raises DocumentError where it is none of these, naming the line.
    """
    text, warnings = decode(path)
    return Document(tuple(blocks(text)), warnings=warnings)


def decode(path: Path) -> tuple[str, tuple[str, ...]]:
    """The file's text, newlines unified, composed Unicode, no control characters but line ends;
    and a warning where its encoding had to be guessed.
    """
    data = path.read_bytes()
    if len(data) > MOST_BYTES:
        raise DocumentError(path, "a text of more than 20 MB", "split it")
    charset = next((name for mark, name in MARKS if data.startswith(mark)), _by_zeros(data))
    warnings: tuple[str, ...] = ()
    try:
        text = data.decode(charset)
    except UnicodeDecodeError as error:
        if charset.startswith("utf-16"):
            raise _fault(path, data, error.start, *BINARY) from error
        text, warnings = _windows(path, data, error.start), ("read as Windows-1252",)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DocumentError(f"{path}:{line}", *BINARY)
    text = re.sub(r"\r\n?|[\u2028\u2029\x85\v]", "\n", text)
    seen = re.sub(r"[\x00-\x08\x0e-\x1f\x7f\ufeff\ufffe]", "", text)
    return unicodedata.normalize("NFC", seen), warnings


def _by_zeros(data: bytes) -> str:
    """UTF-16 without its mark: of Western letters every second byte is zero."""
    head = data[:4096]
    even, odd = head[::2].count(0), head[1::2].count(0)
    most = 0.4 * len(head) / 2
    if odd > most and even < most / 8:
        return "utf-16-le"
    return "utf-16-be" if even > most and odd < most / 8 else "utf-8"


def _windows(path: Path, data: bytes, start: int) -> str:
    """Windows-1252, unless the file is binary, or UTF-8 that was damaged."""
    control = CONTROL.search(data)
    if control:
        raise _fault(path, data, control.start(), *BINARY)
    text = data.decode("utf-8", "surrogateescape")
    strange = sum("\udc80" <= c <= "\udcff" for c in text)
    if sum(c > "\x7f" for c in text) > 2 * strange:
        raise _fault(path, data, start, "not UTF-8 throughout", "export it anew, as UTF-8")
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError as error:
        raise _fault(path, data, error.start, *BINARY) from error


def _fault(path: Path, data: bytes, at: int, problem: str, remedy: str) -> DocumentError:
    return DocumentError(f"{path}:{data.count(10, 0, at) + 1}", problem, remedy)


@dataclass(frozen=True)
class _Line:
    text: str
    number: int


@dataclass(frozen=True)
class _Stretch:
    """Lines without a blank one between them."""

    lines: tuple[_Line, ...]
    page: int | None
    gap: bool


def blocks(text: str) -> list[Block]:
    """Paragraphs of `text`. Pages are numbered only where the text has form feeds."""
    stretches = list(_stretches(text))
    layout = _Layout(stretches)
    return with_items([b for stretch in stretches for b in _parted(stretch, layout)])


def _stretches(text: str) -> Iterator[_Stretch]:
    paged = FORM_FEED in text
    lines: list[_Line] = []
    blank, page, gap, any_yet = GAP_LINES, 1, False, False
    for number, raw in enumerate([*text.split("\n"), ""], 1):
        breaks = raw.count(FORM_FEED)
        line = " ".join(raw.replace(FORM_FEED, " ").split())
        if breaks or not line:
            if lines:
                yield _Stretch(tuple(lines), page if paged else None, gap and any_yet)
                any_yet, gap, lines = True, False, []
            blank += 1
            gap = gap or bool(breaks) or blank >= GAP_LINES
        page += breaks
        if line:
            lines.append(_Line(line, number))
            blank = 0


class _Layout:
    """How long the text's lines are, and so which of them were ended on purpose."""

    def __init__(self, stretches: Sequence[_Stretch]) -> None:
        pairs = [
            (a.text, b.text) for s in stretches for a, b in zip(s.lines, s.lines[1:], strict=False)
        ]
        lengths = sorted(len(a) for a, _ in pairs)
        self._known = len(pairs) >= ENOUGH_LINES
        self._width = lengths[int(0.97 * (len(lengths) - 1))] if self._known else 0
        self.wrapped = self._width < UNWRAPPED
        roomy = [pair for pair in pairs if self._has_room(*pair, 1.0)]
        torn = sum(not ENDED.search(a) and b[:1].islower() for a, b in roomy)
        self._share = 1.0 if torn < 0.02 * len(pairs) else ROOM

    def ends(self, line: str, following: str) -> bool:
        """Whether `line` was ended before it was full."""
        if not self._known:
            return False
        return not self.wrapped or self._has_room(line, following, self._share)

    def _has_room(self, line: str, following: str, share: float) -> bool:
        word = following.split(" ", 1)[0]
        return len(line) + 1 + len(word) <= share * self._width


def _parted(stretch: _Stretch, layout: _Layout) -> Iterator[Block]:
    """A stretch's paragraphs, headings and items."""
    texts = [line.text for line in stretch.lines]
    ended = [layout.ends(a, b) for a, b in zip(texts, texts[1:], strict=False)]
    items = _items(texts, ended)
    starts = [0]
    for at in range(1, len(texts)):
        before = texts[starts[-1] : at]
        parted = ended[at - 1] and _parts(before, texts[at], layout.wrapped, items[starts[-1]])
        if items[at] or parted:
            starts.append(at)
    for start, end in zip(starts, [*starts[1:], len(texts)], strict=True):
        lines = texts[start:end]
        if items[start]:
            lines[0] = lines[0] if NUMBER.match(lines[0]) else BULLET + unbulleted(lines[0])
        yield Block(
            "\n".join(lines),
            stretch.lines[start].number,
            stretch.page,
            stretch.gap and not start,
            item=items[start],
        )


def _parts(before: Sequence[str], following: str, wrapped: bool, item: bool) -> bool:
    """Whether a paragraph, a heading or an item is over where a line was ended on purpose."""
    last = before[-1]
    if in_capitals(last) or in_capitals(following):
        return in_capitals(last) != in_capitals(following)
    if not STARTS.match(following):
        return False
    if not wrapped or item or ENDED.search(last):
        return True
    return len(before) == 1 and len(last.split()) <= HEADING_WORDS and not last.endswith((",", "-"))


def _items(lines: Sequence[str], ended: Sequence[bool]) -> list[bool]:
    """Which lines begin an item of a list, marked by a bullet or by numbers that count up."""
    stopped = [
        end or bool(re.search(r"[.,;:!?]$", line)) or len(lines) < 2
        for line, end in zip(lines, [*ended, True], strict=True)
    ]
    marked = bulleted(lines, stopped)
    numbers = [NUMBER.match(line) for line in lines]
    for at, (one, two) in enumerate(zip(numbers, numbers[1:], strict=False)):
        if one and two and one[2] == two[2] and _next(one[1]) == two[1]:
            marked[at] = marked[at + 1] = True
    return marked


def _next(number: str) -> str:
    return str(int(number) + 1) if number.isdigit() else chr(ord(number) + 1)
