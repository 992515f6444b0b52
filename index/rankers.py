"""What each ranker says of every passage of one programme; and the rankers kept in memory.

`index.search` fuses it. Where passages and vectors are kept elsewhere (`index.stores`), that place
computes the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from index.lexicon import Lexicon, Terms
from index.types import Vectors
from index.vectors import Kind, VectorIndex

DENSE = {  # the rankers by vectors, and what a passage's vectors of that kind are made of
    "passage": Kind.PASSAGE,
    "text": Kind.TEXT,
    "sentence": Kind.SENTENCE,
    "heading": Kind.HEADING,
    "bank": Kind.BANK,
}
SPARSE = ("words", "grams")


class Rankers(Protocol):
    """All scores of one programme's passages. Safe to share between threads."""

    def scores(self, query: Vectors, words: Terms, grams: Terms) -> Mapping[str, Vectors]:
        """By the names in DENSE and SPARSE, each of shape (passages,): the best cosine of a
        passage's vectors of that kind to `query`, shape (dimension,), NaN where it has none; and
        the sums of its weights for the terms.

        Raises StoreError where they are kept elsewhere and can't be had.
        """
        ...

    def key_sentences(self, query: Vectors, passages: Sequence[int]) -> list[int]:
        """The number of each passage's sentence that is nearest to `query`."""
        ...

    def vectors(self) -> Vectors:
        """Every vector, shape (rows, dimension), in the order of the programme's `Rows`."""
        ...


class Embedded:
    """Rankers over a FAISS index and an inverted index in this process."""

    def __init__(self, vectors: VectorIndex, lexicon: Lexicon, sections: Sequence[int]) -> None:
        """`sections`: of each passage, the position of its section, which owns its heading."""
        self._vectors, self._lexicon = vectors, lexicon
        self._sections = np.array(sections, np.int64)
        kinds = vectors.rows.kind
        self._rows = {kind: np.flatnonzero(kinds == kind) for kind in Kind}
        self._sentences = self._by_passage(Kind.SENTENCE)

    def scores(self, query: Vectors, words: Terms, grams: Terms) -> Mapping[str, Vectors]:
        """See `Rankers`."""
        cosines = self._vectors.similarities(query)
        found = {name: self._best(cosines, kind) for name, kind in DENSE.items()}
        return found | {
            "words": self._lexicon.words.scores(words, self._lexicon.count),
            "grams": self._lexicon.grams.scores(grams, self._lexicon.count),
        }

    def key_sentences(self, query: Vectors, passages: Sequence[int]) -> list[int]:
        """See `Rankers`."""
        return [self._key_sentence(query, self._sentences[number]) for number in passages]

    def vectors(self) -> Vectors:
        """See `Rankers`."""
        return self._vectors.vectors()

    def _best(self, cosines: Vectors, kind: Kind) -> Vectors:
        rows, heads = self._rows[kind], kind == Kind.HEADING
        owners = self._vectors.rows.owner[rows]
        size = int(self._sections.max()) + 1 if heads else len(self._sections)
        best = np.full(size, -np.inf, np.float32)
        np.maximum.at(best, owners, cosines[rows])
        best[np.isinf(best)] = np.nan
        of_passages: Vectors = best[self._sections] if heads else best
        return of_passages

    def _key_sentence(self, query: Vectors, rows: Sequence[int]) -> int:
        best = int((self._vectors.at(rows) @ query).argmax())
        return int(self._vectors.rows.part[rows[best]])

    def _by_passage(self, kind: Kind) -> list[list[int]]:
        found: list[list[int]] = [[] for _ in self._sections]
        for row in self._rows[kind]:
            found[int(self._vectors.rows.owner[row])].append(int(row))
        return found
