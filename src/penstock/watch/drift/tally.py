"""What is kept of an assistant's exchanges of one hour: counts and sums, a few hundred bytes, never a value.

Tallies add: of hours, of releases.  A feature has one measure or several: the mean of the logarithm and the shares of
octaves for a length, so that a change of shape is seen where the mean stays.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import msgspec

from penstock.watch.drift.comparison import Scale
from penstock.watch.drift.series import Piece
from penstock.watch.drift.tone import SIGNS

Kind: TypeAlias = Literal["share", "mean", "amount", "length", "tone"]
OCTAVES = 12
"""Of a length: below 16 tokens, below 32, and so on; the last has no end."""
_FIRST_OCTAVE = 5

FEATURES: Mapping[str, Kind] = {
    "input_length": "length",
    "familiarity": "mean",
    "retrieval": "mean",
    "personal_data": "share",
    "output_length": "length",
    "groundedness": "mean",
    "confidence": "mean",
    "blocked": "share",
    "held": "share",
    "failed": "share",
    "cost": "amount",
    "latency": "amount",
    "refusal": "share",
    "tone": "tone",
    "tool_use": "share",
    "topics": "mean",
}
"""Every feature that is known, and what it is made of."""
WORSE: Mapping[str, Literal[-1, 1]] = {
    "groundedness": -1,
    "confidence": -1,
    "blocked": 1,
    "held": 1,
    "failed": 1,
    "refusal": 1,
}
"""Those that say how well the assistant does, and which way is worse."""


class Sums(msgspec.Struct, frozen=True, array_like=True):
    """`count` exchanges had the feature.  `totals` are the sums of its measures, `squares` the first one's of squares.

    The other measures are 0 or 1: their squares are their sums.
    """

    count: int
    totals: tuple[float, ...]
    squares: float

    def piece(self, measure: int) -> Piece:
        total = self.totals[measure]
        return Piece(self.count, total, self.squares if measure == 0 else total)


def added(one: Sums, other: Sums) -> Sums:
    """Both together.  Raises `ValueError` where they have not the same measures."""
    totals = tuple(a + b for a, b in zip(one.totals, other.totals, strict=True))
    return Sums(one.count + other.count, totals, one.squares + other.squares)


@dataclass(frozen=True, slots=True)
class Measure:
    """One series that is watched: a part of a feature."""

    feature: str
    index: int
    scale: Scale
    name: str


def measures_of(feature: str) -> tuple[Measure, ...]:
    """What a feature is watched by, the main one first."""
    match FEATURES[feature]:
        case "share":
            return (Measure(feature, 0, "share", "mean"),)
        case "mean":
            return (Measure(feature, 0, "mean", "mean"),)
        case "amount":
            return (Measure(feature, 0, "log", "typical"),)
        case "length":
            octaves = [Measure(feature, 1 + each, "share", octave_name(each)) for each in range(OCTAVES)]
            return (Measure(feature, 0, "log", "typical"), *octaves)
        case "tone":
            signs = [Measure(feature, 1 + place, "share", name) for place, name in enumerate(SIGNS)]
            return (Measure(feature, 0, "log", "typical"), *signs)


def least_of(octave: int) -> int:
    """The shortest length in it; the first octave has all that are shorter than twice that."""
    return 2 ** (octave + _FIRST_OCTAVE - 2)


def octave_name(octave: int) -> str:
    """Which lengths it holds."""
    low = least_of(octave)
    if octave == 0:
        return f"below {2 * low}"
    return f"{low} and more" if octave == OCTAVES - 1 else f"{low} to {2 * low - 1}"


class Tally:
    """Takes exchanges' values in, one feature at a time."""

    __slots__ = ("_counts", "_squares", "_totals")

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._totals: dict[str, list[float]] = {}
        self._squares: dict[str, float] = {}

    def note(self, feature: str, value: float, signs: Sequence[bool] = ()) -> None:
        """A share from 0 to 1, or an amount or a length above nothing; of a tone its `signs` too.

        What is no such value is not counted.
        """
        totals = self._totals.get(feature)
        kind = FEATURES[feature]
        if not math.isfinite(value) or value < 0 or (value == 0 and kind in ("amount", "length", "tone")):
            return
        if totals is None:
            totals = self._totals[feature] = [0.0] * len(measures_of(feature))
        first = 0.0
        match kind:
            case "share" | "mean":
                first = min(1.0, value)
            case "amount":
                first = math.log(value)
            case "tone":
                first = math.log(value)
                for place, sign in enumerate(signs):
                    totals[1 + place] += sign
            case "length":
                first = math.log(value)
                octave = int(value).bit_length() - _FIRST_OCTAVE + 1
                totals[1 + min(OCTAVES - 1, max(0, octave))] += 1
        totals[0] += first
        self._counts[feature] = self._counts.get(feature, 0) + 1
        self._squares[feature] = self._squares.get(feature, 0.0) + first * first

    def sums(self) -> dict[str, Sums]:
        """By feature, those that some exchange had."""
        return {
            name: Sums(count, tuple(self._totals[name]), self._squares[name]) for name, count in self._counts.items()
        }
