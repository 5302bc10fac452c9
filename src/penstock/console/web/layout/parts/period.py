"""A stretch of time and how it is cut: range, step and time zone, all of them in the page's address.

Whole hours, so that what came before it has the same length: the hour that has begun counts as far as it has come.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from penstock.config.limits import is_zone
from penstock.console.web.layout.parts.fields import pick, typed
from penstock.console.web.layout.parts.text import Text, box, button
from penstock.console.web.view import View
from penstock.watch.figures.question import Step

RANGES: Mapping[str, tuple[str, timedelta, Step]] = {
    "24h": ("Last 24 hours", timedelta(days=1), "hour"),
    "7d": ("Last 7 days", timedelta(days=7), "day"),
    "30d": ("Last 30 days", timedelta(days=30), "day"),
    "90d": ("Last 90 days", timedelta(days=90), "day"),
    "365d": ("Last 365 days", timedelta(days=365), "month"),
}
"""By name: its words, its length, and the step that fits it."""
STEPS: Mapping[Step, str] = {"hour": "Hour", "day": "Day", "month": "Month"}
_HOUR = timedelta(hours=1)
_FORMATS: Mapping[Step, tuple[str, str]] = {
    "minute": ("%H:%M", "%Y-%m-%d %H:%M"),
    "hour": ("%d %b %H:%M", "%Y-%m-%d %H:%M"),
    "day": ("%d %b", "%Y-%m-%d"),
    "month": ("%b %Y", "%Y-%m"),
}
"""For people, below a chart; and as a table sorts it."""


class Period:
    """`draw` the picker; what it says then is asked for with `query`."""

    def __init__(self, view: View, *, default: str = "7d") -> None:
        self._view = view
        self._default = default
        wanted = view.query.get("range", default)
        self.name = wanted if wanted in RANGES else default
        step = view.query.get("step", "")
        self._step: Step | None = cast("Step", step) if step in STEPS else None
        zone = view.query.get("zone", "UTC")[:60]
        self.zone = ZoneInfo(zone) if is_zone(zone) else ZoneInfo("UTC")
        self._keep()

    @property
    def step(self) -> Step:
        return self._step or RANGES[self.name][2]

    @property
    def words(self) -> str:
        return RANGES[self.name][0].lower()

    def said(self) -> dict[str, str]:
        """What of it stands in the address."""
        return {
            "range": "" if self.name == self._default else self.name,
            "step": self._step or "",
            "zone": "" if self.zone.key == "UTC" else self.zone.key,
        }

    def window(self, *, before: int = 0) -> tuple[datetime, datetime]:
        """Its beginning and end; `before` counts stretches of the same length back."""
        now = datetime.fromtimestamp(self._view.clock.now(), UTC)
        length = RANGES[self.name][1]
        end = now.replace(minute=0, second=0, microsecond=0) + _HOUR - before * length
        return end - length, end

    def query(self, *, before: int = 0, by_step: bool = False) -> dict[str, Any]:
        since, until = self.window(before=before)
        asked: dict[str, Any] = {"since": since.isoformat(), "until": until.isoformat(), "zone": self.zone.key}
        return asked | ({"step": self.step} if by_step else {})

    def steps(self) -> list[datetime]:
        """The beginning of each, as the API names it: those with nothing in them are missing from its answer."""
        since, until = self.window()
        at = self._floor(since)
        found: list[datetime] = []
        while at < until:
            found.append(at)
            at = self._floor(at + {"hour": _HOUR, "day": timedelta(hours=36)}.get(self.step, timedelta(days=45)))
        return found

    def labels(self, steps: Sequence[datetime]) -> list[str]:
        return [at.astimezone(self.zone).strftime(_FORMATS[self.step][0]) for at in steps]

    def sortable(self, at: datetime) -> str:
        return at.astimezone(self.zone).strftime(_FORMATS[self.step][1])

    def draw(self, changed: Callable[[], Awaitable[None]]) -> None:
        async def turn() -> None:
            self._keep()
            self._view.keep_aside(**self.said())
            await changed()

        async def to_range(name: str) -> None:
            if name in RANGES:
                self.name, self._step = name, None
                self._step_box.props["value"] = self.step
                await turn()

        async def to_step(name: str) -> None:
            if name in STEPS:
                self._step = cast("Step", name)
                await turn()

        async def to_zone(name: str) -> None:
            if is_zone(name):
                self.zone = ZoneInfo(name)
                self._zone_box.props["value"] = name
                await turn()

        pick("Time range", self.name, [(name, words) for name, (words, _, _) in RANGES.items()], to_range)
        with box("span", "labelled"):
            Text("span", "by")
            self._step_box = pick("Step", self.step, list(STEPS.items()), to_step)
        with box("span", "labelled"):
            Text("span", "in")
            self._zone_box = typed("Time zone", self.zone.key, to_zone)
            self._zone_box.classes("short")
        mine = button("My zone", lambda: None, kind="small")
        mine.on("click", lambda e: to_zone(str(e.args)), js_handler=_ZONE)

    def _keep(self) -> None:
        for name, value in self.said().items():
            self._view.aside.pop(name, None)
            if value:
                self._view.aside[name] = value

    def _floor(self, at: datetime) -> datetime:
        local = at.astimezone(self.zone).replace(minute=0, second=0, microsecond=0, fold=0)
        if self.step == "hour":
            return at.replace(minute=0, second=0, microsecond=0)
        day = local.replace(hour=0, day=1 if self.step == "month" else local.day)
        return day.astimezone(UTC)


_ZONE = "() => emit(Intl.DateTimeFormat().resolvedOptions().timeZone)"
