"""Which hits are checked, and whether two answers say the same."""

from typing import Final

from penstock.cache.semantic.agreement import disagreement
from penstock.cache.semantic.reading import Reading, read
from penstock.encoder.model import Vector

_LEAST_PART: Final = 0.5
_WORTH: Final = 1.0
_MOST: Final = 0.5
_ALIKE: Final = 0.75
_NOT_OF_ANSWERS: Final = frozenset({None, "question", "mode", "condition", "roles"})
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

    Their vectors are close, they hold the same numbers, dates and units, and nothing that `agreement` finds in
    questions parts them.  How often both errors happen stands in docs/semantic-cache.md.
    """
    similarity = float(vectors[0] @ vectors[1])
    if similarity < _ALIKE:
        return False
    left, right = read(one[:_LONGEST_READ_CHARS]), read(other[:_LONGEST_READ_CHARS])
    if left is None or right is None:
        return one == other
    if left.dates != right.dates or {_says(left), _says(right)} == {"yes", "no"}:
        return False
    return disagreement(left, right, similarity) in _NOT_OF_ANSWERS


def _says(reading: Reading) -> str:
    first = reading.words[0].stem
    return first if first in {"yes", "no"} else ""
