"""Programmes put together from the training passages, to measure on what is not Dortmund's.

The passages of one source, or of a random few, make an index as a real programme would; the
questions written for them are its answerable ones, the near misses and the unanswerable ones its
others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from index import lexicon
from index.confidence import UNCALIBRATED, Confidence
from index.query_encoder import OnnxEncoder
from index.rankers import Embedded
from index.search import Searcher
from index.sentences import split
from index.types import Passage, Piece
from index.vectors import Kind, Rows, VectorIndex

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Pseudo:
    """A searchable pseudo-programme; `position` maps passage ids to positions."""

    searcher: Searcher
    position: Mapping[str, int]


class Vectors:
    """An encoder that remembers every text it has seen."""

    def __init__(self, encoder: OnnxEncoder) -> None:
        self._encoder = encoder
        self._known: dict[str, np.ndarray] = {}

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """As the encoder's, each text only once."""
        for text in dict.fromkeys(texts):
            if text not in self._known:
                self._known[text] = self._encoder.encode([text])[0]
        return np.stack([self._known[text] for text in texts])

    def pieces(self, word: str) -> int:
        """As the encoder's."""
        return self._encoder.pieces(word)


def build(
    records: Sequence[Record], encoder: Vectors, calibration: Confidence = UNCALIBRATED
) -> Pseudo:
    """Index `records` (passage_id, heading, text) as one programme."""
    headings = list(dict.fromkeys(r["heading"] for r in records))
    passages = [_passage(r, headings.index(r["heading"])) for r in records]
    entries: list[tuple[str, Kind, int, int]] = []
    for number, (record, passage) in enumerate(zip(records, passages, strict=True)):
        headed = f"{record['heading']}. {passage.text}" if record["heading"] else passage.text
        entries.append((headed, Kind.PASSAGE, number, 0))
        entries.append((passage.text, Kind.TEXT, number, 0))
        entries += [
            (passage.text[a:b], Kind.SENTENCE, number, n)
            for n, (a, b) in enumerate(passage.sentences)
        ]
    entries += [
        (heading or " ", Kind.HEADING, number, 0) for number, heading in enumerate(headings)
    ]
    rows = Rows(
        np.array([e[1] for e in entries], np.int8),
        np.array([e[2] for e in entries], np.int32),
        np.array([e[3] for e in entries], np.int16),
        np.array([hashlib.sha256(e[0].encode()).hexdigest()[:8].encode() for e in entries]),
    )
    vectors = VectorIndex(encoder.encode([e[0] for e in entries]), rows)
    words = lexicon.build([p.text for p in passages], [r["heading"] for r in records])
    rankers = Embedded(vectors, words, [p.section for p in passages])
    searcher = Searcher(tuple(passages), rankers, words, encoder, calibration)
    return Pseudo(searcher, {r["passage_id"]: n for n, r in enumerate(records)})


def _passage(record: Record, section: int) -> Passage:
    text = record["text"]
    return Passage(
        record["passage_id"], section, text, tuple(split(text)), (Piece(0, 0, len(text)),)
    )
