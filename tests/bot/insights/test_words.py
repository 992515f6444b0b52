from __future__ import annotations

from collections import Counter

from bot.insights.words import Form, forms, shared


def counted(*questions: str) -> Counter[Form]:
    return Counter(form for question in questions for form in forms(question))


def test_function_words_and_gendered_endings_are_left_out() -> None:
    """What is left says what it is about."""
    stems = {form[-1] for form in forms("Was ist mit den Rentner*innen und der Rente?")}
    assert stems >= {"Rentner", "Rente"}
    assert not stems & {"innen", "was", "mit", "und"}


def test_a_word_is_spelt_as_ten_spelt_it() -> None:
    """The most exact spelling that enough used; else the stem that they share."""
    same = counted(*["Hundesteuer?"] * 10)
    mixed = counted(*["Hundesteuer"] * 6, *["hundesteuer"] * 4)
    forms_of_one = counted(*["Friedhof"] * 6, *["Friedhofs"] * 4)
    assert shared(same, 10) == ("Hundesteuer",)
    assert shared(mixed, 10) == ("hundesteuer",)
    assert shared(forms_of_one, 10) == ("friedhof",)


def test_a_name_is_not_shown_because_it_has_the_stem_of_a_word() -> None:
    """Snowball makes "fisch" of Fischer and of Fisch; who is called so must not be named."""
    counts = counted(*["Steuer auf Fisch"] * 9, "Steuer für Fischer")
    assert shared(counts, 10) == ("fisch", "Steuer")
    assert "Fischer" in shared(counted(*["Wer ist Fischer?"] * 10), 10)


def test_a_word_counts_once_in_a_question() -> None:
    """However often somebody says it, in whatever spelling."""
    assert counted("Tauben tauben TAUBEN Taube").most_common(1)[0][1] == 1


def test_composed_and_decomposed_letters_are_one_word() -> None:
    """Keyboards differ."""
    assert forms("Gebu\u0308hren") == forms("Gebühren")


def test_a_question_has_only_so_many_words() -> None:
    """Nobody fills the memory with one."""
    assert len(forms(" ".join(f"wort{n}" for n in range(400)))) <= 120
    assert forms("x" * 2000) == frozenset()
