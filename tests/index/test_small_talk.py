"""What is no question, and what only begins like it."""

from __future__ import annotations

import pytest

from eval.questions import read
from index.small_talk import is_small_talk
from tests.conftest import ROOT


@pytest.mark.parametrize(
    "message",
    [
        "Hallo", "Guten Tag!", "moin zusammen", "Grüß Gott", "Schönen guten Abend", "👋 hi",
        "Vielen Dank", "danke dir", "ok", "Test", "Tschüss und schönes Wochenende", "Glück auf!",
        "Wer bist du?", "Bist du ein Mensch?", "Wie geht's?", "hello there", "merhaba",
        "Dzień dobry", "Добрий день", "спасибо", "مرحبا",
    ],
)  # fmt: skip
def test_greetings_thanks_and_tries_are_small_talk(message: str) -> None:
    """Else some passage would seem to answer them."""
    assert is_small_talk(message)


@pytest.mark.parametrize(
    "message",
    ["Hallo, was ist mit den Radwegen?", "Morgen", "Nacht", "Tag der offenen Tür", "gute Pflege",
     "Danke für nichts, die Mieten steigen", "Hilfe", ""],
)  # fmt: skip
def test_questions_are_not(message: str) -> None:
    """However politely they begin."""
    assert not is_small_talk(message)


def test_no_question_of_the_evaluation_is() -> None:
    """Three hundred and fifty real ones, and those that nothing answers."""
    asked = [q.query for path in (ROOT / "eval").glob("*.jsonl") for q in read(path)]
    assert len(asked) > 300
    assert [query for query in asked if is_small_talk(query)] == []
