"""Which sums figures are made of, so that no others need to be read: found by computing each, and looking on."""

from collections.abc import Iterable
from typing import Any, cast

from penstock.watch.figures.catalog import Figure
from penstock.watch.figures.sums import Sums
from penstock.watch.rollups.batch import SUMS


def sums_of(figures: Iterable[Figure]) -> frozenset[str]:
    """Their names.  Outcomes and times are no sums."""
    seen = _Seen()
    for figure in figures:
        for part in figure.parts:
            part(cast("Sums", seen))
    return frozenset(seen.names)


class _Seen:
    """Stands for `Sums`, and remembers which of them were read."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        if name in SUMS:
            self.names.add(name)
            return 1
        if name in Sums.__struct_fields__:
            return {}
        return getattr(Sums, name).__get__(self)  # a property is told now, a method when it is called
