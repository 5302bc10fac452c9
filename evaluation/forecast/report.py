"""The tables and the chart of docs/costs.md."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import matplotlib as mpl

from evaluation.forecast.measure import DAYS, METHODS, Made

mpl.use("Agg")
import matplotlib.pyplot as plt

BEGIN = "<!-- measured: written by `make evaluate ARGS='forecast --write'` -->"
END = "<!-- end of what was measured -->"
CHART = "images/costs/coverage.svg"

LEAST, MOST = 0.75, 0.85
_DATES = 0.80
_AHEAD = ((0, 3), (4, 8), (9, 15), (16, 30))


@dataclass(frozen=True, slots=True)
class Report:
    made: Sequence[Made]
    months: int
    seconds: float

    def of(self, keep: Callable[[Made], bool]) -> list[Made]:
        return [each for each in self.made if each.method == "Penstock" and keep(each)]

    @property
    def foreseeable(self) -> list[Made]:
        return self.of(lambda each: not each.is_step_to_come)

    @property
    def is_met(self) -> bool:
        return LEAST <= held(self.foreseeable) <= MOST and within_a_day(self.foreseeable) >= _DATES


def held(made: Sequence[Made]) -> float:
    """The share of intervals that held what came."""
    return mean(bool(each.is_held) for each in made if each.is_held is not None)


def within_a_day(made: Sequence[Made]) -> float:
    """Of the budgets that were used up."""
    return mean(end.off is not None and end.off <= 1 for each in made for end in each.ends)


def markdown(report: Report) -> str:
    """What stands between the markers."""
    all_of_it, foreseeable = report.of(lambda _: True), report.foreseeable
    to_come = report.of(lambda each: each.is_step_to_come)
    lines = [
        f"{report.months:,} months, {len(all_of_it):,} forecasts, {report.seconds * 1000:.0f} ms of CPU each.",
        "",
        "| | measured | asked | |",
        "|---|---|---|---|",
        _aim("80 % intervals that held the total", held(foreseeable), "75 to 85 %", LEAST <= held(foreseeable) <= MOST),
        _aim("budget dates within one day", within_a_day(foreseeable), "≥ 80 %", within_a_day(foreseeable) >= _DATES),
        "",
        (
            f"These leave out the {len(to_come):,} forecasts made before a step that nobody can foresee: of them "
            f"{held(to_come):.0%} held, and {within_a_day(to_come):.0%} of the dates were within a day. With them: "
            f"{held(all_of_it):.1%} and {within_a_day(all_of_it):.1%}."
        ),
        "",
        "| scenario | forecasts | held | width | mean error | bias | dates within a day |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(each.scenario for each in foreseeable):
        lines.append(_row(name, [each for each in foreseeable if each.scenario == name]))
        later = [each for each in to_come if each.scenario == name]
        if later:
            lines.append(_row(f"{name}, still to come", later))
    lines += ["", "| days of the month over | forecasts | held | width | mean error | bias | dates within a day |"]
    lines += ["|---|---|---|---|---|---|---|"]
    lines += [_row(str(day), [each for each in foreseeable if each.day == day]) for day in DAYS]
    lines += ["", "| used up in | budgets | within a day | within two |", "|---|---|---|---|"]
    for low, high in _AHEAD:
        ends = [end for each in foreseeable for end in each.ends if low <= end.days_ahead <= high]
        one, two = (mean(end.off is not None and end.off <= most for end in ends) for most in (1, 2))
        lines.append(f"| {low} to {high} days | {len(ends):,} | {one:.0%} | {two:.0%} |")
    lines += ["", f"![How many 80 % intervals held the total]({CHART})", "", *_rivals(report)]
    return "\n".join(lines)


def _rivals(report: Report) -> list[str]:
    """Over the months that every method can say something of."""
    lines = ["| method | held | width | mean error | dates within a day | false alarms |", "|---|---|---|---|---|---|"]
    for method in METHODS:
        made = [
            each
            for each in report.made
            if each.method == method and not each.is_step_to_come and each.scenario != "begun on the 1st"
        ]
        widths = [each.width for each in made if each.width is not None]
        interval = f"{held(made):.1%} | {mean(widths):.1%}" if widths else "none | none"
        lines.append(
            f"| {method} | {interval} | {mean(abs(each.error) for each in made):.1%} | {within_a_day(made):.1%} "
            f"| {mean(each.is_false_alarm for each in made):.1%} |"
        )
    return [*lines, ""]


def _aim(name: str, value: float, asked: str, is_met: bool) -> str:  # noqa: FBT001 - a table's cell
    return f"| {name} | {value:.1%} | {asked} | {'met' if is_met else '**missed**'} |"


def _row(name: str, made: Sequence[Made]) -> str:
    widths = [each.width for each in made if each.width is not None]
    error = mean(abs(each.error) for each in made)
    return (
        f"| {name} | {len(made):,} | {held(made):.0%} | {mean(widths):.1%} | {error:.1%}"
        f" | {mean(each.error for each in made):+.1%} | {within_a_day(made):.0%} |"
    )


def draw(report: Report, to: Path) -> None:
    """Coverage by scenario, with the asked band; the same figures make the same file."""
    mpl.rcParams.update({"svg.hashsalt": "penstock", "svg.fonttype": "none"})
    foreseeable = report.foreseeable
    names = list(dict.fromkeys(each.scenario for each in foreseeable))
    shares = [100 * held([each for each in foreseeable if each.scenario == name]) for name in names]
    figure: Any
    axes: Any
    figure, axes = plt.subplots(figsize=(7.2, 4.2))
    figure.patch.set_facecolor("#ffffff")
    axes.axvspan(100 * LEAST, 100 * MOST, color="#ccfbf1", label="asked")
    axes.barh(names[::-1], shares[::-1], height=0.6, color="#0f766e")
    axes.set_xlim(0, 100)
    axes.set_xlabel("intervals that held what the month came to, %")
    axes.set_title("80 % intervals, by what the months are like", loc="left", fontsize=11)
    axes.legend(frameon=False, fontsize=8, loc="lower left", bbox_to_anchor=(0.8, 1.0))
    axes.spines[["top", "right"]].set_visible(False)
    to.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(to, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)


def inserted(page: str, text: str) -> str:
    """`page` with `text` between its markers.  Raises `ValueError` where it has none."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page has no markers for what is measured")
    return f"{before}{BEGIN}\n\n{text}\n{END}{after}"
