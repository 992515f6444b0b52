"""Fit the confidence: which answers to trust, learnt on pseudo-programmes that are not Dortmund.

Prints a cross-validation over programmes (AUC, calibration error, shares at the thresholds) and
writes
confidence.json beside the encoder. eval/ is never looked at.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from eval.measures import auc, calibration_error
from index import confidence
from index.confidence import NAMES
from index.query_encoder import OnnxEncoder
from index.search import WEIGHTS, fuse
from training import pseudo
from training.data import rows
from training.pseudo import Pseudo, Record, Vectors

SIZE = 170  # passages of a pseudo-programme
SEED = 5
REGULARISATION = 0.3
WRONG_ANSWERS = 0.10  # share of the unanswerable questions that may be `answered`
LOST_ANSWERS = 0.01  # share of the answerable ones that may get `nothing`


@dataclass(frozen=True)
class Case:
    """A question put to a pseudo-programme."""

    features: list[float]
    answerable: bool
    found: bool  # a right passage among the first three
    programme: int
    kind: str


def cases(
    held_out: Sequence[Record],
    background: Sequence[Record],
    near_misses: Mapping[str, Sequence[str]],
    unanswerable: Sequence[Mapping[str, str]],
    encoder: Vectors,
) -> list[Case]:
    """Questions put to pseudo-programmes of background passages with a few held-out ones among
    them.

    Only held-out questions, which the encoder was never trained on, count as answerable; the near
    misses of the background and the unanswerable questions as not.
    """
    dice = random.Random(SEED)
    background = dice.sample(list(background), len(background))
    count = max(2, len(background) // SIZE)
    found: list[Case] = []
    for number in range(count):
        fresh, known = held_out[number::count], background[number::count]
        programme = pseudo.build([*fresh, *known], encoder)
        for record in fresh:
            for question in record["questions"]:
                found.append(
                    _case(
                        programme, question["text"], number, question["kind"], record["passage_id"]
                    )
                )
        for record in (*known, *fresh):
            for text in near_misses.get(record["passage_id"], ()):
                found.append(_case(programme, text, number, "near-miss"))
        for row in unanswerable[number::count]:
            found.append(_case(programme, row["text"], number, row["kind"]))
    return found


def _case(programme: Pseudo, query: str, number: int, kind: str, right: str | None = None) -> Case:
    searcher = programme.searcher
    signals = searcher.signals(query)
    fused = fuse(signals, WEIGHTS)
    order = np.argsort(-fused, kind="stable")
    features = searcher.features(query, signals, fused, order).values()
    hit = right is not None and programme.position[right] in order[:3]
    return Case(features, right is not None, hit, number, kind)


def fit(train: Sequence[Case]) -> tuple[float, np.ndarray]:
    """Intercept and weights of the logistic model; both classes count the same.

    An answerable question whose answer was not found is no example of either.
    """
    used = [c for c in train if c.found or not c.answerable]
    features = np.array([c.features for c in used])
    truth = np.array([c.answerable for c in used])
    scaler = StandardScaler().fit(features)
    model = LogisticRegression(C=REGULARISATION, class_weight="balanced", max_iter=2000)
    model.fit(scaler.transform(features), truth)
    weights = model.coef_[0] / scaler.scale_
    return float(model.intercept_[0] - (weights * scaler.mean_).sum()), weights


def probabilities(test: Sequence[Case], intercept: float, weights: np.ndarray) -> np.ndarray:
    """What the model says of each case."""
    return 1 / (1 + np.exp(-(intercept + np.array([c.features for c in test]) @ weights)))


def thresholds(values: np.ndarray, test: Sequence[Case]) -> tuple[float, float]:
    """From where to say `answered`, and below what `nothing`."""
    answerable = np.array([c.answerable for c in test])
    return (
        float(np.quantile(values[~answerable], 1 - WRONG_ANSWERS)),
        float(np.quantile(values[answerable], LOST_ANSWERS)),
    )


def cross_validate(everything: Sequence[Case]) -> np.ndarray:
    """Print what the model says of programmes it was not fitted on; returns those probabilities."""
    values = np.zeros(len(everything))
    for programme in sorted({c.programme for c in everything}):
        held = [n for n, c in enumerate(everything) if c.programme == programme]
        model = fit([c for c in everything if c.programme != programme])
        values[held] = probabilities([everything[n] for n in held], *model)
    truth = [c.answerable for c in everything]
    yes, no = values[truth].tolist(), values[np.logical_not(truth)].tolist()
    print(f"{len(yes)} answerable, {len(no)} not; AUC {auc(yes[:4000], no[:4000]):.3f}, "
          f"ECE {calibration_error(values.tolist(), truth):.3f}")  # fmt: skip
    high, low = thresholds(values, everything)
    for kind in sorted({c.kind for c in everything}):
        of_kind = values[[c.kind == kind for c in everything]]
        print(
            f"  {kind:<12}{len(of_kind):>6}  answered {np.mean(of_kind >= high):.2f}"
            f"  nothing {np.mean(of_kind < low):.2f}"
        )
    return values


def main() -> None:
    """Fit on the questions kept out of training and write the result beside the encoder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("encoder", type=Path)
    parser.add_argument("--held-out", type=Path, nargs="+", required=True, help="records with text")
    parser.add_argument("--background", type=Path, required=True, help="records with text")
    parser.add_argument("--near-misses", type=Path, required=True)
    parser.add_argument("--unanswerable", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    near = {row["passage_id"]: row["questions"] for row in rows(options.near_misses)}
    everything = cases(
        [row for path in options.held_out for row in rows(path)],
        list(rows(options.background)),
        near,
        [row for path in options.unanswerable for row in rows(path)],
        Vectors(OnnxEncoder(options.encoder, 2)),
    )
    values = cross_validate(everything)
    high, low = thresholds(values, everything)
    intercept, weights = fit(everything)
    for name, weight in zip(NAMES, weights, strict=True):
        print(f"  {name:<16}{weight:>9.3f}")
    table = {"intercept": intercept, "weights": dict(zip(NAMES, weights.tolist(), strict=True)),
             "answered": high, "related": low}  # fmt: skip
    (options.encoder / confidence.FILE).write_text(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()
