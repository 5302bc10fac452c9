"""Fits the tagger: numpy alone, one thread, some minutes, the same result every time.

Adam (Kingma and Ba 2015) on the likelihood of each text's labels; averaged weights at the end.  What is learnt of
single words is dropped at random, so that names never seen are told by what surrounds them and by the encoder, and
the encoder is dropped at random, so that what is beyond its windows is still judged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from penstock.guard.personal.names.known import FLAGS
from penstock.guard.personal.names.network import REACH
from penstock.guard.personal.names.surface import BUCKETS, EDGES, SHAPES, Surface
from penstock.guard.personal.names.written import LETTERS_SCALE
from training.names.chain import Gradient, forbidden, gradient

Array = NDArray[np.float32]
Weights = dict[str, Array]

HIDDEN: Final = 96
READ: Final = 64
"""What the encoder's vector is reduced to."""
GRAMS: Final = 24
_SEEN: Final = 2 * REACH + 1
_BASE: Final = READ + SHAPES + FLAGS
_DROP_ENCODER: Final = 0.1
_DROP_TEXTS_ENCODER: Final = 0.05
_DROP_KNOWN: Final = 0.25
_DROP_WORD: Final = 0.3
_DROP_GRAMS: Final = 0.1
_DROP_HIDDEN: Final = 0.3
_RATE: Final = 2e-3
_DECAY: Final = 1e-2
_TEXTS: Final = 48
_WARM: Final = 100
_KEPT: Final = 0.995


@dataclass(frozen=True, slots=True)
class Example:
    """One text to learn from: `vectors` and `known` have a row for each word, `labels` a number."""

    surface: Surface
    vectors: NDArray[np.float16]
    known: NDArray[np.float16]
    labels: NDArray[np.int64]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class _Batch:
    """Texts one after the other, with empty rows between so that none sees another; text `i` is in rows `firsts[i]` to
    `ends[i]`.  The letters of row `gram_rows[j]` begin at `gram_firsts[j]`.
    """

    vectors: Array
    shapes: Array
    known: Array
    words: NDArray[np.uint32]
    labels: NDArray[np.int64]
    weights: Array
    is_real: Array
    grams: NDArray[np.uint32]
    gram_rows: NDArray[np.intp]
    gram_firsts: NDArray[np.intp]
    gram_scale: Array
    edges: NDArray[np.uint32]
    firsts: NDArray[np.intp]
    ends: NDArray[np.intp]


def _batch(examples: Sequence[Example]) -> _Batch:
    sizes = np.array([len(each.labels) for each in examples])
    ends = np.cumsum(sizes + REACH) - REACH
    firsts, total = ends - sizes, int(ends[-1]) + REACH
    within: NDArray[np.intp] = np.arange(int(sizes.sum()), dtype=np.intp)
    at = within + np.repeat(firsts - (np.cumsum(sizes) - sizes), sizes)

    def laid(rows: Sequence[NDArray[np.generic]], kind: type[np.generic]) -> NDArray[np.generic]:
        joined = np.concatenate(rows)
        found = np.zeros((total, *joined.shape[1:]), kind)
        found[at] = joined
        return found

    lengths = np.concatenate([np.diff(each.surface.firsts, append=len(each.surface.grams)) for each in examples])
    is_real = np.zeros((total, 1), np.float32)
    is_real[at] = 1.0
    weights = np.zeros(total, np.float32)
    weights[at] = np.repeat([each.weight for each in examples], sizes)
    return _Batch(
        vectors=laid([each.vectors for each in examples], np.float32),  # type: ignore[arg-type]  # the kind is given
        shapes=laid([each.surface.shapes for each in examples], np.float32),  # type: ignore[arg-type]  # as above
        known=laid([each.known for each in examples], np.float32),  # type: ignore[arg-type]  # as above
        words=laid([each.surface.words % np.uint32(BUCKETS) for each in examples], np.uint32),  # type: ignore[arg-type]  # as above
        labels=laid([each.labels for each in examples], np.int64),  # type: ignore[arg-type]  # as above
        weights=weights,
        is_real=is_real,
        grams=np.concatenate([each.surface.grams.ravel() for each in examples]),
        gram_rows=at,
        gram_firsts=2 * (np.cumsum(lengths) - lengths),
        gram_scale=(LETTERS_SCALE / 2.0 / lengths).astype(np.float32)[:, None],
        edges=laid([each.surface.edges() for each in examples], np.uint32),  # type: ignore[arg-type]  # as above
        firsts=firsts,
        ends=ends,
    )


