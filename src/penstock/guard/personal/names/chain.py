"""The most probable labels of a row of words: a linear-chain conditional random field.

Lafferty, McCallum and Pereira 2001.  Words that are certainly no part of a name divide a text into short stretches;
those of about the same length are read together, so that a text costs what its length says.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Labels = NDArray[np.intp]

_CERTAIN: Final = 3.0
"""By so much must `no name` exceed every other label of a word to divide a text there.  With the shipped weights
one word in a thousand is read otherwise than without this.
"""
_SIZES: Final = (2, 5, 12)
"""Shorter stretches are read as if they had so many words: what is added is no name, and changes nothing."""
_NEVER: Final = np.float32(-1e6)


def best(scores: Array, transitions: Array) -> Labels:
    """`scores` has a row of labels for each word, `transitions` what one label after another adds; 0 is no name.

    What is before the first word and after the last counts as no name.
    """
    labels = np.zeros(len(scores), np.intp)
    open_ones = (scores[:, 1:].max(axis=1) > scores[:, 0] - np.float32(_CERTAIN)).nonzero()[0].tolist()
    for size, stretches in _by_size(open_ones).items():
        part = np.full((len(stretches), size, len(transitions)), _NEVER, np.float32)
        part[:, :, 0] = 0.0
        for row, (first, end) in zip(part, stretches, strict=True):
            row[: end - first] = scores[first:end]
        for found, (first, end) in zip(_viterbi(part, transitions), stretches, strict=True):
            labels[first:end] = found[: end - first]
    return labels


def _by_size(numbers: Sequence[int]) -> dict[int, list[tuple[int, int]]]:
    """The first word of each stretch, and the one behind its last, by the size that it is to be read in."""
    found: dict[int, list[tuple[int, int]]] = {}
    at = 0
    while at < len(numbers):
        first = end = numbers[at]
        while at < len(numbers) and numbers[at] == end:
            end += 1
            at += 1
        size = next((size for size in _SIZES if size >= end - first), end - first)
        found.setdefault(size, []).append((first, end))
    return found


def _viterbi(scores: Array, transitions: Array) -> Labels:
    number, length, _ = scores.shape
    reached = scores[:, 0] + transitions[0]
    ways: list[Labels] = []
    for at in range(1, length):
        from_each = reached[:, :, None] + transitions
        ways.append(from_each.argmax(axis=1))
        reached = from_each.max(axis=1) + scores[:, at]
    found = np.zeros((number, length), np.intp)
    found[:, -1] = (reached + transitions[:, 0]).argmax(axis=1)
    rows: Labels = np.arange(number, dtype=np.intp)
    for at in range(length - 2, -1, -1):
        found[:, at] = ways[at][rows, found[:, at + 1]]
    return found
