"""Running heads, page numbers, line numbers and footnotes, told apart from the text."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from index.pdf.lines import RAISED
from index.pdf.types import Line, Page, Style

ZONE = 0.15  # of the page's height, above and below, where running heads and page numbers stand
SLOT = 4.0  # points: lines this near to each other on different pages stand in the same place
NUMBER = re.compile(r"^\W*(?:Seite\s+|S\.\s*)?(\d{1,4})(?:\s*(?:/|von)\s*\d+)?\W*$")
NOTE = re.compile(r"^(?:\d{1,3}|[*†‡]{1,3}|[\ue000-\ue009]+)[.)]?\s*\S")
LEADING = re.compile(r"^(\d{1,4})(?:\s|$)")
SMALL = 0.92  # of the body's size
RAISED_DIGITS = {RAISED + digit: str(digit) for digit in range(10)}
RAISED_RUN = re.compile(f"[{chr(RAISED)}-{chr(RAISED + 9)}]+")


@dataclass(frozen=True)
class Sorted:
    """A page's lines that are text, and those that are not, each with the reason."""

    page: Page
    lines: tuple[Line, ...]
    dropped: tuple[tuple[Line, str], ...]


def body_style(pages: Sequence[Page]) -> Style:
    """The style of most letters."""
    count: Counter[Style] = Counter()
    for page in pages:
        for line in page.lines:
            count[line.style] += len(line.text)
    return count.most_common(1)[0][0] if count else Style(10.0, "", (0, 0, 0), False, False)


def sort_out(pages: Sequence[Page], body: Style) -> list[Sorted]:
    """Every line of every page, as text or as furniture."""
    reasons = _running(pages, body)
    texts = [[line for line in page.lines if id(line) not in reasons] for page in pages]
    numbered = _line_numbers(texts)
    found = []
    for page, lines in zip(pages, texts, strict=True):
        dropped = [(line, reasons[id(line)]) for line in page.lines if id(line) in reasons]
        lines, numbers = _without_line_numbers(lines, numbered)
        lines, notes = _without_footnotes(page, lines, body)
        dropped += [(line, "line number") for line in numbers]
        dropped += [(line, "footnote") for line in notes]
        found.append(Sorted(page, tuple(_refer(lines, notes)), tuple(dropped)))
    return found


def _running(pages: Sequence[Page], body: Style) -> Mapping[int, str]:
    """Reasons by the identity of the line."""
    edge = [(page, line) for page in pages for line in _edges(page)]
    reasons: dict[int, str] = {}
    for _, line in edge:
        if line.artifact:
            reasons[id(line)] = "marked as page decoration"
    _mark_repeated(edge, reasons, body, len(pages))
    _mark_numbers(edge, reasons, body)
    _mark_slots(edge, reasons, body)
    return reasons


def _edges(page: Page) -> Iterator[Line]:
    for line in page.lines:
        if line.baseline < ZONE * page.height or line.baseline > (1 - ZONE) * page.height:
            yield line


def _mark_repeated(
    edge: Sequence[tuple[Page, Line]], reasons: dict[int, str], body: Style, pages: int
) -> None:
    """The same words in the same place on several pages, but for the page's number in them."""
    groups: dict[tuple[str, float], list[Line]] = defaultdict(list)
    for _, line in edge:
        if re.search(r"[^\W\d_]", line.text):
            for words in _without_page(line):
                groups[words, round(line.style.size)].append(line)
    for lines in groups.values():
        for line in lines:
            near = {o.page for o in lines if abs(o.baseline - line.baseline) < SLOT}
            own = line.style != body
            least = 2 if own and pages <= 8 else 3
            if len(near) >= (least if own else max(3, 0.25 * pages)):
                reasons[id(line)] = "running head"


def _without_page(line: Line) -> Iterator[str]:
    """The line's words; and the same with the number that may be its page's as a difference."""
    words = line.text.casefold()
    yield words
    for match in re.finditer(r"\d+", words):
        yield f"{words[: match.start()]}#{int(match.group()) - line.page}{words[match.end() :]}"


