"""Headings printed in capitals, shown in normal case: learnt from the body's own spelling.

The only importer of simplemma, which is asked for words that the body does not have.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable

import simplemma

from index.sentences import split
from index.types import Heading

ALIKE = 0.9
WORD = re.compile(r"[^\W\d_]+")


def in_capitals(text: str) -> bool:
    """Whether every letter is a capital; ß counts as one, since it has none in most fonts."""
    letters = [c for c in text if c.isalpha() and c != "ß"]
    return len(letters) >= 3 and all(c.isupper() for c in letters)


def letters(text: str) -> str:
    """What two printings of a heading have in common: its letters and digits."""
    text = re.sub(r"[-\u00ad]\n", "", text)
    return "".join(c for c in text.casefold() if c.isalnum())


def same(one: str, other: str) -> bool:
    """Whether two strings of `letters` are one heading, but for a slip or two."""
    if one == other:
        return True
    longest = max(len(one), len(other))
    if abs(len(one) - len(other)) > 0.2 * longest or min(len(one), len(other)) < 8:
        return False
    return difflib.SequenceMatcher(None, one, other).ratio() >= ALIKE


class Casing:
    """The spelling of each word in the body; a sentence's first word says nothing about its
    case.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._spellings: dict[str, Counter[str]] = {}
        self._known: set[str] = set()
        for text in texts:
            starts = {start for start, _ in split(text)}
            for match in WORD.finditer(text):
                self._known.add(match.group().casefold())
                if not any(0 <= match.start() - start <= 2 for start in starts):
                    spelling = match.group()
                    self._spellings.setdefault(spelling.casefold(), Counter())[spelling] += 1

    def heading(self, original: str) -> Heading:
        """`original` in normal case where it is printed in capitals, as it is otherwise."""
        if not in_capitals(original):
            return Heading(original, original)
        matches = list(WORD.finditer(original))
        words = [self._spelled(match.group()) for match in matches]
        cased = [self._in_place(words, number, original, m) for number, m in enumerate(matches)]
        text = original
        for match, word in zip(reversed(matches), reversed(cased), strict=True):
            text = text[: match.start()] + word + text[match.end() :]
        return Heading(text, original)

    def _spelled(self, capitals: str) -> str:
        """The body's spelling; B is tried as ß (a fault of fonts); else a dictionary's case."""
        sharp = capitals.replace("B", "ß").lower()
        for key in (capitals.casefold(), sharp.casefold()):
            if key in self._spellings:
                return self._spellings[key].most_common(1)[0][0]
        plain = capitals.lower()
        if (
            plain.casefold() not in self._known
            and "ß" in sharp
            and known(sharp)
            and not known(plain)
        ):
            plain = sharp
        lemma = simplemma.lemmatize(plain, lang="de")
        if lemma != plain or known(plain):
            return plain.capitalize() if lemma[:1].isupper() else plain
        return self._by_ending(plain)

    def _by_ending(self, word: str) -> str:
        """A compound has the case of its last part: Kinderspiel as Spiel, stadtweit as weit."""
        for start in range(2, len(word) - 4):
            known = self._spellings.get(word[start:].casefold())
            if known:
                spelling = known.most_common(1)[0][0]
                return word.capitalize() if spelling[0].isupper() else word
        return word

    def _in_place(self, words: list[str], number: int, original: str, match: re.Match[str]) -> str:
        """The word's case where its neighbours decide it: first words, compounds, nouns made of
        verbs.
        """
        word, before = words[number], words[number - 1] if number else ""
        hyphened = original[match.end() : match.end() + 2].startswith("-") and not original[
            match.end() :
        ].startswith("- ")
        if number == 0 or hyphened:
            return word[:1].upper() + word[1:]
        if before.endswith("es") and before.islower() and len(word) > 3 and not word.endswith("es"):
            return word[:1].upper() + word[1:]  # "ökologisches Grün", "gutes Wohnen"
        last = number == len(words) - 1
        if (
            last
            and word.endswith("en")
            and not before.endswith(("e", "en"))
            and _infinitive(word.lower())
        ):
            return word.lower()  # "Ganztag neu denken", but "moderne Schulen"
        return word


def known(word: str) -> bool:
    """Whether a German dictionary has this word, in whatever form."""
    return bool(simplemma.is_known(word, lang="de"))


def _infinitive(word: str) -> bool:
    return bool(simplemma.lemmatize(word, lang="de") == word)
