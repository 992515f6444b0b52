from __future__ import annotations

from pathlib import Path

import pytest

from bot.settings import Settings, SettingsError, read


def test_everything_has_a_default() -> None:
    """An empty environment serves."""
    assert read({}) == Settings()


def test_values_are_read_from_their_variables() -> None:
    """FUNDSTELLE_ and the setting's name."""
    settings = read({"FUNDSTELLE_INDEX": "/srv/index", "FUNDSTELLE_MOST_LETTERS": "500"})
    assert settings.index == Path("/srv/index")
    assert settings.most_letters == 500


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("FUNDSTELLE_BASE_URL", "frag.example.org"),
        ("FUNDSTELLE_RATE_LIMIT", "oft"),
        ("FUNDSTELLE_MOST_LETTERS", "viele"),
        ("FUNDSTELLE_MOST_BYTES", "0"),
        ("FUNDSTELLE_RELOAD_SECONDS", "bald"),
        ("FUNDSTELLE_FEEDBACK", "/nirgends/feedback.jsonl"),
    ],
)
def test_a_bad_value_is_named_at_start(variable: str, value: str) -> None:
    """Not when the first citizen asks."""
    with pytest.raises(SettingsError, match=variable):
        read({variable: value})
