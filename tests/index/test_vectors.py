from __future__ import annotations

import numpy as np
import pytest

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
