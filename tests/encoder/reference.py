"""BERT in plain numpy, as the paper and the weights have it: what the shipped graph must agree with."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Tensors = Mapping[str, NDArray[np.float32]]
Array = NDArray[np.float64]

HEADS = 12
_erf = np.vectorize(math.erf, otypes=[np.float64])


def read(tensors: Tensors, ids: Sequence[int]) -> tuple[Array, Array]:
    """The vectors of the tokens and of the sentence, in 64 bits."""
    length = len(ids)
    x = (
        tensors["embeddings.word_embeddings.weight"][list(ids)].astype(np.float64)
        + tensors["embeddings.position_embeddings.weight"][:length]
        + tensors["embeddings.token_type_embeddings.weight"][0]
    )
    x = _norm(tensors, "embeddings.LayerNorm", x)
    for number in range(6):
        x = _layer(tensors, f"encoder.layer.{number}", x)
    mean = x.mean(axis=0)
    return x, mean / np.linalg.norm(mean)


def _layer(tensors: Tensors, name: str, x: Array) -> Array:
    query, key, value = (
        _heads(_dense(tensors, f"{name}.attention.self.{part}", x)) for part in ("query", "key", "value")
    )
    scores = query @ key.transpose(0, 2, 1) / math.sqrt(query.shape[-1])
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    attended = (weights / weights.sum(axis=-1, keepdims=True)) @ value
    joined = attended.transpose(1, 0, 2).reshape(x.shape)
    x = _norm(
        tensors, f"{name}.attention.output.LayerNorm", x + _dense(tensors, f"{name}.attention.output.dense", joined)
    )
    wide = _dense(tensors, f"{name}.intermediate.dense", x)
    active = wide * 0.5 * (1.0 + _erf(wide / math.sqrt(2.0)))
    return _norm(tensors, f"{name}.output.LayerNorm", x + _dense(tensors, f"{name}.output.dense", active))


def _heads(x: Array) -> Array:
    return x.reshape(len(x), HEADS, -1).transpose(1, 0, 2)


def _dense(tensors: Tensors, name: str, x: Array) -> Array:
    return x @ tensors[f"{name}.weight"].T.astype(np.float64) + tensors[f"{name}.bias"]


def _norm(tensors: Tensors, name: str, x: Array) -> Array:
    centred = x - x.mean(axis=-1, keepdims=True)
    spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
    return centred / spread * tensors[f"{name}.weight"] + tensors[f"{name}.bias"]
