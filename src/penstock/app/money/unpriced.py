"""Tells people of targets whose price nobody knows: once for each target and month, when its first answer is settled.

It is noticed where exchanges are settled, since that is earliest, and works without a database.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from penstock.core.facts import ExtraCallBilled, PriceUnknown
from penstock.core.ports import Ledger
from penstock.core.record import Settled
from penstock.watch.alerts.alert import Alert

_MOST_TARGETS = 100
_OTHERS = "other targets"


class PriceWatch:
    """`core.ports.Ledger` around another one.  `offer` takes an alert over; it must not wait for a network."""

    __slots__ = ("_month", "_offer", "_records", "_told")

    def __init__(self, records: Ledger, offer: Callable[[Alert], None]) -> None:
        self._records = records
        self._offer = offer
        self._month = ""
        self._told: set[str] = set()

    def append(self, record: Settled) -> None:
        self._records.append(record)
        if record.cost_accuracy == "unknown":
            self._tell(record)

    def _tell(self, record: Settled) -> None:
        month = f"{datetime.fromtimestamp(record.started_at, UTC):%Y-%m}"
        if month != self._month:
            self._month = month
            self._told.clear()
        for target in unpriced(record):
            # Callers may name models that pass through to a provider: their number is bounded.
            name = target if len(self._told) < _MOST_TARGETS else _OTHERS
            if target not in self._told and name not in self._told:
                self._told.add(name)
                self._offer(price_alert(name, month, record.started_at))


def unpriced(record: Settled) -> Iterator[str]:
    """The targets whose price was not known; not those that nobody can say what was used at."""
    for fact in record.facts:
        match fact:
            case PriceUnknown(target=target) if record.usage_accuracy != "unknown":
                yield target
            case ExtraCallBilled(target=target, cost_nanousd=None, accuracy=accuracy) if accuracy != "unknown":
                yield target
            case _:
                pass


def price_alert(target: str, month: str, now: float) -> Alert:
    """The same target and month are the same alert."""
    return Alert(
        id=f"price:{target}@{month}",
        kind="price.unknown",
        severity="warning",
        subject=target,
        text=(
            f"Nobody knows what {target} costs: its exchanges are in no sum of money and under no budget."
            "  Name its price under `prices` in the configuration."
        ),
        facts={"target": target, "month": month},
        at=now,
    )
