from __future__ import annotations

import numpy as np
import pytest

from index import vectors as searching
from index.errors import BundleError
from index.vectors import Rows, VectorIndex

RNG = np.random.default_rng(4)


def made(count: int) -> tuple[np.ndarray, Rows]:
    vectors = RNG.standard_normal((count, 8)).astype(np.float32)
    zeros = np.zeros(count)
    return vectors, Rows(
        zeros.astype(np.int8),
        zeros.astype(np.int32),
        zeros.astype(np.int16),
        np.array([b"x"] * count),
    )


def test_similarities_are_inner_products_in_row_order() -> None:
    """Exact, whatever order faiss finds them in."""
    vectors, rows = made(50)
    query = RNG.standard_normal(8).astype(np.float32)
    assert np.allclose(VectorIndex(vectors, rows).similarities(query), vectors @ query, atol=1e-5)


def test_written_and_read_it_is_the_same() -> None:
    """Bytes out, bytes in."""
    vectors, rows = made(20)
    again = VectorIndex.from_bytes(VectorIndex(vectors, rows).to_bytes(), rows)
    assert np.array_equal(again.vectors(), vectors)


def test_vectors_and_rows_must_agree() -> None:
    """When made and when read."""
    vectors, rows = made(5)
    with pytest.raises(ValueError, match="4 vectors for 5 rows"):
        VectorIndex(vectors[:4], rows)
    with pytest.raises(BundleError):
        VectorIndex.from_bytes(VectorIndex(vectors, rows).to_bytes(), made(4)[1])


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> tuple[np.ndarray, Rows]:
    """As many as make an index that does not look everywhere; unit vectors."""
    monkeypatch.setattr(searching, "FLAT_UP_TO", 5000)
    monkeypatch.setattr(searching, "FOUND", 50)
    vectors, rows = made(6000)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), rows


def test_above_a_size_the_best_are_found_and_the_others_count_as_the_worst_of_them(
    many: tuple[np.ndarray, Rows],
) -> None:
    """What was found has its exact cosine; nothing else can rank above it."""
    vectors, rows = many
    index = VectorIndex(vectors, rows)
    assert index.kind == "ivf"
    for query in vectors[:20]:
        exact, known = vectors @ query, index.similarities(query)
        found = known > known.min()
        assert found.sum() == 49  # the fiftieth is the worst
        assert np.allclose(known[found], exact[found], atol=1e-5)
        best = np.argsort(-exact)[:10]
        assert found[best].mean() >= 0.9


def test_such_an_index_is_the_same_when_read_again(many: tuple[np.ndarray, Rows]) -> None:
    """And is refused where the manifest says otherwise, as is a flat one."""
    vectors, rows = many
    index = VectorIndex(vectors, rows)
    again = VectorIndex.from_bytes(index.to_bytes(), rows, "ivf")
    assert np.array_equal(again.vectors(), vectors)
    assert np.array_equal(again.similarities(vectors[3]), index.similarities(vectors[3]))
    with pytest.raises(BundleError, match="not a flat index"):
        VectorIndex.from_bytes(index.to_bytes(), rows)
    small, few = made(10)
    with pytest.raises(BundleError, match="not a ivf index"):
        VectorIndex.from_bytes(VectorIndex(small, few).to_bytes(), few, "ivf")
