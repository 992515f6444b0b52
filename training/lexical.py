"""Weights and thresholds of the phone's search by words, learnt on programmes that are not
Dortmund's.

`python -m training.lexical --shared ../shared` puts the training questions to pseudo-programmes,
with the phone's own JavaScript under node, and writes index/lexical.json. One question of
every passage plays the editor's question bank; the others are asked. eval/ is never looked at.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from eval.measures import auc
from index import bundle, lexicon, offline
from training import pseudo
from training.data import rows

HERE = Path(__file__).parent
SIZE, SEED = 150, 5
SHARED_WORDS = ("plain", "keyword", "detail", "typo")  # questions that words can answer
GRID = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
SIGNALS = ("words", "sentence", "heading", "bank")  # beside grams, whose weight is 1
FEATURES = ("stands_out", "margin", "coverage", "missing", "gram", "sentence", "spread",
            "words_agree", "asks_time", "asks_person", "asks_place", "asks_number")  # fmt: skip
PRIOR = 0.8  # as in training/calibrate.py
WRONG_ANSWERS, LOST_ANSWERS = 0.10, 0.02


def programmes(records: list[dict[str, Any]], dice: random.Random) -> list[list[dict[str, Any]]]:
    """Random sets of passages, as large as a town's programme."""
    mixed = dice.sample(records, len(records))
    return [mixed[n : n + SIZE] for n in range(0, len(mixed) - SIZE + 1, SIZE)]


def write(folder: Path, number: int, some: list[dict[str, Any]], dice: random.Random) -> Any:
    """The lexicon of a pseudo-programme; returns its text, and its questions with the right
    passage.
    """
    headings = list(dict.fromkeys(r["heading"] for r in some))
    passages = [pseudo._passage(r, headings.index(r["heading"])) for r in some]
    words = lexicon.build([p.text for p in passages], [r["heading"] for r in some])
    (folder / f"lexicon-{number}.bin").write_bytes(offline.lexicon_file(words))
    bank, asked = [], []
    for position, record in enumerate(some):
        questions = dice.sample(record["questions"], len(record["questions"]))
        if len(questions) > 1:
            bank.append((questions.pop()["text"], position))
        asked += [(q["text"], q["kind"], position) for q in questions]
    sections = [
        {"id": str(n), "level": 1, "heading": h, "chapter": h, "questions": []}
        for n, h in enumerate(headings)
    ]
    table = {
        "slug": "pseudo", "sections": sections, "aliases": {}, "bank": bank,
        "passages": [offline._passage(p) for p in passages],
    }  # fmt: skip
    return table, asked


def ask(folder: Path) -> list[dict[str, Any]]:
    """What the phone's code says to every case."""
    subprocess.run(["node", str(HERE / "lexical.mjs"), str(folder)], check=True)
    return json.loads((folder / "answers.json").read_text())


def standard(answers: list[dict[str, Any]], name: str) -> np.ndarray:
    """z-scores of one signal, a row a case."""
    table = np.array([a["signals"][name] for a in answers], dtype=float)
    spread = np.nanstd(table, axis=1, keepdims=True)
    z = (table - np.nanmean(table, axis=1, keepdims=True)) / np.where(spread < 1e-9, 1, spread)
    return np.nan_to_num(z)


def learn_weights(answers: list[dict[str, Any]], right: np.ndarray) -> dict[str, float]:
    """By coordinate ascent on the mean of hit@1 and hit@3."""
    z = {name: standard(answers, name) for name in ("grams", *SIGNALS)}
    weights = {"grams": 1.0, **dict.fromkeys(SIGNALS, 0.2)}

    def value(chosen: dict[str, float]) -> float:
        fused = sum(weight * z[name] for name, weight in chosen.items())
        own = fused[np.arange(len(right)), right][:, None]
        rank = (fused > own).sum(axis=1)
        return float(((rank < 1).mean() + (rank < 3).mean()) / 2)

    for _ in range(3):
        for name in SIGNALS:
            weights[name] = max(GRID, key=lambda w, name=name: value({**weights, name: w}))
    print(f"weights {weights}: {value(weights):.3f}; 4-grams alone: {value({'grams': 1.0}):.3f}")
    return weights


