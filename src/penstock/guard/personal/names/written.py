"""A text as words and the gaps between them, and what the first layer makes of how both are written.

Words and gaps come again and again, and what the first layer makes of one depends on nothing but itself: it is kept
from one text to the next, so that a text costs what its new words cost.  Kept are numbers alone, under the word's hash
with the process's own key (`hash`): the words themselves do not stay.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from penstock.guard.personal.names.characters import (
    BLANKS,
    CLASSES,
    LINES,
    SPACE,
    WORD_CHARACTERS,
    classes_of,
    codes_of,
)
from penstock.guard.personal.names.known import Known
from penstock.guard.personal.names.surface import (
    AROUND,
    BUCKETS,
    LINE_BEFORE,
    OF_WORD,
    SHAPES,
    STYLE,
    Surface,
    read,
    text_style,
)

Array = NDArray[np.float32]

LETTERS_SCALE: Final = 4.0
_MOST_WORDS: Final = 1 << 14
_DIGITS: Final = 4
"""Numbers of up to so many digits are read beforehand: hardly a text of a business comes without one."""
_LONGEST_WORD: Final = 40
_MOST_GAPS: Final = 1 << 10
_LONGEST_GAP: Final = 12
"""Longer words and gaps are not kept: they hardly come again."""
_COUNTS: Final = 3
"""Kept with a word's row: whether it begins with a capital, how many letters are capital, and how many are small."""
_WORD: Final = re.compile("([" + "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in WORD_CHARACTERS) + "]+)")
_IS_LINE: Final = 2
_IS_ONE: Final = 1


class Words(NamedTuple):
    """The words of a text and where they are, in characters.  A gap is before each word, and one after the last."""

    words: Sequence[str]
    gaps: Sequence[str]
    begins: Sequence[int]
    ends: Sequence[int]

    def starts_line(self, number: int) -> bool:
        """Whether a line ends before this word."""
        return _beside(self.gaps[number], is_edge=number == 0).before & _IS_LINE > 0


def words_of(text: str) -> Words:
    """A word is letters and digits without a gap: `Jean-Luc` is two."""
    parts = _WORD.split(text)
    edges = list(accumulate(map(len, parts)))
    return Words(parts[1::2], parts[::2], edges[:-1:2], edges[1::2])


class _Beside(NamedTuple):
    """What a gap is to the word that it stands after, and to the one that it stands before: the class of the nearest
    mark, whether a line ends up to there, and whether the gap is a single character, as one number.
    """

    after: int
    before: int


@lru_cache(_MOST_GAPS)
def _beside(gap: str, *, is_edge: bool = False) -> _Beside:
    """`is_edge` where the text begins or ends with it."""
    marks = gap.strip(BLANKS)
    is_one = _IS_ONE * (len(gap) == 1 and not is_edge)
    if not marks:
        both = 4 * (CLASSES if is_edge else SPACE) + _has_line(gap) + is_one
        return _Beside(both, both)
    begin = gap.index(marks)
    first, last = classes_of(codes_of(marks[0] + marks[-1])).tolist()
    lines_first, lines_last = _has_line(gap[:begin]), _has_line(gap[begin + len(marks) :])
    return _Beside(4 * first + lines_first + is_one, 4 * last + lines_last + is_one)


def _has_line(blanks: str) -> int:
    return 0 if LINES.isdisjoint(blanks) else _IS_LINE


@dataclass(frozen=True, slots=True)
class Tables:
    """Learnt vectors of letters, of words and of how they begin and end, with what a step is worth in each column; the
    words that are known.
    """

    letters: NDArray[np.int8]
    letters_step: Array
    words: NDArray[np.int8]
    words_step: Array
    edges: NDArray[np.int8]
    edges_step: Array
    known: Known

    def read(self, surface: Surface) -> Array:
        """For each word hints, letters, the word itself, and how it begins and ends."""
        counts = np.diff(surface.firsts, append=len(surface.grams))
        pairs = self.letters[surface.grams[:, 0]].astype(np.float32) + self.letters[surface.grams[:, 1]]
        letters = np.add.reduceat(pairs, surface.firsts, axis=0) * (LETTERS_SCALE / 2.0 / counts)[:, None]
        parts = (
            self.known.hints(surface),
            letters * self.letters_step,
            self.words[surface.words % np.uint32(BUCKETS)] * self.words_step,
            self.edges[surface.edges()].sum(axis=1, dtype=np.float32) * self.edges_step,
        )
        return np.concatenate(parts, axis=1, dtype=np.float32)


