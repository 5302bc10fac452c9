"""What comes of comparing a window with those before it: how far it lies off, how likely that is by chance, and beyond
which values it would have been told.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

from penstock.watch.drift.student import score_at, two_sided

Scale: TypeAlias = Literal["share", "mean", "log"]
"""`share`: of exchanges of which something is so.  `mean`: of values from 0 to 1.  `log`: of an amount's logarithms."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How far windows lie apart, as a variance without the exchanges' own; and how far each is like the one before."""

    variance: float
    correlation: float


@dataclass(frozen=True, slots=True)
class Expected:
    """What was to be expected of a window, and by how much it may be off, on the scale that is compared on."""

    value: float
    deviation: float


@dataclass(frozen=True, slots=True)
class Memory:
    """What the window right before leads to expect; `left` is how much of an offset is left a window later."""

    left: float
    expected: Expected


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A window's `current` value, against the `level` of the reference and what the window before leads to expect.

    What changes by no more than `slack` does not matter.  All values are on the scale that is compared on.
    """

    scale: Scale
    current: float
    level: Expected
    memory: Memory | None
    slack: float
    freedom: float
    count: int
    worth: float
    """As many exchanges as if none were like another."""
    spread: Spread

    @cached_property
    def _surest(self) -> tuple[float, Expected]:
        """The chance of so large a difference, or a larger one, where nothing has changed; and from what it is one.

        Who asks twice is wrong twice as often, where one answer says nothing of the other.  A window that is where
        windows always were is none that changed, however far off the one before it was: that one's change is over.
        """
        chance = self._chance(self.level)
        if self.memory is None:
            return chance, self.level
        offset, expected = self.current - self.level.value, self.memory.expected
        twice = 1 + self.memory.left
        if abs(offset) >= self.level.deviation and offset * (self.current - expected.value) > 0:
            other = self._chance(expected)
            if other < chance:
                return min(1.0, twice * other), expected
        return min(1.0, twice * chance), self.level

    def _chance(self, expected: Expected) -> float:
        beyond = max(0.0, abs(self.current - expected.value) - self.slack)
        return two_sided(beyond / expected.deviation, self.freedom)

    @property
    def chance(self) -> float:
        """That of so large a difference, or a larger one, where nothing has changed by more than matters."""
        return self._surest[0]

    @property
    def reference(self) -> float:
        """What was to be expected of this very window."""
        return self._surest[1].value

    @property
    def deviation(self) -> float:
        return self._surest[1].deviation

    @property
    def change(self) -> float:
        return self.current - self.reference

    @property
    def values(self) -> tuple[float, float]:
        """Reference and current as people read them: shares, or typical amounts."""
        return plain(self.reference, self.scale), plain(self.current, self.scale)

    def plain_interval(self, level: float = 0.95) -> tuple[float, float]:
        """The same of the change as people read it."""
        low, high = self.interval(level)
        base = plain(self.reference, self.scale)
        return plain(self.reference + low, self.scale) - base, plain(self.reference + high, self.scale) - base

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """In which the change lies with this probability."""
        half = score_at(1 - level, self.freedom) * self.deviation
        return self.change - half, self.change + half

    def beyond(self, below: float, above: float) -> tuple[float | None, float | None]:
        """The values, as people read them, below and above which the window's would have less than these chances.

        None where it cannot: a share that is next to nothing has nowhere to fall to.
        """
        low, high = self._bound(below, -1), self._bound(above, 1)
        if self.scale == "log":
            return plain(low, self.scale), plain(high, self.scale)
        least, most = on_scale(self.worth, 0.0, self.scale), on_scale(self.worth, self.worth, self.scale)
        return (
            plain(low, self.scale) if low > least else None,
            plain(high, self.scale) if high < most else None,
        )

    def _bound(self, chance: float, side: Literal[-1, 1]) -> float:
        """How far on a side of the level the value would have to lie to have less than that chance."""
        once = chance if self.memory is None else chance / (1 + self.memory.left)
        score = score_at(once, self.freedom)
        bounds = [self.level.value + side * (self.slack + score * self.level.deviation)]
        if self.memory is not None:
            expected = self.memory.expected
            bound = expected.value + side * (self.slack + score * expected.deviation)
            least = self.level.value + side * self.level.deviation
            bounds.append(side * max(side * bound, side * least))
        return side * min(side * each for each in bounds)


def plain(value: float, scale: Scale) -> float:
    """Back from the scale that is compared on."""
    if scale == "share":
        return math.sin(min(math.pi / 2, max(0.0, value))) ** 2
    if scale == "mean":
        return min(1.0, max(0.0, value))
    return math.exp(min(700.0, value))


def on_scale(count: float, total: float, scale: Scale) -> float:
    """A mean, on a scale on which windows lie as far apart whatever it is.

    Of a share that is the arcsine of its root (Anscombe 1948): what seldom happens comes in bursts, and the share
    itself would have a long tail upwards.
    """
    if scale == "share":
        return math.asin(math.sqrt(min(1.0, (total + 0.375) / (count + 0.75))))
    return total / count
