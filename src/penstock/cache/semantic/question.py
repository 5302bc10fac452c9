"""A question as the semantic cache compares it: its sentence's vector, and one for each of its words with a meaning.

Both come from the encoder's one pass.  What is kept of the words is small: 64 dimensions of 8 bits each, in which the
cosines between words are about those of the full vectors (`training/semantic_cache.py` measures how well).
"""

from dataclasses import dataclass
from hashlib import blake2b
from importlib.resources import files
from typing import Final

import numpy as np
from numpy.typing import NDArray

from penstock.cache.semantic.reading import Reading, Word, read
from penstock.core.errors import ConfigError
from penstock.encoder.heads import arrays_of, shipped
from penstock.encoder.model import Encoded, Matrix, Vector

_MOST_WORDS: Final = 48
_SCALE: Final = 127.0
_LEAST_NORM: Final = 1e-9
_MADE_BY: Final = ("weights.npz", "reading.py", "words.py", "word.py", "clauses.py", "question.py", "rows.py")
"""What a kept question depends on beside the encoder: its words are those of the text as these read it."""


@dataclass(frozen=True, slots=True)
class Question:
    """`words` has one row of unit length for each of `meaningful(reading)`, in their order.

    `unread` are pieces of the text that the encoder has no word for: it takes one for the other.
    """

    text: str
    reading: Reading
    vector: Vector
    words: Matrix
    unread: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Weights:
    """What was trained: the dimensions that words are kept in, and how much the features of a pair count."""

    projection: Matrix
    pair: Vector
    least_pair: float
    least_similarity: float

    @property
    def width(self) -> int:
        return int(self.projection.shape[0])


def load_weights(*, encoder_sha256: str) -> Weights:
    """The shipped weights.  Raises `ConfigError` where they were trained on another encoder."""
    source = shipped("penstock.cache.semantic", "weights.npz")
    with arrays_of(source, "what the semantic cache has learned") as data:
        trained_on = str(data["encoder_sha256"])
        weights = Weights(
            np.asarray(data["projection"], np.float32),
            np.asarray(data["pair"], np.float32),
            float(data["least_pair"]),
            float(data["least_similarity"]),
        )
    if trained_on != encoder_sha256:
        raise ConfigError("the semantic cache was trained on another encoder: it cannot be used with this one")
    return weights


def space_of(encoder_identity: str) -> bytes:
    """Names all that kept questions depend on: those of two spaces must never be compared."""
    hasher = blake2b(encoder_identity.encode(), digest_size=16)
    for name in _MADE_BY:
        hasher.update(blake2b(files("penstock.cache.semantic").joinpath(name).read_bytes()).digest())
    return hasher.digest()


def question_of(text: str, encoded: Encoded, weights: Weights) -> Question | None:
    """None where the text has nothing to compare: no words, or more than a question has."""
    reading = read(text)
    if reading is None or not encoded.is_whole or not encoded.spans:
        return None
    words = meaningful(reading)
    if not words:
        return None
    unread = frozenset(text[begin:end] for begin, end in encoded.unknown)
    return Question(text, reading, encoded.sentence, _word_vectors(words, encoded, weights.projection), unread)


def meaningful(reading: Reading) -> tuple[Word, ...]:
    """The words that are compared: all but the small ones, and of a very long text the first."""
    return tuple(word for word in reading.words if word.kind != "function")[:_MOST_WORDS]


def _word_vectors(words: tuple[Word, ...], encoded: Encoded, projection: Matrix) -> Matrix:
    """The mean over each word's tokens; tokens and words both come in the order of the text."""
    tokens = encoded.tokens @ projection.T
    found = np.zeros((len(words), projection.shape[0]), np.float32)
    at = 0
    spans = encoded.spans
    for row, word in enumerate(words):
        while at < len(spans) and spans[at][1] <= word.begin:
            at += 1
        end = at
        while end < len(spans) and spans[end][0] < word.end:
            end += 1
        if end > at:
            found[row] = tokens[at:end].mean(axis=0)
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), _LEAST_NORM)


def pack(words: Matrix) -> bytes:
    """The rows with 8 bits a number."""
    return np.rint(words * _SCALE).astype(np.int8).tobytes()


def unpack(data: bytes, width: int) -> Matrix:
    """What `pack` wrote, nearly."""
    whole: NDArray[np.int8] = np.frombuffer(data, np.int8).reshape(-1, width)
    return whole.astype(np.float32) / _SCALE
