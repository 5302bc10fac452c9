"""The gradient of the chain's likelihood: see `penstock.guard.personal.names.chain` for what it reads."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Numbers = NDArray[np.intp]


class Gradient(NamedTuple):
    scores: Array
    transitions: Array


def forbidden(labels: int) -> Array:
    """Far below zero where a further word of a name would follow anything but a word of it."""
    found = np.zeros((labels, labels), np.float32)
    for further in range(2, labels, 2):
        found[:, further] = -30.0
        found[further - 1 : further + 1, further] = 0.0
    return found


def gradient(
    scores: Array, labels: NDArray[np.int64], weights: Array, transitions: Array, *, firsts: Numbers, ends: Numbers
) -> Gradient:
    """Of minus the mean log-likelihood of a word; texts are the rows from `firsts` to `ends`, `weights` by row."""
    sizes = ends - firsts
    texts, longest = len(firsts), int(sizes.max())
    at = np.arange(longest)[:, None]
    real = at < sizes[None]
    rows = np.minimum(firsts[None] + at, len(scores) - 1)
    part, gold = scores[rows], labels[rows]
    weight = weights[firsts]
    forward = np.empty_like(part)
    forward[0] = part[0] + transitions[0]
    for step in range(1, longest):
        reached = _log_sum(forward[step - 1][:, :, None] + transitions, 1) + part[step]
        forward[step] = np.where(real[step][:, None], reached, forward[step - 1])
    total = _log_sum(forward[-1] + transitions[:, 0], 1)
    backward = np.empty_like(part)
    backward[-1] = transitions[:, 0]
    moves = np.zeros_like(transitions)
    for step in range(longest - 2, -1, -1):
        after = part[step + 1] + backward[step + 1]
        reached = _log_sum(transitions + after[:, None, :], 2)
        backward[step] = np.where(real[step + 1][:, None], reached, backward[step + 1])
        pairs = forward[step][:, :, None] + transitions + after[:, None, :] - total[:, None, None]
        # What stands behind a text's end is other rows' scores, and may be too large for `exp`.
        pairs[~real[step + 1]] = -np.inf
        moves += (np.exp(pairs) * weight[:, None, None]).sum(axis=0)
    totals = np.where(real[:, :, None], forward + backward - total[None, :, None], -np.inf)
    chances = np.exp(totals) * weight[None, :, None]
    last, every = sizes - 1, np.arange(texts)
    moves[0] += chances[0].sum(axis=0)
    moves[:, 0] += chances[last, every].sum(axis=0)
    _count(moves, gold, real, weight)
    np.add.at(moves, (gold[last, every], np.zeros(texts, np.intp)), -weight)
    step_at, text_at = np.nonzero(real)
    chances[step_at, text_at, gold[step_at, text_at]] -= weight[text_at]
    found = np.zeros_like(scores)
    found[rows[real]] = chances[real]
    words = max(float((real * weight).sum()), 1.0)
    return Gradient(found / np.float32(words), moves / np.float32(words))


def _count(moves: Array, gold: NDArray[np.int64], real: NDArray[np.bool_], weight: Array) -> None:
    """Take off the moves that were made."""
    np.add.at(moves, (np.zeros(len(weight), np.intp), gold[0]), -weight)
    step, text = np.nonzero(real[1:])
    np.add.at(moves, (gold[step, text], gold[step + 1, text]), -weight[text])


def _log_sum(values: Array, axis: int) -> Array:
    most = values.max(axis=axis, keepdims=True)
    return (most + np.log(np.exp(values - most).sum(axis=axis, keepdims=True))).squeeze(axis)
