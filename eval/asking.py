"""Questions put to a served bundle, by every system that the figures compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eval.measures import Scores, score
from eval.questions import OUT_OF_SCOPE, Question, right_passages
from index.bundle import Bundle
from index.search import WEIGHTS, Signals, fuse, once

HERE = Path(__file__).parent
FILES = (HERE / "plain.jsonl", HERE / "hard.jsonl")
DEPTH = 10

SYSTEMS: Mapping[str, Mapping[str, float]] = {
    "BM25": {"words": 1.0},
    "char 4-grams": {"grams": 1.0},
    "dense": {"passage": 1.0},
    "fused, no bank": {name: weight for name, weight in WEIGHTS.items() if name != "bank"},
    "fused": WEIGHTS,
}


@dataclass(frozen=True)
class Asked:
    """A question with what the searcher said to it."""

    question: Question
    right: frozenset[int]
    signals: Signals
    confidence: float

    def ranked(self, weights: Mapping[str, float]) -> list[int]:
        """The first passages under these weights."""
        order = np.argsort(-fuse(self.signals, weights), kind="stable")
        return [int(number) for number in order[:DEPTH]]

    @property
    def answerable(self) -> bool:
        """Whether the programme answers it."""
        return self.question.kind != OUT_OF_SCOPE


def ask_all(loaded: Bundle, questions: list[Question], light: bool = False) -> list[Asked]:
    """Every question put to the bundle; `light`: as the server encodes them while others wait."""
    searcher, encoder = loaded.searcher(), loaded.encoder
    encode = once(encoder.lightly if light else encoder.encode)
    return [
        Asked(
            question, right_passages(question, loaded.passages),
            searcher.signals(question.query, encode),
            searcher.search(question.query, encode=encode).confidence,
        )
        for question in questions
    ]  # fmt: skip


def scores_of(asked: list[Asked], weights: Mapping[str, float]) -> Scores:
    """Means over the answerable questions."""
    return score([(a.ranked(weights), a.right) for a in asked if a.answerable])
