"""Fit the confidence: which answers to trust, learnt on pseudo-programmes that are not Dortmund.

Two linear models, one after the other. The first looks at the question's vector alone: is it the
kind of question that programmes answer? The second adds how well the best passage fits. Prints a
cross-validation over programmes and writes confidence.json beside the encoder. eval/ is never
looked at.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from eval.measures import auc, calibration_error
from index import confidence
from index.confidence import NAMES, Confidence
from index.query_encoder import OnnxEncoder
from index.search import WEIGHTS, fuse
from training import pseudo
from training.data import rows
from training.pseudo import Pseudo, Record, Vectors

SIZE = 170  # passages of a pseudo-programme
SEED = 5
C_WORDING, PENALTY = 0.1, 0.002
PRIOR = 0.8  # share of all questions that a programme answers; the fit itself sees as many of each
# Shares that may be `answered` of questions that no programme answers, and of near misses: the
# encoder was trained on most of their passages, which attract them more than others would.
WRONG_ANSWERS, NEAR_ANSWERS = 0.10, 0.40
LOST_ANSWERS = 0.015  # share of the answerable ones that may get `nothing`
ELSEWHERE = ("national",)  # kinds that no town's programme answers; these are states'
NOISE = ("chitchat", "gibberish", "insult", "injection")  # kinds that are no questions
USED_WORDS = ("plain", "keyword", "detail", "typo")  # kinds that share words with their passage
FOR, AGAINST = (0.0, None), (None, 0.0)
# Each weight may only have the sign that its feature has by nature: near misses share more words
# with the programme than people's own questions do, and a free fit would learn that common words
# speak against an answer.
SIGNS = {
    **dict.fromkeys(
        (
            "cosine", "sentence", "stands_out", "margin", "spread", "coverage", "lexical_agrees",
            "dense_agrees", "gram", "number_given", "wording",
        ),
        FOR,
    ),
    **dict.fromkeys(("missing", "asks_time", "asks_person", "asks_place", "asks_number"), AGAINST),
}  # fmt: skip
WORDING = NAMES.index("wording")


@dataclass(frozen=True)
class Case:
    """A question put to a pseudo-programme. `group` is held, trained, near, other or noise."""

    features: list[float]
    vector: np.ndarray
    group: str
    kind: str
    found: bool  # a right passage among the first three
    programme: int

    @property
    def answerable(self) -> bool:
        """Whether the programme answers it."""
        return self.group in ("held", "trained")


# Shares of the classes in each fit: as many answerable as not; questions that use the programme's
# words count as much as those that don't, and near misses as much as all other unanswerable ones.
MASS = {"held": 0.20, "trained": 0.30, "near": 0.25, "other": 0.22, "noise": 0.03}


def cases(
    held_out: Sequence[Record],
    background: Sequence[Record],
    near_misses: Mapping[str, Sequence[str]],
    unanswerable: Sequence[Mapping[str, str]],
    encoder: Vectors,
) -> list[Case]:
    """Questions put to pseudo-programmes of background passages with a few held-out ones among
    them.

    The encoder was never trained on the held-out questions; it was on the background's, which are
    there because the held-out ones hold too few in the programme's own words. Some of the held-out
    records bring near misses of their own.
    """
    held_out, background, unanswerable = (
        random.Random(SEED).sample(list(some), len(some))
        for some in (held_out, background, unanswerable)
    )
    count = max(2, len(background) // SIZE)
    found: list[Case] = []
    for number in range(count):
        fresh, known = held_out[number::count], background[number::count]
        programme = pseudo.build([*fresh, *known], encoder)
        for group, records in (("held", fresh), ("trained", known)):
            for record in records:
                for question in record["questions"]:
                    right, kind = record["passage_id"], question["kind"]
                    found.append(_case(programme, question["text"], number, group, kind, right))
        for kind, records in (("near-miss", known), ("short near-miss", fresh)):
            for record in records:
                for text in near_misses.get(record["passage_id"], record.get("near", ())):
                    found.append(_case(programme, text, number, "near", kind))
        for row in unanswerable[number::count]:
            group = "noise" if row["kind"] in NOISE else "other"
            found.append(_case(programme, row["text"], number, group, row["kind"]))
    return found


def _case(
    programme: Pseudo, query: str, number: int, group: str, kind: str, right: str | None = None
) -> Case:
    searcher = programme.searcher
    signals = searcher.signals(query)
    fused = fuse(signals, WEIGHTS)
    order = np.argsort(-fused, kind="stable")
    features = searcher.features(signals, fused, order).values()
    hit = right is not None and programme.position[right] in order[:3]
    return Case(features, signals.query, group, kind, hit, number)


def fit_wording(train: Sequence[Case]) -> tuple[float, np.ndarray]:
    """Offset and direction of the model over the question's vector."""
    groups = [
        "plain" if c.answerable and c.kind == "plain"
        else "words" if c.answerable and c.kind in USED_WORDS
        else "own" if c.answerable else c.group
        for c in train
    ]  # fmt: skip
    mass = {**MASS, "plain": 0.12, "words": 0.17, "own": 0.21}
    model = LogisticRegression(C=C_WORDING, max_iter=500)
    truth = [c.answerable for c in train]
    weights = _shared(groups, mass) * len(train)
    model.fit(np.array([c.vector for c in train]), truth, sample_weight=weights)
    return float(model.intercept_[0]), model.coef_[0]


