"""How the words of a text look: where they are, their shape, what stands around them, the letters they are made of.

The encoder reads English without case; this is what it does not see.  `read` costs what the text's length says: all of
it is looked up and summed for the whole text at once.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from penstock.guard.personal.names.characters import (
    CLASSES,
    DIGIT,
    LINE,
    LOWER,
    SPACE,
    UPPER,
    classes_of,
    codes_of,
    lower_of,
)

Array = NDArray[np.float32]
Numbers = NDArray[np.intp]

_LENGTHS: Final = np.array([2, 3, 4, 6, 9, 13])
"""From where on a word is longer than those of the group before."""
AROUND: Final = CLASSES + 1
"""What stands beside a word: the class of a mark, `SPACE` for another word, and the end of the text."""
OF_WORD: Final = 9 + len(_LENGTHS) + 1
"""So many columns of `shapes` follow from the word alone; then come those of what is around it, and of the text."""
LINE_BEFORE: Final = OF_WORD + 2 * AROUND
STYLE: Final = LINE_BEFORE + 4
SHAPES: Final = STYLE + 3
_LETTERS: Final = np.eye(4, CLASSES, LOWER, np.uint8).T.copy()
"""For each class of characters whether it is a small or capital letter, another one, or a digit."""
_GROUPS: Final = (9, OF_WORD, OF_WORD + AROUND)
BUCKETS: Final = 1 << 14
_EDGES: Final = ((3, False), (4, False), (2, True), (3, True), (4, True))
"""So many letters, and whether at the end."""
EDGES: Final = len(_EDGES)
_POWER: Final = 0x2545F491
_INVERSE: Final = pow(_POWER, -1, 1 << 32)
_MULTIPLIERS: Final = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1)


@dataclass(frozen=True, slots=True)
class Surface:
    """`begins` and `ends` of the words, in characters; `shapes` has a row for each, and `counts` whether it begins
    with a capital, and how many of its letters are capital, and how many are small.

    `grams` are the buckets of the letters' groups: for each character of a word one of three and one of five letters
    around it, marks and what lies outside of the word reading as nothing.  `firsts` says where in `grams` each word's
    begin, and `words` are the hashes of whole words in lower case, and `sums` and
    `inverse` what those of their parts follow from.
    """

    begins: Numbers
    ends: Numbers
    shapes: Array
    grams: NDArray[np.uint32]
    firsts: Numbers
    words: NDArray[np.uint32]
    sums: NDArray[np.uint32]
    inverse: NDArray[np.uint32]
    counts: Numbers

    def edges(self) -> NDArray[np.uint32]:
        """The buckets of each word's first letters and last ones, in groups of several lengths."""
        ends = np.append(self.firsts[1:], len(self.sums) - 1)
        columns: list[NDArray[np.uint32]] = []
        for number, (size, is_end) in enumerate(_EDGES):
            begins, stops = self.firsts, ends
            if is_end:
                begins = np.maximum(begins, ends - size)
            else:
                stops = np.minimum(ends, begins + size)
            # What begins a word is another thing than the same letters at its end.
            columns.append(_mixed(self.hashes(begins, stops) * np.uint32(2 * number * 7919 + 1)))
        return np.stack(columns, axis=1) % np.uint32(BUCKETS)

    def hashes(self, begins: Numbers, ends: Numbers) -> NDArray[np.uint32]:
        """Of parts of words: `words` has what this gives for whole ones.  Positions are those of `firsts`."""
        return _mixed((self.sums[ends] - self.sums[begins]) * self.inverse[begins])


def read(text: str) -> Surface | None:
    """None where the text has no words.  A word is letters and digits without a gap: `Jean-Luc` is two."""
    codes = codes_of(text)
    classes = classes_of(codes)
    is_word = (classes >= LOWER) & (classes <= DIGIT)
    edges = np.diff(is_word, prepend=False, append=False).nonzero()[0]
    begins, ends = edges[::2], edges[1::2]
    if not len(begins):
        return None
    at = is_word.nonzero()[0]
    lengths = ends - begins
    firsts = np.cumsum(lengths) - lengths
    grams, words, sums, inverse = _letters(codes, is_word, at, firsts)
    shapes, counts = _shapes(classes, begins, ends, at, firsts)
    return Surface(begins, ends, shapes, grams, firsts, words, sums, inverse, counts)


def hash_of(word: str) -> np.uint32:
    """As `words` of a surface has it; 0 where there is no word."""
    surface = read(word)
    return surface.words[0] if surface is not None else np.uint32(0)


def text_style(words: int, starts_upper: float, upper: float, lower: float) -> tuple[float, bool, bool]:
    """How a text is written as a whole: from how many of its words begin with a capital, and its letters."""
    return starts_upper / words, upper == 0, lower * 4 < max(upper + lower, 1)


