"""A float encoder in ONNX → int8, with the same vectors on every processor and in every browser.

`python -m training.int8 FROM TO` does it to a file, `training/export.py` to a fresh model.

Floats differ by their last bit between kernels. Rounded to eight bits, that bit is a whole step
wherever a number lies on the border of two steps; twelve layers later two machines disagree by as
much as all the rounding errs (cosine .999, another passage among the first three for every sixth
question). So each linear layer's input is rounded twice: to seven bits, with one scale for a token,
and what that leaves over to seven again, 128 times finer. Both go through the same int8 weights in
one product of integers, which is exact everywhere: 0 to 128 times 127, twice, fits into the 16 bits
in which older processors (x86 without VNNI) add. A step is then 1/8,192 of a token's greatest
number, and a bit that falls otherwise moves next to nothing (measured: docs/offline.md).

The light form (`training/distil.py`) is for speed, and for one server at a time: one part of eight
bits, weights of seven, which fit into the same 16 bits.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import numpy_helper
from onnx.helper import make_empty_tensor_value_info, make_node
from tokenizers import Tokenizer

from index.query_encoder import TOKENIZER
from training.data import rows

EXAMPLES = 400  # questions, some 10,000 tokens: six times the inputs of the widest layer
BLOCK = 128  # of rows that are rounded before the rest hears of it; changes speed only
DAMPING = 0.01
Floats = NDArray[np.float32]
Nodes = list[onnx.NodeProto]


@dataclass(frozen=True)
class Form:
    """How a product is made of integers."""

    constants: Mapping[str, np.generic]
    parts: Callable[[str], Nodes]  # of an input's name
    product: Callable[[str, str, str], Nodes]  # of the input's, the layer's and the output's
    most: int  # the greatest weight


def questions() -> list[str]:
    """Questions from all files of training/questions."""
    files = sorted((Path(__file__).parent / "questions").glob("batch-*.jsonl"))
    every = [
        question["text"] for path in files for row in rows(path) for question in row["questions"]
    ]
    return every[:: len(every) // EXAMPLES]


def quantise(model: onnx.ModelProto, tokenizer: Tokenizer, form: Form) -> onnx.ModelProto:
    """`model`, each product with constant weights made of integers; changed in place."""
    graph = model.graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    linear = {n.name: n for n in graph.node if n.op_type == "MatMul" and n.input[1] in constants}
    examples = [tokenizer.encode(text).ids for text in questions()]
    moments = second_moments(model, [node.input[0] for node in linear.values()], examples)
    nodes: Nodes = []
    seen: set[str] = set()
    for node in graph.node:
        if node.name not in linear:
            nodes.append(node)
            continue
        x, weights = node.input
        if x not in seen:
            nodes += form.parts(x)
            seen.add(x)
        nodes += form.product(x, node.name, node.output[0])
        whole, scales = rounded(constants[weights], moments[x], form.most)
        graph.initializer.append(numpy_helper.from_array(whole, f"{node.name}/weights"))
        graph.initializer.append(numpy_helper.from_array(scales, f"{node.name}/scales"))
    _replace(graph, nodes, form.constants)
    return model


def two_parts(x: str) -> Nodes:
    """Nodes that make of `x`, shape (texts, tokens, inputs), its two parts, one after the other:
    shape (2 texts, tokens, inputs), uint8, 0 to 128.
    """
    return [
        *_scaled(x),
        make_node("QuantizeLinear", [f"{x}/scaled", "int8/one", "int8/middle"], [f"{x}/high"]),
        make_node("DequantizeLinear", [f"{x}/high", "int8/one", "int8/middle"], [f"{x}/near"]),
        make_node("Sub", [f"{x}/scaled", f"{x}/near"], [f"{x}/error"]),
        make_node("QuantizeLinear", [f"{x}/error", "int8/fine", "int8/middle"], [f"{x}/low"]),
        make_node("Concat", [f"{x}/high", f"{x}/low"], [f"{x}/parts"], axis=0),
    ]


def one_part(x: str) -> Nodes:
    """Nodes that make of `x` its eight bits, uint8, 1 to 255, of the same shape."""
    return [
        *_scaled(x),
        make_node("QuantizeLinear", [f"{x}/scaled", "int8/one", "int8/middle"], [f"{x}/parts"]),
    ]


def _scaled(x: str) -> Nodes:
    return [
        make_node("Abs", [x], [f"{x}/sizes"]),
        make_node("ReduceMax", [f"{x}/sizes"], [f"{x}/greatest"], axes=[-1], keepdims=1),
        make_node("Div", ["int8/steps", f"{x}/greatest"], [f"{x}/steps"]),
        make_node("Mul", [x, f"{x}/steps"], [f"{x}/scaled"]),
    ]


def product_of_one(x: str, name: str, output: str) -> Nodes:
    """Nodes that multiply the one part of `x` by the weights."""
    factors = [f"{x}/parts", f"{name}/weights", "int8/1/steps", f"{name}/scales", "int8/middle"]
    return [
        make_node("MatMulIntegerToFloat", factors, [f"{name}/sum"], name, domain="com.microsoft"),
        make_node("Mul", [f"{name}/sum", f"{x}/greatest"], [output]),
    ]


def product_of_two(x: str, name: str, output: str) -> Nodes:
    """Nodes that multiply both parts of `x` by the weights and add up what comes."""
    factors = [f"{x}/parts", f"{name}/weights", "int8/1/steps", f"{name}/scales", "int8/middle"]
    return [
        make_node("MatMulIntegerToFloat", factors, [f"{name}/both"], name, domain="com.microsoft"),
        make_node("Split", [f"{name}/both"], [f"{name}/high", f"{name}/low"], axis=0),
        make_node("Mul", [f"{name}/low", "int8/fine"], [f"{name}/fine"]),
        make_node("Add", [f"{name}/high", f"{name}/fine"], [f"{name}/sum"]),
        make_node("Mul", [f"{name}/sum", f"{x}/greatest"], [output]),
    ]


EXACT = Form(
    {
        "int8/steps": np.float32(64),
        "int8/1/steps": np.float32(1 / 64),
        "int8/one": np.float32(1),
        "int8/fine": np.float32(1 / 128),
        "int8/middle": np.uint8(64),
    },
    two_parts, product_of_two, most=127,
)  # fmt: skip
LIGHT = Form(
    {
        "int8/steps": np.float32(127),
        "int8/1/steps": np.float32(1 / 127),
        "int8/one": np.float32(1),
        "int8/middle": np.uint8(128),
    },
    one_part, product_of_one, most=63,
)  # fmt: skip


def second_moments(
    model: onnx.ModelProto, names: Iterable[str], examples: Sequence[Sequence[int]]
) -> dict[str, Floats]:
    """Sum over all tokens of x xᵀ, shape (inputs, inputs), of each layer's input x."""
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    names = list(dict.fromkeys(names))
    watched.graph.output.extend(make_empty_tensor_value_info(name) for name in names)
    session = onnxruntime.InferenceSession(watched.SerializeToString())
    moments: dict[str, Floats] = {}
    for ids in examples:
        feed = {"input_ids": np.array([ids]), "attention_mask": np.ones((1, len(ids)), np.int64)}
        for name, (x,) in zip(names, session.run(names, feed), strict=True):
            moments[name] = moments.get(name, np.float32(0)) + x.T @ x
    return moments


