"""Abbreviations that a programme explains itself: "in der Offenen Ganztagsschule (OGS)".

Citizens use the short form; the passage that answers them may only have the long one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

EXPLAINED = re.compile(r"((?:[\w*:-]+ ){1,5})\(([A-ZÄÖÜ][\w-]{1,9})\)")  # long form (SHORT)


def learn(texts: Iterable[str]) -> Mapping[str, str]:
    """Short form, folded → long form, for each that is explained somewhere in `texts`."""
    found: dict[str, str] = {}
    for text in texts:
        for words, short in EXPLAINED.findall(text):
            long = _long_form(words.split(), short)
            if long:
                found.setdefault(short.casefold(), long)
    return found


def expand(query: str, known: Mapping[str, str]) -> str:
    """`query` with the long form before each known short form; in whatever case it was typed."""

    def explained(match: re.Match[str]) -> str:
        long = known.get(match.group().casefold())
        return f"{long} ({match.group()})" if long else match.group()

    return re.sub(r"[\w-]+", explained, query) if known else query


def _long_form(words: list[str], short: str) -> str:
    """The last words before the bracket, from the one that begins with the short form's first
    letter.

    Nothing where the capitals of the short form don't stand in it in order.
    """
    for start, word in enumerate(words):
        if word[:1] == short[0]:
            long = " ".join(words[start:])
            letters = iter(long.casefold())
            if all(capital.casefold() in letters for capital in short if capital.isupper()):
                return long
    return ""
