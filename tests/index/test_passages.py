from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from index.build import Draft
from index.passages import MOST_WORDS, cut
from index.types import Heading, Paragraph, Passage, Programme, Section

EVAL = Path(__file__).parents[2] / "eval"
SENTENCE = st.lists(
    st.sampled_from(["wir", "bauen", "Wege", "und", "Häuser", "für", "alle", ",", ";"]),
    min_size=1,
    max_size=160,
)
PARAGRAPH = st.lists(SENTENCE, min_size=1, max_size=6).map(
    lambda sentences: " ".join(" ".join(words).capitalize() + "." for words in sentences)
)


def make(sections: list[list[str]]) -> Programme:
    return Programme(
        tuple(
            Section(
                f"s{n}", 1, Heading("H", "H"), Heading("H", "H"), tuple(map(Paragraph, paragraphs))
            )
            for n, paragraphs in enumerate(sections)
        )
    )


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(PARAGRAPH, max_size=4), max_size=3))
def test_nothing_is_lost_doubled_or_moved(sections: list[list[str]]) -> None:
    """All passages in a row are all paragraphs in a row, word for word, section by section."""
    passages = cut(make(sections))
    for number, paragraphs in enumerate(sections):
        words = " ".join(p.text for p in passages if p.section == number).split()
        assert words == " ".join(paragraphs).split()


@settings(deadline=None, max_examples=60)
@given(st.lists(PARAGRAPH, min_size=1, max_size=4))
def test_passages_are_bounded_and_know_their_parts(paragraphs: list[str]) -> None:
    """At most 130 words; sentences and pieces are exact offsets; ids are unique."""
    passages = cut(make([paragraphs]))
    for passage in passages:
        assert len(passage.text.split()) <= MOST_WORDS
        joined = " ".join(passage.text[a:b] for a, b in passage.sentences)
        assert joined.split() == passage.text.split()
        assert "\n".join(passage.text[p.start : p.end] for p in passage.pieces) == passage.text
    assert len({p.id for p in passages}) == len(passages)


def test_every_evidence_span_stands_in_exactly_one_passage(draft: Draft) -> None:
    """What the evaluation calls right can be found, verbatim, where it belongs."""
    for path in sorted((EVAL / "plain.jsonl", EVAL / "hard.jsonl")):
        for line in filter(str.strip, path.read_text(encoding="utf-8").splitlines()):
            question = json.loads(line)
            for span in question["evidence"]:
                holders = [p for p in draft.passages if span in p.text]
                assert len(holders) == 1, (question["id"], span)
                section = draft.programme.sections[holders[0].section]
                if len(question["evidence"]) == 1:
                    assert section.heading.original == question["section"], question["id"]


def test_ids_survive_edits_elsewhere(draft: Draft) -> None:
    """A changed sentence changes the id of its own passage and of no other section's."""
    sections = list(draft.programme.sections)
    first = sections[2].paragraphs[0]
    edited = dataclasses.replace(first, text="Ein ganz neuer Satz steht hier vorn. " + first.text)
    sections[2] = dataclasses.replace(sections[2], paragraphs=(edited, *sections[2].paragraphs[1:]))
    again = cut(Programme(tuple(sections)))

    def outside(passages: tuple[Passage, ...]) -> list[str]:
        return [p.id for p in passages if p.section != 2]

    assert outside(again) == outside(draft.passages)
    assert {p.id for p in again} != {p.id for p in draft.passages}


def test_the_same_text_twice_in_a_section_gets_two_ids() -> None:
    """Ids are unique even where texts are not."""
    long = " ".join(["Wir bauen hier jedes Jahr viele neue gute Wohnungen für alle Menschen."] * 9)
    ids = [p.id for p in cut(make([[long, long]]))]
    assert len(set(ids)) == len(ids) == 2
