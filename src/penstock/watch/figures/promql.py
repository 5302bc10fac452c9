"""How Prometheus says a figure: expressions over the metrics of the data planes.

`{by}` stands for labels to group by, each behind a comma, and `{window}` for the time to look back; whoever uses an
expression fills in both.  A metric that nobody has counted yet has no series, and what is divided by or taken from
nothing is nothing: so whatever may be missing is nought where the rest of the expression is there.
"""

from typing import Final

_HITS: Final = "penstock_cache_hits_total"
_MISSES: Final = "penstock_cache_misses_total"
_EXCHANGES: Final = "penstock_exchanges_total"
_TIMED: Final = "penstock_exchange_duration_seconds_count"


def total(metric: str, labels: str = "") -> str:
    """What was added to a counter, of the series that `labels` choose; nought where the metric has only others."""
    if not labels:
        return _increase(metric)
    return f"({_increase(metric, labels)} or 0 * {_increase(metric)})"


def ratio(part: str, whole: str = "") -> str:
    """Of the exchanges that `whole` chooses by their labels, those that `part` does."""
    return f"{total(_EXCHANGES, part)} / {_increase(_EXCHANGES, whole)}"


def quantile(share: float, metric: str) -> str:
    """Between the bounds of the bucket it lies in, as Prometheus guesses: not within a percent, as the figure is."""
    return f"histogram_quantile({share}, sum by (job, le{{by}}) (rate({metric}_bucket[{{window}}])))"


def cache_hit_rate() -> str:
    hits, misses = _both(_increase(_HITS), _increase(_MISSES))
    return f"{hits} / ({hits} + {misses})"


def failed_attempt_rate() -> str:
    failed, calls = (_increase(f"penstock_{name}_total") for name in ("attempt_failures", "attempts"))
    return f"({failed} or 0 * {calls}) / {calls}"


def cost_per_exchange() -> str:
    """Durations are counted once an exchange, by target too, which exchanges are not."""
    unknown = _increase("penstock_cost_unknown_total")
    return f"{_increase('penstock_cost_usd_total')} / ({_increase(_TIMED)} - {unknown})"


def saved(by: str) -> str:
    """What one of the ways saved, less what it cost."""
    labels = f'by="{by}"'
    return f"({_increase('penstock_gained_usd_total', labels)} - {_increase('penstock_lost_usd_total', labels)})"


def saved_in_all() -> str:
    gained, lost = _increase("penstock_gained_usd_total"), _increase("penstock_lost_usd_total")
    cache, others = _both(_increase("penstock_cache_saved_usd_total"), f"({gained} - {lost})")
    return f"{cache} + {others}"


def _increase(metric: str, labels: str = "") -> str:
    chosen = f"{metric}{{{{{labels}}}}}" if labels else metric
    return f"sum by (job{{by}}) (increase({chosen}[{{window}}]))"


def _both(one: str, other: str) -> tuple[str, str]:
    """Each of them, nought where only the other is there."""
    return f"({one} or 0 * {other})", f"({other} or 0 * {one})"
