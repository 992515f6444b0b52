"""A bundle's vectors and terms ⇄ Qdrant's points, a point a passage."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from qdrant_client import grpc as q

from index.bundle import Bundle
from index.lexicon import Postings, Terms
from index.rankers import DENSE, SPARSE
from index.types import Vectors
from index.vectors import Kind, Rows

NUMBER_BITS = 20  # of a point's id: the passage; the other 44 are the edition's
EDITION, SLUG = "edition", "slug"
SINGLE = ("passage", "text", "heading")  # a vector for each passage; the others have several

Row = int
Layout = Mapping[str, list[list[Row]]]  # kind of vector → for each passage, its rows


@dataclass(frozen=True)
class Edition:
    """One version of one programme: what a reader asks, and never sees beyond."""

    slug: str
    version: str

    @property
    def name(self) -> str:
        """As it stands in every point, and in the filter of every query."""
        return f"{self.slug}/{self.version}"

    @property
    def base(self) -> int:
        """Id of its first point."""
        digest = hashlib.sha256(self.name.encode()).digest()
        return int.from_bytes(digest[:8], "big") >> NUMBER_BITS << NUMBER_BITS

    def ids(self, numbers: Iterable[int]) -> list[q.PointId]:
        """The points of these passages."""
        return [q.PointId(num=self.base + number) for number in numbers]

    def filter(self) -> q.Filter:
        """Its points and no others."""
        return equal(EDITION, self.name)


def equal(field: str, value: str) -> q.Filter:
    """Points whose field is, or holds, this value."""
    match = q.FieldCondition(key=field, match=q.Match(keyword=value))
    return q.Filter(must=[q.Condition(field=match)])


def layout(rows: Rows, sections: Sequence[int]) -> Layout:
    """Which rows make up each passage's point; `sections`: of each passage, its section."""
    found = {name: _by_owner(rows, kind, len(sections)) for name, kind in DENSE.items()}
    heads = _by_owner(rows, Kind.HEADING, max(sections, default=0) + 1)
    return found | {"heading": [heads[section] for section in sections]}


def _by_owner(rows: Rows, kind: Kind, size: int) -> list[list[Row]]:
    found: list[list[Row]] = [[] for _ in range(size)]
    for row in np.flatnonzero(rows.kind == kind):
        owner = int(rows.owner[row])
        if owner < size:  # a heading without passages below it
            found[owner].append(int(row))
    return found


def points(bundle: Bundle) -> Iterator[q.PointStruct]:
    """All points of a bundle, in the order of its passages."""
    edition = Edition(bundle.manifest.slug, bundle.manifest.version)
    payload = {
        SLUG: q.Value(string_value=edition.slug),
        EDITION: q.Value(string_value=edition.name),
    }
    vectors, count = bundle.rankers.vectors(), len(bundle.passages)
    placed = layout(bundle.rows, [passage.section for passage in bundle.passages])
    terms = {
        "words": _by_passage(bundle.lexicon.words, count),
        "grams": _by_passage(bundle.lexicon.grams, count),
    }
    for number, point in enumerate(edition.ids(range(count))):
        named = {
            name: _dense(vectors[of[number]], name) for name, of in placed.items() if of[number]
        }
        named |= {name: q.Vector(sparse=sparse(*of[number])) for name, of in terms.items()}
        yield q.PointStruct(
            id=point, payload=payload, vectors=q.Vectors(vectors=q.NamedVectors(vectors=named))
        )


def _dense(vectors: Vectors, name: str) -> q.Vector:
    plain = vectors.tolist()  # many times faster than number by number
    if name in SINGLE:
        return q.Vector(dense=q.DenseVector(data=plain[0]))
    several = [q.DenseVector(data=vector) for vector in plain]
    return q.Vector(multi_dense=q.MultiDenseVector(vectors=several))


def sparse(terms: Iterable[int], weights: Iterable[float]) -> q.SparseVector:
    """Terms by number, with their weights."""
    return q.SparseVector(indices=terms, values=weights)


def _by_passage(postings: Postings, count: int) -> list[tuple[list[int], list[float]]]:
    """The inverted index turned: each passage's terms and weights."""
    terms = np.repeat(np.arange(len(postings.terms)), np.diff(postings.starts))
    order = np.argsort(postings.passages, kind="stable")
    bounds = np.searchsorted(postings.passages[order], np.arange(count + 1))
    return [
        (terms[order[a:b]].tolist(), postings.weights[order[a:b]].tolist())
        for a, b in zip(bounds[:-1], bounds[1:], strict=True)
    ]


def queries(query: Vectors, words: Terms, grams: Terms) -> dict[str, q.Query]:
    """What to ask, by the name of the vector; not asked are terms where there are none."""
    dense = q.Query(nearest=q.VectorInput(dense=q.DenseVector(data=query)))
    found = dict.fromkeys(DENSE, dense)
    for name, terms in zip(SPARSE, (words, grams), strict=True):
        if terms:
            weighted = q.VectorInput(sparse=sparse(terms.keys(), terms.values()))
            found[name] = q.Query(nearest=weighted)
    return found


def vectors_of(point: q.RetrievedPoint, name: str) -> Vectors:
    """A point's vectors of a kind that it has, shape (vectors, dimension)."""
    vector = point.vectors.vectors.vectors[name]
    if vector.data:  # all in one row, as servers up to 1.16 say it
        return np.array(vector.data, np.float32).reshape(vector.vectors_count or 1, -1)
    several = [vector.dense] if name in SINGLE else vector.multi_dense.vectors
    return np.array([each.data for each in several], np.float32)


def text(value: q.Value) -> str:
    """A payload's string."""
    return str(value.string_value)


def strings(values: Iterable[str]) -> q.Value:
    """A payload's list of strings."""
    return q.Value(list_value=q.ListValue(values=[q.Value(string_value=v) for v in values]))
