"""Exact inner-product search over all vectors of a programme. The only importer of faiss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import faiss
import numpy as np
from numpy.typing import NDArray

from index.errors import BundleError
from index.types import Vectors


class Kind(IntEnum):
    """What a vector was made of."""

    PASSAGE = 0  # heading and text
    TEXT = 1  # the text alone
    SENTENCE = 2
    HEADING = 3
    BANK = 4  # an example question of the editorial question bank


@dataclass(frozen=True)
class Rows:
    """What each vector stands for: its kind, the passage it speaks for, and a hash of its text.

    A heading's owner is the position of its section; a sentence's `part` is its number in the
    passage.
    """

    kind: NDArray[np.int8]
    owner: NDArray[np.int32]
    part: NDArray[np.int16]
    digest: NDArray[np.bytes_]

    def __len__(self) -> int:
        return len(self.kind)


class VectorIndex:
    """A flat FAISS index with the meaning of its rows."""

    def __init__(self, vectors: Vectors, rows: Rows) -> None:
        if len(vectors) != len(rows):
            raise ValueError(f"{len(vectors)} vectors for {len(rows)} rows")
        self.rows = rows
        self._index: faiss.Index = faiss.IndexFlatIP(vectors.shape[1])
        self._index.add(vectors)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._index.d)

    def similarities(self, query: Vectors) -> Vectors:
        """Cosine of `query`, shape (dimension,), to every row, shape (rows,)."""
        scores, ids = self._index.search(query[np.newaxis], len(self.rows))
        ordered = np.empty(len(self.rows), np.float32)
        ordered[ids[0]] = scores[0]
        return ordered

    def vectors(self) -> Vectors:
        """All vectors, shape (rows, dimension)."""
        return np.asarray(self._index.reconstruct_n(0, len(self.rows)), np.float32)

    def at(self, rows: Sequence[int]) -> Vectors:
        """The vectors of these rows, shape (len(rows), dimension)."""
        return np.asarray(self._index.reconstruct_batch(np.array(rows, np.int64)), np.float32)

    def to_bytes(self) -> bytes:
        """The FAISS index in its own file format."""
        return bytes(faiss.serialize_index(self._index).tobytes())

    @classmethod
    def from_bytes(cls, data: bytes, rows: Rows) -> VectorIndex:
        """The index that `to_bytes` wrote.

        Raises BundleError where it is another kind of index, or data and rows don't belong
        together.
        """
        index = faiss.deserialize_index(np.frombuffer(data, np.uint8))
        if not isinstance(index, faiss.IndexFlatIP):  # FAISS makes whatever the bytes say
            raise BundleError("vectors.faiss", "not a flat index", "ingest again")
        if index.ntotal != len(rows):
            raise BundleError(
                "vectors.faiss", f"{index.ntotal} vectors, {len(rows)} rows", "ingest again"
            )
        made = cls.__new__(cls)
        made.rows, made._index = rows, index
        return made
