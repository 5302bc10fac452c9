"""What the admin API shows and takes of limits and budgets.  Money is US dollars, as in the configuration file."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, Field, PlainSerializer

from penstock.config.limits import Mode, OnExhausted, OnStoreLoss, Period, ScopeWord, Unit
from penstock.console.identity_views import Id, Wanted


def _plain(value: Decimal) -> float | int:
    """A number as JSON has them."""
    return int(value) if value == value.to_integral_value() else float(value)


Amount = Annotated[Decimal, Field(ge=0, le=10**16), PlainSerializer(_plain, return_type=float, when_used="json")]
Value = Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[^\x00]*$")]
Where = Annotated[
    dict[Literal["tenant", "project", "key", "user", "assistant", "target", "feature"], Value],
    Field(default_factory=dict, description="The requests that it holds for: all of these must be theirs."),
]
Scope = Annotated[
    list[ScopeWord],
    Field(
        default_factory=lambda: ["global"],
        min_length=1,
        max_length=7,
        description="Counted for each combination of these.",
    ),
]
Origin = Literal["file", "database"]
Owner = Annotated[
    Id | None,
    Field(description="Whose rule it is: who administers that tenant may change it. Null is the installation's."),
]


class NewLimit(Wanted):
    """What `PUT` takes: the whole rule."""

    unit: Unit
    amount: Amount = Field(description="A whole number; US dollars where the unit is money.")
    per: Period | None = Field(default=None, description="Concurrency has none, everything else has one.")
    scope: Scope
    where: Where
    mode: Mode = "enforce"
    on_store_loss: OnStoreLoss | None = Field(default=None, description="`limit_store.on_loss`, if absent.")
    tenant: Owner = None


class LimitView(NewLimit):
    name: str
    origin: Origin = Field(description="A rule of the configuration file is changed there.")
    changed_at: datetime | None


class LimitPage(BaseModel):
    items: list[LimitView]
    next: str | None


class NewBudget(Wanted):
    """What `PUT` takes: the whole rule.  Overrides are made beside it and stay."""

    per: Period
    scope: Scope
    soft_usd: Amount | None = None
    hard_usd: Amount | None = None
    thresholds: list[int] = Field(default=[50, 75, 90, 100], max_length=15)
    on_exhausted: OnExhausted = "block"
    where: Where
    mode: Mode = "enforce"
    on_store_loss: OnStoreLoss | None = None
    tenant: Owner = None


class NewOverride(Wanted):
    raise_usd: Amount = Field(description="On top of the hard amount; several overrides add up.")
    until: datetime = Field(description="UTC without a zone.")
    where: Where


class OverrideView(NewOverride):
    id: str | None = Field(description="Null for one of the configuration file.")
    made_at: datetime | None
    made_by: str | None


class BudgetView(NewBudget):
    name: str
    origin: Origin
    changed_at: datetime | None
    overrides: list[OverrideView] = Field(description="Those that have not ended.")


class BudgetPage(BaseModel):
    items: list[BudgetView]
    next: str | None


class CounterView(BaseModel):
    """One counter of a rule, as the fleet last heard of it, a second or two ago.

    `reserved` is what data planes hold, for requests under way and for those of the next second.
    """

    name: str
    unit: str
    values: dict[str, str | None]
    amount: Amount
    used: Amount
    reserved: Amount
    left: Amount
    period_start: datetime | None
    period_end: datetime | None = Field(description="Null for concurrency, which has no period.")
    as_of: datetime


class CounterPage(BaseModel):
    items: list[CounterView]
    next: str | None