def _mark_numbers(edge: Sequence[tuple[Page, Line]], reasons: dict[int, str], body: Style) -> None:
    """Page numbers: they grow with the pages."""
    numbers = [(line, int(match[1])) for _, line in edge if (match := NUMBER.match(line.text))]
    offsets = Counter(value - line.page for line, value in numbers)
    usual = {offset for offset, count in offsets.most_common(2) if count >= 3}
    for line, value in numbers:
        few = len(offsets) == 1 and offsets.total() > 1 and line.style.size <= body.size
        if value - line.page in usual or few:
            reasons[id(line)] = "page number"


def _mark_slots(edge: Sequence[tuple[Page, Line]], reasons: dict[int, str], body: Style) -> None:
    """What else stands where running heads or page numbers stand, in their style."""
    slots: dict[tuple[Style, int], list[Line]] = defaultdict(list)
    for _, line in edge:
        slots[line.style, round(line.baseline / SLOT)].append(line)
    for (style, _), lines in slots.items():
        known = sum(id(line) in reasons for line in lines)
        if known >= 3 and known >= 0.5 * len(lines):
            for line in lines:
                if style != body or NUMBER.match(line.text):
                    reasons.setdefault(id(line), "running head")


def _line_numbers(pages: Sequence[Sequence[Line]]) -> set[int]:
    """The identities of lines that begin with their number at the margin, or are nothing else."""
    leading = [
        (line, int(match[1]))
        for lines in pages
        for line in sorted(lines, key=lambda one: one.baseline)
        if (match := LEADING.match(line.text))
    ]
    steps = Counter(b - a for (_, a), (_, b) in zip(leading, leading[1:], strict=False))
    step, count = steps.most_common(1)[0] if steps else (0, 0)
    numbered = {line.page for line, _ in leading}
    total = sum(len(lines) for lines in pages if lines and lines[0].page in numbered)
    if len(leading) < 5 or step not in (1, 2, 5, 10) or count < 0.5 * (len(leading) - 1):
        return set()
    if len(leading) < 0.4 * total / step:
        return set()
    places = Counter(round(line.left / SLOT) for line, _ in leading)
    often = [place for place, count in places.most_common(2) if count >= 0.25 * len(leading)]
    usual = {place + k for place in often for k in (-1, 0, 1)}
    return {id(line) for line, _ in leading if round(line.left / SLOT) in usual}


def _without_line_numbers(
    lines: Sequence[Line], numbered: set[int]
) -> tuple[list[Line], list[Line]]:
    """Lines without their numbers, and the numbers."""
    kept, numbers = [], []
    for line in lines:
        if id(line) not in numbered:
            kept.append(line)
            continue
        rest = LEADING.sub("", line.text).strip()
        numbers.append(replace(line, text=line.text[: len(line.text) - len(rest)].strip()))
        if rest:
            left = line.body_left if line.label else line.left
            kept.append(replace(line, text=rest, left=left, body_left=left, label=""))
    return kept, numbers


def _without_footnotes(
    page: Page, lines: Sequence[Line], body: Style
) -> tuple[list[Line], list[Line]]:
    """Small lines at the foot of the page that begin with a number, and what follows them."""
    small = [line for line in lines if line.style.size <= SMALL * body.size]
    large = [line for line in lines if line.style.size > SMALL * body.size]
    floor = max((line.baseline for line in large), default=0.0)
    foot = sorted((n for n in small if n.baseline > floor), key=lambda n: (n.baseline, n.left))
    first = next((k for k, line in enumerate(foot) if NOTE.match(line.text)), None)
    if first is None or foot[first].baseline < 0.4 * page.height:
        return list(lines), []
    notes = {id(line) for line in foot[first:]}
    kept = [line for line in lines if id(line) not in notes]
    return kept, foot[first:]


def _refer(lines: Sequence[Line], notes: Sequence[Line]) -> Iterator[Line]:
    """References to footnotes taken out; other small raised digits are digits again (m², CO²)."""
    numbers = set()
    for note in notes:
        match = re.match(r"\d{1,3}", note.text.translate(RAISED_DIGITS))
        if match:
            numbers.add(match.group())

    def resolved(match: re.Match[str]) -> str:
        number = match.group().translate(RAISED_DIGITS)
        return "" if number in numbers else number

    for line in lines:
        yield replace(line, text=RAISED_RUN.sub(resolved, line.text))
