"""What was spent and what was saved: the same figures of the sums, looked at by a dimension and over time."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from penstock.console.web.layout.parts.chart import Series, chart
from penstock.console.web.layout.parts.fields import pick
from penstock.console.web.layout.parts.period import Period
from penstock.console.web.layout.parts.region import Region
from penstock.console.web.layout.parts.table import Act, DataTable, Listing
from penstock.console.web.layout.parts.table_state import Column, Row
from penstock.console.web.layout.parts.text import box, button, card, note, tile, tiles
from penstock.console.web.view import View
from penstock.watch.rollups.views import DIMENSIONS

NANO = 1_000_000_000
_DIMENSIONS = {name: name.capitalize() for name in DIMENSIONS if name != "outcome"}
_SAVINGS = {
    "saved_cache_nanousd": "Caches",
    "saved_routing_nanousd": "Routing",
    "saved_compaction_nanousd": "Shorter prompts",
    "saved_prompt_cache_nanousd": "Prompt caching",
}
_FIGURES = ("cost_nanousd", "exchanges", "unknown_costs", "estimated", "saved_nanousd", *_SAVINGS)
_SERIES = 6
_MOST_LINES = 5000
NONE = "(none)"
"""What a group is called that has no value: a key without a project."""

Which = Literal["spent", "saved", "time"]
_NOTHING = (
    "payments",
    "Nothing was asked in this time",
    "Take a longer time range, or point an application's base_url at the data plane.",
)


async def spent(view: View) -> None:
    await _Spending(view, "spent").open()


async def saved(view: View) -> None:
    await _Spending(view, "saved").open()


async def over_time(view: View) -> None:
    await _Spending(view, "time").open()


class _Spending:
    def __init__(self, view: View, which: Which) -> None:
        self._view = view
        self._which: Which = which
        self._period = Period(view)
        by = view.query.get("by", "assistant")
        self._by = by if by in _DIMENSIONS else "assistant"
        self._only = {name: view.query[name][:300] for name in _DIMENSIONS if view.query.get(name)}
        view.aside |= self._only | ({} if self._by == "assistant" else {"by": self._by})
        self._rows: list[Row] = []

    async def open(self) -> None:
        with box("div", "tools"):
            pick("Group by", self._by, [(name, f"By {name}") for name in _DIMENSIONS], self._group)
            self._period.draw(self._refresh)
            self._chips = box("div", "row")
        self._draw_chips()
        self._region = Region(self._view, self._read, self._show)
        await self._region.open()
        self._place = box()
        await self._draw_table()

    async def _group(self, by: str) -> None:
        if by in _DIMENSIONS:
            self._by = by
            self._view.keep_aside(by="" if by == "assistant" else by, sort="", q="", page="")
            await self._refresh()
            await self._draw_table()

    async def _refresh(self) -> None:
        await self._region.refresh()
        await self._table.refresh()

    async def _draw_table(self) -> None:
        """Anew where its columns are others."""
        words = _DIMENSIONS[self._by]
        self._place.clear()
        with self._place:
            group = Column("group", words, value=lambda row: row["group"] or NONE)
            columns = {"spent": _spent_columns, "saved": _saved_columns, "time": _time_columns}[self._which](group)
            self._table = DataTable(
                self._view,
                Listing(
                    caption={"spent": "Costs", "saved": "Savings", "time": "Costs over time"}[self._which]
                    + f" by {self._by}",
                    columns=columns,
                    read=self._given,
                    sort={"spent": "-cost", "saved": "-saved", "time": "-at"}[self._which],
                    nothing=_NOTHING,
                    acts=(Act("only", "Only this", self._narrow, fits=self._can_narrow),),
                ),
            )
            await self._table.open()

    def _can_narrow(self, row: Row) -> bool:
        return bool(row["group"]) and self._only.get(self._by) != row["group"]

    async def _narrow(self, row: Row) -> None:
        await self._limit({**self._only, self._by: row["group"]})

    async def _limit(self, only: Mapping[str, str]) -> None:
        gone = dict.fromkeys(self._only, "")
        self._only = dict(only)
        self._view.keep_aside(**{**gone, **self._only})
        self._draw_chips()
        await self._refresh()

    def _draw_chips(self) -> None:
        async def drop(name: str) -> None:
            await self._limit({each: value for each, value in self._only.items() if each != name})

        self._chips.clear()
        with self._chips:
            for name, value in self._only.items():
                button(f"{name}: {value}", lambda name=name: drop(name), kind="small", icon="close")

    async def _ask(self, *, before: int = 0, by: Sequence[str] = (), by_step: bool = False) -> list[dict[str, Any]]:
        asked = self._period.query(before=before, by_step=by_step)
        found = await self._view.read("/figures", figure=list(_FIGURES), by=list(by), **asked, **self._only)
        return found["lines"]

    async def _read(self) -> dict[str, Any]:
        self._rows = []
        found = {
            "now": await self._ask(by=[self._by]),
            "before": await self._ask(before=1, by=[self._by]),
            "steps": await self._ask(by=[self._by], by_step=True),
        }
        self._rows = (
            _by_step(found["steps"], self._by, self._period) if self._which == "time" else self._by_group(found)
        )
        return found

    def _by_group(self, found: Mapping[str, Any]) -> list[Row]:
        was = {line["group"][self._by]: line["values"] for line in found["before"]}
        whole = sum(line["values"]["cost_nanousd"] for line in found["now"])
        rows: list[Row] = []
        for line in found["now"]:
            name, values = line["group"][self._by], line["values"]
            known = values["exchanges"] - values["unknown_costs"]
            before = was.get(name, {}).get("cost_nanousd", 0)
            rows.append(
                {
                    "id": name or NONE,
                    "group": name,
                    "cost": values["cost_nanousd"] / NANO,
                    "before": before / NANO,
                    "change": _change(values["cost_nanousd"], before),
                    "share": values["cost_nanousd"] / whole if whole else None,
                    "each": values["cost_nanousd"] / known / NANO if known else None,
                    "saved": values["saved_nanousd"] / NANO,
                    **_plain(values),
                }
            )
        return rows

    async def _given(self, _: Mapping[str, str]) -> list[Row]:
        return self._rows

    def _show(self, found: Mapping[str, Any]) -> None:
        now = _sum(found["now"])
        if not now["exchanges"]:
            return  # the table says what to do
        before = _sum(found["before"])
        if self._which == "saved":
            self._tiles_of_savings(now, before)
        else:
            self._tiles_of_costs(now, before)
        _plain_words(now)
        with card("Cost by " + self._by if self._which != "saved" else "Saved by what"):
            self._draw_chart(found)

    def _tiles_of_costs(self, now: Mapping[str, int], before: Mapping[str, int]) -> None:
        known = now["exchanges"] - now["unknown_costs"]
        with tiles():
            tile("Cost", _usd(now["cost_nanousd"]), self._against(now, before, "cost_nanousd"))
            tile("Saved", _usd(now["saved_nanousd"]), self._against(now, before, "saved_nanousd"))
            tile("Exchanges", f"{now['exchanges']:,}", self._against(now, before, "exchanges"))
            tile("Cost of an exchange", _usd(now["cost_nanousd"] / known) if known else "unknown", "where it is known")
            tile("Unknown costs", f"{now['unknown_costs']:,}", f"and {now['estimated']:,} with estimated usage")

    def _tiles_of_savings(self, now: Mapping[str, int], before: Mapping[str, int]) -> None:
        spent_and_saved = now["cost_nanousd"] + now["saved_nanousd"]
        share = (
            f"{now['saved_nanousd'] / spent_and_saved:.1%} of what it would have cost" if spent_and_saved > 0 else ""
        )
        with tiles():
            tile("Saved", _usd(now["saved_nanousd"]), share or self._against(now, before, "saved_nanousd"))
            for name, words in _SAVINGS.items():
                tile(words, _usd(now[name]), self._against(now, before, name))

    def _against(self, now: Mapping[str, int], before: Mapping[str, int], name: str) -> str:
        change = _change(now[name], before[name])
        span = self._period.words.removeprefix("last ")
        return f"nothing in the {span} before" if change is None else f"{change:+.1%} against the {span} before"

    def _draw_chart(self, found: Mapping[str, Any]) -> None:
        steps = self._period.steps()
        labels = self._period.labels(steps)
        if self._which == "saved":
            series = [Series(words, _along(steps, found["steps"], name)) for name, words in _SAVINGS.items()]
        else:
            ranked = sorted(found["now"], key=lambda line: -line["values"]["cost_nanousd"])
            names = [line["group"][self._by] for line in ranked[:_SERIES]]
            lines = found["steps"]
            series = [
                Series(
                    name or NONE,
                    _along(steps, [each for each in lines if each["group"][self._by] == name], "cost_nanousd"),
                )
                for name in names
            ]
            rest = [each for each in lines if each["group"][self._by] not in names]
            if rest:
                series.append(Series("all others", _along(steps, rest, "cost_nanousd")))
        chart(
            f"By {self._period.step}, {self._period.zone.key}", labels, series, kind="bar", is_stacked=True, unit="usd"
        )


def _spent_columns(group: Column) -> tuple[Column, ...]:
    return (
        group,
        Column("cost", "Cost", "usd"),
        Column("share", "Share", "percent"),
        Column("before", "Before", "usd"),
        Column("change", "Change", "percent"),
        Column("exchanges", "Exchanges", "number"),
        Column("each", "Each", "usd"),
        Column("unknown", "Unknown", "number"),
        Column("estimated", "Estimated", "number"),
    )


def _saved_columns(group: Column) -> tuple[Column, ...]:
    return (
        group,
        Column("saved", "Saved", "usd"),
        *(Column(name, words, "usd") for name, words in _SAVINGS.items()),
        Column("cost", "Cost", "usd"),
        Column("exchanges", "Exchanges", "number"),
    )


def _time_columns(group: Column) -> tuple[Column, ...]:
    return (
        Column("at", "Time", "mono"),
        group,
        Column("cost", "Cost", "usd"),
        Column("saved", "Saved", "usd"),
        Column("exchanges", "Exchanges", "number"),
        Column("unknown", "Unknown", "number"),
        Column("estimated", "Estimated", "number"),
    )


def _by_step(lines: Sequence[Mapping[str, Any]], by: str, period: Period) -> list[Row]:
    return [
        {
            "id": f"{number}",
            "at": period.sortable(_time(line)),
            "group": line["group"][by],
            "cost": line["values"]["cost_nanousd"] / NANO,
            "saved": line["values"]["saved_nanousd"] / NANO,
            **_plain(line["values"]),
        }
        for number, line in enumerate(lines[-_MOST_LINES:])
    ]


def _plain(values: Mapping[str, int]) -> dict[str, Any]:
    counts = {"exchanges": values["exchanges"], "unknown": values["unknown_costs"], "estimated": values["estimated"]}
    return counts | {name: values[name] / NANO for name in _SAVINGS}


def _plain_words(now: Mapping[str, int]) -> None:
    """What the sums do not hold, and what in them is not exact."""
    if now["unknown_costs"]:
        note(
            f"{now['unknown_costs']:,} of {now['exchanges']:,} exchanges have no known cost and are in no sum: more was"
            " spent than is said here. Give their models a price in penstock.yaml.",
            "warn",
        )
    if now["estimated"]:
        note(f"{now['estimated']:,} with estimated usage: the provider did not say it, and tokens were counted here.")


def _sum(lines: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    return {name: sum(line["values"][name] for line in lines) for name in _FIGURES}


def _along(steps: Sequence[datetime], lines: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    found: dict[datetime, int] = {}
    for line in lines:
        at = _time(line)
        found[at] = found.get(at, 0) + line["values"][name]
    return [found.get(at, 0) / NANO for at in steps]


def _time(line: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(line["at"])


def _change(now: int, before: int) -> float | None:
    return (now - before) / before if before > 0 else None


def _usd(nano: float) -> str:
    """With cents; small amounts with as many digits as tell something."""
    usd = nano / NANO
    size = abs(usd)
    digits = 2 if size == 0 or size >= 1 else 4 if size >= 0.01 else 6
    sign = "\N{MINUS SIGN}" if usd < 0 else ""
    return f"{sign}${size:,.{digits}f}"
