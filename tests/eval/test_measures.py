from __future__ import annotations

import pytest

from eval.measures import auc, calibration_error, hit_at, ndcg, reciprocal_rank, score


def test_ranks_count_from_one() -> None:
    """A right passage at the second place: reciprocal rank one half."""
    assert reciprocal_rank([4, 7, 1], {7}) == 0.5
    assert reciprocal_rank([4, 7, 1], {9}) == 0.0
    assert hit_at([4, 7, 1], {1}, 2) == 0.0
    assert hit_at([4, 7, 1], {1}, 3) == 1.0


def test_ndcg_is_one_for_the_ideal_ranking_only() -> None:
    """By hand: one right passage at rank 2 gains 1/log2(3)."""
    assert ndcg([1, 2, 3], {1, 2}) == pytest.approx(1.0)
    assert ndcg([3, 1], {1}) == pytest.approx(0.6309, abs=1e-4)


def test_auc_counts_pairs() -> None:
    """One of four pairs is the wrong way round."""
    assert auc([0.9, 0.4], [0.5, 0.1]) == 0.75
    assert auc([0.5], [0.5]) == 0.5


def test_calibration_error_is_zero_when_shares_are_as_said() -> None:
    """And the distance where they are not."""
    assert calibration_error([0.75] * 4, [True, True, True, False]) == pytest.approx(0.0)
    assert calibration_error([0.9] * 2, [False, False]) == pytest.approx(0.9)


def test_scores_are_means() -> None:
    """Over questions."""
    result = score([([1, 2], {1}), ([1, 2], {2})])
    assert (result.questions, result.hit1, result.hit3) == (2, 0.5, 1.0)
