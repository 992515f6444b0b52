from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, numpy_helper
from onnx.helper import (
    make_graph,
    make_model,
    make_node,
    make_opsetid,
    make_tensor_value_info,
)

from index import query_encoder
from index.encoder import DEFAULT, MODELS
from index.errors import ModelError
from index.query_encoder import LIGHT, ONNX, Encoders, OnnxEncoder, present

TWENTY = (
    "Mein Vermieter will mich aus der Wohnung werfen weil er sie verkauft, "
    "was tut die Stadt für Leute wie mich"
)


@pytest.fixture(scope="module")
def encoder() -> OnnxEncoder:
    return OnnxEncoder(MODELS / DEFAULT)


def test_meaning_is_nearer_than_words(encoder: OnnxEncoder) -> None:
    """The reason why there is an encoder: another language, other words, the same matter."""
    question, right, wrong = encoder.encode(
        [
            "Will the city scrap nursery fees?",
            "Die Stadt schafft die Kita-Gebühren ab.",
            "Die Stadt saniert Brücken.",
        ]
    )
    assert question @ right > question @ wrong + 0.1


def test_other_kernels_give_the_same_vector(encoder: OnnxEncoder) -> None:
    """With every fused kernel taken apart, which changes last bits as another processor does, a
    vector stays what it is: cosine above .99999.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    other = OnnxEncoder(MODELS / DEFAULT)
    other._session = onnxruntime.InferenceSession(str(MODELS / DEFAULT / ONNX), options)
    texts = [TWENTY, "bus", "Чи буде дитячий садок безкоштовним?", TWENTY * 12]
    mine, its = encoder.encode(texts), other.encode(texts)
    assert not np.array_equal(mine, its)  # last bits do differ
    assert ((mine.astype(np.float64) * its).sum(axis=1) > 1 - 1e-5).all()


def test_the_light_form_is_near_and_much_sooner(encoder: OnnxEncoder) -> None:
    """Vectors that serve the same index, in every language, in a third of the time at most."""
    texts = [
        TWENTY,
        "Bus",
        "Will the city scrap nursery fees?",
        "Чи буде дитячий садок безкоштовним?",
    ]
    full, light = encoder.encode(texts), encoder.lightly(texts)
    assert np.allclose(np.linalg.norm(light, axis=1), 1, atol=1e-5)
    assert ((full * light).sum(axis=1) > 0.8).all()
    took = []
    for encode in (encoder.encode, encoder.lightly):
        rounds = []
        for _ in range(10):
            began = time.thread_time()
            encode([TWENTY])
            rounds.append(time.thread_time() - began)
        took.append(min(rounds))
    assert took[1] < took[0] / 3


def test_without_a_light_form_there_is_the_one(encoder: OnnxEncoder, tmp_path: Path) -> None:
    """As with every other SentenceTransformer; a damaged one is an error, not silence."""
    for name in present(MODELS / DEFAULT):
        shutil.copy(MODELS / DEFAULT / name, tmp_path / name)
    (tmp_path / LIGHT).unlink()
    assert np.array_equal(OnnxEncoder(tmp_path).lightly([TWENTY]), encoder.encode([TWENTY]))
    (tmp_path / LIGHT).write_bytes(b"no network")
    with pytest.raises(ModelError):
        OnnxEncoder(tmp_path)


def test_no_word_is_remembered(encoder: OnnxEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tokenizer's memory of words has a switch, of the library's own; it is found, and used."""
    assert callable(encoder._tokenizer.model._resize_cache)
    library = Mock()
    monkeypatch.setattr(query_encoder, "Tokenizer", library)
    OnnxEncoder(MODELS / DEFAULT)
    library.from_file.return_value.model._resize_cache.assert_called_once_with(0)


def test_threads_share_one_encoder(encoder: OnnxEncoder) -> None:
    """The same vectors, from eight threads at once."""
    texts = [f"Frage {n} nach dem Bus" for n in range(16)]
    alone = encoder.encode(texts)
    with ThreadPoolExecutor(8) as pool:
        together = np.concatenate(list(pool.map(lambda text: encoder.encode([text]), texts)))
    assert np.array_equal(alone, together)


def test_an_encoder_is_loaded_once_and_let_go_with_its_last_user() -> None:
    """Known by all of its checksums; another file anywhere is another encoder."""
    encoders = Encoders()
    loads: list[OnnxEncoder] = []

    def load() -> OnnxEncoder:
        loads.append(OnnxEncoder(MODELS / DEFAULT))
        return loads[-1]

    sums = {"encoder.onnx": "a", "tokenizer.json": "b", "encoder.json": "c"}
    with ThreadPoolExecutor(4) as pool:
        users = list(pool.map(lambda _: encoders.get(sums, load), range(8)))
    assert len({id(user) for user in users}) == len(loads) == 1
    assert encoders.get({**sums, "encoder.json": "d"}, load) is not users[0]
    users.clear()
    loads.clear()
    assert len(encoders) == 0


def test_no_text_is_too_long_or_too_short(encoder: OnnxEncoder) -> None:
    """Cut at the most tokens; nothing is a vector too."""
    assert encoder.encode(["", "Wort " * 5000]).shape == (2, encoder.settings.dimension)
    assert encoder.encode([]).shape == (0, encoder.settings.dimension)


def test_a_folder_without_encoder_is_named(tmp_path: Path) -> None:
    """With what to do."""
    with pytest.raises(ModelError, match="run ingest.py again"):
        OnnxEncoder(tmp_path)


@pytest.mark.alone
def test_twenty_words_take_no_longer_than_their_arithmetic(encoder: OnnxEncoder) -> None:
    """At most three times what as many multiplications of floats take on one core: the 6 ms that
    `make bench` holds against it are a fast machine's, and machines differ more than mistakes do.
    """
    floats = _product(len(encoder._tokenizer.encode(TWENTY).ids), 384, 1536)
    products = 12 * (4 * 384 * 384 + 2 * 384 * 1536) // (384 * 1536)  # of that size, in 12 layers
    pairs = [
        (
            _seconds(lambda: encoder.encode([TWENTY])),
            _seconds(lambda: [floats() for _ in range(products)]),
        )
        for _ in range(30)
    ]
    ours, yardstick = (min(times) for times in zip(*pairs, strict=True))
    assert ours < 3 * yardstick


def _product(rows: int, inputs: int, outputs: int) -> Callable[[], object]:
    """Rows × inputs times inputs × outputs, by the same library."""
    x = np.ones((rows, inputs), np.float32)
    weights = numpy_helper.from_array(np.ones((inputs, outputs), np.float32), "w")
    graph = make_graph(
        [make_node("MatMul", ["x", "w"], ["y"])], "product",
        [make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [make_tensor_value_info("y", TensorProto.FLOAT, (rows, outputs))], [weights],
    )  # fmt: skip
    model = make_model(graph, opset_imports=[make_opsetid("", 17)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return partial(session.run, None, {"x": x})


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
