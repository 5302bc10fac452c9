"""What sums of quality are kept by: each answer is added to one row of every view, for its hour.

With all of their dimensions together nearly every answer of an hour has a row of its own.  Days and months are made of
hours once they are over, together with those of exchanges (`rollups.closing`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

Dimension: TypeAlias = Literal["tenant", "assistant", "release", "target"]
DIMENSIONS: Final[tuple[Dimension, ...]] = get_args(Dimension)
AMOUNTS: Final = ("answers", "passed", "scores", "squares")
"""How many there were, how many of them were good enough, and their scores and squares of scores added up."""


@dataclass(frozen=True, slots=True)
class View:
    """`number` stands in the rows, whose other dimensions are '': never change what one means, add another."""

    number: int
    dimensions: tuple[Dimension, ...]


VIEWS: Final = (
    View(1, ("assistant", "release")),
    View(2, ("target",)),
    View(3, ("tenant",)),
    View(4, DIMENSIONS),
)
"""The smallest first; the last has all."""


def view_for(wanted: Iterable[Dimension]) -> View:
    """The first that has all of these."""
    names = set(wanted)
    return next(view for view in VIEWS if names.issubset(view.dimensions))
