"""The query side of an encoder, as the server runs it. The only importer of onnxruntime and
tokenizers.

A compiled encoder is a folder with three files: `encoder.onnx` (token ids and mask → unit vector),
`tokenizer.json` and `encoder.json` (dimension, most tokens, prompts). A fourth may be there,
`light.onnx`: nearly the same vectors in a fraction of the time, for when more is asked than the
first can do. It reads its word vectors out of `encoder.onnx`.

Loaded, one takes 100 MB, so that bundles with the same encoder share one: see `Encoders`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from weakref import WeakValueDictionary

import numpy as np
from onnxruntime import InferenceSession, SessionOptions
from tokenizers import Tokenizer

from index.errors import ModelError
from index.types import Vectors

ONNX, TOKENIZER, SETTINGS = "encoder.onnx", "tokenizer.json", "encoder.json"
LIGHT = "light.onnx"
FILES = (ONNX, TOKENIZER, SETTINGS)
EVERY = (*FILES, LIGHT)


def present(folder: Path) -> tuple[str, ...]:
    """Which of an encoder's files are in `folder`: those it needs, and those it may have."""
    return tuple(name for name in EVERY if name in FILES or (folder / name).is_file())


@dataclass(frozen=True)
class Settings:
    """What `encoder.json` says. Prompts are put before a text, as some models were trained."""

    dimension: int
    most_tokens: int
    query_prompt: str = ""
    passage_prompt: str = ""

    def write(self, folder: Path) -> None:
        """Write `encoder.json` into `folder`."""
        (folder / SETTINGS).write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")


class OnnxEncoder:
    """A compiled encoder. Safe to share between threads: neither session nor tokenizer changes."""

    def __init__(self, folder: Path, threads: int = 1, lasting: bool = True) -> None:
        """Load the encoder in `folder`. `lasting`: nobody changes its files in place, so that the
        light form may read its words from there; else there is none.

        Raises ModelError where a file is missing or can't be read.
        """
        try:
            self.settings = Settings(**json.loads((folder / SETTINGS).read_text(encoding="utf-8")))
            self._tokenizer = _forgetful(Tokenizer.from_file(str(folder / TOKENIZER)))
            self._session = _session(folder / ONNX, threads)
            light = folder / LIGHT
            usable = lasting and light.is_file()
            self._light = _session(light, threads) if usable else self._session
        except Exception as error:  # each library has its own kinds, none of them documented
            raise ModelError(
                folder, f"no usable encoder ({error})", "run ingest.py again"
            ) from error
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(self.settings.most_tokens)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of queries, shape (len(texts), dimension), float32."""
        return self._encode(self._session, self.settings.query_prompt, texts)

    @property
    def has_light(self) -> bool:
        """Whether `lightly` differs from `encode`."""
        return self._light is not self._session

    def lightly(self, texts: Sequence[str]) -> Vectors:
        """As `encode`, by the light form if there is one: nearly the same vectors, much sooner."""
        return self._encode(self._light, self.settings.query_prompt, texts)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of passages, shape (len(texts), dimension), float32."""
        return self._encode(self._session, self.settings.passage_prompt, texts)

    def pieces(self, word: str) -> int:
        """How many word pieces the tokenizer makes of `word`."""
        return len(self._tokenizer.encode(word, add_special_tokens=False).ids)

    def _encode(self, session: InferenceSession, prompt: str, texts: Sequence[str]) -> Vectors:
        # One text at a time: with dynamic quantisation a text's vector would depend on its
        # neighbours.
        vectors = [self._one(session, prompt + text) for text in texts]
        return np.stack(vectors) if vectors else np.zeros((0, self.settings.dimension), np.float32)

    def _one(self, session: InferenceSession, text: str) -> Vectors:
        ids = np.array([self._tokenizer.encode(text).ids], np.int64)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        vector: Vectors = session.run(None, feed)[0][0]
        return vector / max(float(np.linalg.norm(vector)), 1e-12)


def _forgetful(tokenizer: Tokenizer) -> Tokenizer:
    """Without the memory that some kinds have of the words they have met: they are people's."""
    resize = getattr(tokenizer.model, "_resize_cache", None)
    if resize:
        resize(0)
    return tokenizer


def _session(path: Path, threads: int) -> InferenceSession:
    options = SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # it keeps the memory of the longest text for ever
    options.log_severity_level = 3
    return InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class Encoders:
    """The encoders in use, each loaded once, however many bundles bring a copy of its files.

    Known by the checksums of those files. One that no bundle uses any more is let go.
    """

    def __init__(self) -> None:
        self._loaded: WeakValueDictionary[tuple[str, ...], OnnxEncoder] = WeakValueDictionary()
        self._loading = Lock()

    def get(self, checksums: Mapping[str, str], load: Callable[[], OnnxEncoder]) -> OnnxEncoder:
        """The encoder whose files have these checksums; `load` loads it, if need be."""
        key = tuple(checksums[name] for name in sorted(checksums))
        with self._loading:
            found = self._loaded.get(key)
            if found is None:
                found = self._loaded[key] = load()
        return found

    def __len__(self) -> int:
        return len(self._loaded)


ENCODERS = Encoders()  # of this process
