"""The judge of claims: what the features of a claim are worth together, as a chance that its sources support it.

Two parts.  `general` is a regression, fitted on answers that people judged: it sees how much of a claim is said, and so
what was made up.  `copied` looks only at claims that nearly copy a sentence, with one hidden layer, fitted on sentences
that were changed: it sees that one word was exchanged, which people's answers show too seldom.  The lower of the two is
the claim's, where `general` has to be lower by something to count.  Shipped as `grounded.npz`, made by `python -m
training.grounded`; the card is `grounded.md`.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from penstock.core.errors import ConfigError
from penstock.encoder.heads import arrays_of, shipped
from penstock.guard.grounded.exchanged import EXCHANGES
from penstock.guard.grounded.measure import COPY, FEATURES

Rows = NDArray[np.float64]

_FURTHEST: Final = 4.0
_REFUTED: Final = -4.0
_TRUSTED: Final = 1.0
"""How much lower a claim that nearly copies a sentence may come out by `general`: `copied` knows these better."""
_IN_ORDER: Final = FEATURES.index("in_order")
_REFUTED_AT: Final = FEATURES.index("refuted")


def standard(rows: Rows, mean: Rows, scale: Rows) -> Rows:
    """Each feature by its distance from its mean, bounded: no single one may decide."""
    return np.clip((rows - mean) / scale, -_FURTHEST, _FURTHEST)


def is_copy(rows: Rows) -> NDArray[np.bool_]:
    """Which claims follow a sentence so closely that `copied` judges them."""
    return rows[:, _IN_ORDER] >= COPY


@dataclass(frozen=True, slots=True)
class General:
    """A logistic regression on the first features, those of `FEATURES`."""

    mean: Rows
    scale: Rows
    weights: Rows
    bias: float

    def totals(self, rows: Rows) -> Rows:
        return standard(rows[:, : len(self.weights)], self.mean, self.scale) @ self.weights + self.bias


@dataclass(frozen=True, slots=True)
class Copied:
    """The mean of some small networks: `hidden` has one after the other along its columns, `out` likewise."""

    mean: Rows
    scale: Rows
    hidden: Rows
    hidden_bias: Rows
    out: Rows
    bias: float

    def totals(self, rows: Rows) -> Rows:
        inner = np.maximum(standard(rows, self.mean, self.scale) @ self.hidden + self.hidden_bias, 0.0)
        return inner @ self.out + self.bias


@dataclass(frozen=True, slots=True)
class Judge:
    """`edge` is the total of a claim below which it is taken for unsupported, and `copied_edge` that of `copied`."""

    encoder_sha256: str
    general: General
    copied: Copied
    edge: float
    copied_edge: float

    def chances(self, rows: Rows) -> tuple[Rows, Rows]:
        """For each claim: how likely its sources support it, where one half is where it is taken for unsupported; and
        the chance by `general` alone, which tells most of an answer as a whole.
        """
        general = self.general.totals(rows)
        totals = general - self.edge
        copied = np.minimum(totals + _TRUSTED, self.copied.totals(rows) - self.copied_edge)
        totals = np.where(is_copy(rows), copied, totals)
        totals = np.where(rows[:, _REFUTED_AT] > 0, np.minimum(totals, _REFUTED), totals)
        return sigmoid(totals), sigmoid(general)


def sigmoid(totals: Rows) -> Rows:
    return 1.0 / (1.0 + np.exp(-np.clip(totals, -30.0, 30.0)))


def load_judge() -> Judge:
    """The judge that is shipped.  Raises `ConfigError` where it is not there, not whole, or of other features.

    It belongs to the encoder whose weights have `encoder_sha256`; whoever uses it with another must refuse.
    """
    with arrays_of(shipped("penstock.guard.grounded", "grounded.npz"), "the judge of grounded claims") as data:
        if tuple(data["features"]) != (*FEATURES, *EXCHANGES):
            raise ConfigError("the judge of grounded claims cannot be loaded: it was fitted on other features")
        return Judge(
            encoder_sha256=str(data["encoder_sha256"]),
            general=General(
                data["general_mean"], data["general_scale"], data["general_weights"], float(data["general_bias"])
            ),
            copied=Copied(
                data["copied_mean"],
                data["copied_scale"],
                data["copied_hidden"],
                data["copied_hidden_bias"],
                data["copied_out"],
                float(data["copied_bias"]),
            ),
            edge=float(data["edge"]),
            copied_edge=float(data["copied_edge"]),
        )