def main() -> None:
    """Learn and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--bundle", type=Path, default=Path("var/index/dortmund-2025"))
    options = parser.parse_args()
    data = options.shared / "training"
    dice = random.Random(SEED)
    sets = programmes(list(rows(data / "questions.jsonl.gz")), dice)
    near = {r["passage_id"]: r["questions"] for r in rows(data / "near-misses.jsonl.gz")}
    other = [r["text"] for r in rows(HERE / "questions" / "unanswerable.jsonl")]
    exported = offline.export(bundle.load(options.bundle)).files
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "tokenizer.bin").write_bytes(exported["tokenizer.bin"])
        tables, cases = [], []
        for number, some in enumerate(sets):
            table, asked = write(folder, number, some, dice)
            tables.append(table)
            cases += [(number, text, kind, position) for text, kind, position in asked]
            misses = [(q, "near") for r in some for q in near.get(r["passage_id"], ())]
            unknown = [(q, "other") for q in other[number :: len(sets)]]
            cases += [(number, text, kind, -1) for text, kind in misses + unknown]
        (folder / "programmes.json").write_text(json.dumps(tables))
        (folder / "cases.json").write_text(
            json.dumps([{"programme": c[0], "question": c[1]} for c in cases])
        )
        settings = json.loads(exported["settings.json"])
        (folder / "settings.json").write_text(json.dumps(settings))
        answers = ask(folder)
        used = [n for n, c in enumerate(cases) if c[2] in SHARED_WORDS and c[3] >= 0]
        weights = learn_weights([answers[n] for n in used], np.array([cases[n][3] for n in used]))
        settings["lexicalWeights"] = weights
        (folder / "settings.json").write_text(json.dumps(settings))
        calibration = fit(cases, ask(folder))
    offline.LEXICAL.write_text(json.dumps({"weights": weights, "calibration": calibration}) + "\n")


def fit(cases: list[Any], answers: list[dict[str, Any]]) -> dict[str, Any]:
    """A logistic model of "one of the first three answers it", and the two thresholds.

    Other than for the server, a question that was not understood counts as one without an answer:
    by words alone that is the common fault, and the phone should say that it is not sure.
    """
    found = np.array([c[3] in a["order"] for c, a in zip(cases, answers, strict=True)])
    kinds = np.array([c[2] for c in cases])
    table = np.array([[a["features"][name] for name in FEATURES] for a in answers])
    scaler = StandardScaler().fit(table)
    groups = np.where(kinds == "near", "near", np.where(kinds == "other", "other",
        np.where(found, "found", "lost")))  # fmt: skip
    mass = {"found": 0.5, "lost": 0.15, "near": 0.15, "other": 0.2}
    share = np.array([mass[g] / (groups == g).sum() for g in groups]) * len(groups)
    halves = np.array([c[0] % 2 for c in cases])
    values = np.zeros(len(cases))
    for half in (0, 1):
        model = LogisticRegression(C=0.1, max_iter=500)
        model.fit(scaler.transform(table[halves != half]), found[halves != half],
                  sample_weight=share[halves != half])  # fmt: skip
        values[halves == half] = model.predict_proba(scaler.transform(table[halves == half]))[:, 1]
    for no in ("lost", "near", "other"):
        area = auc(values[groups == "found"].tolist(), values[groups == no].tolist())
        print(f"found against {no}: AUC {area:.3f}")
    model = LogisticRegression(C=0.1, max_iter=500)
    model.fit(scaler.transform(table), found, sample_weight=share)
    slopes = model.coef_[0] / scaler.scale_
    intercept = float(model.intercept_[0] - (slopes * scaler.mean_).sum())
    logits = np.log(values / (1 - values)) + np.log(PRIOR / (1 - PRIOR))
    shown = 1 / (1 + np.exp(-logits))
    wrong = np.isin(groups, ("other", "near"))
    high = float(max(np.quantile(shown[groups == g], 1 - WRONG_ANSWERS) for g in ("other", "lost")))
    low = float(np.quantile(shown[groups == "found"], LOST_ANSWERS))
    for group in mass:
        of = shown[groups == group]
        shares = f"answered {np.mean(of >= high):.2f} nothing {np.mean(of < low):.2f}"
        print(f"{group:<6}{len(of):>6} {shares}")
    print(f"answered from {high:.3f}, nothing below {low:.3f}; wrong {wrong.mean():.2f}")
    names = {n: round(float(s), 4) for n, s in zip(FEATURES, slopes, strict=True)}
    intercept += float(np.log(PRIOR / (1 - PRIOR)))
    return {"intercept": intercept, "weights": names, "answered": high, "related": low}


if __name__ == "__main__":
    main()
