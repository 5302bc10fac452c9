"""What the sums are kept by: the dimensions of an exchange, and the sets of them that have rows of their own.

The ledger has a row for each exchange, and a chart over a month must not read ten million of them.  So each exchange is
added to one row of every view, for its minute and for its hour.  A question is answered from the smallest view that
has the dimensions it filters and groups by: what all tenants spent in a quarter is some thousand rows, whatever the
number of their keys.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from penstock.core.errors import MalformedRequest

Dimension: TypeAlias = Literal[
    "tenant", "project", "key", "assistant", "release", "target", "feature", "region", "outcome"
]
DIMENSIONS: Final[tuple[Dimension, ...]] = get_args(Dimension)
"""What figures are asked by."""
Kept: TypeAlias = Dimension | Literal["pricing"]
KEPT: Final[tuple[Kept, ...]] = (*DIMENSIONS, "pricing")
"""What sums are kept by: `pricing` says which price holds for an exchange (`rollups.pricing`)."""
COLUMNS: Final[dict[Dimension, str]] = {name: "model" if name == "assistant" else name for name in DIMENSIONS}
"""What the ledger calls them: an assistant is what callers ask for as `model`."""
NONE: Final = ""
"""The value of an exchange that has none: a key that belongs to no project, an answer that no target gave."""
OTHER: Final = "(other)"
"""Stands for all values of a dimension that came once `MOST_VALUES` of it were known."""
MOST_VALUES: Final[dict[Kept, int]] = {
    "tenant": 10_000,
    "project": 10_000,
    "key": 50_000,
    "assistant": 1_000,
    "release": 10_000,
    "target": 1_000,
    "feature": 1_000,
    "region": 100,
    "outcome": 50,
    "pricing": 50,
}
"""Callers write names of models, and tokens of other issuers those of features: nobody may fill the disk with them."""

Grain: TypeAlias = Literal["minute", "hour"]
GRAINS: Final[dict[Grain, int]] = {"minute": 60, "hour": 3600}
"""In seconds."""


@dataclass(frozen=True, slots=True)
class View:
    """`number` stands in the rows: never change what one means, add another.  A dimension may be added: series from
    before have no value of it.

    Its rows are made of those of the view `of`, which has all of its dimensions and fewer rows than there are records;
    None is of the records.  One without `has_times` has no histograms.
    """

    number: int
    dimensions: tuple[Kept, ...]
    of: int | None
    grains: tuple[Grain, ...] = ("minute", "hour")
    has_times: bool = True


VIEWS: Final[tuple[View, ...]] = (
    View(0, ("outcome",), of=1),
    View(1, ("tenant", "outcome"), of=5),
    View(2, ("assistant", "release", "outcome"), of=5),
    View(3, ("target", "region", "outcome", "pricing"), of=4),
    View(4, ("assistant", "release", "target", "region", "outcome", "pricing"), of=6, grains=("hour",)),
    View(5, ("tenant", "assistant", "release", "outcome"), of=6),
    View(6, ("tenant", "assistant", "release", "target", "region", "outcome", "pricing"), of=None, grains=("hour",)),
    View(7, ("tenant", "feature", "outcome"), of=None, has_times=False),
    View(8, ("tenant", "project", "key", "outcome"), of=None, has_times=False),
)
"""The smallest first, as a rule.  There is none of all dimensions: it would have nearly as many rows as the ledger."""
TALLIED: Final = VIEWS[5]
"""The view whose series the tallies are kept by."""


def view_for(wanted: Iterable[str], grain: Grain, *, times: bool = False) -> View | None:
    """The first view that has all of these dimensions, and histograms if `times`; None where no view has.

    Raises `MalformedRequest` for a word that is no dimension.
    """
    names = set(wanted)
    for name in names:
        if name not in DIMENSIONS:
            raise MalformedRequest(f"There is no dimension {name!r}: there are {', '.join(DIMENSIONS)}.", field=name)
    fitting = (view for view in VIEWS if grain in view.grains and names.issubset(view.dimensions))
    return next((view for view in fitting if view.has_times or not times), None)
