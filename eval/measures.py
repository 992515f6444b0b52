"""The measures of ranked retrieval, over binary relevance."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass


def reciprocal_rank(ranked: Sequence[int], right: Collection[int], depth: int = 10) -> float:
    """1 / rank of the first right passage among the first `depth`, else 0."""
    return next((1 / rank for rank, p in enumerate(ranked[:depth], 1) if p in right), 0.0)


def hit_at(ranked: Sequence[int], right: Collection[int], depth: int) -> float:
    """1 where a right passage is among the first `depth`, else 0."""
    return float(any(p in right for p in ranked[:depth]))


def ndcg(ranked: Sequence[int], right: Collection[int], depth: int = 10) -> float:
    """Normalised discounted cumulative gain (Järvelin and Kekäläinen 2002,
    doi:10.1145/582415.582418).
    """
    gained = sum(1 / math.log2(rank + 1) for rank, p in enumerate(ranked[:depth], 1) if p in right)
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(len(right), depth) + 1))
    return gained / ideal if ideal else 0.0


def auc(positives: Sequence[float], negatives: Sequence[float]) -> float:
    """Area under the ROC curve: how often a positive scores above a negative; ties count half."""
    if not positives or not negatives:
        return math.nan
    wins = sum((p > n) + 0.5 * (p == n) for p in positives for n in negatives)
    return wins / (len(positives) * len(negatives))


def calibration_error(
    probabilities: Sequence[float], truths: Sequence[bool], bins: int = 10
) -> float:
    """Expected calibration error over equally wide bins (Guo et al. 2017, arXiv:1706.04599)."""
    total = 0.0
    for low in range(bins):
        inside = [
            (p, t)
            for p, t in zip(probabilities, truths, strict=True)
            if low / bins <= p < (low + 1) / bins or (low == bins - 1 and p == 1.0)
        ]
        if inside:
            mean = sum(p for p, _ in inside) / len(inside)
            share = sum(t for _, t in inside) / len(inside)
            total += len(inside) * abs(mean - share)
    return total / max(1, len(probabilities))


@dataclass(frozen=True)
class Scores:
    """Means over a set of questions."""

    questions: int
    hit1: float
    hit3: float
    hit5: float
    mrr10: float
    ndcg10: float


def score(rankings: Sequence[tuple[Sequence[int], Collection[int]]]) -> Scores:
    """The mean of every measure over (ranked passages, right passages)."""

    def mean(values: Sequence[float]) -> float:
        return sum(values) / len(values) if values else math.nan

    hit1, hit3, hit5 = (
        mean([hit_at(ranked, right, depth) for ranked, right in rankings]) for depth in (1, 3, 5)
    )
    return Scores(
        len(rankings),
        hit1,
        hit3,
        hit5,
        mean([reciprocal_rank(ranked, right) for ranked, right in rankings]),
        mean([ndcg(ranked, right) for ranked, right in rankings]),
    )
