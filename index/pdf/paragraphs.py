"""Lines in reading order → runs: a heading, a paragraph or an item of a list each."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from index.pdf.types import Line, Style

ROUND = r"[•◦▪▫‣●○■□➔➢➤➜▶►◆›→✓✔✘✗❖\uf0b7\uf0a7\uf0d8\uf02d\uf0fc\u2713\u25cf]"
BULLET = re.compile(rf"^{ROUND}\s*")
DASH = re.compile(r"^[–—*·-]\s+")
FINISHED = re.compile(r"[.!?:;…][\"“”»«’')\]*]*$")
LOOSE = 1.3  # of the leading: more is a space between paragraphs


@dataclass(frozen=True)
class Run:
    """Lines that belong together."""

    lines: tuple[Line, ...]
    item: bool  # of a list
    first_of_column: bool
    left: float = 0.0  # the column's edges
    right: float = 0.0

    @property
    def text(self) -> str:
        """The lines as they are, one below the other; a bullet of any shape as •."""
        return "\n".join([_plain_bullet(self), *(line.text for line in self.lines[1:])])

    @property
    def style(self) -> Style:
        """The style of most of its letters."""
        count: Counter[Style] = Counter()
        for line in self.lines:
            count[line.style] += len(line.text)
        return count.most_common(1)[0][0]

    @property
    def uniform(self) -> bool:
        """Whether all of it is in that style."""
        return all(line.uniform and line.style == self.style for line in self.lines)

    @property
    def words(self) -> int:
        """How many words it has."""
        return sum(len(line.text.split()) for line in self.lines)


def _plain_bullet(run: Run) -> str:
    text = run.lines[0].text
    return "• " + BULLET.sub("", DASH.sub("", text)) if run.item else text


class Leading:
    """The usual distance of two baselines, for each size of type."""

    def __init__(self, columns: Sequence[Sequence[Line]]) -> None:
        steps: Mapping[float, Counter[float]] = defaultdict(Counter)
        for lines in columns:
            for a, b in zip(lines, lines[1:], strict=False):
                step = b.baseline - a.baseline
                if a.style.size == b.style.size and 0 < step < 2.2 * a.style.size:
                    steps[a.style.size][round(step * 2) / 2] += 1
        self._usual = {size: c.most_common(1)[0][0] for size, c in steps.items() if c.total() >= 20}

    def loose(self, a: Line, b: Line) -> bool:
        """Whether more than the usual space stands between two lines."""
        size = max(a.style.size, b.style.size)
        usual = self._usual.get(size, 0.0)
        limit = LOOSE * usual if usual else 1.75 * size
        if usual and self._usual_is_loose(size):
            limit = 1.15 * usual
        return b.baseline - a.baseline > limit

    def _usual_is_loose(self, size: float) -> bool:
        """Text set with much space between the lines leaves little more between paragraphs."""
        return self._usual[size] >= 1.45 * size


def runs(columns: Sequence[Sequence[Line]], body: Style) -> list[Run]:
    """All runs of a document, whose columns are given in reading order."""
    leading = Leading(columns)
    found: list[Run] = []
    for lines in columns:
        if lines:
            found += _column(lines, leading, body)
    return found


def _column(lines: Sequence[Line], leading: Leading, body: Style) -> Iterator[Run]:
    right = _edge([line.right for line in lines if line.style.size == body.size])
    left = min(line.left for line in lines)
    dashes = _dash_bullets(lines)
    current: list[Line] = []
    item = first = False
    top = True
    for line in lines:
        bullet = bool(BULLET.match(line.text)) or id(line) in dashes
        if current and (bullet or _parts(current, line, item, right, leading)):
            yield Run(tuple(current), item, first, left, right)
            current = []
        if not current:
            item, first, top = bullet, top, False
        current.append(line)
    yield Run(tuple(current), item, first, left, right)


def _edge(rights: Sequence[float]) -> float:
    """The column's right edge: a paragraph's last line is left of it."""
    ordered = sorted(rights)
    return ordered[int(0.9 * (len(ordered) - 1))] if ordered else 0.0


def _dash_bullets(lines: Sequence[Line]) -> set[int]:
    """Lines whose dash begins an item: after a finished line, or one of several set apart alike;
    any other dash at the beginning of a line is one of the sentence.
    """
    dashed = [line for line in lines if DASH.match(line.text)]
    gaps = Counter(round(line.body_left - line.left) for line in dashed if line.label)
    found = set()
    for before, line in zip([None, *lines], lines, strict=False):
        if not DASH.match(line.text):
            continue
        alike = line.label and gaps[round(line.body_left - line.left)] > 1
        if alike or (before and FINISHED.search(before.text)):
            found.add(id(line))
    return found


def _parts(current: Sequence[Line], line: Line, item: bool, right: float, leading: Leading) -> bool:
    """Whether `line` begins something new."""
    last = current[-1]
    if leading.loose(last, line) or line.baseline <= last.baseline - last.style.size:
        return True
    if abs(last.style.size - line.style.size) > 0.75:
        return True
    head = _style_of(current)
    roomy = _would_have_fitted(last, line, right)
    if head and line.first != head and _distinct(head, line.first):
        return roomy or _coloured(head, line.first)
    if line.uniform and line.style != last.last and _distinct(line.style, last.last):
        return FINISHED.search(last.text) is not None and roomy
    if item:
        hang = current[0].body_left if current[0].label else current[0].left
        outdented = line.left < hang - 0.4 * line.style.size
        return outdented and roomy and FINISHED.search(last.text) is not None
    finished = FINISHED.search(last.text) is not None
    indented = line.left > min(c.left for c in current) + 0.8 * line.style.size
    if indented and len(current) > 1 and not line.text[:1].islower():
        return True
    return finished and roomy and not line.text[:1].islower()


def _style_of(lines: Sequence[Line]) -> Style | None:
    """The one style of all lines, if there is one."""
    styles = {line.style for line in lines}
    return lines[0].style if len(styles) == 1 and all(line.uniform for line in lines) else None


def _distinct(a: Style, b: Style) -> bool:
    return (
        (a.bold, a.font, a.colour) != (b.bold, b.font, b.colour)
        and a.italic == b.italic
        or (a.bold != b.bold or _coloured(a, b))
    )


def _coloured(a: Style, b: Style) -> bool:
    return max(abs(x - y) for x, y in zip(a.colour, b.colour, strict=True)) > 60


def torn(before: Run, run: Run) -> bool:
    """Whether the end of a column tore a paragraph: its last line there was full, and what comes
    next is indented as it was; or the PDF's tags say so.
    """
    last, line = before.lines[-1], run.lines[0]
    if not run.first_of_column or run.item or last.style.size != line.style.size:
        return False
    if last.tag and line.tag and last.page != line.page:
        if last.tag.spans and line.tag.spans:
            return True
        if FINISHED.search(last.text):
            return False
    if _would_have_fitted(last, line, before.right):
        return False
    hang = last.left if len(before.lines) > 1 else last.body_left
    indent = (line.left - run.left) - (hang - before.left)
    return len(before.lines) == 1 and not before.item or abs(indent) < 0.6 * line.style.size


def _would_have_fitted(last: Line, line: Line, right: float) -> bool:
    """Whether the first word of `line` had room behind `last`: then the break was meant."""
    word = line.text.split()[0] if line.text.split() else ""
    width = (line.right - line.body_left) / max(1, len(line.text)) * (len(word) + 1)
    return right - last.right > 1.3 * width + 0.5 * last.style.size
