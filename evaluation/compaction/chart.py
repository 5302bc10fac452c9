"""The report's chart: what is kept of the answers, by how much is kept of all."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

_COLOURS = ("#94a3b8", "#64748b", "#5eead4", "#14b8a6", "#0f766e")
_INK = "#1f2937"


def draw(
    path: Path, shares: Sequence[float], curves: Mapping[str, Sequence[float]], *, bound: tuple[float, float]
) -> None:
    """Writes an SVG; `bound` is the point that is asked for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # The same figures make the same file, and words are words.
    mpl.rcParams.update({"svg.hashsalt": "penstock", "svg.fonttype": "none"})
    figure: Any
    axes: Any
    figure, axes = plt.subplots(figsize=(7.2, 4.0))
    for (name, values), colour in zip(curves.items(), _COLOURS, strict=False):
        axes.plot(shares, values, marker="o", markersize=4, color=colour, label=name)
    axes.plot(*bound, marker="x", markersize=9, color="#b91c1c", linestyle="none", label="asked for")
    axes.plot(shares, shares, color="#d6d3d1", linewidth=1, label="by chance")
    axes.set_xlabel("share of the tokens kept", color=_INK)
    axes.set_ylabel("share of the answer kept", color=_INK)
    axes.set_ylim(0, 1)
    axes.grid(visible=True, color="#e7e5e4", linewidth=0.6)
    axes.legend(frameon=False, fontsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None}, facecolor="#ffffff")
    plt.close(figure)
