"""Once an hour: sums up what has come into the ledger, has each assistant looked at, and tells what was found.

A finding and its alert are written in one transaction, and what is found is judged in the light of what was found
before: so each change is told once, whoever dies in between and however many control planes there are.  They take turns
by a lock in the database.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import structlog

from penstock.config.drift import DriftSettings
from penstock.core.clock import Clock
from penstock.watch.alerts.alert import Alert, Severity, sound
from penstock.watch.alerts.store import add
from penstock.watch.drift import store
from penstock.watch.drift.compare import WEEK_H
from penstock.watch.drift.tally import FEATURES, WORSE
from penstock.watch.drift.watching import Budget, Finding, Watch, look, weight_of

SETTLE_S = 300.0
"""After an hour is over: what has ended in it is in the ledger by then, mostly."""
_AGAIN_H = 6
"""Hours that are summed up again each time: a journal that waited for the database comes late."""
_OF_ANSWERS = frozenset({"tool_use"})
_AT_ONCE = 48
"""Hours that are caught up on in one go, so that a stop need not wait for all of them."""

_log = structlog.get_logger(__name__)


class Checking:
    """`tend` as often as one likes, in one thread."""

    def __init__(self, settings: DriftSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._judged = -1

    def tend(self, connection: psycopg.Connection) -> None:
        """What is due, which mostly is nothing.  Raises `psycopg.Error`; then the next call goes on."""
        hour = int((self._clock.now() - SETTLE_S) // store.HOUR_S)
        if not self._settings.enabled or hour == self._judged or not store.is_alone(connection):
            return
        try:
            if self._sum_up(connection, hour):
                self._judge(connection, hour)
                store.forget(connection, hour - self._settings.keep_days * 24)
                self._judged = hour
        finally:
            store.let_others(connection)

    def _sum_up(self, connection: psycopg.Connection, hour: int) -> bool:
        """The hours that are missing, the newest first, and the last ones again; whether that is all."""
        first = store.first_hour(connection)
        if first is None:
            return True
        oldest = max(first, hour - _kept(self._settings))
        there = store.summed(connection, oldest, hour)
        missing = [each for each in range(hour - 1, oldest - 1, -1) if each not in there]
        for each in missing[:_AT_ONCE]:
            store.sum_up(connection, each, self._clock.now())
        if len(missing) > _AT_ONCE:
            return False
        for each in range(max(oldest, hour - _AGAIN_H), hour):
            if each not in missing:
                store.sum_up(connection, each, self._clock.now())
        return True

    def _judge(self, connection: psycopg.Connection, hour: int) -> None:
        begin = hour - _kept(self._settings)
        assistants = store.read_assistants(connection, hour - WEEK_H, hour)
        watch = watch_of(self._settings, len(assistants))
        earlier = store.read_findings(connection, begin)
        for assistant in assistants:
            own = [each for of, each in earlier if of == assistant]
            hours = store.read_hours(connection, assistant, begin, hour)
            found = [
                finding
                for feature in self._settings.features
                if feature in hours
                and (
                    finding := look(
                        store.series_of(feature, hours[feature]),
                        hour,
                        [each for each in own if each.feature == feature],
                        watch,
                    )
                )
            ]
            if found:
                self._tell(connection, assistant, found)

    def _tell(self, connection: psycopg.Connection, assistant: str, found: list[Finding]) -> None:
        now = self._clock.now()
        with connection.transaction():
            store.keep(connection, [(assistant, each) for each in found])
            add(connection, [sound(alert_of(assistant, each)) for each in found], now)
        for each in found:
            _log.info("drift_found", assistant=assistant, feature=each.feature, since=each.since)


def watch_of(settings: DriftSettings, assistants: int) -> Watch:
    """How so many assistants are watched: the budget is for all of them, whether or not they have every feature."""
    features = max(1, assistants) * weight_of(settings.features)
    budget = Budget(false_alarms=settings.false_alarms_a_week, features=features)
    return Watch(weeks=settings.reference_weeks, least_count=settings.min_exchanges, budget=budget)


def _kept(settings: DriftSettings) -> int:
    """How many hours a look goes back."""
    return (settings.reference_weeks + 1) * WEEK_H


def alert_id(assistant: str, finding: Finding) -> str:
    """Of the alert that tells of it."""
    return f"drift.found:{assistant}:{finding.feature}:{finding.found}"


def alert_of(assistant: str, finding: Finding) -> Alert:
    """What people are told."""
    severity: Severity = "warning" if finding.feature in WORSE else "info"
    return Alert(
        id=alert_id(assistant, finding),
        kind="drift.found",
        severity=severity,
        subject=assistant,
        text=sentence(assistant, finding),
        at=float(finding.found * store.HOUR_S),
        facts=dict(_facts(finding)),
    )


def _facts(finding: Finding) -> Iterator[tuple[str, str | int | float]]:
    for name in type(finding).__slots__:
        value: str | int | float = getattr(finding, name)
        yield name, value


def sentence(assistant: str, finding: Finding) -> str:
    """What changed, from what to what, since when, and how sure."""
    name = finding.feature.replace("_", " ")
    match FEATURES[finding.feature], finding.measure:
        case "length", measure if measure != "typical":
            name = f"the share of {name} {measure} tokens"
        case "tone", "typical":
            name = "the length of sentences, in characters,"
        case "tone", measure:
            name = f"the share of answers with {measure}"
        case "share", _ if finding.feature in _OF_ANSWERS:
            name = f"the share of answers with {name}"
        case _:
            pass
    verb = "rose" if finding.change > 0 else "fell"
    since = datetime.fromtimestamp(finding.since * store.HOUR_S, UTC)
    return (
        f"{assistant}: {name} {verb} from {finding.reference:.4g} to {finding.current:.4g} since"
        f" {since:%Y-%m-%d %H:%M} UTC (change {finding.low:+.3g} to {finding.high:+.3g} with 95 %;"
        f" {finding.count} exchanges; such by chance {finding.false_alarms:.2g} times a week)"
    )
