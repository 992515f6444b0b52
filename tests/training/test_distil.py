"""A light encoder: what it learns from, that it learns, and that it reads the teacher's words."""

from __future__ import annotations

import random
from itertools import islice
from pathlib import Path

import onnx
import pytest
import torch
from onnx import numpy_helper
from onnx.helper import make_graph, make_model
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

from index.query_encoder import ONNX, TOKENIZER
from training import distil
from training.distil import Kind
from training.train import Plan

HEIGHTS = (1, 3)


@pytest.fixture(scope="module")
def teacher() -> BertModel:
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=60_000, hidden_size=32, num_hidden_layers=4, num_attention_heads=4,
        intermediate_size=64, pad_token_id=1, hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    return BertModel(config, add_pooling_layer=False).eval()


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    loaded = Tokenizer.from_file(str(distil.MODEL / TOKENIZER))
    loaded.no_padding()
    return loaded


def test_a_student_comes_nearer_to_its_teacher(
    teacher: BertModel, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    """Its vectors of texts that it has not read, too; the words' own vectors are the teacher's."""
    words = ["bus", "bahn", "kita", "schule", "miete", "wohnung", "radweg", "park", "strom", "müll"]
    kinds = [Kind([f"{a} {b}" for a in words[:8] for b in words], 1.0, 0.2)]
    plan = Plan(steps=60, batch=16, rate=2e-3, seed=1)
    made = distil.distil(teacher, HEIGHTS, tokenizer, kinds, plan, tmp_path / "student.pt")
    new = [tokenizer.encode(f"{a} für {b}").ids for a in words[8:] for b in words[:8]]
    cosines = []
    for model in (distil.student(teacher, HEIGHTS).eval(), made):
        found = []
        for ids in (torch.tensor([one]) for one in new):
            mask = torch.ones_like(ids)
            with torch.no_grad():
                both = [
                    distil.pooled(each(ids, attention_mask=mask).last_hidden_state, mask)
                    for each in (model, teacher)
                ]
            found.append(float((both[0] * both[1]).sum()))
        cosines.append(sum(found) / len(found))
    before, after = cosines
    assert 1 - after < (1 - before) / 2
    assert made.embeddings is teacher.embeddings
    assert set(torch.load(tmp_path / "student.pt", weights_only=True)) == set(made.state_dict())


def test_batches_hold_every_text_once_and_like_lengths_together(tokenizer: Tokenizer) -> None:
    """So that little is padding; the mask says what is."""
    texts = [f"wort {'sehr ' * (n % 9)}{n}" for n in range(distil.POOL * 4)]
    source = distil.batches(iter(texts), tokenizer, 4, random.Random(1))
    batches = list(islice(source, distil.POOL))
    read = [ids[mask.bool()].tolist() for b in batches for ids, mask in zip(*b, strict=True)]
    assert sorted(read) == sorted(tokenizer.encode(text).ids for text in texts)
    padded = sum(int((mask == 0).sum()) for _, mask in batches)
    assert padded < len(texts)


def test_search_words_come_one_to_three_at_a_time() -> None:
    """The same ones for the same dice."""
    kinds = [Kind(["ganzer Satz"], 0.0, 0.0), Kind(["Bus", "Rad"], 1.0, 0.0, several=True)]
    drawn = [list(islice(distil.drawn(kinds, random.Random(4)), 40)) for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert {len(text.split()) for text in drawn[0]} == {1, 2, 3}


def test_a_tensor_is_read_from_the_other_file(tmp_path: Path) -> None:
    """Kept once on disk; bytes that are not there are an error, not a wrong vector."""
    table = numpy_helper.from_array(torch.arange(50_000).float().numpy(), "words")
    (tmp_path / ONNX).write_bytes(b"before" + table.raw_data + b"after")
    reading = onnx.TensorProto()
    reading.CopyFrom(table)
    distil._read_from((tmp_path / ONNX).read_bytes(), reading)
    model = make_model(make_graph([], "nothing", [], [], [reading]))
    (tmp_path / "light.onnx").write_bytes(model.SerializeToString())
    assert (tmp_path / "light.onnx").stat().st_size < 1000
    (found,) = onnx.load(str(tmp_path / "light.onnx")).graph.initializer
    assert found.raw_data == table.raw_data
    with pytest.raises(ValueError, match="words"):
        distil._read_from(b"something else", table)
