"""Which stretch of time is looked at: a picker whose choice stands in the page's address.

`range` is the name of one that ends now, or `custom`, with `since` and `until`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from nicegui import ui

from penstock.console.web.layout.parts.fields import pick
from penstock.console.web.layout.parts.text import Text, box

SPANS: Mapping[str, tuple[str, timedelta]] = {
    "1h": ("Last hour", timedelta(hours=1)),
    "6h": ("Last 6 hours", timedelta(hours=6)),
    "24h": ("Last 24 hours", timedelta(days=1)),
    "7d": ("Last 7 days", timedelta(days=7)),
    "30d": ("Last 30 days", timedelta(days=30)),
}
DEFAULT = "24h"
CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class Span:
    """`since` and `until` are of a `custom` one; what an address says wrongly counts as not said."""

    name: str = DEFAULT
    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def read(cls, query: Mapping[str, str], default: str = DEFAULT) -> "Span":
        name = query.get("range", default)
        if name == CUSTOM:
            since, until = moment(query.get("since", "")), moment(query.get("until", ""))
            if since is not None and (until is None or since < until):
                return cls(CUSTOM, since, until)
        return cls(name if name in SPANS else default)

    def query(self, default: str = DEFAULT) -> dict[str, str]:
        if self.name == CUSTOM:
            ends = {"since": self.since, "until": self.until}
            return {"range": CUSTOM, **{name: at.isoformat() for name, at in ends.items() if at is not None}}
        return {} if self.name == default else {"range": self.name}

    def bounds(self, now: float) -> tuple[datetime, datetime]:
        """Its beginning and its end."""
        at = datetime.fromtimestamp(now, UTC)
        if self.name == CUSTOM and self.since is not None:
            return self.since, self.until or max(at, self.since + timedelta(minutes=1))
        return at - SPANS[self.name][1], at

    @property
    def is_open(self) -> bool:
        """Whether it ends now, whenever that is."""
        return self.until is None


def moment(text: str) -> datetime | None:
    """A time of an address, in UTC; None where it is none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


class _MomentField(ui.element, component="moment_field.js"):
    pass


def pick_span(span: Span, now: float, change: Callable[[Span], Awaitable[None]]) -> None:
    """`change` is called with what was chosen; the fields of a custom one come with that choice."""
    shown = [span]

    async def choose(name: str) -> None:
        if name == CUSTOM:
            shown[0] = Span(CUSTOM, *shown[0].bounds(now))
        elif name in SPANS:
            shown[0] = Span(name)
        draw()
        await change(shown[0])

    async def bound(end: str, text: str) -> None:
        at = moment(text)
        before = shown[0]
        since, until = (at, before.until) if end == "since" else (before.since, at)
        if since is not None and (until is None or since < until):
            shown[0] = Span(CUSTOM, since, until)
            await change(shown[0])

    def draw() -> None:
        fields.clear()
        if shown[0].name != CUSTOM:
            return
        with fields:
            for end, label, at in (("since", "From", shown[0].since), ("until", "To", shown[0].until)):
                field = _MomentField()
                field.props["at"] = "" if at is None else at.isoformat()
                field.props["label"] = label
                field.on("moment", lambda e, end=end: bound(end, str(e.args)))
                if end == "since":
                    Text("span", "to")

    options = [(name, words) for name, (words, _) in SPANS.items()]
    pick("Time range", span.name, [*options, (CUSTOM, "From … to …")], choose)
    fields = box("div", "row")
    draw()
