"""Asks the admin API for all that a report says.

What the credential may not see is left out, and a note says so; nothing is made up for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from penstock.cli.admin.api import AdminApi, Refused
from penstock.watch.report.data import Budget, Line, MonthData, MonthEnd, Promise, Values, total

_DIMENSIONS: Final = ("assistant", "tenant", "project", "feature", "target", "outcome")
_TIMED: Final = ("assistant", "target")
"""Those that percentiles are asked by."""
_SUMMED: Final = ("exchanges", "cost_nanousd")
_COUNTED: Final = (
    *_SUMMED,
    "availability",
    "faults",
    "tokens",
    "saved_nanousd",
    "saved_cache_nanousd",
    "saved_routing_nanousd",
    "saved_compaction_nanousd",
    "saved_prompt_cache_nanousd",
    "unknown_costs",
    "estimated",
    "blocked",
    "held",
    "cache_hits",
    "cache_misses",
    "cache_hit_rate",
    "failed_attempt_rate",
)
_TIMES: Final = ("duration_p50_s", "duration_p95_s", "duration_p99_s", "first_event_p95_s")
_PREFIXES: Final = (
    "attempt_failed:",
    "limit_refused:",
    "input_refused:",
    "fell_back:",
    "cache:hit:",
    "cache:bypassed:",
    "masked:",
    "found:",
    "let_through:",
    "guard_failed:",
    "shadow:found:",
)
_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Wanted:
    """A month by its first day, of a tenant or of all that the credential sees, in days of `zone`."""

    first: date
    tenant: str | None
    zone: ZoneInfo
    now: datetime

    @property
    def after(self) -> date:
        return _next_month(self.first)

    @property
    def is_over(self) -> bool:
        return self.now >= self.until

    @property
    def since(self) -> datetime:
        return _midnight(self.first, self.zone)

    @property
    def until(self) -> datetime:
        return _midnight(self.after, self.zone)

    def before(self) -> "tuple[datetime, datetime]":
        """The month before, or as much of it as has gone by of a running one."""
        first = (self.first - timedelta(days=1)).replace(day=1)
        since = _midnight(first, self.zone)
        return since, self.since if self.is_over else min(since + (self.now - self.since), self.since)


def gather(api: AdminApi, wanted: Wanted, *, version: str | None) -> MonthData:
    """Ends the command where the control plane is away, or the month has not begun.

    Exchanges arrive while it asks: where parts do not add up to the whole it asks anew, and notes it in the end.
    """
    asked = _Asked(api, wanted)
    now, then = (wanted.since, min(wanted.until, wanted.now)), wanted.before()
    found = asked.everything(now)
    for _ in range(_TRIES):
        if found.adds_up:
            break
        found = asked.everything(now)
    else:
        asked.notes.append("Exchanges arrived while this was made: parts may differ from the whole by those.")
    forecast = asked.forecast()
    return MonthData(
        first=wanted.first,
        after=wanted.after,
        zone=wanted.zone.key,
        tenant=wanted.tenant,
        as_of=wanted.now.astimezone(wanted.zone),
        is_over=wanted.is_over,
        version=version,
        total=found.whole,
        before=asked.whole(then),
        days=found.days,
        by=found.by,
        before_by={each: tuple(asked.lines(each, then, _SUMMED)) for each in _shown(wanted) if each != "outcome"},
        tallies=asked.tallies(now),
        forecast=_month_end(forecast.get("forecast")),
        no_forecast=forecast.get("reason"),
        budgets=tuple(_budget(each) for each in forecast.get("budgets", ())),
        promises=tuple(_promise(each) for each in asked.objectives(now)),
        notes=tuple(asked.notes),
    )


class _Asked:
    """Questions about one month."""

    def __init__(self, api: AdminApi, wanted: Wanted) -> None:
        self._api = api
        self._wanted = wanted
        self.notes: list[str] = []

    def everything(self, span: tuple[datetime, datetime]) -> "_Parts":
        by = {each: tuple(self.lines(each, span)) for each in _shown(self._wanted)}
        return _Parts(self.whole(span), by, self.days(span))

    def whole(self, span: tuple[datetime, datetime]) -> Values:
        found = self._lines(span, (*_COUNTED, *_TIMES), step="month")
        return found[0]["values"] if found else {}

    def days(self, span: tuple[datetime, datetime]) -> dict[date, Values]:
        zone = self._wanted.zone
        return {
            datetime.fromisoformat(line["at"]).astimezone(zone).date(): line["values"]
            for line in self._lines(span, _COUNTED, step="day")
        }

    def lines(self, by: str, span: tuple[datetime, datetime], names: Sequence[str] | None = None) -> list[Line]:
        chosen = names or (*_COUNTED, *(_TIMES if by in _TIMED else ()))
        return [Line(line["group"][by], line["values"]) for line in self._lines(span, chosen, step="month", by=by)]

    def tallies(self, span: tuple[datetime, datetime]) -> dict[str, int]:
        answer = self._api.call(
            "GET", "/figures/tallies", query={**self._when(span), "step": "month", "prefix": _PREFIXES}
        )
        return {each["name"]: each["amount"] for each in answer["tallies"]}

    def objectives(self, span: tuple[datetime, datetime]) -> list[Mapping[str, Any]]:
        if span[0] >= span[1]:
            return []
        answer: Any = self._api.ask("/objectives/reached", query=self._when(span))
        if isinstance(answer, Refused):
            self.notes.append(f"Objectives are left out: {answer.message}")
            return []
        return answer

    def forecast(self) -> Mapping[str, Any]:
        """Of the running month, with its budgets; empty for one that is over, and where it may not be seen."""
        wanted = self._wanted
        if wanted.is_over:
            return {}
        answer = self._api.ask("/costs/forecast", query={"tenant": wanted.tenant, "month": f"{wanted.first:%Y-%m}"})
        if isinstance(answer, Refused):
            self.notes.append(f"Forecast and budgets are left out: {answer.message}")
            return {}
        return answer

    def _lines(
        self, span: tuple[datetime, datetime], names: Sequence[str], *, step: str, by: str | None = None
    ) -> list[dict[str, Any]]:
        # With a step the sums are read by the minute where the zone's days begin within an hour.
        if span[0] >= span[1]:
            return []
        answer = self._api.call("GET", "/figures", query={**self._when(span), "figure": names, "step": step, "by": by})
        return answer["lines"]

    def _when(self, span: tuple[datetime, datetime]) -> dict[str, object]:
        since, until = (each.astimezone(UTC).isoformat() for each in span)
        return {"since": since, "until": until, "zone": self._wanted.zone.key, "tenant": self._wanted.tenant}


def zone_of(api: AdminApi, tenant: str | None) -> str:
    """The tenant's time zone, as far as the credential may know it; otherwise UTC."""
    answer = api.ask("/costs/forecast", query={"tenant": tenant})
    return "UTC" if isinstance(answer, Refused) else answer["time_zone"]


