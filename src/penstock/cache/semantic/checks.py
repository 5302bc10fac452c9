"""Which hits are checked, and whether two answers say the same."""

from typing import Final

from penstock.cache.semantic.reading import Reading, read
from penstock.encoder.model import Vector

_LEAST_PART: Final = 0.5
_WORTH: Final = 1.0
_MOST: Final = 0.5
_ALIKE: Final = 0.8
_LONGEST_READ_CHARS: Final = 4_000


def chance_of_check(share: float, times: int, *, risk: float, greatest_risk: float) -> float:
    """How probable a check is of a hit that is wrong with the chance `risk`, the `times`-th for the same text.

    The bound says what a wrong answer may cost: at `greatest_risk` it is just worth saving a call.  A text that was
    asked some times will be asked about as often again, as far as one can know, and wrongly each time, unless it is
    checked: then the answer is its own.  So it is checked once risk times times is worth a call.  Beside that a
    sample of `share` is checked to learn from; where hits are as sure as can be a check says little.
    """
    if times > 1 and risk * times >= _WORTH * greatest_risk:
        return 1.0
    return min(_MOST, share * min(1.0, max(_LEAST_PART, risk / greatest_risk)))


def answers_agree(one: str, other: str, *, vectors: tuple[Vector, Vector]) -> bool:
    """Whether both answers say the same, as far as can be told without understanding them.

    Their vectors are close, and they hold the same numbers, dates and units; how they deny is left aside, as an answer
    of several sentences can put all of it in other words.
    """
    if float(vectors[0] @ vectors[1]) < _ALIKE:
        return False
    left, right = read(one[:_LONGEST_READ_CHARS]), read(other[:_LONGEST_READ_CHARS])
    if left is None or right is None:
        return one == other
    return _facts(left) == _facts(right) and _says(left) == _says(right)


def _facts(reading: Reading) -> tuple[frozenset[float], frozenset[str], frozenset[str]]:
    return frozenset(value for value, _ in reading.quantities), reading.dates, reading.units


def _says(reading: Reading) -> str:
    first = reading.words[0].stem
    return first if first in {"yes", "no"} else ""
