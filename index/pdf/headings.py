"""Which runs are headings, and of which level.

Witnesses: the PDF's own outline and tags, the printed table of contents, then size, colour, weight
and numbering. Where the first ones speak, bold lines that none of them names are lead-ins: the
first line of the paragraph they stand above.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from index.headings import in_capitals, letters, same
from index.pdf.paragraphs import FINISHED, Run
from index.pdf.types import Style
from index.types import Entry

MOST_WORDS = 30
MOST_LINES = 5
QUOTE_WORDS = 6
LARGER = 1.06  # times the body's size
PROSE_SHARE = 0.5  # a style with more of its words in long runs sets prose
ENOUGH = 5  # witnessed headings that make the witnesses a measure for all others
NUMBER = re.compile(r"^(?:\d+(?:\.\d+)*\.?|[IVXL]+\.|[A-Z]\.|[a-z][.)]|Kapitel \d+:?)(?:\s|$)")


@dataclass(frozen=True)
class Kind:
    """A run's role: a heading of some level, a lead-in to what follows, text, or none of it."""

    level: int | None = None
    lead_in: bool = False
    dropped: str = ""  # why it is no part of the text


TEXT, LEAD_IN = Kind(), Kind(lead_in=True)
TITLE, QUOTE = Kind(dropped="title"), Kind(dropped="pull quote")


def classify(
    runs: Sequence[Run], body: Style, outline: Sequence[Entry], contents: Sequence[Entry]
) -> list[Kind]:
    """The role of each run."""
    prose = _prose_styles(runs)
    witness = _Witness(outline, contents)
    named = [witness.level(run) if _possible(run) else None for run in runs]
    looks = [_strength(run, body, prose) if _possible(run) else "" for run in runs]
    found = _found(runs, named, looks)
    none = {k: QUOTE for k in _quotes(runs, named, body)}
    none |= {k: TITLE for k in _titles(runs, found, named, body)}
    levels = _levels(runs, [f and k not in none for k, f in enumerate(found)], named)
    return [
        none.get(k) or (Kind(level) if level else _lead_in(k, runs, looks))
        for k, level in enumerate(levels)
    ]


def _quotes(runs: Sequence[Run], named: Sequence[int | None], body: Style) -> list[int]:
    """Sentences of the text set once more, larger or in colour, to catch the eye; in a style that
    sets nothing else.
    """
    everything = "|".join(letters(run.text) for run in runs)
    loud = [
        k
        for k, run in enumerate(runs)
        if run.words >= QUOTE_WORDS
        and not run.item
        and (run.style.size > 1.1 * body.size or _far(run.style.colour, body.colour))
    ]
    twice = [k for k in loud if not named[k] and everything.count(letters(runs[k].text)) > 1]
    often = Counter(_class(runs[k]) for k in loud)
    quoted = Counter(_class(runs[k]) for k in twice)
    return [k for k in twice if quoted[_class(runs[k])] > 0.5 * often[_class(runs[k])]]


def _found(runs: Sequence[Run], named: Sequence[int | None], looks: Sequence[str]) -> list[bool]:
    """Which runs are headings: the named ones, and those that look like one."""
    known = {_class(run) for run, level in zip(runs, named, strict=True) if level}
    measured = sum(1 for level in named if level) >= ENOUGH
    found = []
    for run, level, look in zip(runs, named, looks, strict=True):
        unnamed = look == "weak" and measured and _class(run) not in known
        found.append(bool(look) and not unnamed or bool(level) and _alone(run))
    for k in reversed(range(len(runs))):
        if found[k] and not named[k] and not _leads(k, runs):
            found[k] = False  # a signature, a slogan
    return found


def _titles(
    runs: Sequence[Run], found: Sequence[bool], named: Sequence[int | None], body: Style
) -> set[int]:
    """Large words before the first heading, or after the last text: the title again, a slogan."""
    often = Counter(_class(run) for run, is_heading in zip(runs, found, strict=True) if is_heading)
    titles = set()
    for k in range(len(runs) - 1):
        if not found[k] or not found[k + 1] or named[k] or often[_class(runs[k])] > 1:
            break
        titles.add(k)
    for k in reversed(range(len(runs))):
        if found[k] or runs[k].style.size < 1.3 * body.size:
            break
        titles.add(k)
    return titles


def _possible(run: Run) -> bool:
    short = run.words <= MOST_WORDS and len(run.lines) <= MOST_LINES
    return short and not run.item and bool(re.search(r"[^\W\d_]", run.text))


def _alone(run: Run) -> bool:
    return run.words <= 16 and not re.search(r"[,;]$", run.text)


def _strength(run: Run, body: Style, prose: set[Style]) -> str:
    """How much a run looks like a heading: strong, weak or not at all."""
    style = run.style
    if any(_tagged(run)):
        return "strong"
    if not run.uniform and not _numbered_uniform(run) or style in prose:
        return ""
    sentence = FINISHED.search(run.text) is not None and not run.text.endswith(":")
    if style.size >= LARGER * body.size:
        return "strong"
    if style.size < 0.9 * body.size:
        return ""
    coloured = _far(style.colour, body.colour)
    if coloured and (style.bold or style.italic or style.font != body.font):
        return "strong"
    capitals = in_capitals(run.text) and not in_capitals(run.text[:3] + "x") and run.words <= 14
    if (style.bold and not body.bold and (capitals or NUMBER.match(run.text))) and not sentence:
        return "strong"
    if style.bold and not body.bold and not sentence and not run.text.endswith((",", "-", ":")):
        return "weak"
    return "weak" if capitals and not sentence and run.words >= 2 else ""


