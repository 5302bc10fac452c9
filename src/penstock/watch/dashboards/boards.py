"""The dashboards: which panels each has, in which order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from penstock.watch.dashboards.panel import Json, Panel, bars, counted, gauged, lines, number

_COLUMNS: Final = 24


@dataclass(frozen=True, slots=True)
class Board:
    """`name` is its file's and the end of its address in Grafana."""

    name: str
    title: str
    panels: tuple[Panel, ...]

    def json(self) -> Json:
        return {
            "uid": f"penstock-{self.name}",
            "title": f"Penstock: {self.title}",
            "tags": ["penstock"],
            "editable": True,
            "schemaVersion": 39,
            "version": 1,
            "refresh": "30s",
            "time": {"from": "now-6h", "to": "now"},
            "timezone": "browser",
            "templating": {"list": [_DATASOURCE]},
            "links": [
                {
                    "type": "dashboards",
                    "title": "Penstock",
                    "tags": ["penstock"],
                    "asDropdown": True,
                    "keepTime": True,
                    "includeVars": True,
                }
            ],
            "annotations": {"list": []},
            "panels": list(_laid_out(self.panels)),
        }


_DATASOURCE: Final[Json] = {
    "name": "datasource",
    "label": "Prometheus",
    "type": "datasource",
    "query": "prometheus",
    "hide": 0,
    "includeAll": False,
    "multi": False,
}


def _laid_out(panels: Sequence[Panel]) -> Iterator[Json]:
    """From left to right, and a new row where the next does not fit."""
    x = y = height = 0
    for place, panel in enumerate(panels, 1):
        if x + panel.width > _COLUMNS:
            x, y, height = 0, y + height, 0
        yield panel.json(place, x, y)
        x, height = x + panel.width, max(height, panel.height)


