"""Which stretch of time is looked at: a picker whose choice stands in the page's address as `range`."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

from penstock.console.web.layout.parts.fields import pick

SPANS: Mapping[str, tuple[str, timedelta]] = {
    "1h": ("Last hour", timedelta(hours=1)),
    "24h": ("Last 24 hours", timedelta(days=1)),
    "7d": ("Last 7 days", timedelta(days=7)),
    "30d": ("Last 30 days", timedelta(days=30)),
}
DEFAULT = "24h"


def span_of(query: Mapping[str, str]) -> str:
    wanted = query.get("range", DEFAULT)
    return wanted if wanted in SPANS else DEFAULT


def since(span: str, now: float) -> str:
    """Its beginning, as the API takes it."""
    return (datetime.fromtimestamp(now, UTC) - SPANS[span][1]).isoformat()


def pick_span(span: str, change: Callable[[str], Awaitable[None]]) -> None:
    pick("Time range", span, [(name, words) for name, (words, _) in SPANS.items()], change)
