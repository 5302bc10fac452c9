"""The report's section about service: availability, how exchanges ended, how long they took, and why calls failed."""

from datetime import date
from typing import Final

from penstock.watch.report import written
from penstock.watch.report.blocks import Block, Cell, Chart, Section, Table, Tone
from penstock.watch.report.charts import lines
from penstock.watch.report.data import Line, MonthData, Promise, total

_MOST_ROWS: Final = 15
_ENDS: Final = {
    "completed": "Completed",
    "blocked": "Blocked by a guard",
    "held": "Held for a person",
    "rejected": "Rejected: bad input or a limit",
    "client_gone": "Client left",
    "upstream_failed": "Failed: no provider answered",
    "deadline": "Failed: out of time",
    "shutdown": "Failed: shut down",
    "failed": "Failed: our own fault",
}
_CAUSES: Final = (
    ("attempt_failed:", "Calls of providers that failed, by why"),
    ("limit_refused:", "Refused by limits and budgets"),
    ("input_refused:", "Requests that were too large"),
    ("fell_back:", "Fell back to another answer"),
)


def reliability(data: MonthData) -> Section:
    shares: dict[date, float] = {
        day: available for day, values in data.days.items() if (available := values.get("availability")) is not None
    }
    blocks: list[Block] = []
    if shares:
        drawing = lines(data.first, data.after, shares, lambda value: written.share(value, decimals=2))
        blocks.append(Chart("Availability by day: of the exchanges that count, those without a fault", drawing))
    if data.promises:
        blocks.append(_promises(data.promises))
    blocks += [_assistants(data.by.get("assistant", ())), _ends(data)]
    if targets := data.by.get("target"):
        blocks.append(_targets(targets))
    blocks += (
        counted(title, found, total(data.total, "exchanges"))
        for prefix, title in _CAUSES
        if (found := tallied(data, prefix))
    )
    return Section("Reliability", tuple(blocks))


def tallied(data: MonthData, prefix: str) -> dict[str, int]:
    """What happened, by the rest of its name."""
    return {name.removeprefix(prefix): amount for name, amount in data.tallies.items() if name.startswith(prefix)}


def counted(title: str, found: dict[str, int], exchanges: int) -> Table:
    """How often each happened, the most often first."""
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    most = ordered[0][1]
    rows = [
        (
            Cell(written.name(name).replace("_", " "), share=amount / most),
            Cell(written.count(amount)),
            _per(amount, exchanges),
        )
        for name, amount in ordered[:_MOST_ROWS]
    ]
    if rest := ordered[_MOST_ROWS:]:
        amount = sum(each for _, each in rest)
        rows.append((Cell(f"{len(rest)} more"), Cell(written.count(amount)), _per(amount, exchanges)))
    last = (Cell("All"), Cell(written.count(sum(found.values()))), _per(sum(found.values()), exchanges))
    return Table(title, ("", "Times", "A thousand exchanges"), tuple(rows), last)


def _per(amount: int, exchanges: int) -> Cell:
    return Cell(f"{1000 * amount / exchanges:,.2f}" if exchanges else written.NONE)


def _promises(found: tuple[Promise, ...]) -> Table:
    rows = tuple(
        (
            Cell(f"{written.name(each.name)}: {_promised(each)}"),
            Cell(written.share(each.target, decimals=2)),
            Cell(written.share(each.reached, decimals=2), _tone(each)),
            Cell(written.count(each.exchanges)),
            Cell(written.count(each.bad)),
            Cell(written.share(each.consumed), _tone(each)),
        )
        for each in found
    )
    head = ("", "Promised", "Reached", "Exchanges", "Went badly", "Used of what may")
    return Table("Objectives, of this month alone", head, rows)


def _promised(each: Promise) -> str:
    whose = "all assistants" if each.assistant is None else written.name(each.assistant)
    if each.within_s is None:
        return f"{whose} without a fault"
    what = "first event" if each.is_first_event else "answers"
    return f"{what} of {whose} within {written.seconds(each.within_s)}"


def _tone(each: Promise) -> Tone:
    return "plain" if each.consumed is None else "bad" if each.consumed > 1 else "good"


def _assistants(found: tuple[Line, ...]) -> Table:
    ordered = sorted(found, key=lambda line: (-line.total("exchanges"), line.name))[:_MOST_ROWS]
    head = ("", "Exchanges", "Availability", "p50", "p95", "p99", "First event, p95")
    title = "By assistant: how often, how well, how long" + (
        f" (the {_MOST_ROWS} busiest of {len(found)})" if len(found) > _MOST_ROWS else ""
    )
    return Table(title, head, tuple(_timed(line) for line in ordered))


def _timed(line: Line) -> tuple[Cell, ...]:
    return (
        Cell(written.name(line.name)),
        Cell(written.count(line.total("exchanges"))),
        Cell(written.share(line.values.get("availability"), decimals=2)),
        *(Cell(written.seconds(line.values.get(f"duration_p{each}_s"))) for each in (50, 95, 99)),
        Cell(written.seconds(line.values.get("first_event_p95_s"))),
    )


def _targets(found: tuple[Line, ...]) -> Table:
    ordered = sorted(found, key=lambda line: (-line.total("exchanges"), line.name))[:_MOST_ROWS]
    rows = tuple(
        (
            Cell(written.name(line.name)),
            Cell(written.count(line.total("exchanges"))),
            Cell(written.share(line.values.get("availability"), decimals=2)),
            Cell(written.seconds(line.values.get("duration_p95_s"))),
            Cell(written.share(line.values.get("failed_attempt_rate"))),
        )
        for line in ordered
    )
    return Table("By target that answered last", ("", "Exchanges", "Availability", "p95", "Failed calls"), rows)


def _ends(data: MonthData) -> Table:
    found = {line.name: line.total("exchanges") for line in data.by.get("outcome", ())}
    whole = sum(found.values())
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    rows = tuple(
        (
            Cell(_ENDS.get(name, written.name(name)), share=amount / whole),
            Cell(written.count(amount)),
            Cell(written.share(amount / whole, decimals=2)),
        )
        for name, amount in ordered
    )
    return Table(
        "How exchanges ended", ("", "Exchanges", "Share"), rows, (Cell("All"), Cell(written.count(whole)), Cell(""))
    )