def _tagged(run: Run) -> list[int]:
    """The heading levels that the PDF's tags give to its lines."""
    return [line.tag.level for line in run.lines if line.tag and line.tag.level]


def _numbered_uniform(run: Run) -> bool:
    """A number in another style before a heading is no mixture."""
    return bool(NUMBER.match(run.text)) and all(line.share > 0.6 for line in run.lines)


def _far(a: tuple[int, int, int], b: tuple[int, int, int]) -> bool:
    return max(abs(x - y) for x, y in zip(a, b, strict=True)) > 90


def _prose_styles(runs: Sequence[Run]) -> set[Style]:
    """Styles that set paragraphs, whatever they look like."""
    words: Counter[Style] = Counter()
    long: Counter[Style] = Counter()
    for run in runs:
        words[run.style] += run.words
        if run.words > MOST_WORDS or run.item:
            long[run.style] += run.words
    return {style for style, count in words.items() if long[style] > PROSE_SHARE * count}


def _leads(number: int, runs: Sequence[Run]) -> bool:
    """Whether text, or a smaller heading, stands below."""
    below = runs[number + 1 : number + 2]
    return bool(below) and below[0].style.size <= runs[number].style.size


def merge(runs: Sequence[Run], body: Style) -> list[Run]:
    """Headings of several lines whole again, over wide spaces and page ends; numbers standing
    alone with their heading.
    """
    merged: list[Run] = []
    for run in runs:
        last = merged[-1] if merged else None
        if last and _one_heading(last, run, body):
            merged[-1] = replace(last, lines=(*last.lines, *run.lines))
        else:
            merged.append(run)
    return merged


def _one_heading(last: Run, run: Run, body: Style) -> bool:
    if last.item or run.item or last.words + run.words > MOST_WORDS:
        return False
    if _class(last) != _class(run) or not (last.uniform or NUMBER.match(last.text)):
        return False
    style = last.style
    heading = style.size >= LARGER * body.size or (style.bold and not body.bold)
    if not heading or not run.uniform or NUMBER.match(run.text):
        return False
    a, b = last.lines[-1], run.lines[0]
    near = a.page == b.page and 0 < b.baseline - a.baseline < 1.8 * style.size
    torn = a.page != b.page and bool(NUMBER.match(last.text)) and not FINISHED.search(last.text)
    ends = FINISHED.search(last.text) is not None and not last.text.endswith(":")
    return (near and not ends) or torn or bool(NUMBER.fullmatch(last.text.strip()) and near)


def _lead_in(number: int, runs: Sequence[Run], looks: Sequence[str]) -> Kind:
    follows = number + 1 < len(runs) and not looks[number + 1]
    return LEAD_IN if looks[number] == "weak" and follows else TEXT


class _Witness:
    """The outline and the printed table of contents."""

    def __init__(self, outline: Sequence[Entry], contents: Sequence[Entry]) -> None:
        self._outline = [(letters(e.title), e) for e in outline if letters(e.title)]
        self._contents = [(letters(e.title), e) for e in contents if letters(e.title)]

    def level(self, run: Run) -> int | None:
        """The level that a witness gives to this run; None where none names it."""
        text = letters(run.text)
        page = run.lines[0].page
        for title, entry in self._outline:
            if entry.page in (None, page - 1, page, page + 1) and same(title, text):
                return entry.level
        for title, entry in self._contents:
            if same(title, text):
                return entry.level
        return next(iter(_tagged(run)), None)


Class = tuple[float, bool, bool, str]


def _class(run: Run) -> Class:
    """Runs of one class are headings of one level."""
    style = run.style
    return style.size, style.bold, style.italic, _hue(style.colour)


def _hue(colour: tuple[int, int, int]) -> str:
    """Colours that a reader would call the same: black, grey, white, or what is strongest."""
    low, high = min(colour), max(colour)
    if high - low < 60:
        return "dark" if high < 110 else "grey" if high < 220 else "light"
    return "".join(name for name, part in zip("rgb", colour, strict=True) if part > 0.6 * high)


def _levels(
    runs: Sequence[Run], found: Sequence[bool], named: Sequence[int | None]
) -> list[int | None]:
    """Levels by class: the larger the type, the higher; within a class by its numbers."""
    classes = {_class(run) for run, is_heading in zip(runs, found, strict=True) if is_heading}
    votes: dict[object, Counter[int]] = defaultdict(Counter)
    for run, level in zip(runs, named, strict=True):
        if level:
            votes[_class(run)][level] += 1

    def order(kind: Class) -> tuple[float, ...]:
        size, bold, italic, _ = kind
        said = votes[kind].most_common(1)[0][0] if votes[kind] else 9
        return (-size, said, not bold, italic)

    rank = {kind: number for number, kind in enumerate(sorted(classes, key=order))}
    depth = _depths(runs, found)
    pairs = [(rank[_class(run)], depth[k]) if found[k] else None for k, run in enumerate(runs)]
    ranks = {pair: n for n, pair in enumerate(sorted({p for p in pairs if p}), 1)}
    return [ranks[pair] if pair else None for pair in pairs]


def _depths(runs: Sequence[Run], found: Sequence[bool]) -> list[int]:
    """1.2 is deeper than 1, where one class of type sets both."""
    depths = []
    for run, is_heading in zip(runs, found, strict=True):
        match = re.match(r"(\d+(?:\.\d+)*)\.?\s", run.text) if is_heading else None
        depths.append(match[1].count(".") if match else 0)
    return depths
