from __future__ import annotations

import numpy as np
import pytest

from index import lexicon
from index.bundle import Bundle
from index.confidence import UNCALIBRATED
from index.rankers import Embedded
from index.search import WEIGHTS, Searcher, fuse, standardise
from index.sentences import split
from index.types import Passage, Piece
from index.vectors import Kind, Rows, VectorIndex
from tests.fakes import WordEncoder

TEXTS = [
    "Wir bauen Radwege. Das Schwimmbad bleibt offen.",
    "Die Kita wird gebührenfrei. Erzieherinnen verdienen mehr.",
    "Busse fahren öfter. Haltestellen werden überdacht.",
]


def small(texts: list[str], bank: dict[int, str] | None = None) -> Searcher:
    encoder = WordEncoder()
    passages = tuple(
        Passage(f"p{n}", 0, text, tuple(split(text)), (Piece(0, 0, len(text)),))
        for n, text in enumerate(texts)
    )
    entries = [(t, k, n, 0) for n, t in enumerate(texts) for k in (Kind.PASSAGE, Kind.TEXT)]
    entries += [
        (p.text[a:b], Kind.SENTENCE, n, part)
        for n, p in enumerate(passages)
        for part, (a, b) in enumerate(p.sentences)
    ]
    entries.append(("Programm", Kind.HEADING, 0, 0))
    entries += [(question, Kind.BANK, owner, 0) for owner, question in (bank or {}).items()]
    rows = Rows(
        np.array([e[1] for e in entries], np.int8),
        np.array([e[2] for e in entries], np.int32),
        np.array([e[3] for e in entries], np.int16),
        np.array([b"x"] * len(entries)),
    )
    vectors = VectorIndex(encoder.encode([e[0] for e in entries]), rows)
    words = lexicon.build(texts, ["Programm"] * len(texts))
    rankers = Embedded(vectors, words, [0] * len(passages))
    return Searcher(passages, rankers, words, encoder, UNCALIBRATED)


def test_the_right_passage_comes_first_with_its_best_sentence() -> None:
    """Each passage by a word of its second sentence, which is then the key."""
    searcher = small(TEXTS)
    for number, query in enumerate(("Schwimmbad", "Erzieherinnen", "Haltestellen")):
        best = searcher.search(query).hits[0]
        assert best.passage == number
        assert query in TEXTS[number][best.key[0] : best.key[1]]


def test_hits_are_ranked_limited_and_never_doubled() -> None:
    """Scores fall; each passage appears once; no more than asked for."""
    hits = small(TEXTS).search("Bus Kita", 10).hits
    assert len({h.passage for h in hits}) == len(hits) == 3
    assert [h.score for h in hits] == sorted((h.score for h in hits), reverse=True)
    assert len(small(TEXTS).search("Bus", 2).hits) == 2


def test_a_bank_question_lifts_its_passage() -> None:
    """What the campaign attached to a section is found in the words it gave."""
    query = "Tempolimit Hauptstraße"
    assert small(TEXTS, {2: query}).search(query).hits[0].passage == 2


def test_a_question_of_the_bank_is_answered_for_sure(compiled: Bundle) -> None:
    """An editor attached it: asked as it stands, it is never put in doubt."""
    searcher = compiled.searcher()
    sure = [
        searcher.search(question).confidence >= compiled.calibration.answered
        for questions in compiled.info.bank.values()
        for question in questions
    ]
    assert sum(sure) >= 0.95 * len(sure)


@pytest.mark.parametrize("texts", [TEXTS[:1], TEXTS[:2], [TEXTS[0]] * 3])
def test_tiny_and_uniform_programmes_can_be_searched(texts: list[str]) -> None:
    """One passage, or all alike: no division by nothing."""
    ranking = small(texts).search("Radwege")
    assert ranking.hits[0].passage == 0
    assert 0 <= ranking.confidence <= 1


def test_standard_scores_ignore_what_is_missing() -> None:
    """NaN and constant signals count as the mean."""
    assert standardise(np.array([1, np.nan, 3], np.float32)).tolist() == [-1.0, 0.0, 1.0]
    assert not standardise(np.array([2, 2], np.float32)).any()
    assert not standardise(np.array([np.nan, np.nan], np.float32)).any()


def test_search_is_reproducible_and_fused_as_documented(compiled: Bundle) -> None:
    """The same ids in the same order, by the weighted sum of z-scores."""
    searcher = compiled.searcher()
    hits = searcher.search("Was tut ihr für Mieter?", 5).hits
    assert hits == searcher.search("Was tut ihr für Mieter?", 5).hits
    fused = fuse(searcher.signals("Was tut ihr für Mieter?"), WEIGHTS)
    assert [h.passage for h in hits] == np.argsort(-fused, kind="stable")[:5].tolist()


def test_a_lexicon_of_another_programme_is_refused() -> None:
    """Checked where the object is made."""
    searcher = small(TEXTS)
    with pytest.raises(ValueError, match="passages"):
        Searcher(
            searcher._passages[:2],
            searcher._rankers,
            searcher._lexicon,
            WordEncoder(),
            UNCALIBRATED,
        )