def _start(width: int, labels: int, seed: int) -> Weights:
    chance = np.random.default_rng(seed)

    def drawn(rows: int, columns: int, share: float = 2.0) -> Array:
        return (chance.normal(size=(rows, columns)) * np.sqrt(share / rows)).astype(np.float32)

    return {
        "letters": np.zeros((BUCKETS, GRAMS), np.float32),
        "words": np.zeros((BUCKETS, GRAMS), np.float32),
        "edges": np.zeros((BUCKETS, GRAMS), np.float32),
        "we": drawn(width, READ, 1.0),
        "w0": drawn(_BASE + 3 * GRAMS, HIDDEN),
        "b0": np.zeros(HIDDEN, np.float32),
        "w1": drawn(_SEEN * HIDDEN, HIDDEN),
        "b1": np.zeros(HIDDEN, np.float32),
        "w2": drawn(_SEEN * HIDDEN, HIDDEN, 0.5),
        "b2": np.zeros(HIDDEN, np.float32),
        "w3": drawn(2 * HIDDEN, labels, 0.5),
        "b3": np.zeros(labels, np.float32),
        "moves": np.zeros((labels, labels), np.float32),
    }


def _around(x: Array) -> Array:
    padded = np.pad(x, ((REACH, REACH), (0, 0)))
    return np.concatenate([padded[at : at + len(x)] for at in range(_SEEN)], axis=1)


def _unaround(slopes: Array) -> Array:
    size = len(slopes)
    padded = np.zeros((size + 2 * REACH, HIDDEN), np.float32)
    for at in range(_SEEN):
        padded[at : at + size] += slopes[:, at * HIDDEN : (at + 1) * HIDDEN]
    return padded[REACH : REACH + size]


@dataclass(frozen=True, slots=True)
class _Dropped:
    """What is left out of one step, and by how much the rest counts for more."""

    vectors: Array
    known: Array
    words: Array
    grams: Array
    edges: Array
    hidden: tuple[Array, Array, Array]


@dataclass(frozen=True, slots=True)
class _Forward:
    vectors: Array
    x: Array
    layers: tuple[Array, Array, Array]
    seen: tuple[Array, Array]
    top: Array
    scores: Array


