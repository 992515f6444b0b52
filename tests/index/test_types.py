from __future__ import annotations

from index.types import Heading, Info


def test_questions_are_found_by_both_forms_of_a_heading() -> None:
    """An editor may copy it from the paper or from the page; each question comes once."""
    bank = {"WOHNEN": ("Was tut ihr?",), "Wohnen": ("Wie hoch?", "Wann?"), "Verkehr": ("Wo?",)}
    info = Info("s", "t", "d", bank=bank)
    assert info.questions(Heading("Wohnen", "WOHNEN")) == ("Was tut ihr?", "Wie hoch?", "Wann?")
    assert info.questions(Heading("Verkehr", "Verkehr")) == ("Wo?",)
    assert info.questions(Heading("Kultur", "KULTUR")) == ()
