"""What a report says, from what the admin API told: which sections, in which order, and what each concludes."""

from datetime import timedelta
from typing import Final

from penstock.watch.figures.catalog import FIGURES
from penstock.watch.report import written
from penstock.watch.report.blocks import Block, Document, Section, Text, Tile, Tiles, Tone
from penstock.watch.report.conduct import cache, guards, unknown_prices
from penstock.watch.report.data import MonthData, total
from penstock.watch.report.reliability import reliability
from penstock.watch.report.spending import drivers, parts, saved, spending

ABOUT: Final = "Penstock"
_EXACT: Final = (
    "Costs, tokens and counts are sums of whole numbers and exact; costs are billionths of a US dollar until they are"
    " rounded for this page. Percentiles are within 0.5 %."
)


def document(data: MonthData) -> Document:
    """The whole report.  A month without exchanges has one section that says so."""
    sections: list[Section] = []
    if total(data.total, "exchanges"):
        sections = [
            Section("At a glance", (_tiles(data),)),
            spending(data),
            parts(data),
            drivers(data),
            saved(data),
            reliability(data),
            cache(data),
            guards(data),
            unknown_prices(data),
        ]
    else:
        sections = [Section("No exchanges", (Text("Nothing was settled in this month, or nothing that you may see."),))]
    sections.append(_about(data))
    return Document(
        title=written.month(data.first),
        about=ABOUT,
        lines=_lines(data),
        sections=tuple(section for section in sections if section.blocks),
        footer=f"Penstock · {written.month(data.first)} · {_whose(data)}",
    )


def before(data: MonthData) -> str:
    """What changes are told against."""
    last = data.first - timedelta(days=1)
    return f"{last:%B}" if data.is_over else f"1–{min(data.as_of.day, last.day)} {last:%B}"  # noqa: RUF001 - a dash


def _whose(data: MonthData) -> str:
    return "all tenants" if data.tenant is None else f"tenant {written.name(data.tenant)}"


def _lines(data: MonthData) -> tuple[str, ...]:
    last = data.after - timedelta(days=1)
    made = f"{data.as_of:%Y-%m-%d %H:%M}"
    so_far = (
        f"1 to {written.day(last)}, complete" if data.is_over else f"The month still runs: figures until {made} only"
    )
    return (_whose(data).capitalize() if data.tenant is None else f"Tenant {written.name(data.tenant)}", so_far)


def _tiles(data: MonthData) -> Tiles:
    shown = ("cost_nanousd", "saved_nanousd", "exchanges", "availability", "duration_p95_s", "cache_hit_rate")
    return Tiles(tuple(_tile(data, name) for name in shown))


def _tile(data: MonthData, name: str) -> Tile:
    figure = FIGURES[name]
    now, then = data.total.get(name), data.before.get(name)
    match figure.unit:
        case "nanousd":
            least = written.AT_LEAST if name == "cost_nanousd" and total(data.total, "unknown_costs") else ""
            said, changed = least + written.money(int(now or 0)), written.change(now, then)
        case "share":
            decimals = 2 if name == "availability" else 1
            said, changed = written.share(now, decimals=decimals), written.points(now, then)
        case "seconds":
            said, changed = written.seconds(now), written.change(now, then)
        case _:
            said, changed = written.count(int(now or 0)), written.change(now, then)
    tone: Tone = "plain"
    if figure.better is not None and now is not None and then is not None and now != then:
        tone = "good" if (now > then) == (figure.better == "higher") else "bad"
    return Tile(figure.title, said, f"{changed} vs. {before(data)}" if changed else "", tone)


def _about(data: MonthData) -> Section:
    says = [
        f"Days are those of {data.zone}. Made {data.as_of:%Y-%m-%d %H:%M}"
        + (f" by Penstock {data.version}." if data.version else "."),
        _EXACT,
        "A cost that nobody knows is in no sum: see unknown prices.",
        f"Changes are against {before(data)}{'' if data.is_over else ', until the same time'}.",
        *data.notes,
    ]
    blocks: list[Block] = [Text(each) for each in says]
    return Section("About these figures", tuple(blocks))