def _shown(wanted: Wanted) -> list[str]:
    """Of one tenant nobody needs to be told whose it is."""
    return [each for each in _DIMENSIONS if wanted.tenant is None or each != "tenant"]


@dataclass(frozen=True, slots=True)
class _Parts:
    whole: Values
    by: Mapping[str, tuple[Line, ...]]
    days: Mapping[date, Values]

    @property
    def adds_up(self) -> bool:
        parts = [*([line.values for line in lines] for lines in self.by.values()), list(self.days.values())]
        return all(
            sum(total(each, name) for each in part) == total(self.whole, name) for part in parts for name in _SUMMED
        )


def _month_end(said: Mapping[str, Any] | None) -> MonthEnd | None:
    if said is None:
        return None
    return MonthEnd(
        expected=said["expected_nanousd"],
        low=said["low_nanousd"],
        high=said["high_nanousd"],
        level=said["level"],
        is_short=said["is_short"],
    )


def _budget(said: Mapping[str, Any]) -> Budget:
    return Budget(
        name=said["name"],
        whose=", ".join(str(each) for each in said["values"].values() if each),
        kind=said["kind"],
        amount=said["amount_nanousd"],
        used=said["used_nanousd"],
        is_used_up=said["is_used_up"],
        day=None if said["day"] is None else date.fromisoformat(said["day"]),
        chance=said["chance"],
    )


def _promise(said: Mapping[str, Any]) -> Promise:
    return Promise(
        name=said["name"],
        assistant=said["assistant"],
        within_s=said["within_s"],
        is_first_event=said["of"] == "first_event",
        target=said["target"],
        exchanges=said["exchanges"],
        bad=said["bad"],
        reached=said["reached"],
        consumed=said["consumed"],
    )


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _next_month(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)
