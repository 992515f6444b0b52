"""Turn a trained SentenceTransformer into the folder under index/models: int8 ONNX, tokenizer, ST
modules.

Linear layers become products of integers (`training/int8.py`), the word vectors int8 per row. The
SentenceTransformer in the folder runs that very file, so that the vectors at ingest and the vectors
at the server are the same by construction and the weights are kept once.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer

from index import query_encoder
from index.query_encoder import OnnxEncoder, Settings
from training.int8 import EXACT, quantise

MOST_TOKENS = 256  # 130 words of German are at most some 220 tokens
MODULE = Path(__file__).with_name("onnx_module.py")
PROBES = [
    "Werden die Kita-Gebühren abgeschafft?",
    "Mein Vermieter will mich rauswerfen, was kann ich tun?",
    "Wir wollen, dass Mieterinnen und Mieter besser geschützt werden.",
]


class Int8Rows(torch.nn.Module):
    """An embedding table kept as int8 with one scale a row."""

    def __init__(self, table: torch.Tensor) -> None:
        super().__init__()
        scale = table.abs().amax(dim=1, keepdim=True).clamp_min(1e-8) / 127
        self.register_buffer("scale", scale)
        self.register_buffer("rows", torch.round(table / scale).to(torch.int8))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.rows[ids].float() * self.scale[ids]


class Whole(torch.nn.Module):
    """Token ids and mask → unit vector, in one forward pass; less `shift`, where there is one."""

    def __init__(self, body: torch.nn.Module, shift: torch.Tensor | None = None) -> None:
        super().__init__()
        self.body = body
        self.register_buffer("shift", shift)
        embeddings = body.embeddings
        embeddings.word_embeddings = Int8Rows(embeddings.word_embeddings.weight.detach())

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        hidden = self.body(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).float()
        vector = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1)
        if self.shift is None:
            return vector
        return torch.nn.functional.normalize(vector - self.shift, dim=-1)


def export(source: Path, target: Path) -> None:
    """Write the compiled form of the model in `source` to `target` and print how near it stays."""
    model = SentenceTransformer(
        str(source), device="cpu", model_kwargs={"attn_implementation": "eager"}
    )
    before = model.encode(PROBES, normalize_embeddings=True)
    tokenizer = model.tokenizer.backend_tokenizer
    target.mkdir(parents=True, exist_ok=True)
    floats = as_onnx(model[0].auto_model, tokenizer)
    onnx.save(quantise(floats, tokenizer, EXACT), str(target / query_encoder.ONNX))
    (target / query_encoder.LIGHT).unlink(missing_ok=True)  # it read its words from the former
    onnx.checker.check_model(str(target / query_encoder.ONNX))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.save(str(target / query_encoder.TOKENIZER))
    Settings(int(model.get_embedding_dimension()), MOST_TOKENS).write(target)
    _as_sentence_transformer(target)
    after = OnnxEncoder(target).encode(PROBES)
    cosines = (np.asarray(before) * after).sum(axis=1)
    size = sum(p.stat().st_size for p in target.iterdir()) / 1e6
    print(
        f"{target}: {size:.1f} MB, cosine to the float model "
        f"{cosines.min():.4f} to {cosines.max():.4f}"
    )


def as_onnx(
    body: torch.nn.Module, tokenizer: Tokenizer, shift: torch.Tensor | None = None
) -> onnx.ModelProto:
    """The model with floats, but for its word vectors; see `Whole`."""
    ids = torch.tensor([tokenizer.encode(PROBES[0]).ids])
    axes = {"input_ids": {0: "texts", 1: "tokens"}, "attention_mask": {0: "texts", 1: "tokens"}}
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        full = Path(scratch) / "full.onnx"
        torch.onnx.export(
            Whole(body, shift).eval(), (ids, torch.ones_like(ids)), str(full),
            input_names=list(axes), output_names=["vector"], dynamic_axes=axes,
            opset_version=17, dynamo=False,
        )  # fmt: skip
        return onnx.load(str(full))


def _as_sentence_transformer(target: Path) -> None:
    shutil.copyfile(MODULE, target / MODULE.name)
    shutil.copyfile(MODULE.with_name("MODEL_CARD.md"), target / "README.md")
    modules = [{"idx": 0, "name": "0", "path": "", "type": "onnx_module.OnnxEncoder"}]
    (target / "modules.json").write_text(json.dumps(modules, indent=1))
    (target / "config_sentence_transformers.json").write_text(
        json.dumps({"model_type": "SentenceTransformer", "similarity_fn_name": "cosine"}, indent=1)
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    options = parser.parse_args()
    export(options.source, options.target)
