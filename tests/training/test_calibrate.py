"""The mean of two fits."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.special import logit

from index.confidence import NAMES, Confidence, Features
from training.calibrate import mean


def test_the_mean_says_the_mean() -> None:
    """In logits, for any question; each fit has a direction of its own for the wording."""
    dice = np.random.default_rng(5)
    fits = [
        Confidence(
            float(dice.normal()), dict(zip(NAMES, dice.normal(size=len(NAMES)), strict=True)),
            0.7, 0.2, dice.normal(size=8).tolist(), float(dice.normal()),
        )
        for _ in range(2)
    ]  # fmt: skip
    both, query = mean(*fits), dice.normal(size=8)
    features = Features(*dice.uniform(size=len(NAMES)))

    def said(fit: Confidence) -> float:
        worded = dataclasses.replace(features, wording=fit.wording(query))
        return float(logit(fit.probability(worded)))

    assert said(both) == pytest.approx(np.mean([said(fit) for fit in fits]))
    assert (both.answered, both.related) == (0.7, 0.2)
