"""The encoder in this folder as a module for sentence-transformers:
`SentenceTransformer(this_folder)`.

It runs encoder.onnx, the same file that Fundstelle's server runs. To train the model further, start
from the float weights that `make train` leaves behind.
"""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from sentence_transformers.models import Module
from tokenizers import Tokenizer


class OnnxEncoder(Module):
    """Texts → token ids → unit vectors, by onnxruntime on the CPU."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        settings = json.loads((Path(folder) / "encoder.json").read_text(encoding="utf-8"))
        self.folder, self.dimension = folder, int(settings["dimension"])
        self.max_seq_length = int(settings["most_tokens"])
        self.tokenizer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
        self.tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # several texts side by side gain more than one in parts
        self.session = onnxruntime.InferenceSession(
            str(Path(folder) / "encoder.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self.pool = ThreadPoolExecutor(os.cpu_count())

    def preprocess(self, inputs: list[str], prompt: str | None = None, **_: Any) -> dict[str, Any]:
        """Token ids, padded with 1, and their mask; shape (texts, tokens)."""
        self.tokenizer.enable_truncation(self.max_seq_length)
        lists = [self.tokenizer.encode((prompt or "") + str(text)).ids for text in inputs]
        longest = max(map(len, lists), default=1)
        ids = np.array([row + [1] * (longest - len(row)) for row in lists], np.int64)
        mask = np.array([[1] * len(row) + [0] * (longest - len(row)) for row in lists], np.int64)
        return {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}

    tokenize = preprocess

    def forward(self, features: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Adds `sentence_embedding`, shape (texts, dimension).

        One text a run: with dynamic quantisation a vector would depend on the rest of its batch.
        """
        rows = zip(features["input_ids"], features["attention_mask"], strict=True)
        vectors = self.pool.map(lambda row: self._one(*row), rows)
        features["sentence_embedding"] = torch.stack(list(vectors))
        return features

    def _one(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        row = ids[: int(mask.sum())].cpu().numpy()[np.newaxis]
        feed = {"input_ids": row, "attention_mask": np.ones_like(row)}
        return torch.from_numpy(self.session.run(None, feed)[0][0])

    def get_embedding_dimension(self) -> int:
        """Length of a vector."""
        return self.dimension

    get_sentence_embedding_dimension = get_embedding_dimension

    def save(self, output_path: str, *args: Any, **kwargs: Any) -> None:
        """Copy the model's files."""
        files = ["encoder.onnx", "tokenizer.json", "encoder.json", "onnx_module.py"]
        if (Path(self.folder) / "light.onnx").is_file():
            files.append("light.onnx")
        for name in files:
            (Path(output_path) / name).write_bytes((Path(self.folder) / name).read_bytes())

    @classmethod
    def load(cls, model_name_or_path: str, **_: Any) -> OnnxEncoder:
        """The module in a local folder."""
        return cls(model_name_or_path)
