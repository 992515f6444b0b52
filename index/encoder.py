"""The encoder as ingest uses it. The only importer of sentence_transformers (and so of torch).

Any SentenceTransformer will do, by name or path. Its query side is compiled to ONNX, and both must
give the same vectors. Our own encoder is kept in compiled form, so that there is only one copy of
its weights.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from index import query_encoder
from index.errors import ModelError
from index.query_encoder import OnnxEncoder, Settings
from index.types import Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MODELS = Path(__file__).parent / "models"
DEFAULT = "fundstelle-e5"
PARITY = 0.999  # least cosine between a text's original and compiled vector
NEAR = 0.8  # likewise of the light form, which is near enough to rank by; another's is not
PROBES = (
    "Werden die Kita-Gebühren abgeschafft?",
    "bus",
    "Wir bauen 2.000 Wohnungen im Jahr. " * 12,
)


class Encoder:
    """A SentenceTransformer with what the pipeline needs of it."""

    def __init__(self, name: str = DEFAULT) -> None:
        """Load the model `name`: one of ours, a folder, or a name on a model hub.

        Raises ModelError for a model that can't be found or loaded.
        """
        self.name = name
        self.folder = MODELS / name if (MODELS / name).is_dir() else Path(name)
        self._model = _load(name, self.folder)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._model.get_embedding_dimension() or 0)

    def fingerprint(self) -> str:
        """Hash that tells this model's vectors of passages from any other's: of its files, or of
        what it answers.
        """
        digest = hashlib.sha256(self.name.encode())
        compiled = self.folder / query_encoder.ONNX
        if compiled.is_file():
            for name in query_encoder.FILES:
                digest.update((self.folder / name).read_bytes())
        else:
            digest.update(np.round(self.encode(PROBES), 4).tobytes())
        return digest.hexdigest()

    def light(self) -> bytes:
        """Its light form, which encodes questions alone; nothing where it has none."""
        path = self.folder / query_encoder.LIGHT
        return path.read_bytes() if path.is_file() else b""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of passages, shape (len(texts), dimension), float32."""
        prompt = _prompt(self._model, "passage", "document")
        vectors = self._model.encode(
            list(texts),
            prompt=prompt,
            normalize_embeddings=True,
            show_progress_bar=False,
        )
        return np.asarray(vectors, np.float32).reshape(len(texts), self.dimension)

    def encode_in_steps(self, texts: Sequence[str], advance: Callable[[int], None]) -> Vectors:
        """As `encode`, telling `advance` how many texts were done after each batch."""
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        # Short texts beside short ones: a batch costs what its longest text costs.
        order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
        for batch in _batched(order, 32):
            vectors[batch] = self.encode([texts[number] for number in batch])
            advance(len(batch))
        return vectors

    def compile(self, folder: Path) -> None:
        """Write the query side into `folder`.

        Raises ModelError where it can't be compiled or gives other vectors than the model.
        """
        folder.mkdir(parents=True, exist_ok=True)
        if (self.folder / query_encoder.ONNX).is_file():
            for name in query_encoder.present(self.folder):
                link_or_copy(self.folder / name, folder / name)
        else:
            _export(self.name, self._model, folder)
        self._check_parity(folder)

    def _check_parity(self, folder: Path) -> None:
        compiled = OnnxEncoder(folder)
        lowest = _lowest(compiled.encode_passages(PROBES), self.encode(PROBES))
        if not lowest >= PARITY:  # NaN, too
            raise ModelError(
                self.name,
                f"compiled and original vectors differ (cosine {lowest:.4f})",
                "use another model",
            )
        if compiled.has_light:
            self._check_light(compiled)

    def _check_light(self, compiled: OnnxEncoder) -> None:
        lowest = _lowest(compiled.lightly(PROBES), compiled.encode(PROBES))
        if not lowest >= NEAR:  # NaN, where its words are read from the wrong place
            raise ModelError(
                self.folder / query_encoder.LIGHT,
                f"is no light form of {query_encoder.ONNX} (cosine {lowest:.4f})",
                "delete it, or distil it anew: docs/training.md",
            )


def _lowest(some: Vectors, others: Vectors) -> float:
    """The least cosine of vectors with their counterparts; NaN where there is one."""
    return float((some * others).sum(axis=1).min())


def link_or_copy(source: Path, target: Path) -> None:
    """A hard link, which costs no space; a copy where the file system has none."""
    target.unlink(missing_ok=True)
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copy2(source, target)


def _batched(numbers: list[int], size: int) -> Iterator[list[int]]:
    return (numbers[start : start + size] for start in range(0, len(numbers), size))


def _load(name: str, path: Path) -> SentenceTransformer:
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    if path.is_dir() or not _hub_in_reach():
        os.environ.setdefault(
            "HF_HUB_OFFLINE", "1"
        )  # else an unknown name costs a minute of retries
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sentence_transformers import SentenceTransformer

        try:
            # Only our own models bring code (onnx_module.py runs their ONNX file); others must not.
            ours = path.parent == MODELS
            source = str(path) if path.is_dir() else name
            return SentenceTransformer(source, device="cpu", trust_remote_code=ours)
        except Exception as error:  # OSError, ValueError, HTTP errors of the hub's client, …
            known = ", ".join(sorted(p.name for p in MODELS.iterdir() if p.is_dir()))
            problem = f"no such model, or it can't be loaded ({str(error).splitlines()[0][:120]})"
            raise ModelError(
                name, problem, f"use {known}, a folder, or a name on a hub in reach"
            ) from error


def _hub_in_reach() -> bool:
    try:
        socket.create_connection(("huggingface.co", 443), timeout=2).close()
    except OSError:
        return False
    return True


def _prompt(model: SentenceTransformer, *names: str) -> str:
    return next((model.prompts[name] for name in names if model.prompts.get(name)), "")


def _export(name: str, model: SentenceTransformer, folder: Path) -> None:
    import torch

    tokenizer = getattr(model.tokenizer, "backend_tokenizer", None)
    if tokenizer is None:
        raise ModelError(
            name, "its tokenizer has no fast form", "use a model with a tokenizer.json"
        )

    class Whole(torch.nn.Module):
        """All modules of the model in one forward pass, from ids and mask to the vector."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
            features = {"input_ids": input_ids, "attention_mask": attention_mask}
            return self.model(features)["sentence_embedding"]

    ids = torch.tensor([tokenizer.encode(PROBES[0]).ids])
    axes = {"input_ids": {0: "texts", 1: "tokens"}, "attention_mask": {0: "texts", 1: "tokens"}}
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                Whole().eval(), (ids, torch.ones_like(ids)), str(folder / query_encoder.ONNX),
                input_names=list(axes), output_names=["vector"], dynamic_axes=axes,
                opset_version=17, dynamo=False,
            )  # fmt: skip
    except Exception as error:
        raise ModelError(
            name, f"can't be compiled ({str(error)[:120]})", "use another model"
        ) from error
    tokenizer.save(str(folder / query_encoder.TOKENIZER))
    Settings(
        int(model.get_embedding_dimension() or 0), int(model.max_seq_length or 512),
        _prompt(model, "query"), _prompt(model, "passage", "document"),
    ).write(folder)  # fmt: skip
