from __future__ import annotations

import pytest

from index.build import Draft
from index.headings import Casing, in_capitals


@pytest.mark.parametrize(
    ("capitals", "normal"),
    [
        ("MIETERSCHUTZ HAT FÜR UNS PRIORITÄT", "Mieterschutz hat für uns Priorität"),
        (
            "DORTMUND KANN SOLIDARISCHE GROßSTADT DER NACHBARN",
            "Dortmund kann solidarische Großstadt der Nachbarn",
        ),
        ("SICH DRAUBEN TREFFEN – EIN KINDERSPIEL!", "Sich draußen treffen – ein Kinderspiel!"),
        ("STRABEN UND WEGE INSTAND SETZEN", "Straßen und Wege instand setzen"),
        ("DORTMUND WIRD ZUR SMART-CITY", "Dortmund wird zur Smart-City"),
        ("GANZTAG NEU DENKEN", "Ganztag neu denken"),
        ("DORTMUND KANN MODERNE SCHULEN", "Dortmund kann moderne Schulen"),
        ("MEHR ÖKOLOGISCHES GRÜN FÜR UNSERE STADT", "Mehr ökologisches Grün für unsere Stadt"),
        (
            'UNSERE SCHULEN MÜSSEN ZU "LEUCHTTÜRMEN" WERDEN',
            'Unsere Schulen müssen zu "Leuchttürmen" werden',
        ),
    ],
)
def test_headings_of_the_seed_are_shown_in_normal_case(
    draft: Draft, capitals: str, normal: str
) -> None:
    """Learnt from the body's spelling; the original is kept beside it."""
    headings = {s.heading.original: s.heading.text for s in draft.programme.sections}
    assert headings[capitals] == normal


def test_headings_in_normal_case_are_left_alone() -> None:
    """Only capitals are respelled."""
    assert Casing(["Wir bauen Wege."]).heading("wege Und STEGE").text == "wege Und STEGE"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GROßSTADT", True),
        ("Großstadt", False),
        ("A-B 12", False),
        ("KLIMA- UND UMWELTSCHUTZ", True),
    ],
)
def test_a_small_sharp_s_is_still_a_capital_heading(text: str, expected: bool) -> None:
    """ß has no capital in most fonts."""
    assert in_capitals(text) is expected
