"""What the signs are worth together, by who wrote the text; needs no encoder and no numpy.

For what a user writes: a sum in which no sign of an attack counts against one, over the whole text.  For a text that
may not instruct: a small network over each unit's signs and those beside it, and the text is as suspicious as its most
suspicious unit.  Shipped as `signs.json`, made by `python -m training.injection`; the card is `injection.md`.
"""

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from math import exp, log, log1p
from typing import Final

import msgspec

from penstock.core.errors import ConfigError
from penstock.guard.injection.signs import FEATURES, Signs

CERTAIN: Final = ("override", "leak", "jailbreak", "secrecy", "hidden", "disguised")
"""Signs that one of a thousand real documents has: in data each of them is enough."""
SPOKEN_OF: Final = ("quoted", "discussed")
"""With one of these in the same unit it is not: somebody writes about attacks."""
CERTAIN_SCORE: Final = 0.8
MOST_COUNTED: Final = 8
"""Of one sign in one text."""
_STEEP: Final = 30.0


class Scale(msgspec.Struct, frozen=True):
    """From a sum to a score: `middle` is where the score is one half, the point at which a guard acts by default."""

    middle: float
    slope: float

    def score(self, total: float) -> float:
        return 1.0 / (1.0 + exp(-max(-_STEEP, min(_STEEP, self.slope * (total - self.middle)))))

    def total(self, score: float) -> float:
        """The sum that has this score."""
        return self.middle + log(score / (1.0 - score)) / self.slope


class UserWeights(msgspec.Struct, frozen=True):
    """`signs` holds for each what it is worth once, and what each further one adds (times its logarithm); `distinct`
    is for every further kind of sign among `kinds`.
    """

    signs: Mapping[str, tuple[float, float]]
    distinct: float
    kinds: frozenset[str]
    scale: Scale


class UnitWeights(msgspec.Struct, frozen=True):
    """One hidden layer with rectified units: `own` and `beside` hold for each sign what it adds to each of these, and
    last what it adds to the sum directly.
    """

    own: Mapping[str, Sequence[float]]
    beside: Mapping[str, Sequence[float]]
    hidden: Sequence[float]
    out: Sequence[float]
    scale: Scale


class Weights(msgspec.Struct, frozen=True):
    features: tuple[str, ...]
    user: UserWeights
    unit: UnitWeights


class SignsHead:
    """See the module.  Safe in any thread."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        user, unit = weights.user, weights.unit
        self._once = [user.signs.get(name, (0.0, 0.0)) for name in FEATURES]
        self._kinds = frozenset(number for number, name in enumerate(FEATURES) if name in user.kinds)
        self._distinct = user.distinct
        self._raising = frozenset(number for number, pair in enumerate(self._once) if max(pair) > 0) | self._kinds
        nothing = [0.0] * (len(unit.hidden) + 1)
        self._own = [tuple(unit.own.get(name, nothing)) for name in FEATURES]
        self._beside = [tuple(unit.beside[name]) if name in unit.beside else None for name in FEATURES]
        self._start = (*unit.hidden, 0.0)
        self._certain = frozenset(map(FEATURES.index, CERTAIN))
        self._spoken_of = frozenset(map(FEATURES.index, SPOKEN_OF))

    def user_total(self, signs: Signs) -> float:
        """What the signs of the whole text add up to."""
        counts: dict[int, int] = {}
        for row in signs.rows:
            for number in row:
                counts[number] = counts.get(number, 0) + 1
        total = 0.0
        for number, count in counts.items():
            once, more = self._once[number]
            total += once + more * (log1p(min(count, MOST_COUNTED)) - log(2.0))
        kinds = len(self._kinds & counts.keys())
        return total + self._distinct * max(0, kinds - 1)

    @property
    def user_features(self) -> frozenset[int]:
        """Those by which a user's text becomes more suspicious."""
        return self._raising

    def most_user_total(self, counts: Mapping[int, int]) -> float:
        """What `user_total` is at most where no sign stands in more units than `counts` says."""
        total = 0.0
        for number, count in counts.items():
            once, more = self._once[number]
            total += max(0.0, once + max(0.0, more) * (log1p(min(count, MOST_COUNTED)) - log(2.0)))
        return total + self._distinct * max(0, len(self._kinds & counts.keys()) - 1)

    def worth(self, row: Iterable[int]) -> float:
        """What one unit of a user's text adds."""
        return sum(self._once[number][0] for number in row)

    def is_certain(self, row: frozenset[int]) -> bool:
        """Whether a unit of data is an attack by one sign alone, whatever else stands in it."""
        return not self._certain.isdisjoint(row) and self._spoken_of.isdisjoint(row)

    def unit_totals(self, signs: Signs) -> list[float]:
        """One for each unit of a text that may not instruct."""
        known: dict[tuple[frozenset[int], frozenset[int]], float] = {}
        rows = signs.rows
        nothing: frozenset[int] = frozenset()
        found: list[float] = []
        for at, row in enumerate(rows):
            beside = (rows[at - 1] if at else nothing) | (rows[at + 1] if at + 1 < len(rows) else nothing)
            key = row, beside
            total = known.get(key)
            if total is None:
                total = known[key] = self._unit_total(row, beside)
            found.append(total)
        return found

    def _unit_total(self, row: frozenset[int], beside: frozenset[int]) -> float:
        added = [self._own[number] for number in row]
        added += [each for number in beside if (each := self._beside[number]) is not None]
        *hidden, direct = map(sum, zip(self._start, *added, strict=True)) if added else self._start
        return (
            direct
            + sum(value * out for value, out in zip(hidden, self.weights.unit.out, strict=False) if value > 0)
            + (self.weights.unit.out[-1])
        )


def load_weights() -> Weights:
    """What is shipped.  Raises `ConfigError` where it is not there, not whole, or made for other rules."""
    try:
        data = files("penstock.guard.injection").joinpath("signs.json").read_bytes()
        weights = msgspec.json.decode(data, type=Weights)
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(f"the injection guard's weights cannot be loaded: {str(error)[:200]}") from None
    if weights.features != FEATURES:
        raise ConfigError("the injection guard's weights were made for other rules: python -m training.injection")
    return weights
