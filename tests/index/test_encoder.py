from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from index import query_encoder
from index.encoder import MODELS, PROBES, Encoder
from index.errors import ModelError
from index.query_encoder import OnnxEncoder

VOCABULARY = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    *"abcdefghijklmnopqrstuvwxyz",
    *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxyz"),
]


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some other SentenceTransformer: a tiny BERT with random weights, saved the usual way."""
    from sentence_transformers import SentenceTransformer, models
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("foreign")
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY))
    config = BertConfig(
        vocab_size=len(VOCABULARY), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=64,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder / "bert")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder / "bert")
    body = models.Transformer(str(folder / "bert"), max_seq_length=64)
    model = SentenceTransformer(modules=[body, models.Pooling(32, "mean")], device="cpu")
    model.prompts = {"query": "query: ", "document": "passage: "}
    model.save(str(folder / "model"))
    return folder / "model"


def test_our_encoder_is_the_default_and_gives_unit_vectors() -> None:
    """Loaded from the repository, without a download."""
    encoder = Encoder()
    vectors = encoder.encode(PROBES)
    assert vectors.shape == (len(PROBES), encoder.dimension)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_any_sentence_transformer_is_compiled_with_parity(foreign: Path, tmp_path: Path) -> None:
    """A foreign model, with prompts: its compiled query side gives the same vectors, without
    torch.
    """
    encoder = Encoder(str(foreign))
    encoder.compile(tmp_path / "compiled")
    compiled = OnnxEncoder(tmp_path / "compiled")
    texts = ["hallo welt", "eine laengere frage nach dem bus"]
    assert np.allclose(compiled.encode_passages(texts), encoder.encode(texts), atol=1e-4)
    assert not np.allclose(compiled.encode(texts), compiled.encode_passages(texts), atol=1e-4)


def test_a_model_that_is_nowhere_is_one_line_with_a_remedy() -> None:
    """And says quickly which there are."""
    with pytest.raises(ModelError, match="fundstelle-e5") as error:
        Encoder("no-such/model")
    assert "\n" not in str(error.value)


def test_a_model_that_can_not_be_compiled_is_called_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by what Python would print of it, which is a page."""
    model: Any = SimpleNamespace(tokenizer=None)
    monkeypatch.setattr("index.encoder._load", lambda *_: model)
    with pytest.raises(ModelError, match=r"^some/model: its tokenizer"):
        Encoder("some/model").compile(tmp_path)


def test_a_light_form_of_another_encoder_is_refused(tmp_path: Path) -> None:
    """Its words would be read from the wrong place: vectors of nothing, told with certainty."""
    ours = Encoder()
    for path in ours.folder.iterdir():
        if path.is_file():
            shutil.copy(path, tmp_path)
    onnx = tmp_path / query_encoder.ONNX
    model = onnx.read_bytes()
    onnx.write_bytes(b"\x32\x02ab" + model)  # a doc_string before all: every byte lies elsewhere
    ours.folder = tmp_path
    with pytest.raises(ModelError, match=query_encoder.LIGHT):
        ours.compile(tmp_path / "compiled")


def test_vectors_do_not_depend_on_their_batch() -> None:
    """Alone or among others, a text has the same vector; else nothing could be reused."""
    encoder = Encoder()
    together = encoder.encode(PROBES)
    alone = np.concatenate([encoder.encode([text]) for text in PROBES])
    assert np.allclose(together, alone, atol=1e-6)


def test_the_shipped_model_fits_into_the_repository() -> None:
    """At most 60 MB, all files together."""
    size = sum(p.stat().st_size for p in (MODELS / "fundstelle-e5").iterdir())
    assert size <= 60_000_000
