from __future__ import annotations

import pytest

from index.abbreviations import expand, learn
from index.build import Draft

TEXT = (
    "Räume in der Offenen Ganztagsschule (OGS), Präsenz des Kommunalen Ordnungsdienstes (KOD), "
    "ausgewählte Straßenzüge (Quartiere) in allen Bezirken, die Jugendleiter*innen-Card (JuLeiCa)."
)


def test_short_forms_are_learnt_from_their_explanation() -> None:
    """Only where the letters fit: a remark in brackets is no abbreviation."""
    assert learn([TEXT]) == {
        "ogs": "Offenen Ganztagsschule",
        "kod": "Kommunalen Ordnungsdienstes",
        "juleica": "Jugendleiter*innen-Card",
    }


@pytest.mark.parametrize(
    ("query", "expanded"),
    [
        ("Ist die OGS kostenlos?", "Ist die Offenen Ganztagsschule (OGS) kostenlos?"),
        ("ogs kosten", "Offenen Ganztagsschule (ogs) kosten"),
        ("Ist die Kita kostenlos?", "Ist die Kita kostenlos?"),
        ("", ""),
    ],
)
def test_the_long_form_is_put_before_the_short_one(query: str, expanded: str) -> None:
    """So that both are searched for."""
    assert expand(query, learn([TEXT])) == expanded


def test_the_seed_explains_its_own(draft: Draft) -> None:
    """The real text, with its inflected forms."""
    known = learn(passage.text for passage in draft.passages)
    assert known["ogs"] == "Offenen Ganztagsschule"
    assert "quartiere" not in known
