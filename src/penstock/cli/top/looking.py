"""One look at everything that `penstock top` shows.

Nothing is shown that the admin API has not told this credential: what it refuses is named in its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from penstock.cli.admin.api import AdminApi, Away, Refused

WINDOW: Final = timedelta(minutes=5)
_FIGURES: Final = (
    "exchanges",
    "faults",
    "fault_rate",
    "duration_p50_s",
    "duration_p95_s",
    "cost_nanousd",
    "unknown_costs",
    "cache_hit_rate",
)
_BY: Final = ("assistant", "target")
_MOST_ALERTS: Final = 5
_NOT_ALLOWED: Final = frozenset({401, 403, 404})

Values = Mapping[str, int | float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """`rows` are by dimension and then by name.  `minutes` is how long the figures look back.

    `health` is one line; `reasons` what is not well, or why nobody is told.  `refused` is why figures are not told.
    """

    at: datetime
    minutes: float
    total: Values
    today: Values
    rows: Mapping[str, Mapping[str, Values]]
    health: str
    reasons: tuple[str, ...]
    in_flight: int | None
    alerts: tuple[str, ...]
    refused: str | None = None


def look(api: AdminApi, tenant: str | None) -> Look:
    """Raises `Away`, also where the database is.

    Figures are of whole minutes: five that are over, and what there is of the running one.
    """
    now = datetime.now(UTC)
    since = now.replace(second=0, microsecond=0) - WINDOW
    span = {"since": since.isoformat(), "until": now.isoformat(), "tenant": tenant}
    whole = api.fetch("GET", "/figures", query={**span, "figure": _FIGURES})
    if isinstance(whole, Refused):
        if whole.status not in _NOT_ALLOWED:
            raise Away(whole.message)
        return _nothing(now, whole)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    today = api.fetch(
        "GET",
        "/figures",
        query={**span, "since": midnight.isoformat(), "figure": ("exchanges", "cost_nanousd", "unknown_costs")},
    )
    rows = {by: _rows(api.fetch("GET", "/figures", query={**span, "figure": _FIGURES, "by": by}), by) for by in _BY}
    health, reasons, in_flight = _health(api)
    return Look(
        at=now,
        minutes=(now - since).total_seconds() / 60,
        total=_first(whole),
        today={} if isinstance(today, Refused) else _first(today),
        rows=rows,
        health=health,
        reasons=reasons,
        in_flight=in_flight,
        alerts=_alerts(api, tenant),
    )


def _nothing(now: datetime, refused: Refused) -> Look:
    return Look(
        at=now,
        minutes=0.0,
        total={},
        today={},
        rows={},
        health="",
        reasons=(),
        in_flight=None,
        alerts=(),
        refused=refused.message,
    )


def _first(answer: Mapping[str, Any]) -> Values:
    return answer["lines"][0]["values"] if answer["lines"] else {}


def _rows(answer: "dict[str, Any] | Refused", by: str) -> dict[str, Values]:
    if isinstance(answer, Refused):
        return {}
    return {line["group"][by]: line["values"] for line in answer["lines"]}


def _health(api: AdminApi) -> tuple[str, tuple[str, ...], int | None]:
    status = api.fetch("GET", "/status")
    if isinstance(status, Refused):
        return "not for this credential to see", (), None
    health = status["health"]
    return health["status"].replace("_", " "), tuple(health["reasons"]), health.get("in_flight")


def _alerts(api: AdminApi, tenant: str | None) -> tuple[str, ...]:
    """Those that nobody has acknowledged, the last first."""
    answer = api.fetch("GET", "/alerts", query={"tenant": tenant, "state": "open", "limit": _MOST_ALERTS})
    if isinstance(answer, Refused):
        return (f"alerts are left out: {answer.message}",)
    return tuple(f"{each['severity']}: {each['text']}" for each in answer["items"])
