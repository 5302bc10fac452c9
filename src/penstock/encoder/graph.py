"""Writes the weights as an ONNX graph: BERT's encoder, the mean over its tokens, unit length.

Only `build` imports this: onnx is needed once, when the model is built, and never to run it.

Input: `input_ids`, int64 [batch, tokens]; there is no mask, for texts are read alone, without padding.  Outputs:
`token_embeddings`, float32 [batch, tokens, 384], and `sentence_embedding`, float32 [batch, 384].  MultiHeadAttention
is onnxruntime's (https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md).  The other operators
are plain ones, and what belongs to a product is added by `Sum`, because onnxruntime 1.31 does not fuse it: what it
fuses `Add` to, SkipLayerNormalization and BiasGelu, takes twice as long as the plain ones.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto
from onnx import helper as _helper
from onnx import numpy_helper as _numpy_helper

helper: Any = _helper  # the library's functions are typed in parts
numpy_helper: Any = _numpy_helper
checker: Any = onnx.checker

_HEADS: Final = 12
_EPSILON: Final = 1e-12
MICROSOFT: Final = "com.microsoft"
WORDS: Final = "words"
"""The node that looks the words up."""
WORD_TABLE: Final = "embeddings.word_embeddings.weight"
_OPSET: Final = 20
_IR_VERSION: Final = 10


class _Graph:
    """Nodes and constants as they are written; each method returns the name of what it makes."""

    def __init__(self, tensors: Mapping[str, NDArray[np.float32]]) -> None:
        self.tensors = tensors
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def node(self, op: str, inputs: list[str], out: str, *, domain: str = "", **attributes: object) -> str:
        self.nodes.append(helper.make_node(op, inputs, [out], name=out, domain=domain, **attributes))
        return out

    def constant(self, name: str, values: NDArray[np.generic]) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def weight(self, name: str) -> str:
        return self.constant(name, self.tensors[name])

    def dense(self, x: str, name: str, out: str, *more: str) -> str:
        """The product with a matrix, its bias, and what else is to be added."""
        product = self.node("MatMul", [x, self.constant(f"{name}.weight", self.tensors[f"{name}.weight"].T)], name)
        return self.node("Sum", [product, self.weight(f"{name}.bias"), *more], out)

    def norm(self, x: str, name: str) -> str:
        inputs = [x, self.weight(f"{name}.weight"), self.weight(f"{name}.bias")]
        return self.node("LayerNormalization", inputs, f"{name}.out", axis=-1, epsilon=_EPSILON)


def build_graph(tensors: Mapping[str, NDArray[np.float32]]) -> onnx.ModelProto:
    """The model in 32-bit floats."""
    graph = _Graph(tensors)
    x = _embeddings(graph)
    layers = 1 + max(int(name.split(".")[2]) for name in tensors if name.startswith("encoder.layer."))
    for number in range(layers):
        x = _layer(graph, x, f"encoder.layer.{number}")
    graph.node("Identity", [x], "token_embeddings")
    _pool(graph, x)
    width = int(tensors["embeddings.LayerNorm.weight"].shape[0])
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "tokens"])
    outputs = [
        helper.make_tensor_value_info("token_embeddings", TensorProto.FLOAT, ["batch", "tokens", width]),
        helper.make_tensor_value_info("sentence_embedding", TensorProto.FLOAT, ["batch", width]),
    ]
    model = helper.make_model(
        helper.make_graph(graph.nodes, "sentence_encoder", [ids], outputs, graph.constants),
        opset_imports=[helper.make_opsetid("", _OPSET), helper.make_opsetid(MICROSOFT, 1)],
        ir_version=_IR_VERSION,
        producer_name="penstock",
    )
    checker.check_model(model)
    return model


def _embeddings(graph: _Graph) -> str:
    words = graph.node("Gather", [graph.weight(WORD_TABLE), "input_ids"], WORDS)
    # A text is one segment: its type is 0 everywhere, and so becomes part of the positions.
    positions = (
        graph.tensors["embeddings.position_embeddings.weight"]
        + graph.tensors["embeddings.token_type_embeddings.weight"][0]
    )
    table = graph.constant("positions", positions)
    shape = graph.node("Shape", ["input_ids"], "shape")
    length = graph.node("Gather", [shape, graph.constant("one", np.array([1]))], "length")
    axes = graph.constant("zero", np.array([0]))
    places = graph.node("Slice", [table, axes, length, axes], "places")
    x = graph.node("Add", [words, places], "embedded")
    return graph.norm(x, "embeddings.LayerNorm")


def _layer(graph: _Graph, x: str, name: str) -> str:
    own = f"{name}.attention.self"
    parts = ("query", "key", "value")
    # Three products of the same input are one of a matrix three times as wide.
    joined = np.concatenate([graph.tensors[f"{own}.{part}.weight"].T for part in parts], axis=1)
    bias = np.concatenate([graph.tensors[f"{own}.{part}.bias"] for part in parts])
    product = graph.node("MatMul", [x, graph.constant(f"{own}.weight", joined)], own)
    added = graph.node("Sum", [product, graph.constant(f"{own}.bias", bias)], f"{own}.added")
    split = [f"{own}.{part}" for part in parts]
    graph.nodes.append(helper.make_node("Split", [added], split, name=f"{own}.split", axis=-1, num_outputs=3))
    attended = graph.node("MultiHeadAttention", split, f"{own}.out", domain=MICROSOFT, num_heads=_HEADS)
    seen = graph.dense(attended, f"{name}.attention.output.dense", f"{name}.attention.output.added", x)
    x = graph.norm(seen, f"{name}.attention.output.LayerNorm")
    wide = graph.dense(x, f"{name}.intermediate.dense", f"{name}.intermediate.added")
    active = graph.node("Gelu", [wide], f"{name}.intermediate.gelu")
    outer = graph.dense(active, f"{name}.output.dense", f"{name}.output.added", x)
    return graph.norm(outer, f"{name}.output.LayerNorm")


def _pool(graph: _Graph, x: str) -> None:
    """The mean over the tokens, at unit length."""
    along = graph.constant("token_axis", np.array([1]))
    last = graph.constant("last_axis", np.array([-1]))
    # The direction of the mean is that of the sum: the length is made one in any case.
    total = graph.node("ReduceSum", [x, along], "total", keepdims=0)
    length = graph.node("ReduceL2", [total, last], "norm", keepdims=1)
    floor = graph.constant("least_norm", np.array([1e-12], np.float32))
    graph.node("Div", [total, graph.node("Max", [length, floor], "norm_safe")], "sentence_embedding")
