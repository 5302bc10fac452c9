"""The reliability diagram: how often answers are right, by how likely they were said to be."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

mpl.use("Agg")
import matplotlib.pyplot as plt

_COLOURS: Final = ("#0f766e", "#5eead4", "#94a3b8", "#b45309")
_INK: Final = "#1f2937"
_BINS: Final = 8
_LEAST: Final = 8


def draw(
    path: Path, curves: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]
) -> None:
    """Writes an SVG; a curve is chances, labels and weights.  Bins of few answers are left out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # The same figures make the same file, and words are words.
    mpl.rcParams.update({"svg.hashsalt": "penstock", "svg.fonttype": "none"})
    figure: Any
    axes: Any
    figure, axes = plt.subplots(figsize=(6.2, 4.4))
    for (name, (chances, labels, weights)), colour in zip(curves.items(), _COLOURS, strict=False):
        bins = np.minimum((chances * _BINS).astype(int), _BINS - 1)
        shown = [each for each in range(_BINS) if (bins == each).sum() >= _LEAST]
        said = [np.average(chances[bins == each], weights=weights[bins == each]) for each in shown]
        were = [np.average(labels[bins == each], weights=weights[bins == each]) for each in shown]
        axes.plot(said, were, marker="o", markersize=4, color=colour, label=name)
    axes.plot((0, 1), (0, 1), color="#d6d3d1", linewidth=1, label="as said")
    axes.set_xlabel("how likely it was said to be right", color=_INK)
    axes.set_ylabel("how often it was", color=_INK)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.grid(visible=True, color="#e7e5e4", linewidth=0.6)
    axes.legend(frameon=False, fontsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None}, facecolor="#ffffff")
    plt.close(figure)
