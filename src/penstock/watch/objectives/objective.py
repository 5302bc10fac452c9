"""An objective's arithmetic: what counts, what is used of the error budget, and how fast.

The budget is the share of exchanges that may go badly, one minus the target.  A burn rate of 1 uses it up in just the
objective's window; 14.4 uses two percent of a month's in an hour (Beyer et al., The Site Reliability Workbook,
chapter 5).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from penstock.config.alerts import ObjectiveSettings
from penstock.watch.figures.sums import Sums, Times

DAY_S = 86_400.0
_OF: dict[str, Times] = {"duration": "durations", "first_event": "firsts"}


@dataclass(frozen=True, slots=True)
class Objective:
    name: str
    settings: ObjectiveSettings

    @property
    def times(self) -> frozenset[Times]:
        """The histograms that it is told of."""
        return frozenset({_OF[self.settings.of]} if self.settings.kind == "latency" else ())

    @property
    def allowed(self) -> float:
        """The share that may go badly."""
        return 1.0 - self.settings.target

    @property
    def window_s(self) -> float:
        return self.settings.window_days * DAY_S


def objectives_of(settings: dict[str, ObjectiveSettings]) -> tuple[Objective, ...]:
    """Those of the configuration."""
    return tuple(Objective(name, each) for name, each in settings.items())


@dataclass(frozen=True, slots=True)
class Count:
    """Exchanges that count, and those of them that went badly."""

    total: int
    bad: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How an objective stands.  `reached` is the share that went well; `consumed` and `remaining` are shares of the
    budget, together 1, and `remaining` is below 0 where more than all is used.  All are None without exchanges.

    `exhausted_in_s` is when nothing is left if all goes on as in the last day; None where it is not going to be, 0
    where it is.
    """

    count: Count
    reached: float | None
    allowed: float
    consumed: float | None
    remaining: float | None
    burn: dict[str, float | None]
    exhausted_in_s: float | None


def count(objective: Objective, by_outcome: Iterable[Sums]) -> Count:
    """Of the sums of each outcome on its own.

    What was refused before any call, and who left, says nothing of the service.  For latency a fault is an answer that
    did not come in time.
    """
    settings = objective.settings
    total = bad = 0
    for sums in by_outcome:
        judged = sums.judged
        if not judged:
            continue
        faults = sums.faults
        if settings.kind == "availability" or faults or settings.within_s is None:
            total += judged
            bad += faults
            continue
        of = _OF[settings.of]
        timed = sum((sums.durations if of == "durations" else sums.firsts).values())
        total += timed
        bad += timed - sums.within(of, settings.within_s)
    return Count(total, bad)


def burn(objective: Objective, counted: Count) -> float | None:
    """How many times too fast the budget is used; None without exchanges."""
    return counted.bad / counted.total / objective.allowed if counted.total else None


def reached(counted: Count) -> float | None:
    """The share that went well; None without exchanges."""
    return 1.0 - counted.bad / counted.total if counted.total else None


def standing(objective: Objective, whole: Count, recent: dict[str, Count]) -> Standing:
    """`recent` are counts of shorter windows, by name; that of the last day is `1d`."""
    rates = {name: burn(objective, each) for name, each in recent.items()}
    if not whole.total:
        return Standing(
            count=whole,
            reached=None,
            allowed=objective.allowed,
            consumed=None,
            remaining=None,
            burn=rates,
            exhausted_in_s=None,
        )
    share = whole.bad / whole.total
    consumed = share / objective.allowed
    return Standing(
        count=whole,
        reached=1.0 - share,
        allowed=objective.allowed,
        consumed=consumed,
        remaining=1.0 - consumed,
        burn=rates,
        exhausted_in_s=_exhausted_in_s(objective, 1.0 - consumed, rates.get("1d")),
    )


def _exhausted_in_s(objective: Objective, remaining: float, rate: float | None) -> float | None:
    if remaining <= 0:
        return 0.0
    if rate is None or rate <= 1.0:
        return None  # what leaves the window gives back at least as much
    return remaining * objective.window_s / rate
