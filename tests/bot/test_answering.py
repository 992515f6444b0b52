from __future__ import annotations

import dataclasses

import pytest

from bot import answering
from bot.errors import EmptyMessage, TooLong
from bot.library import Served, holding
from bot.messages import Question


def with_thresholds(served: Served, answered: float, related: float) -> Served:
    calibration = dataclasses.replace(served.bundle.calibration, answered=answered, related=related)
    return holding(dataclasses.replace(served.bundle, calibration=calibration))


@pytest.mark.parametrize(
    ("answered", "related", "status"),
    [(0.0, 0.0, "answered"), (1.1, 0.0, "related"), (1.1, 1.1, "nothing")],
)
def test_confidence_decides_what_is_said(
    served: Served, answered: float, related: float, status: str
) -> None:
    """Passages are shown with `answered` and `related`, none with `nothing`; suggestions always."""
    found = answering.answer(Question("Radwege"), with_thresholds(served, answered, related))
    assert found.status == status
    assert bool(found.passages) == (status != "nothing")
    assert found.suggestions
    assert found.message


def test_every_passage_is_verbatim(served: Served) -> None:
    """What is quoted stands in the programme, to the letter."""
    body = {p.text for p in served.bundle.passages}
    for query in ("Wohnen", "Bus und Bahn", "Was tut ihr gegen Rechtsextremismus?"):
        for passage in answering.search(query, served, 5):
            assert passage.text in body
            assert "".join(text for text, _ in passage.segments) == passage.text


def test_empty_and_endless_messages_are_refused(served: Served) -> None:
    """Before anything is searched."""
    with pytest.raises(EmptyMessage):
        answering.answer(Question(" \0 \n"), served)
    with pytest.raises(TooLong):
        answering.answer(Question("x" * 11), served, most_letters=10)


def test_signs_without_words_find_nothing(served: Served) -> None:
    """A smiley is answered kindly."""
    assert answering.answer(Question("🙂 !?"), served).status == "nothing"


def test_a_greeting_gets_a_sentence_and_no_passage(served: Served) -> None:
    """Whatever lies nearest, it is no answer to "Guten Tag"."""
    found = answering.answer(Question("Guten Tag"), with_thresholds(served, 0.0, 0.0))
    assert (found.status, found.passages) == ("nothing", ())
    assert found.message.startswith("Diese Suche beantwortet Fragen zum Programm")
    assert found.suggestions


def test_suggestions_are_questions_or_headings_of_the_programme(served: Served) -> None:
    """Never invented."""
    bank = {q for questions in served.bundle.info.bank.values() for q in questions}
    known = bank | {s.heading.text for s in served.bundle.sections}
    assert set(answering.suggestions(served)) <= known