def rounded(weights: Floats, moments: Floats, most: int) -> tuple[NDArray[np.int8], Floats]:
    """Weights, shape (inputs, outputs), as int8, -most to most, with a scale for each output.

    One input after the other, each output's error passed on to the inputs still to come, so that
    the layer's outputs stay near (GPTQ: Frantar et al. 2022, arXiv:2210.17323).
    """
    scales = np.abs(weights).max(axis=0) / np.float32(most)
    order = np.argsort(-np.diag(moments))
    left = weights[order] / scales
    whole = np.zeros_like(left)
    passes = _passes_on(moments[np.ix_(order, order)])
    for start in range(0, len(left), BLOCK):
        block = slice(start, start + BLOCK)
        errors = np.zeros_like(left[block])
        for row, weight in enumerate(left[block], start):
            whole[row] = np.clip(np.round(weight), -most, most)
            errors[row - start] = (weight - whole[row]) / passes[row, row]
            left[row + 1 : block.stop] -= np.outer(
                passes[row, row + 1 : block.stop], errors[row - start]
            )
        left[block.stop :] -= passes[block, block.stop :].T @ errors
    return whole[np.argsort(order)].astype(np.int8), scales


def _passes_on(moments: Floats) -> Floats:
    """Upper Cholesky factor of the moments' inverse: how an input's error goes to later ones."""
    damped = moments + np.eye(len(moments)) * DAMPING * np.diag(moments).mean()
    factor: Floats = np.linalg.cholesky(np.linalg.inv(damped)).T.astype(np.float32)
    return factor


def _replace(
    graph: onnx.GraphProto, nodes: Sequence[onnx.NodeProto], constants: Mapping[str, np.generic]
) -> None:
    """Other nodes; constants that nobody reads are dropped."""
    graph.initializer.extend(numpy_helper.from_array(v, k) for k, v in constants.items())
    read = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    for field, values in ((graph.node, list(nodes)), (graph.initializer, kept)):
        del field[:]
        field.extend(values)


def main() -> None:
    """Turn a file into another."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("source", type=Path, help="float ONNX, its tokenizer.json beside it")
    parser.add_argument("target", type=Path)
    options = parser.parse_args()
    tokenizer = Tokenizer.from_file(str(options.source.with_name(TOKENIZER)))
    made = quantise(onnx.load(str(options.source)), tokenizer, EXACT)
    onnx.save(made, str(options.target))


if __name__ == "__main__":
    main()
