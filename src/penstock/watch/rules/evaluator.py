"""Once a minute: holds each rule against the figures and tells what begins or ceases to hold.

Any number of control planes run this.  One at a time judges, and a minute is judged once; where that one dies, another
goes on from what is written.  A minute is judged when it has been over for `SETTLE_S`, so that what belongs to it has
arrived.  What could hold only because figures lack something (nothing came, less came) is put off while that is so:
while a journal waits to be shipped, and for a while after a gap in which nobody judged.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
import structlog

from penstock.core.clock import Clock
from penstock.core.errors import MalformedRequest
from penstock.watch.alerts.alert import Alert
from penstock.watch.alerts.store import add
from penstock.watch.rules import store
from penstock.watch.rules.judge import Judge, Judged
from penstock.watch.rules.judging import judge_rule
from penstock.watch.rules.reading import Reader, Series
from penstock.watch.rules.rule import Group, Rule
from penstock.watch.rules.state import State, step
from penstock.watch.rules.telling import tell

SETTLE_S = 75.0
_MINUTE_S = 60.0
_GAP_S = 180.0
"""Minutes that nobody judged, from which on nobody knows what was meanwhile."""
_TRUST_AFTER_S = 300.0
_LATE_JOURNAL_S = 60.0
_MOST_SKEW_S = 60.0
_GONE_AFTER_S = 600.0
"""A rule that nobody has judged for so long is in no file any more; while files are changed, it is in some."""
_FORGET_AFTER_S = 86_400.0
_IN_TIME = "SET LOCAL statement_timeout = 20000"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The control plane that judges: its name, and what it says of itself and of the installation as a whole."""

    name: str
    own: Callable[[], Mapping[str, float]]
    everywhere: Callable[[], Mapping[str, float]]


