from __future__ import annotations

from pathlib import Path

import pytest

from index.confidence import NAMES, UNCALIBRATED, Confidence, asked, load


@pytest.mark.parametrize(
    ("question", "flags"),
    [
        ("Wann öffnet das Südbad?", {"asks_time"}),
        ("Wer ist der Oberbürgermeister?", {"asks_person"}),
        ("Wie viele Wohnungen baut ihr?", {"asks_number"}),
        ("Wo finde ich das Bürgeramt?", {"asks_place"}),
        ("Was tut ihr für Kinder?", set()),
    ],
)
def test_the_kind_of_answer_is_read_from_the_question(question: str, flags: set[str]) -> None:
    """Number, date, person or place."""
    found = {name for name, value in asked(question, "").items() if value}
    assert found == flags


def test_a_number_counts_only_where_one_is_asked_for() -> None:
    """Digits in the passage answer no question after a name."""
    assert asked("Wie viele Wohnungen?", "2.000 im Jahr")["number_given"] == 1
    assert asked("Wie viele Wohnungen?", "sehr viele")["number_given"] == 0
    assert asked("Wer baut?", "2.000 im Jahr")["number_given"] == 0


def test_what_costs_nothing_has_a_price() -> None:
    """A programme that abolishes a fee has answered what it costs."""
    for sentence in ("Wir wollen die Kita-Gebühren abschaffen.", "Das Mittagessen ist kostenlos."):
        assert asked("Was kostet die Kita?", sentence)["number_given"] == 1


def test_an_encoder_without_calibration_gets_the_cautious_one(tmp_path: Path) -> None:
    """Other encoders work too; their cosines mean something else."""
    assert load(tmp_path) is UNCALIBRATED


def test_weights_name_real_features() -> None:
    """A misspelt name would count as nothing."""
    from index.encoder import DEFAULT, MODELS

    for calibration in (UNCALIBRATED, load(MODELS / DEFAULT)):
        assert isinstance(calibration, Confidence)
        assert set(calibration.weights) <= set(NAMES)
        assert 0 <= calibration.related < calibration.answered <= 1
