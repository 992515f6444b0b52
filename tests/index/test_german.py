from __future__ import annotations

import pytest

from index import german


@pytest.mark.parametrize(
    "forms",
    [
        ("Mieter*innen", "Mieter:innen", "Mieter_innen", "MieterInnen", "Mieter"),
        ("Gebühren", "Gebuehren", "Gebuhren", "gebühren"),
        ("Straße", "Strasse", "STRASSE"),
        ("Bürger:in", "Bürger"),
    ],
)
def test_spellings_of_one_word_fold_alike(forms: tuple[str, ...]) -> None:
    """Gender signs, umlauts and sharp s make no difference."""
    assert len({german.fold(form) for form in forms}) == 1


def test_compounds_give_their_parts_where_the_programme_knows_them() -> None:
    """Schwimmbadsanierung finds Sanierung and Schwimmbad, and nothing unknown."""
    known = {german.stem(w) for w in ("schwimmbad", "sanierung", "kita", "gebuhren")}
    assert german.parts("schwimmbadsanierung", known) == ("schwimmbad", german.stem("sanierung"))
    assert german.parts("kitagebuhren", known) == ("kita", german.stem("gebuhren"))
    assert german.parts("lastenrad", known) == ()


def test_a_typo_keeps_most_ngrams() -> None:
    """That is how typos are forgiven."""
    right, typed = set(german.grams("spielplatz")), set(german.grams("spielpatz"))
    assert len(right & typed) >= 5


def test_function_words_are_left_out() -> None:
    """They are in every passage and tell nothing."""
    assert german.words("Was tut ihr für die Radwege?") == ["radwege"]
    assert german.words("Kommt euer Bus, bitte, wie helft ihr?") == ["bus"]


def test_each_function_word_is_as_words_are_compared() -> None:
    """One that isn't would never be left out."""
    assert [
        w for w in german.STOPWORDS if w != german.fold(w) or not german.WORD.fullmatch(w)
    ] == []


def test_no_word_is_remembered() -> None:
    """They are people's: a memory of stems would give the same object again."""
    word = "radwegeausbauplanungen"
    assert german.stem(word) == german.stem(word)
    assert german.stem(word) is not german.stem(word)


def test_what_is_longer_than_any_compound_has_no_parts() -> None:
    """Two thousand letters in a row cost no more than a word."""
    for letters, found in ((40, True), (400, False)):
        long = "x" * letters
        known = {german.stem(long), german.stem("wald")}
        assert bool(german.parts(f"{long}wald", known)) == found
