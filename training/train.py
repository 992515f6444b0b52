"""Contrastive training of the encoder: each query should be nearer to its own text than to the
others.

The loss is the multiple-negatives ranking loss in both directions (van den Oord et al. 2018,
arXiv:1807.03748; Henderson et al. 2017, arXiv:1705.00652).
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer

from training.data import Pair, as_typed

SCALE = 50.0  # 1 / temperature .02: the base model's cosines lie close together
LONGEST_TEXT = 144  # tokens: 100 words, more than most passages have
LONGEST_QUERY = 48
CHUNK = 16  # texts that go through the model together


@dataclass(frozen=True)
class Source:
    """Pairs with the share of all batches drawn from them."""

    pairs: Sequence[Pair]
    weight: float
    typed: float = 0.0  # share of queries that are roughened as if typed in haste
    headed: float = 0.5  # share of texts that are preceded by their heading, as in the index
    topics: Sequence[int] = ()  # topic of each pair: a batch takes whole runs of one topic


@dataclass(frozen=True)
class Plan:
    """One stage of training."""

    steps: int
    batch: int
    rate: float
    seed: int


def batches(sources: Sequence[Source], plan: Plan) -> Iterator[tuple[list[str], list[str]]]:
    """Endless batches, each from one source, no group twice; every pair seen before any is
    repeated.
    """
    dice = random.Random(plan.seed)
    queues: list[list[Pair]] = [[] for _ in sources]
    while True:
        number = dice.choices(range(len(sources)), [s.weight for s in sources])[0]
        source, queue = sources[number], queues[number]
        if len(queue) < 3 * plan.batch:
            queue[:0] = _shuffled(source, plan.batch // 3, dice)
        yield _batch(source, queue, plan.batch, dice)


def _shuffled(source: Source, run: int, dice: random.Random) -> list[Pair]:
    """All pairs in a new order; where topics are known, in runs of one topic each.

    Pairs on the same matter in one batch are hard negatives for each other, at no cost.
    """
    if not source.topics:
        return dice.sample(list(source.pairs), len(source.pairs))
    by_topic: dict[int, list[Pair]] = {}
    for pair, topic in zip(source.pairs, source.topics, strict=True):
        by_topic.setdefault(topic, []).append(pair)
    runs = []
    for pairs in by_topic.values():
        dice.shuffle(pairs)
        runs += [pairs[at : at + run] for at in range(0, len(pairs), run)]
    dice.shuffle(runs)
    return [pair for one in runs for pair in one]


def _batch(
    source: Source, queue: list[Pair], size: int, dice: random.Random
) -> tuple[list[str], list[str]]:
    chosen: dict[str, Pair] = {}
    put_back = []
    while len(chosen) < size and queue:
        pair = queue.pop()
        if pair.group in chosen:
            put_back.append(pair)
        else:
            chosen[pair.group] = pair
    queue[:0] = put_back
    queries = [
        as_typed(p.query, dice) if dice.random() < source.typed else p.query
        for p in chosen.values()
    ]
    texts = [
        f"{p.heading}. {p.text}" if p.heading and dice.random() < source.headed else p.text
        for p in chosen.values()
    ]
    return queries, texts


def embed(model: SentenceTransformer, texts: list[str], longest: int) -> torch.Tensor:
    """Unit vectors with gradient, shape (texts, dimension).

    Texts of like length go through the model together: padding to the longest of the whole batch
    would nearly double the work.
    """
    model.max_seq_length = longest
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    vectors = torch.cat(
        [
            _forward(model, [texts[i] for i in order[at : at + CHUNK]])
            for at in range(0, len(order), CHUNK)
        ]
    )
    return vectors[torch.argsort(torch.tensor(order))]


def _forward(model: SentenceTransformer, texts: list[str]) -> torch.Tensor:
    features = model.preprocess(texts)
    tensors = {k: v for k, v in features.items() if isinstance(v, torch.Tensor)}
    with torch.autocast("cpu", torch.bfloat16):
        return model(tensors)["sentence_embedding"].float()


def step_loss(model: SentenceTransformer, queries: list[str], texts: list[str]) -> torch.Tensor:
    """The ranking loss of one batch; each query's text stands where the query does."""
    left = embed(model, queries, LONGEST_QUERY)
    right = embed(model, texts, LONGEST_TEXT)
    scores = SCALE * left @ right.T
    aim = torch.arange(len(queries))
    backward = torch.nn.functional.cross_entropy(scores.T, aim)
    return torch.nn.functional.cross_entropy(scores, aim) + 0.5 * backward


def train(model: SentenceTransformer, sources: Sequence[Source], plan: Plan, out: Path) -> None:
    """Train `model` in place and save it to `out`."""
    torch.manual_seed(plan.seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=plan.rate, weight_decay=0.01)
    warm = max(1, plan.steps // 15)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda s: min((s + 1) / warm, 0.05 + 0.95 * (1 + math.cos(math.pi * s / plan.steps)) / 2),
    )
    model.train()
    began, recent = time.monotonic(), []
    for step, (queries, texts) in zip(range(plan.steps), batches(sources, plan), strict=False):
        loss = step_loss(model, queries, texts)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        recent.append(loss.item())
        if (step + 1) % 25 == 0:
            seconds = (time.monotonic() - began) / (step + 1)
            print(
                f"step {step + 1}/{plan.steps} loss {sum(recent) / len(recent):.3f} "
                f"{seconds:.2f} s/step",
                flush=True,
            )
            recent.clear()
        if (step + 1) % 200 == 0:
            model.eval()
            model.max_seq_length = 256
            model.save(str(out))
            model.train()
    model.eval()
    model.max_seq_length = 256
    model.save(str(out))