def _shapes(
    classes: NDArray[np.uint8], begins: Numbers, ends: Numbers, at: Numbers, firsts: Numbers
) -> tuple[Array, Numbers]:
    lengths = ends - begins
    lower, upper, other, digits = np.add.reduceat(_LETTERS[classes[at]], firsts, axis=0, dtype=np.intp).T
    starts_upper = classes[begins] == UPPER
    is_long, is_upper = lengths > 1, upper == lengths
    seen_before, seen_after, line_before, line_after = _around(classes, begins, ends)
    gap = begins[1:] == ends[:-1] + 1
    shapes = np.zeros((len(begins), SHAPES), np.float32)
    columns = (
        starts_upper,
        is_upper & is_long,
        is_upper & ~is_long,
        lower == lengths,
        starts_upper & (lower == lengths - 1) & is_long,
        (upper > starts_upper) & (lower > 0),
        digits == lengths,
        (digits > 0) & (digits < lengths),
        other > 0,
    )
    np.stack(columns, axis=1, out=shapes[:, : len(columns)], casting="unsafe")
    rows = np.arange(len(begins))
    at_length, at_before, at_after = _GROUPS
    shapes[rows, at_length + np.searchsorted(_LENGTHS, lengths, "right")] = 1.0
    shapes[rows, at_before + seen_before] = 1.0
    shapes[rows, at_after + seen_after] = 1.0
    shapes[:, LINE_BEFORE] = line_before
    shapes[:, LINE_BEFORE + 1] = line_after
    shapes[1:, LINE_BEFORE + 2] = gap
    shapes[:-1, LINE_BEFORE + 3] = gap
    counts = np.stack([starts_upper, upper, lower], axis=1, dtype=np.intp, casting="unsafe")
    shapes[:, STYLE:] = text_style(len(begins), *counts.sum(axis=0).tolist())
    return shapes, counts


def _around(
    classes: NDArray[np.uint8], begins: Numbers, ends: Numbers
) -> tuple[Numbers, Numbers, NDArray[np.bool_], NDArray[np.bool_]]:
    """The nearest mark before and after each word, with only blanks between, and whether a line ends between."""
    size = len(classes)
    is_blank = classes <= LINE
    marks = np.where((classes >= LOWER) & (classes <= DIGIT), SPACE, classes).astype(np.intp)
    places = np.arange(size)
    last = np.maximum.accumulate(np.where(is_blank, -1, places))
    following = np.minimum.accumulate(np.where(is_blank, size, places)[::-1])[::-1]
    before = np.where(begins > 0, last[np.maximum(begins - 1, 0)], -1)
    after = np.where(ends < size, following[np.minimum(ends, size - 1)], size)
    seen_before = np.where(before < 0, CLASSES, marks[np.maximum(before, 0)])
    seen_after = np.where(after >= size, CLASSES, marks[np.minimum(after, size - 1)])
    lines = np.concatenate([[0], np.cumsum(classes == LINE)])
    return seen_before, seen_after, lines[begins] > lines[before + 1], lines[after] > lines[ends]


def _letters(
    codes: NDArray[np.uint32], is_word: NDArray[np.bool_], at: Numbers, firsts: Numbers
) -> tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.uint32], NDArray[np.uint32]]:
    padded = np.zeros(len(codes) + 4, np.uint32)
    padded[2:-2] = np.where(is_word, lower_of(codes), 0)
    left, here, right = padded[at + 1], padded[at + 2], padded[at + 3]
    far_left = np.where(left > 0, padded[at], 0)
    far_right = np.where(right > 0, padded[at + 4], 0)
    first, second, third, fourth, fifth = (np.uint32(each) for each in _MULTIPLIERS)
    three = (left * first + here) * second + right * third
    five = (three + far_left * fourth) * fifth + far_right * first
    grams = np.stack([_mixed(three), _mixed(five)], axis=1) % np.uint32(BUCKETS)
    sums, inverse = _rolled(here)
    words = _mixed((sums[np.append(firsts[1:], len(at))] - sums[firsts]) * inverse[firsts])
    return grams, words, sums, inverse


def _rolled(letters: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Sums from which any stretch's hash follows by one subtraction and one product, modulo 2^32 (Karp and Rabin)."""
    powers = np.full(len(letters) + 1, _POWER, np.uint32)
    inverse = np.full(len(letters) + 1, _INVERSE, np.uint32)
    powers[0] = inverse[0] = 1
    sums = np.zeros(len(letters) + 1, np.uint32)
    np.cumsum(_mixed(letters) * np.cumprod(powers, dtype=np.uint32)[:-1], dtype=np.uint32, out=sums[1:])
    return sums, np.cumprod(inverse, dtype=np.uint32)


def _mixed(value: NDArray[np.uint32]) -> NDArray[np.uint32]:
    value = value ^ (value >> np.uint32(15))
    value = value * np.uint32(0x2C1B3C6D)
    return value ^ (value >> np.uint32(12))
