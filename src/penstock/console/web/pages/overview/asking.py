"""What the overview asks the API: figures of a time and of the time before, each question with all of its figures."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from penstock.console.web.api_client import ApiRefused
from penstock.console.web.layout.parts.span import Span
from penstock.console.web.view import View

TILES = (
    "exchanges",
    "availability",
    "duration_p95_s",
    "first_event_p95_s",
    "cost_nanousd",
    "saved_nanousd",
    "cache_hit_rate",
    "blocked",
    "held",
    "faults",
    "unknown_costs",
)
_TOP = ("exchanges", "availability", "duration_p95_s", "cost_nanousd")
_TIMES = ("duration_p50_s", "duration_p95_s", "duration_p99_s", "input_tokens", "output_tokens")
_MINUTES_FOR = timedelta(hours=6)
_HOURS_FOR = timedelta(days=8)
_DAYS_FOR = timedelta(days=120)
_LENGTHS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class Asked:
    """Of which exchanges; an empty word is not asked about."""

    span: Span = field(default_factory=Span)
    tenant: str = ""
    assistant: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Asked":
        words = {name: query.get(name, "").strip()[:300].replace("\0", "") for name in ("tenant", "assistant")}
        return cls(Span.read(query), **words)

    def query(self) -> dict[str, str]:
        said = {**self.span.query(), "tenant": self.tenant, "assistant": self.assistant}
        return {name: value for name, value in said.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """`now` and `before` are values by figure; `times` are those of the steps, what follows are lines of
    the API.

    `speed` is how much longer the time now is than the one before: by the hour that is not over yet.
    """

    now: Mapping[str, Any]
    before: Mapping[str, Any]
    speed: float = field(compare=False)
    step: str
    times: Sequence[str]
    outcomes: Sequence[Mapping[str, Any]]
    course: Sequence[Mapping[str, Any]]
    costs: Sequence[Mapping[str, Any]]
    assistants: Sequence[Mapping[str, Any]]
    tenants: Sequence[Mapping[str, Any]]
    targets: Sequence[Mapping[str, Any]] | str
    """Or why there are none."""


def step_of(length: timedelta) -> str:
    if length <= _MINUTES_FOR:
        return "minute"
    return "hour" if length <= _HOURS_FOR else "day" if length <= _DAYS_FOR else "month"


async def find(view: View, asked: Asked) -> Found:
    """Everything at once.  Raises `ApiRefused`."""
    began, until = asked.span.bounds(view.clock.now())
    step = step_of(until - began)
    since = _floor(began, _LENGTHS["minute" if step == "minute" else "hour"])
    chosen = {"tenant": asked.tenant, "assistant": asked.assistant}

    async def ask(figures: Sequence[str], *, by: Sequence[str] = (), steps: str = "", ago: bool = False) -> Any:
        ends = (since - (until - began), since) if ago else (since, until)
        times = {"since": ends[0].isoformat(), "until": ends[1].isoformat()}
        return await view.read("/figures", figure=list(figures), by=list(by), step=steps, **times, **chosen)

    async def of_targets() -> "list[dict[str, Any]] | str":
        try:
            return (await ask(_TOP, by=["target"]))["lines"]
        except ApiRefused as refused:
            if refused.status != 400:
                raise
            return "With this filter targets are told by the hour: choose more than six hours."

    now, before, outcomes, course, costs, assistants, tenants, targets = await asyncio.gather(
        ask(TILES),
        ask(TILES, ago=True),
        ask(["exchanges"], by=["outcome"], steps=step),
        ask(_TIMES, steps=step),
        ask(["cost_nanousd"], by=["assistant"], steps=step),
        ask(_TOP, by=["assistant"]),
        ask(_TOP, by=["tenant"]),
        of_targets(),
    )
    earlier = datetime.fromisoformat(before["until"]) - datetime.fromisoformat(before["since"])
    return Found(
        now=_values(now),
        before=_values(before),
        speed=(until - since) / earlier,
        step=step,
        times=_steps(outcomes, course, step, until),
        outcomes=outcomes["lines"],
        course=course["lines"],
        costs=costs["lines"],
        assistants=assistants["lines"],
        tenants=tenants["lines"],
        targets=targets,
    )


def _values(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of a question without groups; of nothing, where nothing was settled."""
    return found["lines"][0]["values"] if found["lines"] else {}


def _steps(outcomes: Mapping[str, Any], course: Mapping[str, Any], step: str, until: datetime) -> list[str]:
    """The beginnings of all steps, also of those in which nothing happened."""
    length = _LENGTHS.get(step)
    told = sorted({line["at"] for found in (outcomes, course) for line in found["lines"]})
    if length is None or not told:
        return told
    at = _floor(datetime.fromisoformat(course["since"]), length)
    steps: list[str] = []
    while at < until:
        steps.append(at.isoformat().replace("+00:00", "Z"))
        at += length
    return steps


def _floor(at: datetime, length: timedelta) -> datetime:
    return at - (at - datetime(1970, 1, 1, tzinfo=UTC)) % length