class Written:
    """The first layer over what is written: `weights` has a row for each column of a surface's shapes, and then for
    those of `Tables.read`.  Thread-safe: what two threads remember of a word is the same.
    """

    def __init__(self, tables: Tables, weights: Array, bias: Array) -> None:
        self._tables = tables
        self._of_word = np.concatenate([weights[:OF_WORD], weights[SHAPES:]])
        self._of_style = weights[STYLE:SHAPES]
        self._bias = bias
        self._before = _each_gap(weights, OF_WORD, LINE_BEFORE)
        self._after = _each_gap(weights, OF_WORD + AROUND, LINE_BEFORE + 1)
        self._kept: dict[int, bytes] = {}
        numbers = [f"{each:0{size}}" for size in range(1, _DIGITS + 1) for each in range(10**size)]
        self._numbers = self._rows(dict(zip(_keys(numbers), numbers, strict=True)))
        self._kept.update(self._numbers)

    @property
    def kept(self) -> int:
        """How many words it remembers beside the numbers, which are always there."""
        return len(self._kept) - len(self._numbers)

    def read(self, text: Words) -> Array:
        """A row for each word, of which there must be one at least."""
        keys = _keys(text.words)
        rows = list(map(self._kept.get, keys))
        if None in rows:
            new = self._new({key: word for key, word, row in zip(keys, text.words, rows, strict=True) if row is None})
            rows = [new[key] if row is None else row for key, row in zip(keys, rows, strict=True)]
        values: Array = np.frombuffer(b"".join(rows), np.float32).reshape(len(rows), -1)  # type: ignore[arg-type]  # none is None now
        inner = [_beside(gap) if len(gap) <= _LONGEST_GAP else _beside.__wrapped__(gap) for gap in text.gaps[1:-1]]
        before = [_beside.__wrapped__(text.gaps[0], is_edge=True).before, *(each.before for each in inner)]
        after = [*(each.after for each in inner), _beside.__wrapped__(text.gaps[-1], is_edge=True).after]
        starts, upper, lower = values[:, -_COUNTS:].sum(axis=0, dtype=np.float64).tolist()
        style = np.array(text_style(len(rows), starts, upper, lower), np.float32)
        of_text: Array = (style @ self._of_style + self._bias).astype(np.float32)
        return values[:, :-_COUNTS] + self._before[before] + self._after[after] + of_text

    def _new(self, words: dict[int, str]) -> dict[int, bytes]:
        found = self._rows(words)
        if self.kept + len(found) > _MOST_WORDS:
            self._kept = dict(self._numbers)
        for (key, row), word in zip(found.items(), words.values(), strict=True):
            if len(word) <= _LONGEST_WORD and self.kept < _MOST_WORDS:
                self._kept[key] = row
        return found

    def _rows(self, words: dict[int, str]) -> dict[int, bytes]:
        rows = np.empty((len(words), len(self._bias) + _COUNTS), np.float32)
        if (surface := read(" ".join(words.values()))) is not None:
            columns = (surface.shapes[:, :OF_WORD], self._tables.read(surface))
            rows[:, :-_COUNTS] = np.concatenate(columns, axis=1) @ self._of_word
            rows[:, -_COUNTS:] = surface.counts
        return dict(zip(words, map(bytes, rows), strict=True))


def _keys(words: Sequence[str]) -> list[int]:
    """Their hashes, each with its word's length: `hash` goes by bytes alone, of which CJK has two for a letter, so that
    words of CJK could be made that stand for others.
    """
    return list(map(hash, zip(words, map(len, words), strict=True)))


def _each_gap(weights: Array, mark: int, line: int) -> Array:
    """What the first layer makes of every gap there is, by `_beside`'s number; `mark` is the column of class 0."""
    numbers = np.arange(4 * AROUND)
    of_mark = weights[mark : mark + AROUND][numbers // 4]
    is_line, is_one = (numbers & _IS_LINE > 0)[:, None], (numbers & _IS_ONE > 0)[:, None]
    return of_mark + is_line * weights[line] + is_one * weights[line + 2]
