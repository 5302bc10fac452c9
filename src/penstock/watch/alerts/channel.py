"""What every way of telling people has in common: whom it is for, and what came of one attempt.

`webhook`, `slack` and `email` are the ways; `deliver` knows only this.
"""

from dataclasses import dataclass
from typing import Protocol

from penstock.watch.alerts.alert import Alert, Severity, is_at_least

_NOT_A_VERDICT = frozenset({401, 403, 404, 407, 408, 425, 429})
"""4xx that say nothing of the alert itself: our credential, the address, or the receiver's own trouble."""


@dataclass(frozen=True, slots=True)
class Terms:
    timeout_s: float
    give_up_after_s: float
    allow_private: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came of an attempt.  `status` is the receiver's own number (HTTP's, SMTP's), None where it said nothing;
    `problem` says for people why it is not taken.

    `is_refused` says that the receiver will not have this alert, though it may well take others; `is_gone` that it
    wants none at all any more.
    """

    status: int | None
    problem: str | None
    text: str
    took_s: float
    is_taken: bool
    is_refused: bool = False
    is_gone: bool = False
    retry_after_s: float | None = None


class Channel(Protocol):
    """One receiver.  A frozen value: `send` keeps nothing, and never raises for what the receiver or the network does.

    The same alert is always sent under the same id, by which its receiver knows what it had before.
    """

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str:
        """What people call it: `the webhook ops`."""
        ...

    def wants(self, alert: Alert) -> bool: ...
    def send(self, alert: Alert, *, now: float, terms: Terms) -> Reply: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which alerts a channel is told of: `kinds` and `tenants` None are all."""

    kinds: tuple[str, ...] | None = None
    tenants: frozenset[str] | None = None
    min_severity: Severity = "info"

    def has(self, alert: Alert) -> bool:
        return (
            is_at_least(alert.severity, self.min_severity)
            and (self.tenants is None or alert.tenant in self.tenants)
            and (self.kinds is None or any(is_match(kind, alert.kind) for kind in self.kinds))
        )


EVERYTHING = Wanted()


def is_match(pattern: str, kind: str) -> bool:
    """Exact, or the beginning before a `*`."""
    return kind.startswith(pattern[:-1]) if pattern.endswith("*") else kind == pattern


def is_refusal(status: int | None) -> bool:
    """Whether an HTTP status is about this very message."""
    return status is not None and 400 <= status < 500 and status not in _NOT_A_VERDICT
