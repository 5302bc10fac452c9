"""The tables and the chart of docs/routing.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from training.complexity import By, kept_by_share

from evaluation.routing.measure import Kept, Recovered, Router

mpl.use("Agg")
import matplotlib.pyplot as plt

BEGIN = "<!-- measured: written by `make evaluate ARGS='routing --write'` -->"
END = "<!-- end of what was measured -->"
CHART = "images/routing/kept.svg"

_ASKED: dict[By, float] = {"question": 0.68, "subject": 0.63}
_WORDS: dict[By, str] = {"question": "questions at random", "subject": "whole subjects"}
_POINTS = 101
_COLOURS = ("#0f766e", "#5eead4", "#94a3b8", "#d6d3d1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    recovered: dict[tuple[str, By], Recovered]
    dial: Sequence[Kept]
    head_us: float
    questions: int

    @property
    def is_met(self) -> bool:
        return all(self.recovered["Penstock", by].apgr >= asked for by, asked in _ASKED.items())


def markdown(report: Report) -> str:
    """What stands between the markers."""
    lines = [
        f"RouteLLM's MMLU set, {report.questions:,} questions, ten folds, three foldings that nothing was chosen by.",
        "",
        "| | held out | gap recovered (APGR) | 95 % of resamples | asked | |",
        "|---|---|---|---|---|---|",
    ]
    for (name, by), each in report.recovered.items():
        asked = f"≥ {_ASKED[by]}" if name == "Penstock" else ""
        verdict = ("met" if each.apgr >= _ASKED[by] else "**missed**") if asked else ""
        lines.append(
            f"| {name} | {_WORDS[by]} | {each.apgr:.3f} | {each.low:.3f} to {each.high:.3f} | {asked} | {verdict} |"
        )
    lines += ["", "| | held out | strong calls for half of the gap | for 80 % of it |", "|---|---|---|---|"]
    for (name, by), each in report.recovered.items():
        lines.append(f"| {name} | {_WORDS[by]} | {each.calls_for_half:.1%} | {each.calls_for_most:.1%} |")
    lines += [
        "",
        "A router that draws lots needs 50 % and 80 %.",
        "",
        f"![Part of the gap that is kept, by the share of strong calls]({CHART})",
        "",
        "The dial, calibrated on half of the subjects and set on the other half (mean of 20 halvings):",
        "",
        "| `quality` | kept on the new subjects | strong calls |",
        "|---|---|---|",
        *(f"| {each.quality:g} | {each.kept:.2f} | {each.calls:.0%} |" for each in report.dial),
        "",
        f"CPU time of the head beside the encoder's pass: {report.head_us:.0f} µs a question (median).",
        "",
    ]
    return "\n".join(lines)


def draw(routers: Sequence[Router], gains: "np.ndarray[tuple[int], np.dtype[np.float64]]", to: Path) -> None:
    """The curves with whole subjects held out; a file of a few kilobytes, the same for the same figures."""
    mpl.rcParams.update({"svg.hashsalt": "penstock", "svg.fonttype": "none"})
    drawn: tuple[Any, Any] = plt.subplots(figsize=(7.2, 4.2))
    figure, axes = drawn
    figure.patch.set_facecolor("#ffffff")
    for router, colour in zip(routers, _COLOURS, strict=True):
        curve = np.mean([kept_by_share(scores, gains) for scores in router.scores["subject"]], axis=0)
        shown = np.linspace(0, len(curve) - 1, _POINTS).round().astype(np.intp)
        axes.plot(shown / (len(curve) - 1), curve[shown], color=colour, label=router.name, linewidth=2)
    axes.plot([0, 1], [0, 1], color="#6b7280", linewidth=1, linestyle=":", label="drawing lots")
    axes.set_xlabel("share of calls to the strong model")
    axes.set_ylabel("part of the gap that is kept")
    axes.set_title("New subjects: what is kept for how many strong calls", loc="left", fontsize=11)
    axes.legend(frameon=False, fontsize=8)
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
