"""The report's chart: how many hits are wrong, by how many calls are avoided."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

_COLOURS = ("#0f766e", "#94a3b8")
_INK = "#1f2937"

Point = tuple[float, float, str]


def draw(path: Path, curves: Mapping[str, Sequence[Point]], *, bound: tuple[float, float]) -> None:
    """Writes an SVG.  Points are calls avoided, wrong among hits, and what stands beside; `bound` is asked for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mpl.rcParams["svg.hashsalt"] = "penstock"  # the same figures make the same file
    figure: Any
    axes: Any
    figure, axes = plt.subplots(figsize=(7.2, 4.0))
    for (name, points), colour in zip(curves.items(), _COLOURS, strict=True):
        axes.plot(
            [100 * each[0] for each in points], [100 * each[1] for each in points], marker="o", markersize=4,
            color=colour, label=name,
        )  # fmt: skip
        for avoided, wrong, text in points:
            axes.annotate(text, (100 * avoided, 100 * wrong), textcoords="offset points", xytext=(4, 5), fontsize=7)
    axes.plot(
        100 * bound[0], 100 * bound[1], marker="x", markersize=9, color="#b91c1c", linestyle="none", label="asked for"
    )
    axes.set_xlabel("calls avoided, %", color=_INK)
    axes.set_ylabel("wrong among hits, %", color=_INK)
    axes.set_ylim(bottom=0)
    axes.grid(visible=True, color="#e7e5e4", linewidth=0.6)
    axes.legend(frameon=False, fontsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None}, facecolor="#ffffff")
    plt.close(figure)
