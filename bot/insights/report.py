"""What the store holds, as text for a terminal and as a page. Every number is a lower bound: whole
tens of askers, small groups missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.insights import K
from bot.insights.store import Kept

BAR = 24  # signs of the longest bar
SHOWN = 30  # lines of a table
NOWHERE = "(none came near)"
STATUSES = ("answered", "related", "nothing")
NOTE = (
    f"Groups of at least {K} askers, in whole tens; smaller ones were never kept. Somebody who"
    " asks again on another day, of another server or from another address counts again."
)


@dataclass
class Topic:
    """Clusters of several days that share most of their words."""

    words: Counter[str] = field(default_factory=Counter)
    askers: int = 0

    def like(self, words: Sequence[str]) -> bool:
        """Half of the shorter list's words are in the other."""
        ours = {word.lower() for word in self.words}
        theirs = {word.lower() for word in words}
        return 2 * len(ours & theirs) >= min(len(ours), len(theirs))

    @property
    def title(self) -> str:
        """Its words, those of most askers first."""
        return " · ".join(word for word, _ in self.words.most_common(8))


@dataclass(frozen=True)
class Line:
    """A line of a table: how many, and how long its bar is, from 0 to 1."""

    title: str
    askers: int
    share: float


@dataclass(frozen=True)
class Summary:
    """One programme."""

    programme: str
    unanswered: tuple[Line, ...]
    answered: tuple[Line, ...]  # by section
    related: tuple[Line, ...]  # likewise, the nearest
    days: tuple[tuple[date, Line], ...]  # all of them, of the first to the last


def summaries(kept: Iterable[Kept]) -> list[Summary]:
    """All programmes, by name."""
    by_name = sorted(kept, key=lambda k: k.row.programme)
    return [_summary(n, list(g)) for n, g in groupby(by_name, key=lambda k: k.row.programme)]


def _summary(programme: str, kept: Sequence[Kept]) -> Summary:
    sections = {status: Counter[str]() for status in STATUSES}
    days: Counter[date] = Counter()
    for each in kept:
        if each.row.status is not None:
            sections[each.row.status][each.row.section] += each.row.askers
            days[each.day] += each.row.askers
    nowhere = Counter({NOWHERE: sections["nothing"].total()})
    topics = [(t.title, t.askers) for t in _topics(k for k in kept if k.row.status is None)]
    return Summary(
        programme,
        _lines(topics),
        _lines(sections["answered"].most_common()),
        _lines((sections["related"] + nowhere).most_common()),
        _days(days),
    )


def _topics(kept: Iterable[Kept]) -> list[Topic]:
    """The largest first. A row joins the first that it is like."""
    topics: list[Topic] = []
    for each in sorted(kept, key=lambda k: (-k.row.askers, k.row.words)):
        topic = next((t for t in topics if t.like(each.row.words)), None)
        if topic is None:
            topics.append(topic := Topic())
        topic.words.update(dict.fromkeys(each.row.words, each.row.askers))
        topic.askers += each.row.askers
    return sorted(topics, key=attrgetter("askers"), reverse=True)


def _lines(rows: Sequence[tuple[str, int]]) -> tuple[Line, ...]:
    most = max((askers for _, askers in rows), default=1)
    return tuple(Line(title, askers, askers / most) for title, askers in rows[:SHOWN])


def _days(counts: Counter[date]) -> tuple[tuple[date, Line], ...]:
    if not counts:
        return ()
    first, last = min(counts), max(counts)
    all_days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    most = max(counts.values())
    return tuple((d, Line(f"{d:%d.%m.%Y}", counts[d], counts[d] / most)) for d in all_days)


def text(found: Sequence[Summary]) -> str:
    """For a terminal."""
    if not found:
        return f"Nothing yet: no group of {K} askers.\n"
    return "\n".join([*map(_programme, found), NOTE, ""])


def _programme(summary: Summary) -> str:
    tables = (
        ("Asked, and not surely answered", summary.unanswered),
        ("Answered, by section", summary.answered),
        ("Nearest section of what was not surely answered", summary.related),
        ("Askers a day", [line for _, line in summary.days]),
    )
    parts = [f"# {summary.programme}\n"]
    parts += [f"{title}\n{_table(lines)}\n" for title, lines in tables if lines]
    return "\n".join(parts)


def _table(lines: Iterable[Line]) -> str:
    return "\n".join(
        f"{line.askers:>8,}+ {'█' * max(bool(line.askers), round(BAR * line.share)):<{BAR}} "
        f"{line.title}"
        for line in lines
    )


def page(found: Sequence[Summary]) -> str:
    """As one HTML page without scripts; words of the public are escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True,
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("report.html").render(found=found, note=NOTE, least=K)
