"""The tagger's weights, and what they say of each word of a text.

Three layers over the encoder's vector of a word, its shape and its letters; each of the upper two sees two words to
either side.  Shipped in 8 bits a weight as `names.npz`, with its card beside it, made by `python -m training.names`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from penstock.core.errors import ConfigError
from penstock.encoder.heads import arrays_of, shipped
from penstock.guard.personal.names.chain import Labels, best
from penstock.guard.personal.names.known import Known
from penstock.guard.personal.names.surface import BUCKETS
from penstock.guard.personal.names.written import Tables, Words, Written

Array = NDArray[np.float32]
Numbers = NDArray[np.intp]

KINDS: Final = ("PERSON", "LOCATION", "ORGANIZATION", "STREET_ADDRESS", "NRP")
"""In the order of the labels: outside, then for each kind its first word and its further ones."""
LABELS: Final = 1 + 2 * len(KINDS)
REACH: Final = 2
VECTOR_SCALE: Final = 0.8
"""What the encoder's numbers are multiplied with, so that they are about as large as the others."""
_BLOCK: Final = 1024
_MATRICES: Final = ("we", "w0", "w1", "w2", "w3")
_LAYERS: Final = 4
_TABLES: Final = ("letters", "words", "edges")


class Reading(NamedTuple):
    """A label for each word, and for each word how much speaks for every label."""

    labels: Labels
    scores: Array


@dataclass(frozen=True, slots=True)
class Network:
    """The first layer is `seen` over the encoder's vectors, made shorter by `reduction`, and `written` over the text;
    `layers` are those above.
    """

    encoder_sha256: str
    reduction: Array
    seen: Array
    written: Written
    layers: tuple[tuple[Array, Array], ...]
    transitions: Array
    calibration: Array

    def read(self, words: Words, tokens: Array, spans: Sequence[tuple[int, int]]) -> Reading:
        """`tokens` are the encoder's vectors, `spans` says which characters each is of; there is a word at least."""
        x = self.written.read(words)
        if spans:
            begins, ends = np.array(words.begins), np.array(words.ends)
            x += mean_of(begins, ends, tokens @ self.reduction, spans) @ self.seen
        np.maximum(x, 0.0, out=x)
        if len(x) <= _BLOCK:
            scores = self._scores(x)
        else:
            scores = np.concatenate([self._block(x, at) for at in range(0, len(x), _BLOCK)])
        return Reading(best(scores, self.transitions), scores)

    def _block(self, x: Array, at: int) -> Array:
        """Some words of a long text, with those around that they see: the rows between layers take much memory."""
        first, end = max(0, at - 2 * REACH), min(len(x), at + _BLOCK + 2 * REACH)
        return self._scores(x[first:end])[at - first : at - first + _BLOCK]

    def _scores(self, x: Array) -> Array:
        (w1, b1), (w2, b2), (w3, b3) = self.layers
        second = np.maximum(_around(x) @ w1 + b1, 0.0)
        third = np.maximum(_around(second) @ w2 + b2, 0.0)
        return np.concatenate([x, second + third], axis=1) @ w3 + b3


def _around(x: Array) -> Array:
    """Each row with those of its neighbours."""
    size, width = x.shape
    padded = np.zeros((size + 2 * REACH, width), np.float32)
    padded[REACH : REACH + size] = x
    return np.concatenate([padded[at : at + size] for at in range(2 * REACH + 1)], axis=1)


def mean_of(begins: Numbers, ends: Numbers, tokens: Array, spans: Sequence[tuple[int, int]]) -> Array:
    """For each word the mean over its tokens' vectors; zero where the encoder read none of it."""
    found = np.zeros((len(begins), tokens.shape[1]), np.float32)
    if not spans:
        return found
    starts = np.fromiter(map(itemgetter(0), spans), np.intp, len(spans))
    word = begins.searchsorted(starts, "right") - 1
    inside = ((word >= 0) & (starts < ends[word])).nonzero()[0]
    if not len(inside):
        return found
    if len(inside) < len(word):
        word, tokens = word[inside], tokens[inside]
    is_first = np.ones(len(word), np.bool_)
    np.not_equal(word[1:], word[:-1], out=is_first[1:])
    firsts = is_first.nonzero()[0]
    counts = np.empty(len(firsts), np.float32)
    np.subtract(firsts[1:], firsts[:-1], out=counts[:-1], casting="unsafe")
    counts[-1] = len(word) - firsts[-1]
    found[word[firsts]] = np.add.reduceat(tokens, firsts, axis=0) * (np.float32(VECTOR_SCALE) / counts)[:, None]
    return found


def load(source: bytes | None = None) -> Network:
    """The tagger that is shipped, or the one in `source`.  Raises `ConfigError` where it is not there or not whole."""
    data = source or shipped("penstock.guard.personal.names", "names.npz")
    with arrays_of(data, "the recogniser of names") as parts:
        matrices = {name: (parts[name] * parts[f"{name}_step"]).astype(np.float32) for name in _MATRICES}
        tables = Tables(
            letters=parts["letters"],
            letters_step=parts["letters_step"],
            words=parts["words"],
            words_step=parts["words_step"],
            edges=parts["edges"],
            edges_step=parts["edges_step"],
            known=Known(np.cumsum(parts["known_gaps"], dtype=np.uint32), parts["known_bits"]),
        )
        reduction, first = matrices["we"], matrices["w0"]
        width = reduction.shape[1]
        network = Network(
            encoder_sha256=str(parts["encoder_sha256"]),
            reduction=reduction,
            seen=first[:width],
            written=Written(tables, first[width:], parts["b0"]),
            layers=tuple((matrices[f"w{at}"], parts[f"b{at}"]) for at in range(1, _LAYERS)),
            transitions=parts["transitions"],
            calibration=parts["calibration"],
        )
    if tables.letters.shape[0] != BUCKETS or network.layers[-1][1].shape != (LABELS,):
        raise ConfigError("the recogniser of names cannot be loaded: it was made for another version")
    return network


def pack(
    weights: Mapping[str, Array], known: Known, *, encoder_sha256: str, transitions: Array, calibration: Array
) -> dict[str, NDArray[np.generic]]:
    """The arrays of `names.npz`: each column in 127 steps to either side."""
    arrays: dict[str, NDArray[np.generic]] = {
        "known_gaps": np.diff(known.hashes, prepend=np.uint32(0)),
        "known_bits": known.bits,
        "encoder_sha256": np.array(encoder_sha256),
        "transitions": transitions.astype(np.float32),
        "calibration": calibration.astype(np.float32),
    }
    for name in (*_MATRICES, *_TABLES):
        step = np.maximum(np.abs(weights[name]).max(axis=0) / 127.0, 1e-9).astype(np.float32)
        arrays[name] = np.rint(weights[name] / step).astype(np.int8)
        arrays[f"{name}_step"] = step
    for at in range(_LAYERS):
        arrays[f"b{at}"] = weights[f"b{at}"].astype(np.float32)
    return arrays