class Fitter:
    """One tagger in the making; `mean` is what is kept in the end."""

    def __init__(self, width: int, labels: int, seed: int) -> None:
        self._weights = _start(width, labels, seed)
        self.mean = {name: value.copy() for name, value in self._weights.items()}
        self._moments = {name: (np.zeros_like(value), np.zeros_like(value)) for name, value in self._weights.items()}
        self._chance = np.random.default_rng(seed + 1)
        self._forbidden = forbidden(labels)
        self._step = 0

    def train(self, examples: Sequence[Example], *, epochs: int) -> None:
        order: NDArray[np.intp] = np.arange(len(examples), dtype=np.intp)
        total = epochs * -(-len(examples) // _TEXTS)
        with Progress(transient=True) as progress:
            task = progress.add_task("learning", total=total)
            for _ in range(epochs):
                self._chance.shuffle(order)
                for at in range(0, len(order), _TEXTS):
                    fall = 0.5 * (1.0 + float(np.cos(np.pi * min(1.0, self._step / total))))
                    rate = _RATE * max(min(1.0, (self._step + 1) / _WARM) * fall, 0.02)
                    self._learn(_batch([examples[int(number)] for number in order[at : at + _TEXTS]]), rate)
                    progress.advance(task)
        if not all(np.isfinite(each).all() for each in self.mean.values()):
            raise ArithmeticError("the weights grew beyond what can be counted: nothing was learnt")

    def _learn(self, batch: _Batch, rate: float) -> None:
        w, dropped = self._weights, self._drop(batch)
        forward = _forward(w, batch, dropped)
        slopes = gradient(
            forward.scores,
            batch.labels,
            batch.weights,
            w["moves"] + self._forbidden,
            firsts=batch.firsts,
            ends=batch.ends,
        )
        found, inputs = _backward(w, forward, dropped, slopes)
        inputs *= batch.is_real
        found["we"] = forward.vectors.T @ inputs[:, :READ]
        self._step += 1
        for name, slope in found.items():
            self._adam(name, slice(None), slope, rate)
        real = batch.gram_rows
        words = (inputs[:, _BASE + GRAMS : _BASE + 2 * GRAMS] * dropped.words)[real]
        self._sparse("words", batch.words[real], words, rate)
        edges = (inputs[:, _BASE + 2 * GRAMS :] * dropped.edges)[real]
        self._sparse("edges", batch.edges[real].ravel(), np.repeat(edges, EDGES, axis=0), rate)
        letters = (inputs[:, _BASE : _BASE + GRAMS] * dropped.grams)[real] * batch.gram_scale
        counts = np.diff(batch.gram_firsts, append=len(batch.grams))
        self._sparse("letters", batch.grams, np.repeat(letters, counts, axis=0), rate)

    def _drop(self, batch: _Batch) -> _Dropped:
        size, width = batch.vectors.shape
        rows: NDArray[np.intp] = np.arange(size, dtype=np.intp)
        text = np.searchsorted(batch.ends, rows, "right")
        unread = self._chance.random(len(batch.ends) + 1) < _DROP_TEXTS_ENCODER
        read = np.where(unread[text], 0.0, 1.0).astype(np.float32)[:, None]
        hidden = [self._mask((size, HIDDEN), _DROP_HIDDEN) * batch.is_real for _ in range(3)]
        return _Dropped(
            vectors=self._mask((1, width), _DROP_ENCODER) * read,
            known=(self._chance.random((size, 1)) >= _DROP_KNOWN).astype(np.float32),
            words=self._mask((size, 1), _DROP_WORD),
            grams=self._mask((size, 1), _DROP_GRAMS),
            edges=self._mask((size, 1), _DROP_GRAMS),
            hidden=(hidden[0], hidden[1], hidden[2]),
        )

    def _mask(self, shape: tuple[int, int], share: float) -> Array:
        return (self._chance.random(shape, np.float32) >= share).astype(np.float32) / np.float32(1 - share)

    def _sparse(self, name: str, at: NDArray[np.uint32], slopes: Array, rate: float) -> None:
        order = np.argsort(at, kind="stable")
        ordered = at[order]
        firsts = np.flatnonzero(np.diff(ordered.astype(np.int64), prepend=-1))
        self._adam(name, ordered[firsts], np.add.reduceat(slopes[order], firsts, axis=0), rate)

    def _adam(self, name: str, at: slice | NDArray[np.uint32], slope: Array, rate: float) -> None:
        first, second = self._moments[name]
        weight, mean = self._weights[name], self.mean[name]
        first[at] = 0.9 * first[at] + 0.1 * slope
        second[at] = 0.999 * second[at] + 0.001 * slope**2
        step = (first[at] / (1 - 0.9**self._step)) / (np.sqrt(second[at] / (1 - 0.999**self._step)) + 1e-8)
        decay = _DECAY if name[0] in "wle" else 0.0
        weight[at] -= np.float32(rate) * (step + decay * weight[at]).astype(np.float32)
        mean[at] += np.float32(1 - _KEPT) * (weight[at] - mean[at])


def _forward(w: Weights, batch: _Batch, dropped: _Dropped) -> _Forward:
    vectors = batch.vectors * dropped.vectors
    letters = np.zeros((len(vectors), GRAMS), np.float32)
    letters[batch.gram_rows] = np.add.reduceat(w["letters"][batch.grams], batch.gram_firsts, axis=0) * batch.gram_scale
    parts = (
        vectors @ w["we"],
        batch.shapes,
        batch.known * dropped.known,
        letters * dropped.grams,
        w["words"][batch.words] * dropped.words,
        w["edges"][batch.edges].sum(axis=1) * dropped.edges,
    )
    x = np.concatenate(parts, axis=1, dtype=np.float32) * batch.is_real
    h0 = np.maximum(x @ w["w0"] + w["b0"], 0) * dropped.hidden[0]
    a0 = _around(h0)
    h1 = np.maximum(a0 @ w["w1"] + w["b1"], 0) * dropped.hidden[1]
    a1 = _around(h1)
    h2 = np.maximum(a1 @ w["w2"] + w["b2"], 0) * dropped.hidden[2]
    top = np.concatenate([h0, h1 + h2], axis=1)
    return _Forward(vectors, x, (h0, h1, h2), (a0, a1), top, top @ w["w3"] + w["b3"])


def _backward(w: Weights, forward: _Forward, dropped: _Dropped, slopes: Gradient) -> tuple[Weights, Array]:
    """The slope of each weight, and that of the inputs."""
    (h0, h1, h2), (a0, a1), (m0, m1, m2) = forward.layers, forward.seen, dropped.hidden
    d_top = slopes.scores @ w["w3"].T
    d_sum = d_top[:, HIDDEN:]
    d2: Array = d_sum * (h2 > 0) * m2
    d1: Array = (d_sum + _unaround(d2 @ w["w2"].T)) * (h1 > 0) * m1
    d0: Array = (d_top[:, :HIDDEN] + _unaround(d1 @ w["w1"].T)) * (h0 > 0) * m0
    found: Weights = {
        "moves": slopes.transitions,
        "w3": forward.top.T @ slopes.scores,
        "b3": slopes.scores.sum(axis=0),
        "w2": a1.T @ d2,
        "b2": d2.sum(axis=0),
        "w1": a0.T @ d1,
        "b1": d1.sum(axis=0),
        "w0": forward.x.T @ d0,
        "b0": d0.sum(axis=0),
    }
    return found, d0 @ w["w0"].T
