"""Plain text, as copied out of a PDF or saved by a word processor: blank lines part paragraphs,
runs of them betray page breaks.

Where lines are wrapped, or stand without blank lines between them, their length tells where a
paragraph ends: a line that had room for the next one's first word was ended on purpose.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from index.errors import DocumentError
from index.headings import in_capitals
from index.readers.flow import BULLET, bulleted, unbulleted, with_items
from index.types import Block, Document, Dropped

Measure = Callable[[str], int]

FORM_FEED = "\f"
GAP_LINES = 3  # blank lines in a row that betray a page break; one or two only part paragraphs
MOST_BYTES = 5_000_000  # the Bible has four million letters
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
ENOUGH_ZEROS = 4  # bytes; fewer tell nothing about an encoding
UNWRAPPED = 160  # letters; no page and no screen wraps lines as long as this
ROOM = 0.8  # of the width: a line shorter than this was ended on purpose, however letters vary
REFRAIN = 3  # pages on which a running title stands at least
HEADING_WORDS = 10  # more words than this, standing on a paragraph, are its first line


def read(path: Path) -> Document:
    """A text file in UTF-8, UTF-16 or Windows-1252.

    Raises DocumentError where it is none of these, naming the line.
    """
    text, warnings = decode(path)
    body, dropped = without_edges(text)
    return Document(tuple(blocks(body)), dropped=tuple(dropped), warnings=warnings)


def decode(path: Path) -> tuple[str, tuple[str, ...]]:
    """The file's text, newlines unified, composed Unicode, no control characters but line ends;
    and a warning where its encoding had to be guessed.
    """
    data = path.read_bytes()
    if len(data) > MOST_BYTES:
        raise DocumentError(path, "a text of more than 5 MB", "split it")
    encoding = charset(data)
    warnings: tuple[str, ...] = ()
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding.startswith("utf-16"):
            raise _fault(path, data, error.start, *BINARY) from error
        text, warnings = _windows(path, data, error.start), ("read as Windows-1252",)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DocumentError(f"{path}:{line}", *BINARY)
    text = re.sub(r"\r\n?|[\u2028\u2029\x85\v]", "\n", text)
    seen = re.sub(r"[\x00-\x08\x0e-\x1f\x7f\ufeff\ufffe]", "", text)
    return unicodedata.normalize("NFC", seen), warnings


def charset(data: bytes) -> str:
    """The encoding that a file's byte order mark names; UTF-16 without a mark where every second
    byte is zero, as it is of Western letters; otherwise UTF-8.
    """
    for mark, name in MARKS:
        if data.startswith(mark):
            return name
    head = data[:4096]
    even, odd = head[::2].count(0), head[1::2].count(0)
    most = max(ENOUGH_ZEROS, 0.4 * len(head) / 2)
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


def without_edges(text: str) -> tuple[str, list[Dropped]]:
    """The text without the running titles and page numbers of its pages; and those."""
    pages = [page.split("\n") for page in text.split(FORM_FEED)]
    edges = [_edges(page) for page in pages]
    count = Counter(key for page in edges for key in {_letters(line) for _, line in page})
    often = max(REFRAIN, len(pages) / 3)
    dropped: list[Dropped] = []
    above = 0
    for number, (page, lines) in enumerate(zip(pages, edges, strict=True), 1):
        for at, line in lines:
            if count[_letters(line)] >= often:
                reason = "running title" if _letters(line) else "page number"
                dropped.append(Dropped(Block(line, above + at + 1, number), reason))
                page[at] = ""
        above += len(page) - 1
    return FORM_FEED.join("\n".join(page) for page in pages), dropped


def _edges(page: Sequence[str]) -> list[tuple[int, str]]:
    """The first and last lines of a page: position and text."""
    lines = [(at, line.strip()) for at, line in enumerate(page) if line.strip()]
    return [*lines[:1], *lines[1:][-1:]]


def _letters(line: str) -> str:
    """What running titles have in common, whatever the page's number."""
    return "".join(c for c in line.casefold() if c.isalpha())


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
    """How long the text's lines are, and so which of them were ended on purpose.

    Most programs wrap lines by their letters, `fold` by their bytes, and a printed page by the
    letters' widths: then only a much shorter line was surely ended on purpose.
    """

    def __init__(self, stretches: Sequence[_Stretch]) -> None:
        pairs = [
            (a.text, b.text) for s in stretches for a, b in zip(s.lines, s.lines[1:], strict=False)
        ]
        self.known = len(pairs) >= ENOUGH_LINES
        self._measure, self._width, torn = min(
            (_fitted(pairs, measure) for measure in (len, _bytes)), key=lambda found: found[2]
        )
        self.wrapped = self._width < UNWRAPPED
        self._share = 1.0 if torn < 0.02 * len(pairs) else ROOM

    def ends(self, line: str, following: str) -> bool:
        """Whether `line` was ended before it was full."""
        if not self.known:
            return False
        room = self._share * self._width
        return not self.wrapped or _needs(line, following, self._measure) <= room


def _bytes(text: str) -> int:
    return len(text.encode())


def _needs(line: str, following: str, measure: Measure) -> int:
    """How long `line` would be with the next one's first word."""
    return measure(line) + 1 + measure(following.split(" ", 1)[0])


def _fitted(pairs: Sequence[tuple[str, str]], measure: Measure) -> tuple[Measure, int, int]:
    """A measure, the lines' width by it, and how many sentences are torn although there was
    room.
    """
    lengths = sorted(measure(line) for pair in pairs for line in pair) or [0]
    width = lengths[int(0.99 * (len(lengths) - 1))]
    torn = (_needs(a, b, measure) <= width and b[:1].islower() for a, b in pairs)
    return measure, width, sum(torn)


def _parted(stretch: _Stretch, layout: _Layout) -> Iterator[Block]:
    """A stretch's paragraphs, headings and items."""
    texts = [line.text for line in stretch.lines]
    ended = [layout.ends(a, b) for a, b in zip(texts, texts[1:], strict=False)]
    items = _items(texts, ended)
    starts = [0]
    for at in range(1, len(texts)):
        free = not layout.wrapped or items[starts[-1]]
        first = starts[-1] == at - 1
        parted = ended[at - 1] and _parts(texts[at - 1], texts[at], free, first)
        if items[at] or parted or (layout.known and _shouts(texts[at - 1], texts[at])):
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


def _shouts(line: str, following: str) -> bool:
    """Whether one of the lines is a heading in capitals and the other is not; an abbreviation that
    happens to fill a line is none.
    """
    loud = [text for text in (line, following) if in_capitals(text)]
    return len(loud) == 1 and " " in loud[0]


def _parts(line: str, following: str, free: bool, first: bool) -> bool:
    """Whether a paragraph, a heading or an item is over with a line that was ended on purpose.

    `free` means that any such line ends one; `first` that the line is its paragraph's first.
    """
    loud = in_capitals(line), in_capitals(following)
    if any(loud):
        return not all(loud)  # two such lines are one heading
    if not STARTS.match(following):
        return False
    heading = first and len(line.split()) <= HEADING_WORDS and not line.endswith((",", "-"))
    return free or heading or bool(ENDED.search(line))


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
