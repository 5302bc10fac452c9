"""The complexity head: how much a question would gain from a stronger model, from one pass and its wording.

A kernel regression on the wording (random Fourier features, Rahimi and Recht 2007) plus a linear map of the sentence's
vector, trained on whether a weak and a strong model answered a question right: the expected difference.  Shipped as
`complexity.npz` with its card beside it, made by `python -m training.complexity`.  Where the vector is missing the
wording alone is used, on a scale of its own.  Called by `stage` and `dial`.
"""

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from penstock.encoder.heads import arrays_of, shipped
from penstock.routing.signals import Signals
from penstock.routing.wording import wording_of

Scale = Literal["full", "wording"]
Array = NDArray[np.float32]

CLIP: Final = 4.0
"""Of the standardised wording: what lies further out was not seen in training."""
_LEAST_CHARS: Final = 12
_LEAST_WORDS: Final = 3


class Sentence(Protocol):
    """What one pass of the encoder gives; `encoder.Encoded` is one."""

    @property
    def sentence(self) -> Array: ...


class Opinion(NamedTuple):
    """`score` is None where the head cannot say; `why` then says why not: `too_short`, `not_english`, `not_words`."""

    score: float | None
    scale: Scale = "full"
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Readout:
    """One linear map with its calibration: scores at 1001 even shares of questions, the highest first, and what part
    of the gap between the two models is kept when that share goes to the stronger one.
    """

    weight: Array
    bias: float
    scores: Array
    kept: Array


@dataclass(frozen=True, slots=True)
class Complexity:
    """See the module.  Blocking, well under a millisecond, safe in any thread."""

    encoder_sha256: str
    mean: Array
    spread: Array
    frequencies: Array
    phases: Array
    full: Readout
    wording: Readout
    sentence_scale: float

    def silence(self, signals: Signals) -> str | None:
        """Why the head cannot say anything of such a question; None where it can."""
        question = signals.question
        if len(question) < _LEAST_CHARS or len(question.split()) < _LEAST_WORDS:
            return "too_short"
        if signals.language not in (None, "en"):
            return "not_english"
        letters = sum(char.isascii() and char.isalpha() for char in question[:500])
        if signals.language is None and letters * 3 < len(question[:500]):
            return "not_words"
        return None

    def judge(self, signals: Signals, encoded: Sentence | None) -> Opinion:
        """The higher the score, the more is gained by a stronger model."""
        why = self.silence(signals)
        if why is not None:
            return Opinion(None, why=why)
        waves = self.waves(signals.question)
        if encoded is None:
            return Opinion(_score(self.wording, waves), "wording")
        return Opinion(_score(self.full, np.concatenate([waves, self.sentence_scale * encoded.sentence])))

    def waves(self, question: str) -> Array:
        """The wording's random Fourier features."""
        found = wording_of(question)
        plain = np.where(np.isnan(found), 0.0, (found - self.mean) / self.spread)
        angles = np.clip(plain, -CLIP, CLIP).astype(np.float32) @ self.frequencies + self.phases
        return np.cos(angles) * np.float32(np.sqrt(2.0 / len(self.phases)))

    def share_for(self, quality: float, scale: Scale) -> float:
        """The share of questions for the stronger model, by which that part of the gap is kept; 1 means all of them."""
        if quality >= 1.0:
            return 1.0
        kept = self._readout(scale).kept
        return float(np.argmax(kept >= min(quality, float(kept[-1])))) / (len(kept) - 1)

    def share_above(self, score: float, scale: Scale) -> float:
        """The share of questions with a higher score than this one."""
        scores = self._readout(scale).scores
        return float(np.searchsorted(-scores, -score)) / (len(scores) - 1)

    def score_at(self, share: float, scale: Scale) -> float:
        """The score from which on that share of questions lies."""
        scores = self._readout(scale).scores
        return float(scores[round(min(1.0, max(0.0, share)) * (len(scores) - 1))])

    def _readout(self, scale: Scale) -> Readout:
        return self.full if scale == "full" else self.wording


def load_complexity() -> Complexity:
    """The head that is shipped.  Raises `ConfigError` where it is not there or not whole."""
    with arrays_of(shipped("penstock.routing", "complexity.npz"), "the complexity head") as data:
        return Complexity(
            encoder_sha256=str(data["encoder_sha256"]),
            mean=data["mean"],
            spread=data["spread"],
            frequencies=data["frequencies"],
            phases=data["phases"],
            full=_read(data, "full"),
            wording=_read(data, "wording"),
            sentence_scale=float(data["sentence_scale"]),
        )


def _read(data: "np.lib.npyio.NpzFile", name: str) -> Readout:
    return Readout(data[f"{name}_weight"], float(data[f"{name}_bias"]), data[f"{name}_scores"], data[f"{name}_kept"])


def _score(readout: Readout, features: Array) -> float:
    return float(features @ readout.weight) + readout.bias
