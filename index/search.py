"""Query → ranked hits. The only place that fuses scores.

Each signal is standardised over the programme's passages (z-scores), then summed with fixed
weights; `python -m eval --weights` learns and checks them by cross-validation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from index import abbreviations, confidence
from index.confidence import Confidence, Features
from index.lexicon import Lexicon
from index.rankers import Rankers
from index.spelling import Speller
from index.types import Hit, Passage, QueryEncoder, Ranking, Span, Vectors

WEIGHTS: Mapping[str, float] = {
    "passage": 1.0,
    "sentence": 0.8,
    "heading": 0.1,
    "words": 0.0,
    "grams": 0.15,
    "bank": 0.4,
}
# A question this near to one of the bank is the same question, and an editor attached it to the
# passage.
SAME_QUESTION = 0.97
ATTACHED = 0.95

Encode = Callable[[str], Vectors]  # a query → its vector, shape (dimension,)
Several = Callable[[Sequence[str]], Vectors]  # queries → vectors, shape (queries, dimension)


def once(several: Several) -> Encode:
    """`several`, an encoder's, for one query at a time, and equal ones once: for one question to
    several programmes.
    """

    @cache
    def encode(query: str) -> Vectors:
        vector: Vectors = several([query])[0]
        return vector

    return encode


@dataclass(frozen=True)
class Signals:
    """What each ranker says of each passage; every array has shape (passages,)."""

    text: str  # the question, slips put right, abbreviations explained
    query: Vectors  # its vector, shape (dimension,)
    raw: Mapping[str, Vectors]


class Searcher:
    """Search over one programme. Holds no state between queries; safe to share between threads."""

    def __init__(
        self,
        passages: tuple[Passage, ...],
        rankers: Rankers,
        lexicon: Lexicon,
        encoder: QueryEncoder,
        calibration: Confidence,
        weights: Mapping[str, float] = WEIGHTS,
    ) -> None:
        if lexicon.count != len(passages):
            raise ValueError(
                f"{lexicon.count} passages in the lexicon, {len(passages)} in the index"
            )
        self._passages, self._rankers, self._lexicon = passages, rankers, lexicon
        self._encoder, self._calibration, self._weights = encoder, calibration, weights
        self._speller = Speller((p.text for p in passages), lexicon.words.terms, encoder.pieces)
        self._abbreviations = abbreviations.learn(p.text for p in passages if "(" in p.text)

    def search(self, query: str, limit: int = 3, encode: Encode | None = None) -> Ranking:
        """The `limit` best passages for `query`, and the probability that they answer it.

        `encode` takes the encoder's place where a question is put to several programmes. It gets
        the query as this programme spells it. Raises StoreError where the programme is kept
        elsewhere and can't be had.
        """
        signals = self.signals(query, encode)
        fused = fuse(signals, self._weights)
        order = np.argsort(-fused, kind="stable")  # equal scores stay in reading order
        keys = self._keys(signals, order[:limit])
        hits = tuple(
            Hit(number, float(fused[number]), key, float(signals.raw["passage"][number]))
            for number, key in keys.items()
        )
        features = self.features(signals, fused, order, keys)
        certainty = self._calibration.probability(features)
        if signals.raw["bank"][order[0]] >= SAME_QUESTION:  # NaN, where there is none, is not
            certainty = max(certainty, ATTACHED)
        return Ranking(hits, certainty)

    def signals(self, query: str, encode: Encode | None = None) -> Signals:
        """Every ranker's opinion of every passage."""
        query = abbreviations.expand(self._speller.correct(query), self._abbreviations)
        vector = encode(query) if encode else self._encoder.encode([query])[0]
        raw = dict(
            self._rankers.scores(
                vector, self._lexicon.query_words(query), self._lexicon.query_grams(query)
            )
        )
        raw["passage"] = np.float32(0.5) * (raw["passage"] + raw.pop("text"))
        return Signals(query, vector, raw)

    def _keys(self, signals: Signals, numbers: NDArray[np.int64]) -> dict[int, Span]:
        """The key sentence of each of these passages, in their order."""
        chosen = [int(number) for number in numbers]
        parts = self._rankers.key_sentences(signals.query, chosen)
        return {n: self._passages[n].sentences[p] for n, p in zip(chosen, parts, strict=True)}

    def features(
        self,
        signals: Signals,
        fused: Vectors,
        order: NDArray[np.int64],
        keys: Mapping[int, Span] | None = None,
    ) -> Features:
        """What the confidence is computed from; `keys`, where the key sentences are known."""
        best = int(order[0])
        raw = signals.raw
        covered, missing = self._lexicon.coverage(signals.text, best)
        key = (keys or self._keys(signals, order[:1]))[best]
        lexical = raw["words"] / (raw["words"].max() or 1.0) + raw["grams"] / (
            raw["grams"].max() or 1.0
        )
        fourth = float(fused[order[min(3, len(order) - 1)]])
        return Features(
            cosine=float(raw["passage"][best]),
            sentence=float(raw["sentence"].max()),
            stands_out=float(standardise(fused)[best]),
            margin=float(fused[best]) - fourth,
            spread=float(raw["passage"].max() - raw["passage"].mean()),
            coverage=covered,
            missing=missing,
            lexical_agrees=float(best in np.argsort(-lexical, kind="stable")[:3]),
            dense_agrees=float(best == int(raw["passage"].argmax())),
            gram=float(raw["grams"][best]),
            wording=self._calibration.wording(signals.query),
            **confidence.asked(signals.text, self._passages[best].text[key[0] : key[1]]),
        )


def fuse(signals: Signals, weights: Mapping[str, float]) -> Vectors:
    """One score for each passage, shape (passages,): the weighted sum of the signals' z-scores."""
    total = np.zeros_like(signals.raw["passage"])
    for name, weight in weights.items():
        if weight:
            total += weight * standardise(signals.raw[name])
    return total


def standardise(scores: Vectors) -> Vectors:
    """z-scores; passages without a score (NaN), and signals that say nothing, get 0, the mean."""
    unknown = np.isnan(scores)
    known = scores[~unknown]
    spread = known.std() if len(known) else 0.0
    if spread < 1e-9:
        return np.zeros_like(scores)
    standard: Vectors = ((scores - known.mean()) / spread).astype(np.float32)
    standard[unknown] = 0.0
    return standard
