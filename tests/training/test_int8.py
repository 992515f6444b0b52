"""Float layers made of integers."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, numpy_helper
from onnx.helper import make_graph, make_model, make_opsetid, make_tensor_value_info

from training import int8

DICE = np.random.default_rng(3)
INPUTS, OUTPUTS = 256, 48


def layer(nodes: list[onnx.NodeProto], constants: dict[str, np.ndarray]) -> onnx.ModelProto:
    x = make_tensor_value_info("x", TensorProto.FLOAT, [1, "tokens", INPUTS])
    y = make_tensor_value_info("y", TensorProto.FLOAT, [1, "tokens", OUTPUTS])
    tensors = [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()]
    opsets = [make_opsetid("", 17), make_opsetid("com.microsoft", 1)]
    return make_model(
        make_graph(nodes, "layer", [x], [y], tensors), opset_imports=opsets, ir_version=9
    )


@pytest.mark.parametrize("outlier", [1.0, 50.0])
def test_a_layer_of_integers_errs_by_its_weights_only(outlier: float) -> None:
    """Inputs lose next to nothing, outliers among them or not: against the rounded weights in
    float64, a product is right to 1/2,000 of what is usual there.
    """
    x = DICE.normal(size=(1, 9, INPUTS)).astype(np.float32)
    x[..., 7] *= outlier
    weights = DICE.normal(size=(INPUTS, OUTPUTS)).astype(np.float32)
    whole, scales = int8.rounded(weights, x[0].T @ x[0], int8.EXACT.most)
    constants = {**int8.EXACT.constants, "layer/weights": whole, "layer/scales": scales}
    made = layer([*int8.two_parts("x"), *int8.product_of_two("x", "layer", "y")], constants)
    session = onnxruntime.InferenceSession(made.SerializeToString())
    (found,) = session.run(None, {"x": x})
    wanted = x.astype(np.float64) @ (whole.astype(np.float64) * scales)
    assert np.abs(found - wanted).max() < wanted.std() * 5e-4 * outlier


def test_weights_are_rounded_for_what_they_are_multiplied_by() -> None:
    """A layer's outputs err less than with each weight rounded to its nearest step."""
    mixed = DICE.normal(size=(600, 40)) @ DICE.normal(size=(40, INPUTS))
    x = (mixed + DICE.normal(size=mixed.shape) / 10).astype(np.float32)
    weights = DICE.normal(size=(INPUTS, OUTPUTS)).astype(np.float32)
    whole, scales = int8.rounded(weights, x.T @ x, 127)
    nearest = np.round(weights / scales)
    assert np.abs(whole).max() <= 127
    error, usual = (np.linalg.norm(x @ (w * scales - weights)) for w in (whole, nearest))
    assert error < usual / 2


def test_the_light_form_errs_by_a_step_of_eight_bits_and_fits_into_sixteen() -> None:
    """Two neighbouring products, the most that older processors add in 16 bits, can't overflow;
    and what comes is right to a hundredth of what is usual there.
    """
    x = DICE.normal(size=(1, 9, INPUTS)).astype(np.float32)
    weights = DICE.normal(size=(INPUTS, OUTPUTS)).astype(np.float32)
    whole, scales = int8.rounded(weights, x[0].T @ x[0], int8.LIGHT.most)
    assert 2 * 255 * int(np.abs(whole).max()) < 2**15
    constants = {**int8.LIGHT.constants, "layer/weights": whole, "layer/scales": scales}
    made = layer([*int8.one_part("x"), *int8.product_of_one("x", "layer", "y")], constants)
    (found,) = onnxruntime.InferenceSession(made.SerializeToString()).run(None, {"x": x})
    wanted = x.astype(np.float64) @ (whole.astype(np.float64) * scales)
    assert np.abs(found - wanted).std() < wanted.std() / 100
