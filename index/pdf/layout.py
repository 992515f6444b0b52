"""Lines → columns in reading order.

A gutter is a strip that few lines cross and many lines end or begin at. Lines that cross it
(headings over both columns) part the page into bands; each band is read column by column. Where
the headings of a document always have nothing beside them, they part the page as well, however
short they are: such documents balance their columns section by section.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate

from index.pdf.types import Line, Style

LEAST_LINES = 3  # on each side of a gutter
CROSSING = 0.15  # most of the lines may cross it
LEAST_WORDS = 2.5
LEAST_WIDTH = 5  # points
MOST_PLACES = 600  # looked at for a gutter; a point apart on any page but a poster
DEPTH = 2  # two cuts: up to four columns
BALANCED = 0.8  # of the headings with nothing beside them, at least


def in_order(pages: Sequence[Sequence[Line]], body: Style) -> list[list[Line]]:
    """The columns of all pages, one after the other, each from top to bottom."""
    pages = [with_drop_caps(lines) for lines in pages]
    balanced = _balanced(pages, body)
    return [
        column for lines in pages for column in columns(lines, body if balanced else None, DEPTH)
    ]


def columns(
    lines: Sequence[Line], body: Style | None = None, depth: int = DEPTH
) -> list[list[Line]]:
    """The columns of one page; with `body`, headings in another style part it into bands."""
    ordered = sorted(lines, key=lambda line: (line.baseline, line.left))
    gutter = _gutter(ordered) if depth else None
    if gutter is None:
        return [list(_whole(ordered))] if ordered else []
    found: list[list[Line]] = []
    band: list[Line] = []
    over: list[Line] = []
    for line in ordered:
        if _crosses(line, gutter) or (body and _stands_alone(line, ordered, gutter, body)):
            found += _sides(band, gutter, body, depth)
            band = []
            over.append(line)
        else:
            found += [list(_whole(over))] if over else []
            over = []
            band.append(line)
    found += [list(_whole(over))] if over else []
    return found + _sides(band, gutter, body, depth)


def halves(lines: Sequence[Line]) -> list[list[Line]]:
    """Lines left and right of a gutter, where there is one; as they are."""
    gutter = _gutter(sorted(lines, key=lambda line: line.baseline))
    if gutter is None:
        return [list(lines)]
    left = [line for line in lines if line.right <= gutter or _crosses(line, gutter)]
    return [left, [line for line in lines if line.left >= gutter]]


def _crosses(line: Line, gutter: float) -> bool:
    return line.left < gutter < line.right


def _sides(band: Sequence[Line], gutter: float, body: Style | None, depth: int) -> list[list[Line]]:
    left = [line for line in band if line.right <= gutter]
    right = [line for line in band if line.right > gutter]
    return columns(left, body, depth - 1) + columns(right, body, depth - 1)


def _balanced(pages: Sequence[Sequence[Line]], body: Style) -> bool:
    """Whether headings inside a column, as a rule, have nothing beside them."""
    alone: list[bool] = []
    for lines in pages:
        gutter = _gutter(sorted(lines, key=lambda line: line.baseline))
        if gutter is not None:
            alone += [
                _stands_alone(line, lines, gutter, body)
                for line in lines
                if _is_head(line, body) and not _crosses(line, gutter)
            ]
    return len(alone) >= LEAST_LINES and sum(alone) >= BALANCED * len(alone)


def _is_head(line: Line, body: Style) -> bool:
    larger = line.style.size > 1.06 * body.size
    bold = line.style.bold and not body.bold and line.style.size >= body.size
    return line.uniform and (larger or bold) and len(line.text.split()) <= 15


def _stands_alone(line: Line, lines: Sequence[Line], gutter: float, body: Style) -> bool:
    if not _is_head(line, body):
        return False
    on_left = line.right <= gutter
    return not any(
        (other.right <= gutter) != on_left
        and other.top < line.bottom + 1
        and other.bottom > line.top - 1
        for other in lines
    )


def _words_a_line(lines: Sequence[Line]) -> float:
    """Words on one baseline: a column of numbers has one, one of text has more."""
    words = sum(len(line.text.split()) for line in lines)
    return words / len({round(line.baseline / 3) for line in lines})


def _whole(lines: Sequence[Line]) -> Iterator[Line]:
    """What stands on one baseline of a column is one line, however wide its spaces are."""
    current: Line | None = None
    for line in lines:
        if current and abs(line.baseline - current.baseline) < 0.3 * line.style.size:
            first, second = sorted((current, line), key=lambda one: one.left)
            current = _joined(first, second)
            continue
        if current:
            yield current
        current = line
    if current:
        yield current


def _joined(a: Line, b: Line) -> Line:
    longer = a if len(a.text) >= len(b.text) else b
    same = len(longer.text) * longer.share if a.style != b.style else len(a.text + b.text)
    return replace(
        longer, text=f"{a.text} {b.text}", left=a.left, right=max(a.right, b.right),
        top=min(a.top, b.top), bottom=max(a.bottom, b.bottom), first=a.first, last=b.last,
        share=min(a.share, b.share, same / len(a.text + b.text)),
        label=a.label, body_left=a.body_left,
    )  # fmt: skip


def with_drop_caps(lines: Sequence[Line]) -> list[Line]:
    """A large initial put back before the line that stands at its top."""
    caps = [line for line in lines if len(line.text) <= 2 and line.text[:1].isupper()]
    kept = list(lines)
    for cap in caps:
        beside = [
            line for line in kept
            if line.style.size < cap.style.size / 1.8 and line.baseline < cap.bottom
            and line.bottom > cap.top and -2 < line.left - cap.right < 1.5 * line.style.size
        ]  # fmt: skip
        if len(beside) >= 2:
            first = min(beside, key=lambda line: line.baseline)
            whole = replace(first, text=cap.text + first.text)
            kept = [whole if line is first else line for line in kept if line is not cap]
    return kept


def _gutter(lines: Sequence[Line]) -> float | None:
    """Where the page is parted, in points from the left; None where it is not."""
    if len(lines) < 2 * LEAST_LINES:
        return None
    left, right = min(line.left for line in lines), max(line.right for line in lines)
    width = right - left
    step = max(1, round(width / MOST_PLACES))
    places = range(round(left + 0.15 * width), round(right - 0.15 * width), step)
    crossing = dict(zip(places, _crossing(lines, places), strict=True))
    few = max(min(crossing.values(), default=len(lines)), CROSSING * len(lines) / 2)
    best: list[int] = []
    run: list[int] = []
    for x in places:
        run = [*run, x] if crossing[x] <= few else []
        best = run if len(run) > len(best) else best
    if len(best) * step < LEAST_WIDTH or crossing[best[len(best) // 2]] > CROSSING * len(lines):
        return None
    middle = float(best[len(best) // 2])
    return middle if _parts(lines, middle) else None


def _crossing(lines: Sequence[Line], places: Sequence[int]) -> list[int]:
    """How many lines cross each place: one more from where a line begins, one less from its end."""
    steps = [0] * (len(places) + 1)
    for line in lines:
        steps[bisect_right(places, line.left)] += 1
        steps[max(bisect_right(places, line.left), bisect_left(places, line.right))] -= 1
    return list(accumulate(steps))[: len(places)]


def _parts(lines: Sequence[Line], gutter: float) -> bool:
    """Whether text stands beside text there: not a list with numbers, not an indented line."""
    left = [line for line in lines if line.right <= gutter]
    right = [line for line in lines if line.left >= gutter]
    if min(len(left), len(right)) < LEAST_LINES:
        return False
    if min(_words_a_line(left), _words_a_line(right)) < LEAST_WORDS:
        return False
    beside = sum(
        any(abs(r.baseline - other.baseline) < 2 * r.style.size for other in left) for r in right
    )
    return beside >= LEAST_LINES
