"""What the admin API shows of a month's costs.  Money is whole nano-US-dollars: sums are exact."""

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, Field

from penstock.console.costs.budgets import AmountKind

Month = Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")]


class DayView(BaseModel):
    day: date
    nanousd: int
    exchanges: int
    unknown_cost: int = Field(description="Exchanges among them whose cost is not known, and not in the sum.")


class MonthEnd(BaseModel):
    """What the whole month will come to, if nothing stops it."""

    expected_nanousd: int = Field(description="As likely more as less.")
    low_nanousd: int
    high_nanousd: int
    level: float = Field(description="The probability with which it lies between the two.")
    history_days: int = Field(description="Whole days that it was concluded from, 120 at most.")
    is_short: bool = Field(description="Whether these are under two weeks: the weekdays are a guess then.")


class BudgetEnd(BaseModel):
    """When one counter of a budget of the month is used up."""

    name: str
    values: dict[str, str | None] = Field(description="Whose counter it is; empty for the one of all.")
    kind: AmountKind
    amount_nanousd: int
    used_nanousd: int
    used_by: str = Field(description="`counter`: as admission counts. `ledger`: where no counter was heard of.")
    is_used_up: bool
    day: date | None = Field(description="On which it is used up, or was; null where it lasts, or nothing can be said.")
    earliest: date | None
    latest: date | None = Field(description="Null where it may last.")
    chance: float | None = Field(description="Of its being used up within the month; null without a forecast.")
    reason: str | None = Field(description="Why nothing can be said.")


class LeftOutView(BaseModel):
    name: str
    reason: str


class CostForecast(BaseModel):
    """A month of one tenant, or of all, in days of the tenant's time zone, or of UTC."""

    month: Month
    tenant: str | None
    time_zone: str
    as_of: datetime
    is_over: bool
    spent_nanousd: int = Field(description="So far, exact, as far as costs are known.")
    unknown_cost: int = Field(description="Exchanges of the month whose cost is not known: what was spent is more.")
    days: list[DayView] = Field(description="Of the month, those with exchanges.")
    forecast: MonthEnd | None
    reason: str | None = Field(description="Why there is no forecast.")
    budgets: list[BudgetEnd]
    budgets_left_out: list[LeftOutView]
