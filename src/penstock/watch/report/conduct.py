"""The report's sections about caches, guards and prices: what they did, and what nobody can say."""

from collections.abc import Mapping
from typing import Final

from penstock.watch.report import written
from penstock.watch.report.blocks import Block, Cell, Section, Table, Text
from penstock.watch.report.data import MonthData, total
from penstock.watch.report.reliability import counted, tallied

_STOPPED: Final = frozenset({"block", "hold"})
_INJECTION: Final = "injection"


def cache(data: MonthData) -> Section:
    hits, misses = (total(data.total, name) for name in ("cache_hits", "cache_misses"))
    exchanges = total(data.total, "exchanges")
    bypassed = tallied(data, "cache:bypassed:")
    if not hits and not misses:
        return Section("Cache", (Text("The cache was not asked in this month."),))
    rows = (
        _told(data, "Answered from the cache", "cache_hits"),
        _told(data, "Nothing was kept", "cache_misses"),
    )
    rate = written.share(data.total.get("cache_hit_rate"))
    last = (Cell(f"Hit rate {rate}"), Cell(written.count(hits + misses)), Cell(written.points(*_rates(data))))
    blocks: list[Block] = [Table("What the cache was asked", ("", "Exchanges", "Change"), rows, last)]
    if kinds := tallied(data, "cache:hit:"):
        blocks.append(counted("Hits, by kind", kinds, exchanges))
    if bypassed:
        blocks.append(counted("Not asked, or not to be kept, by why", bypassed, exchanges))
    return Section("Cache", tuple(blocks))


def guards(data: MonthData) -> Section:
    exchanges = total(data.total, "exchanges")
    blocks: list[Block] = [
        Table(
            "In sum",
            ("", "Times", "Change"),
            (
                _told(data, "Exchanges that were blocked", "blocked"),
                _told(data, "Answers that went to a person", "held"),
                _summed("Values that were masked", tallied(data, "masked:")),
                _summed("Attempts at injection that were found", _injections(data)),
                _summed("Texts that went through unjudged, as a guard could not run", tallied(data, "let_through:")),
                _summed("Times a guard could not run, and nothing went through", tallied(data, "guard_failed:")),
            ),
        )
    ]
    for title, found in (
        ("Personal data that was masked, by kind", tallied(data, "masked:")),
        ("Blocked or held, by guard and direction", _stopped(data)),
        ("Injections that were found, by where and what was done", _injections(data)),
        ("Let through unjudged, by guard and why", tallied(data, "let_through:")),
        ("Would have been found, by policies in shadow mode", tallied(data, "shadow:found:")),
    ):
        if found:
            blocks.append(counted(title, _spelled(found), exchanges))
    return Section("Guards", tuple(blocks))


def unknown_prices(data: MonthData) -> Section:
    unknown, estimated = (total(data.total, name) for name in ("unknown_costs", "estimated"))
    exchanges = total(data.total, "exchanges")
    if not unknown:
        said = "The cost of every exchange is known."
    else:
        said = (
            f"Nobody knows what {written.count(unknown)} exchanges cost ({written.share(unknown / exchanges)}):"
            " they are in no sum, so more was spent than this report says."
        )
    if estimated:
        said += (
            f" The tokens of {written.count(estimated)} exchanges ({written.share(estimated / exchanges)}) were counted"
            " by us, since no provider told them."
        )
    blocks: list[Block] = [Text(said)]
    lines = [line for line in data.by.get("target", ()) if line.total("unknown_costs")]
    if lines:
        lines.sort(key=lambda line: (-line.total("unknown_costs"), line.name))
        rows = tuple(
            (
                Cell(written.name(line.name)),
                Cell(written.count(line.total("unknown_costs"))),
                Cell(written.count(line.total("tokens"))),
            )
            for line in lines[:12]
        )
        blocks.append(
            Table("Targets without a price for all of their exchanges", ("", "Unknown", "Tokens in all"), rows)
        )
    return Section("Unknown prices", tuple(blocks))


def _told(data: MonthData, title: str, figure: str) -> tuple[Cell, ...]:
    now, then = total(data.total, figure), total(data.before, figure)
    return Cell(title), Cell(written.count(now)), Cell(written.change(now, then))


def _summed(title: str, found: Mapping[str, int]) -> tuple[Cell, ...]:
    return Cell(title), Cell(written.count(sum(found.values()))), Cell("")


def _rates(data: MonthData) -> tuple[float | None, float | None]:
    return data.total.get("cache_hit_rate"), data.before.get("cache_hit_rate")


def _stopped(data: MonthData) -> dict[str, int]:
    return {name: amount for name, amount in tallied(data, "found:").items() if name.rsplit(":", 1)[-1] in _STOPPED}


def _injections(data: MonthData) -> dict[str, int]:
    return tallied(data, f"found:{_INJECTION}:")


def _spelled(found: Mapping[str, int]) -> dict[str, int]:
    return {name.replace(":", " · "): amount for name, amount in found.items()}
