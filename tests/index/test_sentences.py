from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.sentences import split


@pytest.mark.parametrize(
    "text",
    [
        "Das gilt z. B. für Kitas, u.a. im Ganztag.",
        "Am 14. September 2025 wird gewählt.",
        "Der Verein e.V. hilft bzw. berät.",
        "Das steht in § 5 Abs. 2 BauGB.",
        "Siehe vgl. Art. 3 des Grundgesetzes.",
    ],
)
def test_abbreviations_and_ordinals_end_no_sentence(text: str) -> None:
    """German full stops that are none."""
    assert split(text) == [(0, len(text))]


def test_sentences_are_split_where_they_end() -> None:
    """After full stop, question and exclamation mark; quotes go with their sentence."""
    text = 'Können wir das? Ja! Wir sagen: "So ist es." Dann geht es los.'
    assert [text[a:b] for a, b in split(text)][:2] == ["Können wir das?", "Ja!"]


@given(st.text(max_size=200))
def test_sentences_cover_the_text_without_overlap(text: str) -> None:
    """Between and around them is only white space."""
    at = 0
    for start, end in split(text):
        assert start >= at
        assert not text[at:start].strip()
        assert text[start:end].strip() == text[start:end] != ""
        at = end
    assert not text[at:].strip()