def fit(train: Sequence[Case], wording: np.ndarray) -> tuple[float, np.ndarray]:
    """Intercept and weights over all features, `wording` being the value of the feature so called.

    An answerable question whose answer was not found is no example of either class.
    """
    used = [
        n for n, c in enumerate(train)
        if (c.found or not c.answerable) and (c.group != "trained" or c.kind in USED_WORDS)
    ]  # fmt: skip
    table = _table(train, wording)[used]
    scaler = StandardScaler().fit(table)
    features = scaler.transform(table)
    truth = np.array([train[n].answerable for n in used])
    weights = _shared([train[n].group for n in used], MASS)

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        logits = values[0] + features @ values[1:]
        wrong = weights * (expit(logits) - truth)
        gradient = np.concatenate([[wrong.sum()], features.T @ wrong + PENALTY * values[1:]])
        likelihood = weights @ (np.logaddexp(0, logits) - truth * logits)
        return likelihood + 0.5 * PENALTY * float(values[1:] @ values[1:]), gradient

    bounds = [(None, None), *(SIGNS[name] for name in NAMES)]
    found = minimize(loss, np.zeros(len(NAMES) + 1), jac=True, bounds=bounds, method="L-BFGS-B").x
    slopes = found[1:] / scaler.scale_
    prior = np.log(PRIOR / (1 - PRIOR))
    return float(found[0] - (slopes * scaler.mean_).sum() + prior), slopes


def _shared(groups: Sequence[str], mass: Mapping[str, float]) -> np.ndarray:
    """A weight for each case, so that every group has its share together."""
    counts = {group: groups.count(group) for group in set(groups)}
    return np.array([mass[group] / counts[group] for group in groups])


def _table(some: Sequence[Case], wording: np.ndarray) -> np.ndarray:
    table = np.array([c.features for c in some])
    table[:, WORDING] = wording
    return table


def probabilities(
    some: Sequence[Case], wording: np.ndarray, model: tuple[float, np.ndarray]
) -> np.ndarray:
    """What the model says of each case."""
    return expit(model[0] + _table(some, wording) @ model[1])


def cross_validate(everything: Sequence[Case]) -> tuple[np.ndarray, np.ndarray]:
    """Wording and probability of each case by models that have not seen its programme."""
    programmes = np.array([c.programme for c in everything])
    wording = np.zeros(len(everything))
    values = np.zeros(len(everything))
    for programme in sorted(set(programmes.tolist())):
        held = programmes == programme
        offset, direction = fit_wording([c for c in everything if c.programme != programme])
        wording[held] = offset + np.array([c.vector for c in everything])[held] @ direction
    for programme in sorted(set(programmes.tolist())):
        held = programmes == programme
        rest = [c for c in everything if c.programme != programme]
        model = fit(rest, wording[~held])
        values[held] = probabilities(
            [c for c in everything if c.programme == programme], wording[held], model
        )
    return wording, values


