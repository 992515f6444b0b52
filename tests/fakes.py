"""Fakes for what is heavy: an encoder that needs no model."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from index import german
from index.types import Vectors

DIMENSION = 64


class WordEncoder:
    """Each word has a fixed random direction; a text is the sum of its words. Deterministic."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        return np.stack([self._one(text) for text in texts])

    def pieces(self, word: str) -> int:
        return 1

    def _one(self, text: str) -> Vectors:
        total = np.full(DIMENSION, 1e-3, np.float32)
        for word in german.words(text):
            seed = int.from_bytes(hashlib.sha256(german.stem(word).encode()).digest()[:4], "big")
            total += np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32)
        return total / np.linalg.norm(total)
