"""Which hits are checked, and whether two answers say the same."""

from typing import Final

from penstock.cache.semantic.reading import Reading, read
from penstock.encoder.model import Vector

_LEAST_RISK: Final = 0.5
_MOST: Final = 0.5
_ALIKE: Final = 0.8
_LONGEST_READ_CHARS: Final = 4_000


def chance_of_check(share: float, times: int, risk: float) -> float:
    """How probable a check is of a hit of that risk (`Bound.risk`), the `times`-th for the same text.

    Where hits are as sure as can be, a check says little.  And a wrong answer to what is asked once is wrong once; to
    what is asked again and again it is wrong each time.
    """
    return min(_MOST, share * max(_LEAST_RISK, risk) * times)


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
