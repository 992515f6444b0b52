"""A light encoder from the shipped one: fewer layers, the same vectors as nearly as can be.

`python -m training.distil FLOATS` (see `training/floats.py`). It learns from short texts alone,
with no answers to them: the student's vector of a question shall be the teacher's (query encoder
distillation by alignment: Wang and Lyu 2023, arXiv:2306.11550), and on the way there its layers
shall say what the teacher's say at the same height (TinyBERT: Jiao et al. 2019, arXiv:1909.10351).
So the passages' vectors, made by the teacher, serve both. The word vectors are the teacher's and
stay as they are: both encoders read one table.
"""

from __future__ import annotations

import argparse
import math
import random
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

from index.query_encoder import LIGHT, ONNX, TOKENIZER
from training import int8
from training.data import as_typed, rows
from training.export import as_onnx
from training.floats import as_floats
from training.train import Plan

MODEL = Path(__file__).parent.parent / "index" / "models" / "fundstelle-e5"
QUESTIONS = Path(__file__).parent / "questions"
SEEN = ("given", *(f"batch-{number:02d}" for number in (0, 1, 2, 3, 4, 5, 6, 30, 31)))
LONGEST = 40  # tokens
POOL = 16  # batches sorted by length together
SENTENCE = re.compile(r"(?<=[.!?])\s+")
NOUN = re.compile(r"\b[A-ZÄÖÜ][\w-]{3,}\b")


@dataclass(frozen=True)
class Kind:
    """Short texts of one kind."""

    texts: Sequence[str]
    weight: float  # share of all that are drawn
    typed: float  # share of these that are roughened as if typed in haste
    several: bool = False  # drawn as people type search words: one to three at a time


def kinds(data: Path) -> tuple[Kind, ...]:
    """What the student reads. No question that measures or calibrates anything is among it."""
    asked = [q["text"] for name in SEEN for row in rows(QUESTIONS / f"{name}.jsonl")
             for q in row["questions"]]  # fmt: skip
    theses = list(rows(data / "theses.jsonl.gz"))
    comments = {c["text"] for row in theses for c in row["comments"]}
    headings = list(rows(data / "headings.jsonl.gz"))
    prose = [*comments, *(row["paragraph"] for row in headings)]
    sentences = sorted({s for text in prose for s in SENTENCE.split(text) if _short(s)})
    stsb = list(rows(data / "stsb-en-de-pl-ru.jsonl.gz"))
    xquad = list(rows(data / "xquad.jsonl.gz"))
    tatoeba = list(rows(data / "tatoeba-en-de.jsonl.gz"))
    nouns = sorted({word for text in prose for word in NOUN.findall(text)})
    return (
        Kind(asked, 0.35, 0.4),
        Kind([row[k] for row in theses for k in ("label", "thesis")], 0.08, 0.3),
        Kind([*(row["heading"] for row in headings), *sentences], 0.2, 0.1),
        Kind(nouns, 0.12, 0.3, several=True),
        Kind([row["de"] for row in tatoeba], 0.08, 0.2),
        Kind([row["en"] for row in tatoeba], 0.04, 0.1),
        Kind([row[k][side] for row in stsb for k in ("pl", "ru") for side in (0, 1)], 0.06, 0.1),
        Kind([row[k]["question"] for row in xquad for k in ("de", "en", "tr", "ar", "ru")],
             0.07, 0.1),
    )  # fmt: skip


def _short(sentence: str) -> bool:
    return 2 <= len(sentence.split()) <= 25


def drawn(kinds: Sequence[Kind], dice: random.Random) -> Iterator[str]:
    """Endlessly many texts."""
    weights = [kind.weight for kind in kinds]
    while True:
        kind = dice.choices(kinds, weights)[0]
        text = dice.choice(kind.texts)
        if kind.several:
            text = " ".join(dice.choices(kind.texts, k=dice.choice((1, 1, 2, 3))))
        yield as_typed(text, dice) if dice.random() < kind.typed else text


