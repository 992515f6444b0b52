"""A question and a programme → an answer. Knows nothing of HTTP; every word of the answer's
passages is the programme's, every other word is a fixed sentence.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache

from bot.errors import EmptyMessage, TooLong
from bot.library import Served
from bot.messages import Answer, Citation, Question, Status
from bot.wording import wording
from index.query_encoder import OnnxEncoder
from index.search import Encode, Several, once
from index.small_talk import is_small_talk
from index.types import Hit, Info, Passage, Ranking, Section, Vectors

SUGGESTIONS = 4
EncodeFor = Callable[[str, Served], Encode]  # a question as it was typed, and to which programme


def answer(
    question: Question, served: Served, most_letters: int = 2000, encode: Encode | None = None
) -> Answer:
    """The passages that answer `question`, or come nearest, or none. `encode`: of `encode_for`.

    Raises EmptyMessage for a message without any sign, TooLong for one that is no question any
    more.
    """
    words = wording(question.language)
    text = tidy(question.text)
    if not text:
        raise EmptyMessage
    if len(text) > most_letters:
        raise TooLong
    if not re.search(r"\w", text):
        return Answer("nothing", words.unreadable, (), suggestions(served))
    if is_small_talk(text):
        return Answer("nothing", words.small_talk, (), suggestions(served))
    ranking = served.searcher.search(text, question.limit, encode)
    status = _status(ranking, served)
    passages = () if status == "nothing" else citations(ranking, served)
    return Answer(status, getattr(words, status), passages, suggestions(served, ranking))


def encode_for(light: Callable[[], None] | None = None) -> EncodeFor:
    """For one question to one programme or several: it is encoded once for each distinct encoder.
    By its light form, where `light` is given, which is told each time; but in full, where it is a
    question of the programme's own bank: only so is it known again.
    """

    @cache
    def of(encoder: OnnxEncoder, in_full: bool) -> Encode:
        if in_full or light is None or not encoder.has_light:
            return once(encoder.encode)
        return once(_telling(light, encoder.lightly))

    return lambda text, served: of(served.bundle.encoder, tidy(text) in served.offered)


def _telling(told: Callable[[], None], encode: Several) -> Several:
    def both(texts: Sequence[str]) -> Vectors:
        told()
        return encode(texts)

    return both


def search(
    query: str, served: Served, limit: int, encode: Encode | None = None
) -> tuple[Citation, ...]:
    """The best passages, without a threshold; none for a query without letters or digits.
    `encode`: of `encode_for`.
    """
    text = tidy(query)
    if not re.search(r"\w", text):
        return ()
    return citations(served.searcher.search(text, limit, encode), served)


def tidy(text: str) -> str:
    """One line without control characters, composed Unicode."""
    composed = unicodedata.normalize("NFC", text)
    kept = (" " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in composed)
    return " ".join("".join(kept).split())


def _status(ranking: Ranking, served: Served) -> Status:
    limits = served.bundle.calibration
    if ranking.confidence >= limits.answered:
        return "answered"
    return "related" if ranking.confidence >= limits.related else "nothing"


def citations(ranking: Ranking, served: Served) -> tuple[Citation, ...]:
    """The hits as they are shown and quoted."""
    best = ranking.hits[0].score if ranking.hits else 1.0
    return tuple(
        cite(served, hit, ranking.confidence * max(0.0, hit.score / best if best > 0 else 0.0))
        for hit in ranking.hits
    )


def cite(served: Served, hit: Hit, confidence: float) -> Citation:
    """A hit as a citation, its key sentence highlighted."""
    return citation(served, hit.passage, (hit.key,), confidence)


def citation(
    served: Served,
    number: int,
    highlights: tuple[tuple[int, int], ...] = (),
    confidence: float = 1.0,
) -> Citation:
    """A passage with its chapter, section, page and place in the reader."""
    passage = served.bundle.passages[number]
    section = served.bundle.sections[passage.section]
    place = dict.fromkeys(
        (section.chapter.text, section.heading.text)
    )  # a chapter's introduction: once
    return Citation(
        id=passage.id,
        text=passage.text,
        highlights=highlights,
        chapter=section.chapter.text,
        section=section.heading.text,
        page=passage.page,
        end_page=passage.end_page,
        citation=" › ".join(place) + _pages(passage),
        path=f"/p/{served.slug}/programm#{passage.id}",
        pdf_url=pdf_url(served.bundle.info, passage.page),
        confidence=round(min(1.0, confidence), 4),
    )


def _pages(passage: Passage) -> str:
    """As in "…, S. 7" or "…, S. 7–8"; nothing where the document has no pages."""
    if passage.page is None:
        return ""
    last = passage.end_page or passage.page
    until = f"–{last}" if last > passage.page else ""
    return f", {wording().page_prefix}{passage.page}{until}"


def pdf_url(info: Info, page: int | None) -> str | None:
    """Where a page stands in the party's own PDF, as viewers understand it."""
    return f"{info.pdf_url.partition('#')[0]}#page={page}" if info.pdf_url and page else None


def suggestions(served: Served, ranking: Ranking | None = None) -> tuple[str, ...]:
    """Questions to go on with: of the sections just found, else from all over the programme.

    From the question bank where the campaign wrote one, else the headings.
    """
    info, sections = served.bundle.info, served.bundle.sections
    offers = [(n, q) for n, section in enumerate(sections) for q in _offers(info, section)]
    if ranking and ranking.hits:
        near = {served.bundle.passages[hit.passage].section for hit in ranking.hits}
        offers = [(n, q) for n, q in offers if n in near] or offers
    step = max(1, len(offers) // SUGGESTIONS)
    return tuple(question for _, question in offers[::step][:SUGGESTIONS])


def completions(served: Served) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What can be offered while somebody types: the questions of the bank, and the headings."""
    info, sections = served.bundle.info, served.bundle.sections
    questions = [question for s in sections for question in info.questions(s.heading)]
    headings = [s.heading.text for s in sections]
    return tuple(dict.fromkeys(questions)), tuple(dict.fromkeys(headings))


def _offers(info: Info, section: Section) -> tuple[str, ...]:
    return info.questions(section.heading) if info.bank else (section.heading.text,)
