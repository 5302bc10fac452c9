"""Whether a question belongs to an assistant, judged against examples of what the assistant is for.

Three opinions on each topic are added up (`members`): how near its nearest examples are, how near its mean lies in the
directions in which topics differ, and how its examples are worded.  The best topic's sum is then read on the scale of
the assistant's own examples.  Made by `fit`, called for each question by the scope guard.
"""

from dataclasses import dataclass
from io import BytesIO
from typing import Final

import msgspec
import numpy as np

from penstock.core.errors import ConfigError
from penstock.encoder.heads import arrays_of
from penstock.encoder.model import Encoded
from penstock.guard.scope.features import Array, joined, pooled, runs
from penstock.guard.scope.members import Directions, Nearest, Wording

_FORMAT: Final = 1


class ScopeVerdict(msgspec.Struct, frozen=True):
    """`score` is the share of the assistant's own questions expected to look stranger than this one, 0 to 1: what lies
    below the head's `cut` is outside.  `topic` is the nearest one's name, None where topics have none, and `confidence`
    the probability that it is the right one, given that the question is inside.
    """

    is_inside: bool
    topic: str | None
    score: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Weights:
    """How much an opinion counts beside the nearest examples, which count for 1; `outside` is taken off."""

    directions: float
    wording: float
    outside: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeHead:
    """See the module.  Blocking, below a millisecond, safe in any thread.

    `encoder` is the identity of the encoder whose vectors it was made of: with another's it must not be asked.
    `levels` are the scores at even shares of the assistant's own questions, and `cut` the share that is outside.  A
    text without a single known token is outside.
    """

    encoder: str
    topics: tuple[str | None, ...]
    middle: Array
    nearest: Nearest
    directions: Directions | None
    wording: Wording | None
    outside: Nearest | None
    weights: Weights
    levels: Array
    sharpness: float
    cut: float

    def judge(self, text: str, encoded: Encoded) -> ScopeVerdict:
        """`encoded` is the same text's.  Raises `ValueError` for vectors of another length."""
        pools = pooled(encoded)
        if pools.shape != self.middle.shape:
            raise ValueError(f"vectors of {pools.shape[1]} numbers, not of {self.middle.shape[1]}")
        if not pools[0].any():
            return ScopeVerdict(is_inside=False, topic=None, score=0.0, confidence=0.0)
        scores = self.scores(text, pools)
        best = int(np.argmax(scores))
        shares = np.linspace(0.0, 1.0, len(self.levels))
        own = float(scores[best]) - self.strangeness(encoded.sentence)
        score = float(np.interp(own, self.levels, shares))
        likely = np.exp(self.sharpness * (scores - scores[best]))
        return ScopeVerdict(
            is_inside=score >= self.cut,
            topic=self.topics[best],
            score=score,
            confidence=float(1.0 / likely.sum()),
        )

    def scores(self, text: str, pools: Array) -> Array:
        """For each topic."""
        found = self.nearest.scores(pools[None, 0])
        if self.directions is not None:
            found = found + self.weights.directions * self.directions.scores(joined(pools[None], self.middle))
        if self.wording is not None:
            found = found + self.weights.wording * self.wording.scores([runs(text)])
        return (found / (1.0 + self.weights.directions + self.weights.wording))[0]

    def strangeness(self, sentence: Array) -> float:
        """What is taken off for being near to questions outside."""
        if self.outside is None:
            return 0.0
        return self.weights.outside * float(self.outside.scores(sentence[None]).max())

    def to_bytes(self) -> bytes:
        """For `from_bytes`; it holds the vectors of examples, so keep it as private as these."""
        arrays: dict[str, np.ndarray] = {
            "middle": self.middle,
            "levels": self.levels,
            "examples": self.nearest.examples.astype(np.float16),
            "counts": self.nearest.counts,
        }
        if self.directions is not None:
            arrays |= {
                "origin": self.directions.origin,
                "towards": self.directions.towards,
                "means": self.directions.means,
            }
        if self.wording is not None:
            arrays["words"] = self.wording.weights
        if self.outside is not None:
            arrays |= {
                "outside": self.outside.examples.astype(np.float16),
                "outside_counts": self.outside.counts,
            }
        about = _About(
            format=_FORMAT,
            encoder=self.encoder,
            topics=self.topics,
            weights=(self.weights.directions, self.weights.wording, self.weights.outside),
            word_scale=1.0 if self.wording is None else self.wording.scale,
            sharpness=self.sharpness,
            cut=self.cut,
        )
        arrays["about"] = np.frombuffer(msgspec.json.encode(about), np.uint8)
        file = BytesIO()
        np.savez_compressed(file, allow_pickle=False, **arrays)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes, *, encoder: str) -> "ScopeHead":
        """Raises `ConfigError` where the data is no head, or one made with another encoder."""
        with arrays_of(data, "the scope head") as arrays:
            try:
                about = msgspec.json.decode(arrays["about"].tobytes(), type=_About)
            except msgspec.MsgspecError as error:
                raise ValueError(str(error)) from None
            if about.format != _FORMAT or about.encoder != encoder:
                raise ConfigError("the scope head was made with another encoder or another version: make it anew")
            return cls(
                encoder=about.encoder,
                topics=about.topics,
                middle=arrays["middle"],
                nearest=Nearest(arrays["examples"].astype(np.float32), arrays["counts"]),
                directions=Directions(arrays["origin"], arrays["towards"], arrays["means"])
                if "origin" in arrays
                else None,
                wording=Wording(arrays["words"], about.word_scale) if "words" in arrays else None,
                outside=Nearest(arrays["outside"].astype(np.float32), arrays["outside_counts"])
                if "outside" in arrays
                else None,
                weights=Weights(*about.weights),
                levels=arrays["levels"],
                sharpness=about.sharpness,
                cut=about.cut,
            )


class _About(msgspec.Struct, frozen=True):
    format: int
    encoder: str
    topics: tuple[str | None, ...]
    weights: tuple[float, float, float]
    word_scale: float
    sharpness: float
    cut: float