def batches(
    source: Iterator[str], tokenizer: Tokenizer, size: int, dice: random.Random
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Ids and mask, shape (size, tokens); texts of like length together, in no order."""
    while True:
        ids = [tokenizer.encode(next(source)).ids for _ in range(POOL * size)]
        ids.sort(key=len)
        groups = [ids[at : at + size] for at in range(0, len(ids), size)]
        dice.shuffle(groups)
        for group in groups:
            tokens = torch.nn.utils.rnn.pad_sequence(
                [torch.tensor(one) for one in group], batch_first=True, padding_value=1
            )
            yield tokens, (tokens != 1).long()


def teacher(source: Path) -> BertModel:
    """The encoder whose ONNX file (of floats, or of integers in blocks) is `source`."""
    graph = as_floats(onnx.load(str(source))).graph
    constants = {
        t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in graph.initializer
    }
    table = constants["body.embeddings.word_embeddings.rows"].float()
    state = {
        name.removeprefix("body."): value
        for name, value in constants.items()
        if name.startswith("body.") and "word_embeddings" not in name
    }
    state["embeddings.word_embeddings.weight"] = (
        table * constants["body.embeddings.word_embeddings.scale"]
    )
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in constants:
            name = node.name.removeprefix("/body/").split("/MatMul")[0].replace("/", ".")
            state[f"{name}.weight"] = constants[node.input[1]].T.contiguous()
    layers = 1 + max(int(n.split(".")[2]) for n in state if n.startswith("encoder.layer."))
    model = BertModel(_config(len(table), layers), add_pooling_layer=False)
    missing, unknown = model.load_state_dict(state, strict=False)
    if unknown or any("position_ids" not in m and "token_type_ids" not in m for m in missing):
        raise ValueError(f"{source}: missing {missing}, unknown {unknown}")
    return model.eval()


def _config(pieces: int, layers: int) -> BertConfig:
    config: BertConfig = BertConfig(
        vocab_size=pieces, hidden_size=384, num_hidden_layers=layers, num_attention_heads=12,
        intermediate_size=1536, pad_token_id=1, max_position_embeddings=512, layer_norm_eps=1e-12,
        bos_token_id=0, eos_token_id=2, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    return config


def student(teacher: BertModel, heights: Sequence[int]) -> BertModel:
    """The teacher's layers at `heights`, its word vectors frozen."""
    config = BertConfig.from_dict({**teacher.config.to_dict(), "num_hidden_layers": len(heights)})
    model = BertModel(config, add_pooling_layer=False)
    model.set_attn_implementation("eager")  # torch's fused one takes thrice the time backwards
    model.embeddings = teacher.embeddings
    for mine, height in zip(model.encoder.layer, heights, strict=True):
        mine.load_state_dict(teacher.encoder.layer[height].state_dict())
    for parameter in model.embeddings.parameters():
        parameter.requires_grad = False
    return model


def pooled(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Unit vectors, shape (texts, dimension): the mean over the tokens, as the encoder takes it."""
    weights = mask.unsqueeze(-1).float()
    mean = (hidden.float() * weights).sum(1) / weights.sum(1)
    return torch.nn.functional.normalize(mean, dim=-1)


def loss(
    student: BertModel, teacher: BertModel, heights: Sequence[int], ids: torch.Tensor,
    mask: torch.Tensor, guided: float,
) -> tuple[torch.Tensor, float]:  # fmt: skip
    """What the student errs, and the mean cosine of its vectors to the teacher's."""
    given = {"input_ids": ids, "attention_mask": mask, "output_hidden_states": True}
    with torch.autocast("cpu", torch.bfloat16):
        with torch.no_grad():
            right = teacher(**given).hidden_states
        mine = student(**given).hidden_states
    cosine = (pooled(mine[-1], mask) * pooled(right[-1], mask)).sum(1).mean()
    every = mask.bool()
    states = sum(
        _relative(mine[at + 1][every].float(), right[height + 1][every].float())
        for at, height in enumerate(heights)
    ) / len(heights)
    return 10 * (1 - cosine) + guided * states, cosine.item()


def _relative(mine: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Mean squared error in units of each dimension's variance, so that outliers don't rule."""
    return ((mine - right) ** 2 / (right.var(dim=0) + 1e-4)).mean()


def distil(
    teacher: BertModel, heights: Sequence[int], tokenizer: Tokenizer, kinds: Sequence[Kind],
    plan: Plan, out: Path,
) -> BertModel:  # fmt: skip
    """The student after all of the plan; its weights are in `out`, every 500 steps anew."""
    torch.manual_seed(plan.seed)
    dice, steps = random.Random(plan.seed), plan.steps
    model = student(teacher, heights)
    model.train()
    learning = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=plan.rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda s: min((s + 1) / 100, 0.02 + 0.98 * (1 + math.cos(math.pi * s / steps)) / 2),
    )
    source = batches(drawn(kinds, dice), tokenizer, plan.batch, dice)
    began, near = time.monotonic(), 0.0
    for step, (ids, mask) in zip(range(1, steps + 1), source, strict=False):
        guided = max(0.0, 1 - 1.5 * step / steps)  # at the end the vector alone counts
        error, cosine = loss(model, teacher, heights, ids, mask, guided)
        error.backward()
        torch.nn.utils.clip_grad_norm_(learning, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        near += (cosine - near) * max(1 / step, 0.02)
        if step % 50 == 0:
            pace = (time.monotonic() - began) / step
            print(f"step {step}/{steps} cosine {near:.4f} {pace:.2f} s/step", flush=True)
        if step % 500 == 0 or step == steps:
            torch.save(model.state_dict(), out)
    return model.eval()


def shift(
    student: BertModel, teacher: BertModel, texts: Iterator[tuple[torch.Tensor, torch.Tensor]]
) -> torch.Tensor:
    """What to take off the student's vectors, shape (dimension,), so that they lie as far apart as
    the teacher's.

    A student is surest of what all texts have in common: its vectors lie nearer to their mean, and
    so to all passages, and the confidence, fitted to the teacher's, would answer too often.
    """
    both = []
    with torch.no_grad():
        for ids, mask in texts:
            given = {"input_ids": ids, "attention_mask": mask}
            both.append([pooled(m(**given).last_hidden_state, mask) for m in (student, teacher)])
    mine, right = (torch.cat(vectors) for vectors in zip(*both, strict=True))
    mean, wanted = mine.mean(dim=0), float(right.mean(dim=0).norm())
    least, most = 0.0, 1.0  # share of the mean
    for _ in range(20):
        share = (least + most) / 2
        near = torch.nn.functional.normalize(mine - share * mean, dim=-1).mean(dim=0).norm()
        least, most = (share, most) if near > wanted else (least, share)
    return least * mean


def export(model: BertModel, shift: torch.Tensor, folder: Path) -> None:
    """Write `light.onnx` into the folder of the teacher, whose word vectors it reads from there.

    Raises ValueError where they are not the same.
    """
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    tokenizer.no_padding()
    light = int8.quantise(as_onnx(model, tokenizer, shift), tokenizer, int8.LIGHT)
    whole = (folder / ONNX).read_bytes()
    for tensor in light.graph.initializer:
        if tensor.name.startswith("body.embeddings.") and len(tensor.raw_data) > 100_000:
            _read_from(whole, tensor)
    onnx.save(light, str(folder / LIGHT))


def _read_from(whole: bytes, tensor: onnx.TensorProto) -> None:
    """Make `tensor` a reference to the same bytes in encoder.onnx."""
    at, length = whole.find(tensor.raw_data), len(tensor.raw_data)
    if at < 0:
        raise ValueError(f"{tensor.name} is not in {ONNX}")
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", ONNX), ("offset", at), ("length", length)):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, str(value)


def main() -> None:
    """Train a student, and put it beside its teacher."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "source", type=Path, help="the teacher with weights of floats: encoder.onnx"
    )
    parser.add_argument("--folder", type=Path, default=MODEL, help="gets light.onnx")
    parser.add_argument("--work", type=Path, default=Path("var/training/light.pt"))
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--heights", type=int, nargs="+", default=[2, 5, 8, 11])
    parser.add_argument("--steps", type=int, default=3600)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.work.parent.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer.from_file(str(options.folder / TOKENIZER))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST)
    read, known = teacher(options.source), kinds(options.shared / "training")
    made = distil(
        read, options.heights, tokenizer, known,
        Plan(options.steps, options.batch, options.rate, seed=7), options.work,
    )  # fmt: skip
    dice = random.Random(8)
    texts = batches(drawn(known, dice), tokenizer, options.batch, dice)
    export(made, shift(made, read, islice(texts, 2 * POOL)), options.folder)


if __name__ == "__main__":
    main()
