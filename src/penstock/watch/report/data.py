"""What a report is made of: figures of a month and of the one before, as the admin API told them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeAlias

Values: TypeAlias = Mapping[str, int | float | None]
"""By figure.  Money is whole nano-US-dollars."""


@dataclass(frozen=True, slots=True)
class Line:
    """One value of a dimension; `""` is for exchanges that have none."""

    name: str
    values: Values

    def total(self, figure: str) -> int:
        """Of a figure that is a whole number; nought where nothing is told."""
        return total(self.values, figure)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthEnd:
    """What the running month will come to, in nano-US-dollars; between the two with the probability `level`."""

    expected: int
    low: int
    high: int
    level: float
    is_short: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """One counter of a budget of the month: `whose` it is, and the day on which it is used up, or was."""

    name: str
    whose: str
    kind: str
    amount: int
    used: int
    is_used_up: bool
    day: date | None
    chance: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """An objective in this month.  Shares are between 0 and 1; `consumed` is above 1 where it was missed, and it and
    `reached` are None without exchanges.
    """

    name: str
    assistant: str | None
    within_s: float | None
    is_first_event: bool
    target: float
    exchanges: int
    bad: int
    reached: float | None
    consumed: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthData:
    """`before` are the figures of the month before, of as much of it as has gone by of a running one.

    `by` has the lines of each dimension, `before_by` those of the time before.  `tallies` counts what happened, by
    name.  `notes` says what is missing and why.
    """

    first: date
    after: date
    zone: str
    tenant: str | None
    as_of: datetime
    is_over: bool
    version: str | None
    total: Values
    before: Values
    days: Mapping[date, Values]
    by: Mapping[str, tuple[Line, ...]]
    before_by: Mapping[str, tuple[Line, ...]]
    tallies: Mapping[str, int]
    forecast: MonthEnd | None = None
    no_forecast: str | None = None
    budgets: tuple[Budget, ...] = ()
    promises: tuple[Promise, ...] = ()
    notes: tuple[str, ...] = field(default=())


def total(values: Values, figure: str) -> int:
    """A figure that is a whole number; nought where nothing is told."""
    found = values.get(figure)
    return 0 if found is None else int(found)
