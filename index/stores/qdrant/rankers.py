"""One programme's scores, computed by Qdrant: every vector and term of one edition, exactly.

A query without the edition's filter can't be written here: there is one function that asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from qdrant_client import grpc as q

from index.errors import StoreError
from index.lexicon import Terms
from index.rankers import SPARSE
from index.stores.qdrant import points
from index.stores.qdrant.connection import Connection
from index.stores.qdrant.points import Edition
from index.types import Vectors
from index.vectors import Rows

EXACT = q.SearchParams(exact=True)
NOTHING = q.WithPayloadSelector(enable=False)
ALL_REPLICAS = q.ReadConsistency(type=q.ReadConsistencyType.All)
AT_ONCE = 64  # points whose vectors are read in one call


class QdrantRankers:
    """See `index.rankers.Rankers`. How many points must answer is known, so that an answer with
    fewer, of a replica that lags behind, is never taken for the whole.
    """

    def __init__(
        self,
        connection: Connection,
        collection: str,
        edition: Edition,
        rows: Rows,
        sections: Sequence[int],
    ) -> None:
        self._connection, self._collection, self._edition = connection, collection, edition
        self._rows, self._layout = rows, points.layout(rows, sections)
        self._count = len(sections)
        self._expected = {name: sum(map(bool, of)) for name, of in self._layout.items()}

    def scores(self, query: Vectors, words: Terms, grams: Terms) -> Mapping[str, Vectors]:
        """See `Rankers`."""
        asked = points.queries(query, words, grams)
        results = self._ask(asked)
        if not self._whole(results):
            results = self._ask(asked, ALL_REPLICAS)
        if not self._whole(results):
            raise self._gone()
        scores = {name: self._spread(numbers, of) for name, (numbers, of) in results.items()}
        zeros = np.zeros(self._count, np.float32)
        return scores | {name: np.nan_to_num(scores.get(name, zeros)) for name in SPARSE}

    def key_sentences(self, query: Vectors, passages: Sequence[int]) -> list[int]:
        """See `Rankers`."""
        found = self._vectors(passages, ["sentence"])
        parts = self._rows.part
        return [
            int(parts[self._layout["sentence"][n][int((found[n]["sentence"] @ query).argmax())]])
            for n in passages
        ]

    def vectors(self) -> Vectors:
        """See `Rankers`; zeros for a heading without passages, since nothing asks for it."""
        found: Vectors | None = None
        for at in range(0, self._count, AT_ONCE):
            numbers = range(at, min(at + AT_ONCE, self._count))
            for number, named in self._vectors(numbers, list(self._layout)).items():
                for name, made in named.items():
                    if found is None:
                        found = np.zeros((len(self._rows), made.shape[1]), np.float32)
                    found[self._layout[name][number]] = made
        return np.zeros((0, 0), np.float32) if found is None else found

    def _ask(
        self, queries: Mapping[str, q.Query], consistency: q.ReadConsistency | None = None
    ) -> dict[str, tuple[NDArray[np.int64], Vectors]]:
        """For each query the numbers of the passages found, and their scores."""
        request = q.QueryBatchPoints(
            collection_name=self._collection,
            query_points=[
                q.QueryPoints(
                    collection_name=self._collection, query=query, using=name,
                    filter=self._edition.filter(), params=EXACT, limit=max(1, self._count),
                    with_payload=NOTHING,
                )
                for name, query in queries.items()
            ],
            read_consistency=consistency,
        )  # fmt: skip
        answers = self._connection.call(self._connection.points.QueryBatch, request).result
        return {name: self._read(a) for name, a in zip(queries, answers, strict=True)}

    def _read(self, answer: q.BatchResult) -> tuple[NDArray[np.int64], Vectors]:
        found, size = answer.result, len(answer.result)
        ids = np.fromiter((point.id.num for point in found), np.uint64, size)
        numbers = (ids - np.uint64(self._edition.base)).astype(np.int64)
        if size and not (numbers.min() >= 0 and numbers.max() < self._count):
            raise self._gone()  # another edition's: never shown, whatever let it through
        return numbers, np.fromiter((point.score for point in found), np.float32, size)

    def _whole(self, results: Mapping[str, tuple[NDArray[np.int64], Vectors]]) -> bool:
        return all(len(results[name][0]) == size for name, size in self._expected.items())

    def _spread(self, numbers: NDArray[np.int64], scores: Vectors) -> Vectors:
        spread = np.full(self._count, np.nan, np.float32)
        spread[numbers] = scores
        return spread

    def _vectors(
        self, numbers: Sequence[int], names: Sequence[str]
    ) -> dict[int, dict[str, Vectors]]:
        """Vectors of these passages by kind."""
        request = q.GetPoints(
            collection_name=self._collection, ids=self._edition.ids(numbers), with_payload=NOTHING,
            with_vectors=q.WithVectorsSelector(include=q.VectorsSelector(names=names)),
        )  # fmt: skip
        found = self._connection.call(self._connection.points.Get, request).result
        made = {
            point.id.num - self._edition.base: {
                name: points.vectors_of(point, name)
                for name in names
                if name in point.vectors.vectors.vectors
            }
            for point in found
        }
        for number in numbers:
            sizes = {name: len(made.get(number, {}).get(name, ())) for name in names}
            if any(sizes[name] != len(self._layout[name][number]) for name in names):
                raise self._gone()
        return made

    def _gone(self) -> StoreError:
        return StoreError(
            f"{self._connection.address} {self._edition.name}",
            "not whole in Qdrant",
            "a newer version may have taken its place; else run ingest.py for it again",
        )