def thresholds(values: np.ndarray, everything: Sequence[Case]) -> tuple[float, float]:
    """From where to say `answered`, and below what `nothing`."""
    groups = np.array([c.group for c in everything])
    high = max(
        np.quantile(values[groups == "other"], 1 - WRONG_ANSWERS),
        np.quantile(values[groups == "near"], 1 - NEAR_ANSWERS),
    )
    return float(high), float(np.quantile(values[groups == "held"], LOST_ANSWERS))


def show(values: np.ndarray, everything: Sequence[Case], high: float, low: float) -> None:
    """Print the cross-validated figures by group and kind."""
    groups = np.array([c.group for c in everything])
    for no in ("near", "other"):
        area = auc(values[groups == "held"].tolist(), values[groups == no].tolist())
        print(f"held-out answerable against {no}: AUC {area:.3f}")
    told = np.isin(groups, ("held", "near", "other"))
    truth = [c.answerable for c, t in zip(everything, told, strict=True) if t]
    print(f"ECE {calibration_error(values[told].tolist(), truth):.3f}")
    for label in sorted({(c.group, c.kind) for c in everything}):
        of = values[[(c.group, c.kind) == label for c in everything]]
        shares = f"answered {np.mean(of >= high):.2f}  nothing {np.mean(of < low):.2f}"
        print(f"  {' '.join(label):<22}{len(of):>6}  {shares}")


def main() -> None:
    """Fit and write the result beside the encoder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("encoder", type=Path)
    parser.add_argument("--held-out", type=Path, nargs="+", required=True, help="question files")
    parser.add_argument("--unanswerable", type=Path, nargs="*", default=[])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--mean-with", type=Path, help="a former one: the mean of both is kept")
    options = parser.parse_args()
    from training.passages import records

    data = options.shared / "training"
    everything = cases(
        records(options.held_out, options.shared),
        list(rows(data / "questions.jsonl.gz")),
        {row["passage_id"]: row["questions"] for row in rows(data / "near-misses.jsonl.gz")},
        [r for path in options.unanswerable for r in rows(path) if r["kind"] not in ELSEWHERE],
        Vectors(OnnxEncoder(options.encoder, 2)),
    )
    wording, values = cross_validate(everything)
    former = confidence.parse(options.mean_with.read_bytes()) if options.mean_with else None
    if former:
        values = expit((logit(values) + logit(_said(former, everything))) / 2)
    high, low = thresholds(values, everything)
    show(values, everything, high, low)
    offset, direction = fit_wording(everything)
    intercept, slopes = fit(everything, wording)
    weights = dict(zip(NAMES, slopes.tolist(), strict=True))
    found = Confidence(intercept, weights, high, low, direction.tolist(), offset)
    found = mean(found, former) if former else found
    print(f"weights {found.weights}, answered from {high:.3f}, nothing below {low:.3f}")
    write(found, options.encoder)


def _said(model: Confidence, some: Sequence[Case]) -> np.ndarray:
    wording = model.offset + np.array([c.vector for c in some]) @ np.array(model.direction)
    slopes = np.array([model.weights.get(name, 0.0) for name in NAMES])
    return probabilities(some, wording, (model.intercept, slopes))


def mean(found: Confidence, former: Confidence) -> Confidence:
    """The model whose logit is the mean of theirs, with the thresholds of the first. What the
    wording weighs is put into its direction.
    """
    half = {n: (found.weights.get(n, 0.0) + former.weights.get(n, 0.0)) / 2 for n in NAMES}
    parts = [(f.weights.get("wording", 0.0) / 2, f) for f in (found, former)]
    return replace(
        found,
        intercept=(found.intercept + former.intercept) / 2,
        weights={**half, "wording": 1.0},
        direction=sum(part * np.array(f.direction) for part, f in parts).tolist(),
        offset=sum(part * f.offset for part, f in parts),
    )


def write(found: Confidence, folder: Path) -> None:
    """Beside the encoder, in as many digits as matter."""
    table = asdict(found)
    table["weights"] = {n: round(w, 4) for n, w in found.weights.items() if abs(w) > 1e-6}
    table["direction"] = [round(v, 5) for v in found.direction]
    (folder / confidence.FILE).write_text(json.dumps(table))


if __name__ == "__main__":
    main()
