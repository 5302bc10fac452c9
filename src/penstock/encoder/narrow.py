"""Reduces a graph to 8 bits: its matrices, and its table of words, which is half of all weights.

Only `build` imports this, as `graph`.  The table is only looked up, so that its 8 bits cost nothing that can be
measured.  What costs is that the numbers which a matrix is multiplied with are cut to 8 bits as well, with one scale
for all numbers of a text, and that in each layer a few of them are far larger than the rest.  Those few (`large`) are
taken out, and multiplied with their rows of the matrix in 32 bits; what is left fits into 8.  Without that the mean
cosine to 32 bits is 0.992 and the least 0.968, with it 0.9993 and 0.997.

Each column of a matrix has a scale of its own.  It is such that no two products that are next to each other exceed 16
bits: processors without VNNI add them in so many, cut off what is beyond, and would have other vectors.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper as _helper
from onnx import numpy_helper as _numpy_helper

from penstock.encoder.graph import MICROSOFT, WORD_TABLE, WORDS
from penstock.encoder.large import LARGE

helper: Any = _helper  # the library's functions are typed in parts
numpy_helper: Any = _numpy_helper

_BITS: Final = 8
_TABLE_BLOCK: Final = 128
_MOST: Final = 127
_MOST_OF_TWO: Final = 127.4
"""What two weights next to each other may be together: 128 at most when rounded, and 128 * 255 fits into 16 bits."""
_MIDDLE: Final = 128
"""What stands for zero in an unsigned byte."""
_LEAST_SCALE: Final = 1e-12


def narrow(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model with 8 bits a weight; `model` itself is used up."""
    graph = model.graph
    constants = {each.name: each for each in graph.initializer}
    sums = {node.input[0]: node for node in graph.node if node.op_type == "Sum"}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        nodes += _narrow_product(graph, node, sums[node.name], constants) if node.op_type == "MatMul" else [node]
    del graph.node[:]
    graph.node.extend(nodes)
    _narrow_words(graph)
    return model


def _narrow_product(
    graph: onnx.GraphProto,
    product: onnx.NodeProto,
    added: onnx.NodeProto,
    constants: Mapping[str, onnx.TensorProto],
) -> list[onnx.NodeProto]:
    """The nodes in place of a product; `added` is the sum that it is the first of, and its bias the second."""
    name, (x, weights) = product.name, product.input
    matrix = numpy_helper.to_array(constants[weights])
    large = np.array(LARGE.get(name, ()), np.int64)
    small = np.ones(len(matrix), np.float32)
    small[large] = 0.0
    numbers, scales = in_columns(matrix * small[:, None])
    parts = {"Q8": numbers, "scales": scales}
    if len(large):
        parts |= {"small": small, "large": large, "rows": matrix[large]}
    graph.initializer.remove(constants[weights])
    graph.initializer.extend(
        numpy_helper.from_array(np.ascontiguousarray(values), f"{name}.{part}") for part, values in parts.items()
    )
    bias = added.input[1]

    def node(op: str, inputs: list[str], out: str, **attributes: object) -> onnx.NodeProto:
        return helper.make_node(op, inputs, [out], name=out, **attributes)

    if not len(large):
        added.input.remove(bias)
        return [_product(x, name, bias)]
    added.input[1] = f"{name}.of_large"
    return [
        node("Mul", [x, f"{name}.small"], f"{name}.without_large"),
        _product(f"{name}.without_large", name, bias),
        node("Gather", [x, f"{name}.large"], f"{name}.only_large", axis=-1),
        node("MatMul", [f"{name}.only_large", f"{name}.rows"], f"{name}.of_large"),
    ]


def _product(x: str, name: str, bias: str) -> onnx.NodeProto:
    inputs = [x, f"{name}.Q8", f"{name}.scales", "", bias]
    return helper.make_node("DynamicQuantizeMatMul", inputs, [name], name=name, domain=MICROSOFT)


def in_columns(matrix: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Each column in steps around zero, and what one step of it is worth."""
    pairs = matrix.reshape(-1, 2, matrix.shape[1])
    together = np.maximum(np.maximum(pairs, 0.0).sum(axis=1), np.maximum(-pairs, 0.0).sum(axis=1)).max(axis=0)
    scales = np.maximum(np.abs(matrix).max(axis=0) / _MOST, together / _MOST_OF_TWO)
    scales = np.maximum(scales, _LEAST_SCALE).astype(np.float32)
    return np.rint(matrix / scales).astype(np.int8), scales


def _narrow_words(graph: onnx.GraphProto) -> None:
    table = next(each for each in graph.initializer if each.name == WORD_TABLE)
    at = next(place for place, node in enumerate(graph.node) if node.name == WORDS)
    lookup = graph.node[at]
    numbers, scales = in_blocks(numpy_helper.to_array(table))
    names = [f"{WORD_TABLE}_Q8", f"{WORD_TABLE}_scales"]
    graph.initializer.remove(table)
    graph.initializer.extend(
        numpy_helper.from_array(values, name) for name, values in zip(names, (numbers, scales), strict=True)
    )
    narrowed = helper.make_node(
        "GatherBlockQuantized",
        [names[0], lookup.input[1], names[1]],
        list(lookup.output),
        name=lookup.name,
        domain=MICROSOFT,
        bits=_BITS,
        block_size=_TABLE_BLOCK,
        gather_axis=0,
        quantize_axis=1,
    )
    graph.node.remove(lookup)
    graph.node.insert(at, narrowed)


def in_blocks(table: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Each row in blocks: bytes around 128, and for each block what one step is worth."""
    rows, width = table.shape
    blocks = table.reshape(rows, width // _TABLE_BLOCK, _TABLE_BLOCK)
    scales = np.maximum(np.abs(blocks).max(axis=2) / (_MIDDLE - 1), _LEAST_SCALE).astype(np.float32)
    steps = np.rint(blocks / scales[:, :, None]) + _MIDDLE
    return steps.astype(np.uint8).reshape(rows, width), scales
