"""Paragraphs → passages. Pure: the same programme gives the same passages with the same ids."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from index.sentences import split
from index.types import Paragraph, Passage, Piece, Programme, Section, Span

MOST_WORDS = 130  # the contract's limit
AIM_WORDS = 90  # passages are cut about this long: short enough to read, long enough to understand
LEAST_WORDS = 25  # shorter paragraphs join their neighbour
ID_DIGITS = 6  # of the hash; 16 million values for the few passages of one section


@dataclass(frozen=True)
class _Sentence:
    text: str
    paragraph: int
    opens_line: bool  # of its paragraph: an item of a list
    page: int | None
    end_page: int | None

    @property
    def words(self) -> int:
        return len(self.text.split())


def cut(programme: Programme) -> tuple[Passage, ...]:
    """All passages, in reading order. Nothing is lost, doubled or moved.

    An id is made of the section's id and a hash of the passage's own text: an edit elsewhere leaves
    it.
    """
    found: list[Passage] = []
    taken: set[str] = set()
    for number, section in enumerate(programme.sections):
        for group in _groups(section):
            found.append(_passage(section, number, group, taken))
    return tuple(found)


def _groups(section: Section) -> Iterable[list[_Sentence]]:
    """Sentences that make one passage each."""
    run: list[_Sentence] = []
    for number, paragraph in enumerate(section.paragraphs):
        sentences = list(_sentences(paragraph, number))
        if run and not _joins(_words(run), _words(sentences)):
            yield from _balanced(run)
            run = []
        run += sentences
    if run:
        yield from _balanced(run)


def _sentences(paragraph: Paragraph, number: int) -> Iterable[_Sentence]:
    for start, end in split(paragraph.text):
        for part in _bounded(paragraph.text[start:end]):
            opens = start > 0 and paragraph.text[start - 1] == "\n"
            pages = paragraph.page_at(start), paragraph.page_at(start + len(part) - 1)
            yield _Sentence(part, number, opens, *pages)
            start += len(part) + 1  # _bounded cuts at one space


def _joins(before: int, after: int) -> bool:
    return min(before, after) < LEAST_WORDS and before + after <= AIM_WORDS


def _words(sentences: Sequence[_Sentence]) -> int:
    return sum(sentence.words for sentence in sentences)


def _bounded(sentence: str) -> list[str]:
    """A sentence of more than 130 words in parts, cut where it pauses."""
    words = len(sentence.split())
    if words <= MOST_WORDS:
        return [sentence]
    middle = len(sentence) / 2
    for pattern in (r"(?<=[;:])\s+|\s+(?=[–•·]\s)", r"(?<=,)\s+", r"\s+"):
        places = [
            m for m in re.finditer(pattern, sentence) if 0.2 < m.start() / len(sentence) < 0.8
        ]
        if places:
            best = min(places, key=lambda match: abs(match.start() - middle))
            return [*_bounded(sentence[: best.start()]), *_bounded(sentence[best.end() :])]
    return [sentence]


def _balanced(sentences: list[_Sentence]) -> Iterable[list[_Sentence]]:
    """As few passages as the aim allows, of as even a length as whole sentences allow."""
    total = _words(sentences)
    count = max(1, round(total / AIM_WORDS), -(-total // MOST_WORDS))
    while True:
        groups = _fill(sentences, count)
        if all(_words(group) <= MOST_WORDS for group in groups):
            yield from groups
            return
        count += 1


def _fill(sentences: list[_Sentence], count: int) -> list[list[_Sentence]]:
    """`count` groups (fewer where sentences are few), each closed where it is nearest its share."""
    count = min(count, len(sentences))
    share = _words(sentences) / count
    groups: list[list[_Sentence]] = [[]]
    done = 0
    for sentence in sentences:
        edge = share * len(groups)
        past = abs(done + sentence.words - edge) > abs(done - edge)
        if groups[-1] and len(groups) < count and past:
            groups.append([])
        groups[-1].append(sentence)
        done += sentence.words
    return groups


def _passage(section: Section, number: int, group: Sequence[_Sentence], taken: set[str]) -> Passage:
    text = ""
    spans: list[Span] = []
    pieces: list[Piece] = []
    for sentence in group:
        if not pieces or pieces[-1].paragraph != sentence.paragraph:
            text += "\n" if text else ""
            pieces.append(Piece(sentence.paragraph, len(text), len(text)))
        else:
            text += "\n" if sentence.opens_line else " "
        spans.append((len(text), len(text) + len(sentence.text)))
        text += sentence.text
        pieces[-1] = Piece(sentence.paragraph, pieces[-1].start, len(text))
    return Passage(
        _id(section.id, text, taken), number, text, tuple(spans), tuple(pieces),
        group[0].page, group[-1].end_page,
    )  # fmt: skip


def _id(section: str, text: str, taken: set[str]) -> str:
    """Section and hash; a text that stands twice in a section gets another hash each time."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    identity = f"{section}-{digest[:ID_DIGITS]}"
    while identity in taken:
        digest = hashlib.sha256(digest.encode()).hexdigest()
        identity = f"{section}-{digest[:ID_DIGITS]}"
    taken.add(identity)
    return identity
