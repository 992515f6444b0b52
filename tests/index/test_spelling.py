from __future__ import annotations

import pytest

from index.bundle import Bundle
from index.spelling import Speller


@pytest.fixture(scope="module")
def speller(compiled: Bundle) -> Speller:
    texts = [passage.text for passage in compiled.passages]
    return Speller(texts, compiled.lexicon.words.terms, compiled.encoder.pieces)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Werden die Schwimbäder renowiert?", "Werden die Schwimmbäder renowiert?"),
        ("haltestelen", "Haltestellen"),
        ("Alstchulden", "Altschulden"),
        ("buergerinnnen", "Bürgerinnen"),
    ],
)
def test_slips_are_put_right_by_the_programmes_words(
    speller: Speller, typed: str, meant: str
) -> None:
    """A letter more, less, other or swapped; what the programme does not have stays."""
    assert speller.correct(typed) == meant


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("was kostet die kita fuer eltern", "was kostet die Kita für Eltern"),
        ("wird die strasse saniert, und der öpnv?", "wird die Straße saniert, und der ÖPNV?"),
        ("gibt es bald mehr kitaplaetze", "gibt es bald mehr Kitaplätze"),
        ("kommen die buecherei und das theater", "kommen die Bücherei und das Theater"),
        ("Neue Häuser, Aktuelles und Klassen", "Neue Häuser, Aktuelles und Klassen"),
        ("Wird die Strasse saniert?", "Wird die Straße saniert?"),
        ("Muell in Gaerten", "Müll in Gärten"),
        ("Oeffnungszeiten", "Öffnungszeiten"),
        ("die größe der wohnung", "die Größe der Wohnung"),
        ("mein vater", "mein Vater"),
        ("offene turen", "offene Türen"),
        ("Die kita in Dortmund", "Die kita in Dortmund"),
    ],
)
def test_a_question_in_small_letters_is_read_as_in_print(
    speller: Speller, typed: str, printed: str
) -> None:
    """Capitals as the programme has them, but only for who types none; ä for ae for everybody.
    Another word of the programme is not put in a word's place for its dots alone.
    """
    assert speller.correct(typed) == printed


@pytest.mark.parametrize(
    "query",
    [
        "Was kostet eine Klasse in Kassel bei euch?",
        "Wochen, Gegend, Gehalt, Windel, Wiesen",
        "Kita-Gebühren und Radwege",
        "Will the city scrap nursery fees?",
        "Schwimmbadsanierung",
        "Investitionsstau",
        "😀 ?!",
        "",
    ],
)
def test_words_that_exist_are_left_alone(speller: Speller, query: str) -> None:
    """Even where a word of the programme is only one letter away."""
    assert speller.correct(query) == query
