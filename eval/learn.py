"""The fusion weights, learnt: a listwise softmax over the signals' z-scores (Cao et al. 2007,
ListNet, doi:10.1145/1273496.1273513). Six numbers, none negative, so that a reader understands
them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from eval.measures import score
from index.search import WEIGHTS, Signals, standardise

FOLDS, STEPS, RATE, SEED = 5, 400, 0.1, 7
Sample = tuple[
    NDArray[np.float64], Collection[int]
]  # z-scores, shape (signals, passages); right ones


def cross_validate(asked: Sequence[tuple[Signals, Collection[int]]]) -> None:
    """Print, fold by fold, the weights learnt on the rest and what they give on the fold."""
    names = [name for name in WEIGHTS if np.isfinite(asked[0][0].raw[name]).any()]
    samples = [
        (np.stack([standardise(s.raw[n]) for n in names]).astype(np.float64), r) for s, r in asked
    ]
    order = np.random.default_rng(SEED).permutation(len(samples))
    print("\nweights learnt, fold by fold (relative to the passage's own)")
    shipped = np.array([WEIGHTS[name] for name in names])
    for fold in range(FOLDS):
        held = set(order[fold::FOLDS].tolist())
        learnt = fit([s for n, s in enumerate(samples) if n not in held])
        kept = [s for n, s in enumerate(samples) if n in held]
        print(
            f"  fold {fold + 1}: {_show(names, learnt)}  {_rates(kept, learnt)} "
            f"(shipped {_rates(kept, shipped)})"
        )
    everything = fit(samples)
    print(
        f"  all:    {_show(names, everything)}  {_rates(samples, everything)} "
        f"(shipped {_rates(samples, shipped)})"
    )


def fit(samples: Sequence[Sample]) -> NDArray[np.float64]:
    """Weights that maximise the probability of the right passages; projected gradient ascent."""
    weights = np.ones(len(samples[0][0])) * 0.5
    for _ in range(STEPS):
        gradient = np.zeros_like(weights)
        for signals, right in samples:
            scores = weights @ signals
            likely = np.exp(scores - scores.max())
            likely /= likely.sum()
            chosen = np.zeros_like(likely)
            chosen[list(right)] = likely[list(right)]
            gradient += signals @ (chosen / max(chosen.sum(), 1e-12) - likely)
        weights = np.maximum(0.0, weights + RATE * gradient / len(samples))
    return weights


def _show(names: Sequence[str], weights: NDArray[np.float64]) -> str:
    scale = weights[0] or 1.0
    return " ".join(
        f"{name} {weight / scale:.2f}" for name, weight in zip(names, weights, strict=True)
    )


def _rates(samples: Sequence[Sample], weights: NDArray[np.float64]) -> str:
    result = score(
        [(np.argsort(-(weights @ s), kind="stable")[:10].tolist(), r) for s, r in samples]
    )
    return f"hit@1 {result.hit1:.3f} hit@3 {result.hit3:.3f}"
