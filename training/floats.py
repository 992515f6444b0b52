"""The first shipped encoder, int8 in blocks, back to floats: `python -m training.floats FROM TO`.

Training's float weights were not kept; the present encoder was made from that file by

    git show 2ebde49:index/models/fundstelle-e5/encoder.onnx > OLD
    python -m training.floats OLD FLOATS
    python -m training.int8 FLOATS index/models/fundstelle-e5/encoder.onnx
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.helper import make_node


def as_floats(model: onnx.ModelProto) -> onnx.ModelProto:
    """`model` with its integer products made into products of floats again; changed in place."""
    graph = model.graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    made: dict[str, onnx.NodeProto] = {}
    for node in graph.node:
        x, name = node.input[0] if node.input else "", node.name
        if node.op_type == "MatMulNBits":  # (outputs, blocks, 128) around 128
            blocks = constants[node.input[1]].astype(np.float32) - 128
            weights = (
                (blocks * constants[node.input[2]][..., np.newaxis]).reshape(len(blocks), -1).T
            )
            output = node.output[0]
        elif node.op_type == "MatMulInteger":  # then Cast and Mul by both scales
            scales = constants[node.input[1].replace("_quantized", "_scale")]
            weights = constants[node.input[1]] * scales
            x = x.removesuffix("_quantized")
            output = node.output[0].removesuffix("_output_quantized")
        else:
            continue
        graph.initializer.append(numpy_helper.from_array(weights, f"{name}/floats"))
        made[output] = make_node("MatMul", [x, f"{name}/floats"], [output], name)
    nodes = [made.get(node.output[0], node) for node in graph.node]
    _keep_what_counts(graph, nodes)
    return model


def _keep_what_counts(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> None:
    read, kept = {output.name for output in graph.output}, []
    for node in reversed(nodes):
        if read & set(node.output):
            kept.append(node)
            read |= set(node.input)
    constants = [tensor for tensor in graph.initializer if tensor.name in read]
    for field, values in ((graph.node, kept[::-1]), (graph.initializer, constants)):
        del field[:]
        field.extend(values)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    options = parser.parse_args()
    onnx.save(as_floats(onnx.load(str(options.source))), str(options.target))