_HEAD: Final = (
    number("exchanges"),
    number("availability", red_below=0.99),
    number("duration_p50_s"),
    number("duration_p95_s"),
    number("cost_nanousd"),
    number("cache_hit_rate"),
)
_OVERVIEW: Final = Board(
    "overview",
    "overview",
    (
        *_HEAD,
        counted("Exchanges by how they ended, a minute", "penstock_exchanges_total", ("outcome",), is_stacked=True),
        lines("Availability and faults", ("availability", "fault_rate")),
        lines("Duration", ("duration_p50_s", "duration_p95_s", "duration_p99_s")),
        lines("First event", ("first_event_p50_s", "first_event_p95_s", "first_event_p99_s")),
        lines("Cost, a minute", ("cost_nanousd",), decimals=4),
        gauged("In flight", "sum by (job) (penstock_in_flight)", "{{job}}", decimals=0),
        lines("Shares", ("blocked_rate", "held_rate", "rejected_rate", "client_gone_rate")),
        counted("Requests refused before they became exchanges, a minute", "penstock_refused_total", ("code",)),
    ),
)
_COSTS: Final = Board(
    "costs",
    "costs",
    (
        number("cost_nanousd"),
        number("saved_nanousd"),
        number("cost_per_exchange_nanousd"),
        number("unknown_costs", red_above=1),
        number("estimated"),
        number("tokens"),
        lines("Cost by target, a minute", ("cost_nanousd",), by=("target",), is_stacked=True, decimals=4),
        bars("Cost by target", "cost_nanousd", by=("target",)),
        lines(
            "Saved, a minute",
            (
                "saved_cache_nanousd",
                "saved_routing_nanousd",
                "saved_compaction_nanousd",
                "saved_prompt_cache_nanousd",
            ),
            decimals=4,
        ),
        bars("Saved by caches, by tenant", "saved_cache_nanousd", by=("tenant",)),
        lines("Tokens, a minute", ("input_tokens", "output_tokens"), is_stacked=True),
        lines("Tokens that cost otherwise, a minute", ("cache_read_tokens", "cache_write_tokens", "reasoning_tokens")),
        lines("Cost of an exchange, by target", ("cost_per_exchange_nanousd",), by=("target",)),
        bars("Exchanges whose cost nobody knows, by target", "unknown_costs", by=("target",)),
    ),
)
_TARGETS: Final = Board(
    "targets",
    "targets",
    (
        number("attempts"),
        number("failed_attempts"),
        number("failed_attempt_rate"),
        gauged(
            "Targets that are down",
            "count by (job) (min by (job, target) (penstock_target_up) == 0)"
            " or 0 * count by (job) (penstock_target_up)",
            "{{job}}",
            shape="stat",
            width=4,
            height=4,
            red_above=1,
        ),
        number("duration_p95_s"),
        number("first_event_p95_s"),
        lines("Calls, a minute", ("attempts",), by=("target",), is_stacked=True),
        counted("Failed calls, a minute", "penstock_attempt_failures_total", ("target", "code"), is_stacked=True),
        lines("Duration, p95", ("duration_p95_s",), by=("target",)),
        lines("First event, p95", ("first_event_p95_s",), by=("target",)),
        gauged("Up", "min by (job, target) (penstock_target_up)", "{{target}}", decimals=0),
        counted("Tiers, a minute", "penstock_tier_requests_total", ("model", "tier"), is_stacked=True),
    ),
)
_CACHE: Final = Board(
    "cache",
    "cache",
    (
        number("cache_hit_rate"),
        number("cache_hits"),
        number("cache_misses"),
        number("saved_cache_nanousd"),
        number("saved_prompt_cache_nanousd"),
        number("cache_read_tokens"),
        lines("Hit rate, by tenant", ("cache_hit_rate",), by=("tenant",)),
        lines("Hit rate, by model", ("cache_hit_rate",), by=("model",)),
        counted("Hits by kind, a minute", "penstock_cache_hits_total", ("kind",), is_stacked=True),
        counted("Not asked or not kept, a minute", "penstock_cache_bypassed_total", ("reason",), is_stacked=True),
        counted("Kept, a minute", "penstock_cache_stored_total", ("model",)),
        bars("Saved, by model", "saved_cache_nanousd", by=("model",)),
        gauged("Entries", "sum by (job, instance) (penstock_cache_entries)", decimals=0),
        gauged("Memory of entries", "sum by (job, instance) (penstock_cache_bytes)", unit="bytes"),
    ),
)
_GUARDS: Final = Board(
    "guards",
    "guards",
    (
        number("blocked", width=6),
        number("blocked_rate", width=6),
        number("held", width=6),
        number("held_rate", width=6),
        counted(
            "Judgements, a minute", "penstock_guard_judgements_total", ("guard", "direction", "action"), is_stacked=True
        ),
        counted(
            "Guards that could not judge, a minute", "penstock_guard_failures_total", ("guard", "reason", "passed")
        ),
        counted("Personal data masked, a minute", "penstock_personal_data_masked_total", ("kind",), is_stacked=True),
        counted("Tokens restored and withheld, a minute", "penstock_personal_data_tokens_total", ("what",)),
        gauged(
            "Time of a judgement, mean",
            "sum by (job, guard) (rate(penstock_guard_seconds_total[5m]))"
            " / sum by (job, guard) (rate(penstock_guard_judgements_total[5m]))",
            "{{guard}}",
            unit="s",
            decimals=4,
        ),
        counted("Found after a part was seen, a minute", "penstock_guard_late_total", ("guard",)),
    ),
)
_HEALTH: Final = Board(
    "health",
    "journal and health",
    (
        gauged(
            "Oldest record not in the database",
            "max by (job) (penstock_journal_oldest_unshipped_seconds)",
            "{{job}}",
            unit="s",
            shape="stat",
            width=6,
            height=4,
            red_above=60,
        ),
        gauged(
            "Records not in the database",
            "sum by (job) (penstock_journal_backlog_records)",
            "{{job}}",
            shape="stat",
            width=6,
            height=4,
        ),
        gauged(
            "Lines put aside",
            "sum by (job) (penstock_journal_rejected_files)",
            "{{job}}",
            shape="stat",
            width=6,
            height=4,
            red_above=1,
        ),
        gauged(
            "Alerts given up",
            'sum by (job) (penstock_alert_deliveries{state="given_up"})',
            "{{job}}",
            shape="stat",
            width=6,
            height=4,
            red_above=1,
        ),
        gauged("Backlog of the journal", "penstock_journal_backlog_bytes", unit="bytes"),
        gauged("Oldest record not in the database", "penstock_journal_oldest_unshipped_seconds", unit="s"),
        gauged("Alerts to deliver", "penstock_alert_deliveries", "{{webhook}} {{state}}", decimals=0),
        gauged("Stores that are there", "penstock_limit_store_up", "limits {{instance}}", decimals=0),
        counted("Credentials refused, a minute", "penstock_credentials_refused_total", ("reason",)),
        gauged("Traces that wait", "penstock_traces_waiting", decimals=0),
        gauged("Memory", "process_resident_memory_bytes", "{{job}} {{instance}}", unit="bytes"),
        gauged("Processor", "rate(process_cpu_seconds_total[5m])", "{{job}} {{instance}}", unit="percentunit"),
    ),
)
BOARDS: Final = (_OVERVIEW, _COSTS, _TARGETS, _CACHE, _GUARDS, _HEALTH)
