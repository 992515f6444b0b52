"""Inner-product search over all vectors of a programme. The only importer of faiss.

Exact (`flat`) for every programme that somebody could write; above `FLAT_UP_TO` rows an inverted
file (`ivf`: Jégou et al. 2011, doi:10.1109/TPAMI.2010.57, vectors as they are) that looks into the
nearest of its lists only. A bundle's manifest says which it is. Decision 10 has the measurements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from mmap import mmap

import faiss
import numpy as np
from numpy.typing import NDArray

from index.errors import BundleError
from index.types import Vectors

FLAT, IVF = "flat", "ivf"
FLAT_UP_TO = 20_000  # rows
PROBED = 32  # lists looked into, of about 2 √rows
FOUND = 2000  # rows, the best ones of those lists
TRAINED = (64, 10)  # vectors for each list, rounds: to find the lists' centres


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
    """A FAISS index with the meaning of its rows."""

    def __init__(self, vectors: Vectors, rows: Rows) -> None:
        if len(vectors) != len(rows):
            raise ValueError(f"{len(vectors)} vectors for {len(rows)} rows")
        self.rows = rows
        self._content: NDArray[np.uint8] | None = None  # what the index reads, kept while it does
        self._index: faiss.Index = _flat(vectors) if len(rows) <= FLAT_UP_TO else _ivf(vectors)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._index.d)

    @property
    def kind(self) -> str:
        """`flat` or `ivf`."""
        return FLAT if isinstance(self._index, faiss.IndexFlatIP) else IVF

    def similarities(self, query: Vectors) -> Vectors:
        """Cosine of `query`, shape (dimension,), to every row, shape (rows,).

        `ivf` knows the best `FOUND` rows of the lists it looked into; to all others it gives the
        worst of these. So they rank below what was found, and what was found ranks as if exact.
        """
        faiss.omp_set_num_threads(1)  # this thread's: the other core is at another question
        if self.kind == FLAT:
            scores, ids = self._index.search(query[np.newaxis], len(self.rows))
            ordered = np.empty(len(self.rows), np.float32)
            ordered[ids[0]] = scores[0]
            return ordered
        scores, ids = self._index.search(query[np.newaxis], FOUND)
        found = ids[0] >= 0  # -1 where its lists hold fewer
        worst = scores[0][found].min(initial=1.0)
        ordered = np.full(len(self.rows), worst, np.float32)
        ordered[ids[0][found]] = scores[0][found]
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
    def from_bytes(cls, data: bytes | mmap, rows: Rows, kind: str = FLAT) -> VectorIndex:
        """The index that `to_bytes` wrote. A flat one reads `data` as it searches, and holds no
        copy.

        Raises BundleError where it is another kind of index, or data and rows don't belong
        together.
        """
        content = np.frombuffer(data, np.uint8)
        reader = faiss.ZeroCopyIOReader(faiss.swig_ptr(content), len(content))  # type: ignore[attr-defined]
        index = faiss.read_index(reader)
        if not isinstance(index, KINDS[kind]) or index.metric_type != faiss.METRIC_INNER_PRODUCT:
            # FAISS makes whatever the bytes say.
            raise BundleError("vectors.faiss", f"not a {kind} index", "ingest again")
        if index.ntotal != len(rows):
            raise BundleError(
                "vectors.faiss", f"{index.ntotal} vectors, {len(rows)} rows", "ingest again"
            )
        if kind == IVF:
            index.nprobe = PROBED  # type: ignore[attr-defined]
            index.make_direct_map()  # type: ignore[attr-defined]
        made = cls.__new__(cls)
        made.rows, made._index, made._content = rows, index, content
        return made


KINDS = {FLAT: faiss.IndexFlatIP, IVF: faiss.IndexIVFFlat}


def _flat(vectors: Vectors) -> faiss.IndexFlatIP:
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return index


def _ivf(vectors: Vectors) -> faiss.IndexIVFFlat:
    dimension = vectors.shape[1]
    lists = 2 * round(len(vectors) ** 0.5)
    centres = faiss.IndexFlatIP(dimension)
    index = faiss.IndexIVFFlat(centres, dimension, lists, faiss.METRIC_INNER_PRODUCT)
    index.cp.max_points_per_centroid, index.cp.niter = TRAINED
    index.train(vectors)
    index.add(vectors)
    index.nprobe = PROBED
    index.make_direct_map()  # so that a row's vector can be read again
    return index
