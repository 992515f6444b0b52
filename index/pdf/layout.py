"""Lines → columns in reading order.

A gutter is a strip that few lines cross and many lines end or begin at. Lines that cross it
(headings over both columns) part the page into bands; each band is read column by column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from index.pdf.decode import Line

LEAST_LINES = 3  # on each side of a gutter
CROSSING = 0.2  # most of the lines may cross it
DEPTH = 2  # two cuts: up to four columns


def columns(lines: Sequence[Line], depth: int = DEPTH) -> list[list[Line]]:
    """The page's lines, column by column, each from top to bottom."""
    ordered = sorted(lines, key=lambda line: (line.baseline, line.left))
    gutter = _gutter(ordered) if depth else None
    if gutter is None:
        return [ordered] if ordered else []
    found: list[list[Line]] = []
    band: list[Line] = []
    for line in ordered:
        if line.left < gutter < line.right:
            found += _sides(band, gutter, depth)
            band = []
            if found and len(found[-1]) and _spans(found[-1][-1], gutter):
                found[-1].append(line)
            else:
                found.append([line])
        else:
            band.append(line)
    return found + _sides(band, gutter, depth)


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


def _spans(line: Line, gutter: float) -> bool:
    return line.left < gutter < line.right


def _sides(band: Sequence[Line], gutter: float, depth: int) -> list[list[Line]]:
    left = [line for line in band if line.right <= gutter]
    right = [line for line in band if line.right > gutter]
    return columns(left, depth - 1) + columns(right, depth - 1)


def _gutter(lines: Sequence[Line]) -> float | None:
    """Where the page is parted, in points from the left; None where it is not."""
    if len(lines) < 2 * LEAST_LINES:
        return None
    left, right = min(line.left for line in lines), max(line.right for line in lines)
    width = right - left
    places = range(round(left + 0.15 * width), round(right - 0.15 * width))
    crossing = {x: sum(line.left < x < line.right for line in lines) for x in places}
    fewest = min(crossing.values(), default=len(lines))
    if fewest > CROSSING * len(lines):
        return None
    best: list[int] = []
    run: list[int] = []
    for x in places:
        run = [*run, x] if crossing[x] == fewest else []
        best = run if len(run) > len(best) else best
    middle = best[len(best) // 2] if len(best) >= 5 else None
    return float(middle) if middle is not None and _parts(lines, middle) else None


def _parts(lines: Sequence[Line], gutter: float) -> bool:
    """Whether text stands beside text there: not a list with numbers, not an indented line."""
    left = [line for line in lines if line.right <= gutter]
    right = [line for line in lines if line.left >= gutter]
    if min(len(left), len(right)) < LEAST_LINES:
        return False
    if min(median(len(line.text.split()) for line in side) for side in (left, right)) < 2.5:
        return False
    beside = sum(
        any(abs(r.baseline - other.baseline) < 2 * r.style.size for other in left) for r in right
    )
    return beside >= LEAST_LINES
