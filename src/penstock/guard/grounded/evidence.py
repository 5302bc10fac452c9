"""The passages of an exchange, read once for all claims: words, their vectors, sentences, and what is said there of
figures and negation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from penstock.core.sources import Passage
from penstock.guard.grounded.lexicon import NEGATIONS
from penstock.guard.grounded.sentences import Sentence, sentences
from penstock.guard.grounded.values import Value, values
from penstock.guard.grounded.words import Word, read

Array = NDArray[np.float32]

_LEAST_NORM: Final = 1e-9
_REACH: Final = 3
"""How many words a negation reaches over."""


class Tokens(Protocol):
    """What one pass of the encoder gives; `encoder.Encoded` is one."""

    @property
    def sentence(self) -> Array: ...
    @property
    def tokens(self) -> Array: ...
    @property
    def spans(self) -> tuple[tuple[int, int], ...]: ...


class Short(Protocol):
    """Reads a few words at a time; every vector has unit length."""

    def alone(self, words: str) -> Array:
        """Of a word or two that stand alone."""
        ...

    def between(self, before: str, words: str, after: str) -> Array:
        """Of words as they are read with the word before and the word after; either may be empty."""
        ...


def between(read: Callable[[str], Tokens], before: str, words: str, after: str) -> Array:
    """As `Short.between`: the mean of what is read of the words; zero where nothing is."""
    begin = len(before) + 1 if before else 0
    encoded = read(" ".join(each for each in (before, words, after) if each))
    rows = [at for at, (first, last) in enumerate(encoded.spans) if first >= begin and last <= begin + len(words)]
    if not rows:
        return np.zeros_like(encoded.sentence)
    mean = encoded.tokens[rows].mean(axis=0)
    return mean / max(float(np.linalg.norm(mean)), _LEAST_NORM)


def word_vectors(words: Sequence[Word], encoded: Tokens) -> Array:
    """A row of unit length for each word, the mean of its tokens; zero for a word that the encoder did not read."""
    found = np.zeros((len(words), encoded.tokens.shape[1] if encoded.tokens.ndim == 2 else 0), np.float32)
    if not words or not encoded.spans:
        return found
    begins = np.fromiter((word.begin for word in words), np.int64, len(words))
    ends = np.fromiter((word.end for word in words), np.int64, len(words))
    token_begins = np.fromiter((begin for begin, _ in encoded.spans), np.int64, len(encoded.spans))
    of = np.searchsorted(begins, token_begins, side="right") - 1
    is_inside = (of >= 0) & (token_begins < ends[np.maximum(of, 0)])
    of, rows = of[is_inside], encoded.tokens[is_inside]
    if not len(of):
        return found
    firsts = np.flatnonzero(np.diff(of, prepend=-1))
    found[of[firsts]] = np.add.reduceat(rows, firsts, axis=0)
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), _LEAST_NORM)


class Denial(NamedTuple):
    """`heads` are the content words next behind each negation, two at most; `reached` are all that one reaches."""

    heads: tuple[tuple[int, ...], ...]
    reached: frozenset[int]


def denials(words: Sequence[Word]) -> Denial:
    """The negations of a sentence, by the places of what they deny among its content words."""
    heads: list[tuple[int, ...]] = []
    reached: set[int] = set()
    place = 0
    for at, word in enumerate(words):
        if word.lower in NEGATIONS:
            found: list[int] = []
            end, following = word.end, place
            for each in words[at + 1 : at + 1 + 3 * _REACH]:
                if each.begin > end + 1 or len(found) == _REACH:
                    break
                if not each.is_function:
                    found.append(following)
                    following += 1
                end = each.end
            if found:
                heads.append(tuple(found[:2]))
                reached.update(found)
        place += not word.is_function
    return Denial(tuple(heads), frozenset(reached))


@dataclass(frozen=True, slots=True)
class Told:
    """One sentence of a passage.  `first` to `last` are its rows among the words of all passages."""

    passage: int
    begin: int
    end: int
    first: int
    last: int
    words: tuple[Word, ...]
    values: tuple[Value, ...]
    denial: Denial


@dataclass(frozen=True, slots=True)
class Evidence:
    """`stems` and `vectors` have a row for each content word; `heads` are the stems of each title and heading.

    `starts` are the first rows of the sentences, `means` their mean vectors.
    """

    passages: tuple[Passage, ...]
    told: tuple[Told, ...]
    stems: tuple[str, ...]
    vectors: Array
    means: Array
    starts: NDArray[np.int64]
    heads: tuple[frozenset[str], ...]


def gather(passages: Sequence[Passage], encoded: Sequence[Tokens]) -> Evidence:
    """`encoded` has what the encoder read of each passage's text."""
    told: list[Told] = []
    stems: list[str] = []
    vectors: list[Array] = []
    heads: list[frozenset[str]] = []
    for number, (passage, read_there) in enumerate(zip(passages, encoded, strict=True)):
        heads.append(_head(passage))
        for sentence in sentences(passage.text) or [Sentence(0, len(passage.text), "text")]:
            piece = passage.text[sentence.begin : sentence.end]
            words = [
                word._replace(begin=word.begin + sentence.begin, end=word.end + sentence.begin) for word in read(piece)
            ]
            content = [word for word in words if not word.is_function]
            if not content:
                continue
            first = len(stems)
            stems.extend(word.stem for word in content)
            vectors.append(word_vectors(content, read_there))
            told.append(
                Told(
                    number,
                    sentence.begin,
                    sentence.end,
                    first,
                    len(stems),
                    tuple(words),
                    tuple(values(piece)),
                    denials(words),
                )
            )
    width = encoded[0].tokens.shape[1] if encoded else 0
    rows = np.concatenate(vectors) if vectors else np.zeros((0, width), np.float32)
    starts = np.array([each.first for each in told], np.int64)
    means = np.add.reduceat(rows, starts, axis=0) if told else np.zeros((0, width), np.float32)
    means = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), _LEAST_NORM)
    return Evidence(tuple(passages), tuple(told), tuple(stems), rows, means, starts, tuple(heads))


def _head(passage: Passage) -> frozenset[str]:
    said = " ".join((passage.title, *passage.heading))
    return frozenset(word.stem for word in read(said) if not word.is_function)
