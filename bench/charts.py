"""The report's charts: horizontal bars, one message each, readable on a light and on a dark page."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

from bench.figures import Run
from bench.gateways import OURS as PENSTOCKS
from bench.soak import Soak

OURS, PEER, FLOOR = "#0f766e", "#94a3b8", "#d6d3d1"
_INK, _FAINT, _PAPER = "#1f2937", "#6b7280", "#ffffff"


@dataclass(frozen=True, slots=True)
class Bar:
    name: str
    value: float
    label: str


def draw_all(run: Run, soak: Soak | None, folder: Path) -> list[tuple[str, str]]:
    """Draws what there are figures for; returns file names with their alternative texts."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn: list[tuple[str, str]] = []

    def bars(file: str, title: str, note: str, rows: Sequence[Bar], *, is_log: bool) -> None:
        if rows:
            _bars(folder / file, title, note, rows, is_log=is_log)
            drawn.append((file, title))

    named = [each for each in run.gateways if each.unary]
    bars(
        "requests.svg",
        "Requests a second",
        f"{run.conditions.connections} connections, closed loop, median of rounds; more is better (logarithmic)",
        [Bar(g.name, g.requests_per_s or 0, f"{g.requests_per_s:,.0f}") for g in named],
        is_log=True,
    )
    bars(
        "cpu.svg",
        "CPU time a request",
        "of the processes that carry requests; less is better (logarithmic)",
        [Bar(g.name, g.cpu_us or 0, _microseconds(g.cpu_us or 0)) for g in named],
        is_log=True,
    )
    bars(
        "added.svg",
        "Delay added to the slowest 1 % of requests",
        f"{run.conditions.rate:.0f} requests/s, against upstream itself; a gateway that cannot keep up is left out",
        [
            Bar(g.name, max(g.added_p99, 0.0), f"{g.added_p99:.2f} ms")
            for g in run.gateways
            if g.keeps_up and g.added_p99 is not None
        ],
        is_log=False,
    )
    bars(
        "streams.svg",
        "Streams at once without a stall",
        "50 events a second each; a stall is a gap of over 100 ms that upstream did not have",
        [Bar(g.name, g.most_streams, f"{g.most_streams:,}") for g in run.gateways if g.streams],
        is_log=False,
    )
    bars(
        "memory.svg",
        "Memory after the load",
        "resident, of the processes that carry requests; less is better",
        [Bar(g.name, g.loaded.data_plane_rss_mb, f"{g.loaded.data_plane_rss_mb:,.0f} MB") for g in named if g.loaded],
        is_log=False,
    )
    if soak is not None and soak.samples:
        _line(folder / "soak.svg", soak)
        drawn.append(("soak.svg", "Memory over the requests of the soak"))
    return drawn


def _microseconds(value: float) -> str:
    return f"{value:,.0f} µs" if value < 1000 else f"{value / 1000:,.1f} ms"


def _canvas(rows: float) -> tuple[Any, Any]:
    figure, axes = plt.subplots(figsize=(7.6, 1.35 + 0.46 * rows), dpi=110)
    figure.patch.set_facecolor(_PAPER)
    axes.set_facecolor(_PAPER)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    return figure, axes


def _title(axes: Any, title: str, note: str) -> None:
    axes.set_title(title, loc="left", fontsize=13, fontweight="bold", color=_INK, pad=24)
    axes.text(0, 1.02, note, transform=axes.transAxes, fontsize=8.6, color=_FAINT, va="bottom")


def _bars(file: Path, title: str, note: str, rows: Sequence[Bar], *, is_log: bool) -> None:
    figure, axes = _canvas(len(rows))
    positions = range(len(rows))
    colours = [OURS if row.name in PENSTOCKS else FLOOR if row.name == "nginx" else PEER for row in rows]
    floor = min((row.value for row in rows if row.value > 0), default=1.0)
    axes.barh(positions, [max(row.value, 0) for row in rows], height=0.58, color=colours)
    if is_log:
        axes.set_xscale("log")
        axes.set_xlim(left=floor / 4)
    highest = max((row.value for row in rows), default=1.0) or 1.0
    axes.set_xlim(right=highest * (3.2 if is_log else 1.16))
    for position, row in zip(positions, rows, strict=True):
        weight = "bold" if row.name in PENSTOCKS else "normal"
        shown_at = max(row.value, floor / 4 if is_log else 0)
        axes.annotate(
            row.label,
            (shown_at, position),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=9.5,
            color=_INK,
            fontweight=weight,
        )
    axes.set_yticks(list(positions), [row.name for row in rows], fontsize=10, color=_INK)
    axes.invert_yaxis()
    axes.tick_params(axis="both", length=0)
    axes.set_xticks([])
    axes.set_xticks([], minor=True)
    _title(axes, title, note)
    _save(figure, file)


def _line(file: Path, soak: Soak) -> None:
    figure, axes = _canvas(4)
    at = [sample.requests / 1000 for sample in soak.samples]
    axes.plot(at, [sample.rss_mb for sample in soak.samples], color=OURS, linewidth=2.2)
    axes.axhspan(soak.settled_mb * 0.95, soak.settled_mb * 1.05, color=OURS, alpha=0.12, linewidth=0, label="± 5 %")
    axes.set_ylim(0, max(sample.rss_mb for sample in soak.samples) * 1.25)
    axes.set_xlim(left=0)
    axes.tick_params(axis="both", length=0, labelsize=9, colors=_FAINT)
    axes.set_xlabel("thousand requests", fontsize=9, color=_FAINT)
    axes.set_ylabel("MB resident", fontsize=9, color=_FAINT)
    axes.grid(axis="y", color="#e5e7eb", linewidth=0.8)
    axes.set_axisbelow(True)
    last = soak.samples[-1]
    axes.annotate(
        f"{last.rss_mb:,.0f} MB",
        (last.requests / 1000, last.rss_mb),
        xytext=(-4, 8),
        textcoords="offset points",
        ha="right",
        fontsize=9.5,
        color=_INK,
        fontweight="bold",
    )
    _title(axes, "Memory over the requests of the soak", f"the band is ± 5 % of {soak.settled_mb:,.0f} MB")
    _save(figure, file)


def _save(figure: Any, file: Path) -> None:
    mpl.rcParams["svg.hashsalt"] = "penstock"
    figure.savefig(file, bbox_inches="tight", pad_inches=0.18, metadata=_metadata(file))
    plt.close(figure)


def _metadata(file: Path) -> dict[str, None] | None:
    """No date in an SVG: the same figures give the same file."""
    return {"Date": None} if file.suffix == ".svg" else None