class Evaluator:
    """`tend` as often as one likes, in one thread.  `anomalies` judges the rules of that kind."""

    def __init__(
        self,
        rules: Sequence[Rule],
        machine: Machine,
        clock: Clock,
        *,
        anomalies: Judge | None = None,
        database_time: Callable[[psycopg.Connection], float] = store.database_time,
    ) -> None:
        self._rules = tuple(rules)
        self._machine = machine
        self._clock = clock
        self._anomalies = anomalies
        self._database_time = database_time
        self._seen: float | None = None
        self._skew: str | None = None
        self._failed: dict[str, str] = {}
        self._series: dict[str, tuple[datetime, Series]] = {}

    @property
    def rules(self) -> tuple[Rule, ...]:
        return self._rules

    def use(self, rules: Sequence[Rule]) -> None:
        """Other rules, from the next minute on."""
        self._rules = tuple(rules)
        self._series = {}

    def problems(self) -> tuple[str, ...]:
        """What is wrong, for `/health`."""
        failed = [f"the alert rule {name} cannot be judged: {why}" for name, why in sorted(self._failed.items())]
        return (*([] if self._skew is None else [self._skew]), *failed)

    def minute(self) -> float:
        """The end of the last minute that has settled."""
        return (self._clock.now() - SETTLE_S) // _MINUTE_S * _MINUTE_S

    def tend(self, connection: psycopg.Connection) -> None:
        """What is due, which mostly is nothing.  Raises `psycopg.Error`; then the next call tries again."""
        at = self.minute()
        if at == self._seen:
            return
        now = self._clock.now()
        if not self._is_clock_right(connection, now):
            self._seen = at
            return
        store.publish(connection, self._machine.name, self._machine.own(), now)
        with connection.transaction():
            if not store.is_alone(connection):
                return
            store.publish(connection, store.EVERYWHERE, self._machine.everywhere(), now)
            last = store.last_judging(connection)
            if last is None or not at <= last.judged_at <= at + 3600.0:
                self._judge(connection, at, now, last)
        self._seen = at

    def look(self, connection: psycopg.Connection, rule: Rule) -> dict[Group, Judged]:
        """What would come of the rule now; nothing is written and nobody is told."""
        with connection.transaction(force_rollback=True):
            reader = Reader(connection, self.minute(), store.gauges(connection, self._clock.now()))
            known = _open(store.states(connection).get(rule.name, {}))
            return judge_rule(rule, reader, known, self._anomalies)[0]

    def _is_clock_right(self, connection: psycopg.Connection, now: float) -> bool:
        """Rules are about times that data planes and the database agree on; by a wrong clock everything is absent."""
        skew_s = now - self._database_time(connection)
        if abs(skew_s) <= _MOST_SKEW_S:
            self._skew = None
            return True
        if self._skew is None:
            _log.warning("alert_rules_not_judged", clock_is_off_s=round(skew_s))
        self._skew = f"alert rules are not judged here: this machine's clock is {skew_s:+.0f} s off the database's"
        return False

    def _judge(self, connection: psycopg.Connection, at: float, now: float, last: store.Judging | None) -> None:
        # One that was judged by a clock far ahead of now is no reason to wait for it.
        is_gap = last is None or not 0 < at - last.judged_at <= _GAP_S
        trusted_from = at + _TRUST_AFTER_S if is_gap else (last.trusted_from if last is not None else at)
        gauges = store.gauges(connection, now)
        is_late = max(gauges.get("journal_age_s", {}).values(), default=0.0) > _LATE_JOURNAL_S
        connection.execute(_IN_TIME)
        reader = Reader(connection, at, gauges, self._series)
        before = store.states(connection)
        told = [each.told for of in before.values() for each in of.values() if each.state == "firing" and each.told]
        scene = _Scene(
            at=at,
            now=now,
            is_gap=is_gap,
            is_whole=not is_late and at >= trusted_from,
            unheard=store.unheard(connection, told, now),
        )
        for rule in self._rules:
            self._judge_rule(connection, rule, reader, before.get(rule.name, {}), scene)
        self._end_the_gone(connection, before, at, now)
        store.note_judging(connection, store.Judging(at, trusted_from))

    def _judge_rule(
        self,
        connection: psycopg.Connection,
        rule: Rule,
        reader: Reader,
        before: Mapping[Group, State],
        scene: "_Scene",
    ) -> None:
        """One rule; what goes wrong with it is no reason not to judge the others."""
        try:
            with connection.transaction():
                found, left_out = judge_rule(rule, reader, _open(before), self._anomalies)
                if left_out:
                    _log.warning("alert_rule_has_too_many_groups", rule=rule.name, left_out=left_out)
                changed, alerts = _followed(rule, found, before, scene)
                store.keep(connection, [(rule.name, group, state) for group, state in changed.items()])
                add(connection, alerts, scene.now)
                old = [group for group, each in before.items() if group not in found and _is_old(each, scene.at)]
                store.forget(connection, [(rule.name, group) for group in old])
        except (psycopg.Error, MalformedRequest) as error:
            if connection.closed or connection.broken:
                raise
            why = str(error).strip().partition("\n")[0]
            if rule.name not in self._failed:
                _log.warning("alert_rule_failed", rule=rule.name, why=why)
            self._failed[rule.name] = why
            return
        self._failed.pop(rule.name, None)
        for alert in alerts:
            _log.warning("alert", id=alert.id, kind=alert.kind, severity=alert.severity, text=alert.text)

    def _end_the_gone(
        self, connection: psycopg.Connection, before: Mapping[str, Mapping[Group, State]], at: float, now: float
    ) -> None:
        """What fires of a rule that is in no file any more is over."""
        names = {rule.name for rule in self._rules}
        for name, of in before.items():
            if name in names or any(at - state.judged_at < _GONE_AFTER_S for state in of.values()):
                continue
            alerts = [ended(name, group, state, at) for group, state in of.items() if state.occasion is not None]
            add(connection, alerts, now)
            store.forget(connection, [(name, group) for group in of])
        self._failed = {name: why for name, why in self._failed.items() if name in names}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """The minute `at`: after a gap or not, and whether all of its figures are there (`is_whole`).  `unheard` are alerts
    that a silence, now over, has kept from people.
    """

    at: float
    now: float
    is_gap: bool
    is_whole: bool
    unheard: frozenset[str]


def _followed(
    rule: Rule, found: Mapping[Group, Judged], before: Mapping[Group, State], scene: _Scene
) -> tuple[dict[Group, State], list[Alert]]:
    """What follows from what was judged: each group's state, and what people are told."""
    states: dict[Group, State] = {}
    alerts: list[Alert] = []
    for group, judged in found.items():
        is_sure = scene.is_whole or not rule.is_of_too_little or judged.verdict != "holds"
        state, telling = step(
            before.get(group),
            judged if is_sure else Judged("put_off"),
            scene.at,
            rule.settings,
            is_after_gap=scene.is_gap,
        )
        if telling is None and state.state == "firing" and state.told in scene.unheard:
            telling = "again"
        if telling is not None:
            alert, state = tell(rule, group, state, telling)
            alerts.append(alert)
        states[group] = state
    return states, alerts


def ended(name: str, group: Group, state: State, at: float) -> Alert:
    """That a rule fires no longer because it is gone."""
    values = ", ".join(group)
    return Alert(
        id=f"{state.occasion}:resolved",
        kind="rule.resolved",
        severity="info",
        subject=name,
        text=f"{name}{f' ({values})' if values else ''} is over: there is no such rule any more.",
        at=at,
        facts={"rule": name, "telling": "resolved", "occasion": state.occasion, "told": state.told},
    )


def _open(states: Mapping[Group, State]) -> dict[Group, State]:
    """What fires or is about to."""
    return {group: state for group, state in states.items() if state.state != "quiet"}


def _is_old(state: State, at: float) -> bool:
    return state.state == "quiet" and at - state.judged_at > _FORGET_AFTER_S
