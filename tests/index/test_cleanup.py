from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.build import Draft
from index.cleanup import Vocabulary, join, repair

TEXTS = st.lists(
    st.sampled_from(
        [
            *"abcäß",
            "Wohnungs",
            "bau",
            "-",
            " ",
            "*",
            "**",
            "und",
            "Mieter",
            "*innen",
            ".",
            ",",
            "ﬁ",
            "­",
        ]
    ),
    max_size=40,
).map("".join)


def fixed(text: str, body: str = "") -> str:
    return repair(text, 1, Vocabulary([text, body]))[0]


@pytest.mark.parametrize(
    ("broken", "whole"),
    [
        ("sicher-gestellt", "sichergestellt"),
        ("Wohnungsbau-vorhaben", "Wohnungsbauvorhaben"),
        ("handlungs-fähige Stadt", "handlungsfähige Stadt"),
        ("Ins-besondere gilt", "Insbesondere gilt"),
        ("Mieter-*innen", "Mieter*innen"),
        ("Kinder-und Jugendarbeit", "Kinder- und Jugendarbeit"),
        ("**Verantwortung** tragen", "Verantwortung tragen"),
        ("ﬁnanziell", "finanziell"),
        ("Wohn­raum", "Wohnraum"),
    ],
)
def test_extraction_damage_is_repaired(broken: str, whole: str) -> None:
    """Each rule of docs/cleanup.md, by its example."""
    assert fixed(broken) == whole


@pytest.mark.parametrize(
    "text",
    [
        "nicht-pädagogischen Tätigkeiten",
        "end-to-end",
        "KI-gestützten",
        "Kita-Gebühren",
        "Miet- und Kaufpreise",
        "sozial-ökologische Wende",
        "Start-ups und Know-how",
        "LSBTIQ*-Koordinierungsstelle",
        "Mieter*innen, Bürger:innen, Jugendleiter*innen-Card",
        "Dortmund Stadt, Stadtsportbund Dortmund, der Bund Deutscher Städte",
        "ein Angebot – auch abends",
    ],
)
def test_what_belongs_stays(text: str) -> None:
    """Real hyphens, gender stars, nouns in -und and dashes are left as they are."""
    assert fixed(text) == text


def test_lost_hyphens_come_back_where_the_body_gives_reason() -> None:
    """The stem must begin another word of the document, or end in a linking s."""
    assert fixed("im Sozialund Jugendbereich", "Sozialpolitik") == "im Sozial- und Jugendbereich"
    assert fixed("Bildungsund Betreuungsangebote") == "Bildungs- und Betreuungsangebote"


@pytest.mark.parametrize(
    ("left", "right", "whole"),
    [
        ("Zentrale An-", "sätze sind", "Zentrale Ansätze sind"),
        ("die Kita-", "Gebühren", "die Kita-Gebühren"),
        ("der Jugend-", "und Altenhilfe", "der Jugend- und Altenhilfe"),
        ("nicht-", "pädagogische", "nicht-pädagogische"),
        ("unsere Initiative", "hin", "unsere Initiative hin"),
        ("gut –", "und billig", "gut – und billig"),
    ],
)
def test_torn_lines_are_joined(left: str, right: str, whole: str) -> None:
    """A hyphen at a line's end goes or stays as German spelling has it."""
    assert join(left, right, Vocabulary([])) == whole


@given(TEXTS)
def test_no_letter_is_lost_added_or_moved(text: str) -> None:
    """Only hyphens, spaces, bold marks, soft hyphens and ligatures may change."""

    def letters(t: str) -> str:
        return re.sub(r"[\s*\-­]", "", t.replace("ﬁ", "fi"))

    assert letters(fixed(text)) == letters(text)


@given(TEXTS)
def test_repairing_twice_repairs_nothing_more(text: str) -> None:
    """The clean-up is idempotent."""
    vocabulary = Vocabulary([text])
    once = repair(text, 1, vocabulary)[0]
    assert repair(once, 1, vocabulary)[0] == once


def test_every_repair_of_the_seed_is_reported(draft: Draft) -> None:
    """The known scars of the seed are in the report, with rule and line."""
    done = {(r.rule, r.before): r for r in draft.programme.repairs}
    for scar in (
        ("soft-hyphen", "Wohnungsbau-vorhaben"),
        ("soft-hyphen", "sicher-gestellt"),
        ("soft-hyphen", "handlungs-fähige"),
        ("gender-hyphen", "Mieter-*innen"),
        ("lost-hyphen", "Bildungsund"),
        ("lost-hyphen", "Sozialund"),
        ("lost-hyphen", "Wohnsammelsowie"),
        ("heading-letter", "STRABEN UND WEGE INSTAND SETZEN"),
    ):
        assert scar in done
        assert done[scar].line > 0
    text = " ".join(p.text for p in draft.passages)
    for kept in ("nicht-pädagogischen", "end-to-end", "KI-gestützten", "Kita-Gebühren"):
        assert kept in text
    assert "**" not in text
    assert "Zentrale Ansätze sind" in text
