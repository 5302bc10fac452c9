"""One panel of a dashboard: what it shows, and how Grafana writes it down."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from penstock.watch.figures.catalog import FIGURES, Unit

Shape: TypeAlias = Literal["stat", "timeseries", "bargauge", "table"]
Json: TypeAlias = dict[str, Any]

DATASOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
STEP: Final = "5m"
"""What each point of a line looks back: at a scrape every 15 s, twenty of them."""
RANGE: Final = "$__range"
"""What a single number is about: all that the dashboard shows."""
_GRAFANA: Final[dict[Unit, str]] = {
    "count": "short",
    "share": "percentunit",
    "nanousd": "currencyUSD",
    "seconds": "s",
    "tokens": "short",
}
_DECIMALS: Final[dict[str, int]] = {
    "short": 0,
    "percentunit": 2,
    "currencyUSD": 2,
    "s": 2,
}
_FINE: Final[dict[str, int]] = {"cost_per_exchange_nanousd": 6, "availability": 3}


@dataclass(frozen=True, slots=True)
class Query:
    """One expression; `legend` is Grafana's, with labels in double braces."""

    expression: str
    legend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """`unit` is Grafana's word.  `width` is of 24 columns, `height` in Grafana's rows."""

    title: str
    queries: tuple[Query, ...]
    shape: Shape
    unit: str = "short"
    decimals: int | None = None
    meaning: str = ""
    width: int = 12
    height: int = 8
    is_stacked: bool = False
    red_above: float | None = None
    red_below: float | None = None

    def json(self, number: int, x: int, y: int) -> Json:
        return {
            "id": number,
            "type": self.shape,
            "title": self.title,
            "description": self.meaning,
            "datasource": DATASOURCE,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "targets": [self._target(place, each) for place, each in enumerate(self.queries)],
            "fieldConfig": {"defaults": self._defaults(), "overrides": []},
            "options": _OPTIONS[self.shape],
        }

    def _target(self, place: int, query: Query) -> Json:
        at_once = self.shape != "timeseries"
        return {
            "refId": chr(ord("A") + place),
            "datasource": DATASOURCE,
            "expr": query.expression,
            "legendFormat": query.legend,
            "instant": at_once,
            "range": not at_once,
            **({"format": "table"} if self.shape == "table" else {}),
        }

    def _defaults(self) -> Json:
        found: Json = {"unit": self.unit, "color": {"mode": "palette-classic"}}
        decimals = _DECIMALS.get(self.unit) if self.decimals is None else self.decimals
        if decimals is not None:
            found["decimals"] = decimals
        if self.unit == "percentunit":
            found["max"] = 1
        if self.red_above is not None or self.red_below is not None:
            found["color"] = {"mode": "thresholds"}
            found["thresholds"] = {"mode": "absolute", "steps": self._steps()}
        if self.shape == "timeseries":
            found["custom"] = {
                "lineWidth": 1,
                "fillOpacity": 30 if self.is_stacked else 8,
                "showPoints": "never",
                "spanNulls": False,
                "stacking": {"mode": "normal" if self.is_stacked else "none", "group": "A"},
            }
        return found

    def _steps(self) -> list[Json]:
        if self.red_below is not None:
            return [{"color": "red", "value": None}, {"color": "green", "value": self.red_below}]
        return [{"color": "green", "value": None}, {"color": "red", "value": self.red_above}]


_OPTIONS: Final[dict[Shape, Json]] = {
    "stat": {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value",
        "graphMode": "none",
        "textMode": "auto",
    },
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "bargauge": {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "orientation": "horizontal",
        "displayMode": "basic",
    },
    "table": {"showHeader": True, "cellHeight": "sm"},
}


def expression(name: str, *, window: str, by: Sequence[str] = ()) -> str:
    """The catalogue's, filled in.  Raises `ValueError` for a figure that metrics do not tell."""
    said = FIGURES[name].prometheus
    if said is None:
        raise ValueError(f"metrics do not tell {name}")
    return said.format(by="".join(f",{label}" for label in by), window=window)


def number(name: str, **more: Any) -> Panel:
    """A figure as one number, of all that the dashboard shows."""
    figure = FIGURES[name]
    return Panel(
        title=figure.title,
        meaning=figure.meaning,
        queries=(Query(expression(name, window=RANGE), "{{job}}"),),
        unit=_GRAFANA[figure.unit],
        **_chosen(more, shape="stat", width=4, height=4, decimals=_FINE.get(name)),
    )


def lines(title: str, names: Iterable[str], *, by: Sequence[str] = (), **more: Any) -> Panel:
    """Figures of one unit over time.  Totals are those of a minute, the mean of five."""
    figures = [FIGURES[name] for name in names]
    labels = " ".join(f"{{{{{label}}}}}" for label in by)
    queries: list[Query] = []
    for figure in figures:
        said = expression(figure.name, window=STEP, by=by)
        legend = labels if labels and len(figures) == 1 else f"{figure.title} {labels}".strip()
        queries.append(Query(f"({said}) / 5" if figure.is_total else said, legend))
    return Panel(
        title=title,
        meaning=" ".join(f"{figure.title}: {figure.meaning}" for figure in figures),
        queries=tuple(queries),
        unit=_GRAFANA[figures[0].unit],
        **_chosen(more, shape="timeseries", decimals=_FINE.get(figures[0].name)),
    )


def bars(title: str, name: str, *, by: Sequence[str], **more: Any) -> Panel:
    """A total of all that the dashboard shows, by labels, the largest first."""
    figure = FIGURES[name]
    labels = " ".join(f"{{{{{label}}}}}" for label in by)
    said = f"sort_desc({expression(name, window=RANGE, by=by)})"
    return Panel(
        title=title,
        meaning=figure.meaning,
        queries=(Query(said, labels),),
        unit=_GRAFANA[figure.unit],
        **_chosen(more, shape="bargauge"),
    )


def counted(title: str, metric: str, by: Sequence[str], **more: Any) -> Panel:
    """A counter that no figure is made of, over time, by its labels: so many a minute, the mean of five."""
    labels = " ".join(f"{{{{{label}}}}}" for label in by)
    said = f"sum by (job, {', '.join(by)}) (increase({metric}[{STEP}])) / 5"
    return Panel(title=title, queries=(Query(said, labels),), **_chosen(more, shape="timeseries"))


def gauged(title: str, said: str, legend: str = "{{instance}}", **more: Any) -> Panel:
    """What stands in a gauge now, over time."""
    return Panel(title=title, queries=(Query(said, legend),), **_chosen(more, shape="timeseries"))


def _chosen(more: Json, **otherwise: Any) -> Json:
    return {**otherwise, **more}
