"""Reduces a graph to 8 bits: its matrices, and its table of words, which is half of all weights.

Only `build` imports this, as `graph`.  Both are cut in blocks of numbers with a scale each, and products are then taken
in 8-bit integers.  The table is only looked up, so that its 8 bits cost nothing that can be measured: without them the
model is as near to the one in 32 bits.  What costs is that the numbers which a matrix is multiplied with are cut to 8
bits as well, in the same blocks, and a few of those that go into attention are far larger than the rest: there the
blocks are small.  With 128 everywhere the mean cosine to 32 bits is 0.9989 and the least 0.993 (of texts of one word);
with these 0.9995 and 0.998, for a tenth of the speed.
"""

import logging
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper as _helper
from onnx import numpy_helper as _numpy_helper
from onnxruntime.quantization import (  # pyright: ignore[reportMissingTypeStubs]  # it has none
    matmul_nbits_quantizer as _quantizer,
)

from penstock.encoder.graph import MICROSOFT, WORD_TABLE, WORDS

helper: Any = _helper  # the library's functions are typed in parts
numpy_helper: Any = _numpy_helper
quantizer: Any = _quantizer

_BITS: Final = 8
_TABLE_BLOCK: Final = 128
_BLOCKS: Final = MappingProxyType(
    {".self.product": 16, ".intermediate.": 32, ".attention.output.": 128, ".output.": 64}
)
"""By what a matrix's name has in it, the first that fits."""
_ACCURACY_LEVEL: Final = 4
"""Products in 8-bit integers (https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html)."""
_MIDDLE: Final = 128
"""What stands for zero in an unsigned byte."""
_LEAST_SCALE: Final = 1e-12


def narrow(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model with 8 bits a weight; `model` itself is used up."""
    logging.getLogger("onnxruntime.quantization").setLevel(logging.WARNING)  # it tells of every node
    blocks = {node.name: _block_of(node.name) for node in model.graph.node if node.op_type == "MatMul"}
    for size in sorted(set(blocks.values())):
        config = quantizer.DefaultWeightOnlyQuantConfig(
            block_size=size,
            is_symmetric=True,
            accuracy_level=_ACCURACY_LEVEL,
            quant_format=quantizer.QuantFormat.QOperator,
            bits=_BITS,
        )
        others = [name for name, block in blocks.items() if block != size]
        matrices = quantizer.MatMulNBitsQuantizer(model, nodes_to_exclude=others, algo_config=config)
        matrices.process()
        model = matrices.model.model
    _narrow_words(model.graph)
    return model


def _block_of(name: str) -> int:
    return next(size for part, size in _BLOCKS.items() if part in name)


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
