"""By what an exchange can be priced anew: a comparison of targets' prices adds those up for which one price holds.

A price may depend on how long the whole input is, so exchanges are kept apart by that; and those whose columns do not
tell what they would cost elsewhere are kept apart from all others.
"""

from bisect import bisect_left
from itertools import pairwise
from typing import Final, NamedTuple

from penstock.watch.rollups.notes import Note
from penstock.watch.rollups.views import NONE
from penstock.watch.row import LedgerRow

LENGTHS: Final = (32_000, 64_000, 100_000, 128_000, 199_999, 200_000, 256_000, 272_000, 512_000, 524_288, 1_000_000)
"""Of an input, in tokens, above which some model of the price list costs more.

They may be changed: what is kept says itself which lengths it is of.
"""
UNKNOWN_COST: Final = "unknown_cost"
PARTS_EXCEED_WHOLE: Final = "parts_exceed_whole"
SEVERAL_CALLS: Final = "several_calls"
REASONS: Final = frozenset({UNKNOWN_COST, PARTS_EXCEED_WHOLE, SEVERAL_CALLS})
"""Why an exchange cannot be priced anew."""


class Lengths(NamedTuple):
    """Inputs of `least` to `most` tokens, both among them; None: without end."""

    least: int
    most: int | None

    def __str__(self) -> str:
        return f"{self.least}-{'' if self.most is None else self.most}"

    def is_cut(self, length: int) -> bool:
        """Whether some of them are longer than `length` and some are not."""
        return self.least <= length and (self.most is None or length < self.most)


_CLASSES: Final = (
    Lengths(0, LENGTHS[0]),
    *(Lengths(shorter + 1, longer) for shorter, longer in pairwise(LENGTHS)),
    Lengths(LENGTHS[-1] + 1, None),
)
_WORDS: Final = tuple(map(str, _CLASSES))


def pricing_of(row: LedgerRow, note: Note) -> str:
    """A reason, or lengths as text (`lengths_of`); `NONE` where no target was called, or nothing was used."""
    if row.target is None or row.input_tokens + row.output_tokens <= 0:
        return NONE
    if row.cost_nanousd is None:
        return UNKNOWN_COST
    kept = row.cache_read_tokens + row.cache_write_tokens
    if kept > row.input_tokens or row.reasoning_tokens > row.output_tokens:
        return PARTS_EXCEED_WHOLE
    if note.extra_calls:
        return SEVERAL_CALLS
    return _WORDS[bisect_left(LENGTHS, row.input_tokens)]


def lengths_of(pricing: str) -> Lengths:
    """Of what `pricing_of` made.  Raises `ValueError` for anything else."""
    least, _, most = pricing.partition("-")
    return Lengths(int(least), int(most) if most else None)
