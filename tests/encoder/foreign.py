"""Tiny ONNX models of others' shapes: a table of vectors for the words, and what follows from it."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper
from onnx import helper as _helper

helper: Any = _helper  # the functions of the library are typed in parts
onnx_library: Any = onnx

WORDS, WIDTH = 30_522, 8


def table() -> np.ndarray:
    return np.random.default_rng(5).standard_normal((WORDS, WIDTH)).astype(np.float32)


def write(
    path: Path,
    *,
    inputs: tuple[str, ...] = ("input_ids", "attention_mask"),
    second: str | None = None,
    longest: int | None = None,
    input_type: int = TensorProto.INT64,
    vectors: np.ndarray | None = None,
) -> Path:
    """A model whose first output, `tokens`, looks the words up.

    `second` names an output of two dimensions, ten times the first token's vector.  With `longest` it has so many
    positions, and fails beyond.
    """
    values = table() if vectors is None else vectors
    nodes = [helper.make_node("Gather", ["table", inputs[0]], ["tokens" if longest is None else "words"])]
    constants = [numpy_helper.from_array(values, "table")]
    outputs = [helper.make_tensor_value_info("tokens", TensorProto.FLOAT, ["batch", "length", WIDTH])]
    if longest is not None:
        constants += [
            numpy_helper.from_array(np.zeros((longest, WIDTH), np.float32), "positions"),
            numpy_helper.from_array(np.array([0]), "zero"),
            numpy_helper.from_array(np.array([1]), "one"),
        ]
        nodes += [
            helper.make_node("Shape", [inputs[0]], ["shape"]),
            helper.make_node("Gather", ["shape", "one"], ["length"]),
            helper.make_node("Slice", ["positions", "zero", "length"], ["places"]),
            helper.make_node("Add", ["words", "places"], ["tokens"]),
        ]
    if second is not None:
        constants += [
            numpy_helper.from_array(np.array(0), "first"),
            numpy_helper.from_array(np.array(10, np.float32), "ten"),
        ]
        nodes += [
            helper.make_node("Gather", ["tokens", "first"], ["first_token"], axis=1),
            helper.make_node("Mul", ["first_token", "ten"], [second]),
        ]
        outputs.insert(0, helper.make_tensor_value_info(second, TensorProto.FLOAT, ["batch", WIDTH]))
    given = [helper.make_tensor_value_info(name, input_type, ["batch", "length"]) for name in inputs]
    model = helper.make_model(
        helper.make_graph(nodes, "tiny", given, outputs, constants),
        opset_imports=[helper.make_opsetid("", 20)],
        ir_version=10,
    )
    onnx_library.save_model(model, str(path))
    return path
