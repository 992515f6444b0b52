from __future__ import annotations

import numpy as np
import pytest

from index import lexicon

TEXTS = [
    "Wir sanieren jedes Schwimmbad und jede Turnhalle der Stadt.",
    "Die Kita-Gebühren werden abgeschafft.",
    "Neue Radwege verbinden die Stadtteile, Mieter*innen werden geschützt.",
]


@pytest.fixture(scope="module")
def small() -> lexicon.Lexicon:
    return lexicon.build(TEXTS, ["Bäder", "Kitas", "Verkehr"])


@pytest.mark.parametrize(
    ("query", "passage"),
    [
        ("Schwimmbadsanierung", 0),
        ("kitagebuehren", 1),
        ("Mieterinnen", 2),
        ("Radwge", 2),
        ("Verkehr", 2),
    ],
)
def test_compounds_spellings_typos_and_headings_are_found(
    small: lexicon.Lexicon, query: str, passage: int
) -> None:
    """The n-gram ranker bridges what exact words can't."""
    assert int(small.score_grams(query).argmax()) == passage


def test_scores_are_zero_without_common_terms(small: lexicon.Lexicon) -> None:
    """No passage is right merely for being there."""
    assert not small.score_words("Xylophon").any()
    assert not small.score_grams("Qqqq").any()


def test_gram_scores_are_cosines(small: lexicon.Lexicon) -> None:
    """Between 0 and 1, for any query."""
    for query in (*TEXTS, "Stadt", ""):
        scores = small.score_grams(query)
        assert scores.min() >= 0.0
        assert scores.max() <= 1.0 + 1e-5


def test_coverage_weighs_rare_words(small: lexicon.Lexicon) -> None:
    """All words covered is 1, an unknown word is the rarest that can be missing."""
    assert small.coverage("Schwimmbad sanieren", 0) == (pytest.approx(1.0), 0.0)
    covered, missing = small.coverage("Schwimmbad Quasar", 0)
    assert 0 < covered < 1
    assert missing == pytest.approx(1.0)


def test_a_compound_is_covered_where_its_parts_stand(small: lexicon.Lexicon) -> None:
    """Both of them: with one missing it is missing."""
    assert small.coverage("Schwimmbadturnhalle", 0) == (pytest.approx(1.0), 0.0)
    assert small.coverage("Schwimmbadradwege", 0)[0] == 0.0


def test_taken_apart_and_put_together_it_scores_the_same(small: lexicon.Lexicon) -> None:
    """The arrays of a bundle hold all of it."""
    again = lexicon.from_arrays(lexicon.to_arrays(small))
    for query in ("Schwimmbad", "Gebühr", "Stadtteil"):
        assert np.array_equal(again.score_words(query), small.score_words(query))
        assert np.array_equal(again.score_grams(query), small.score_grams(query))
