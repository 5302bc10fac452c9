"""What rules are held against, asked of the sums: each question once a minute, however many rules ask it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import psycopg

from penstock.watch.figures.question import Question
from penstock.watch.figures.store import Line, Tally, ask_now, ask_tallies_now
from penstock.watch.figures.sums import Sums
from penstock.watch.objectives.objective import Count, burn, count
from penstock.watch.objectives.reading import question_of
from penstock.watch.rules.judge import Measure
from penstock.watch.rules.rule import Group, Rule

_AHEAD = timedelta(hours=6)
"""Clocks of data planes that are ahead date exchanges there: for absence they are not absent.  With the window in it,
so that it is read by the minute."""
SERIES_WEEKS = 8
Series: TypeAlias = dict[Group, list[tuple[float, float]]]
"""Times, in Unix seconds, and values, in order."""


class Reader:
    """Of one minute: windows end at `at`.  Raises `psycopg.Error`."""

    def __init__(
        self,
        connection: psycopg.Connection,
        at: float,
        gauges: Mapping[str, Mapping[str, float]],
        remembered: "dict[str, tuple[datetime, Series]] | None" = None,
    ) -> None:
        self._connection = connection
        self._remembered = {} if remembered is None else remembered
        self._gauges = gauges
        self.at = datetime.fromtimestamp(at, UTC)
        self._lines: dict[object, list[Line]] = {}
        self._tallies: dict[object, list[Tally]] = {}

    def now(self, rule: Rule) -> dict[Group, Measure]:
        """The rule's window, by group; groups without exchanges are left out."""
        if rule.settings.gauge is not None:
            found = self._gauges.get(rule.settings.gauge, {})
            return {(plane,): Measure(value, 1) for plane, value in found.items()}
        length, until = _length(rule), self.at
        if rule.settings.kind == "absence":
            until += max(_AHEAD - length, timedelta(hours=1))
        return self._window(rule, self.at - length, until)

    def before(self, rule: Rule, days: float | None) -> dict[Group, Measure]:
        """The same so many days ago; None is the window before."""
        until = self.at - (_length(rule) if days is None else timedelta(days=days))
        return self._window(rule, until - _length(rule), until)

    def burning(self, rule: Rule) -> tuple[Measure, Measure]:
        """How fast the objective's budget goes in the window, and in its last twelfth."""
        objective = rule.objective
        if objective is None:
            raise AssertionError("a rule of the kind burn_rate has an objective")
        measures: list[Measure] = []
        for length in (_length(rule), _length(rule) / 12):
            lines = self._ask(question_of(objective, self.at - length, self.at))
            counted: Count = count(objective, (line.sums for line in lines))
            measures.append(Measure(burn(objective, counted), counted.total))
        return measures[0], measures[1]

    def series(self, rule: Rule) -> Series:
        """The figure by the hour, up to the last whole one, for as long as tells what is usual; read once an hour."""
        until = self.at.replace(minute=0)
        kept = self._remembered.get(rule.name)
        if kept is None or kept[0] != until:
            kept = self._remembered[rule.name] = (until, self._series(rule, until))
        return kept[1]

    def _series(self, rule: Rule, until: datetime) -> Series:
        question = Question(
            since=until - timedelta(weeks=SERIES_WEEKS),
            until=until,
            by=rule.by,
            filters=rule.where,
            step="hour",
            times=frozenset(() if rule.figure is None else rule.figure.times),
        )
        found: Series = {}
        if rule.figure is None:
            for tally in self._ask_tallies(question, rule.settings.tally or ""):
                points = found.setdefault(tally.group, [])
                at = 0.0 if tally.at is None else tally.at.timestamp()
                if points and points[-1][0] == at:
                    points[-1] = (at, points[-1][1] + tally.amount)
                else:
                    points.append((at, float(tally.amount)))
            return found
        for line in self._ask(question):
            value = rule.figure.value(line.sums)
            enough = rule.figure.told_of(line.sums) >= rule.settings.min_exchanges
            if value is not None and value >= 0 and enough and line.at is not None:
                found.setdefault(line.group, []).append((line.at.timestamp(), float(value)))
        return found

    def _window(self, rule: Rule, since: datetime, until: datetime) -> dict[Group, Measure]:
        times = frozenset(() if rule.figure is None else rule.figure.times)
        question = Question(since=since, until=until, by=rule.by, filters=rule.where, times=times)
        if rule.figure is not None:
            return {line.group: measured(rule, line.sums) for line in self._ask(question)}
        amounts: dict[Group, int] = {}
        for tally in self._ask_tallies(question, rule.settings.tally or ""):
            amounts[tally.group] = amounts.get(tally.group, 0) + tally.amount
        return {group: Measure(float(amount), amount) for group, amount in amounts.items()}

    def _ask(self, question: Question) -> list[Line]:
        key = _key(question)
        if key not in self._lines:
            self._lines[key] = ask_now(self._connection, question)
        return self._lines[key]

    def _ask_tallies(self, question: Question, prefix: str) -> list[Tally]:
        key = (prefix, _key(question))
        if key not in self._tallies:
            self._tallies[key] = ask_tallies_now(self._connection, question, (prefix,))
        return self._tallies[key]


def measured(rule: Rule, sums: Sums) -> Measure:
    """The rule's figure of these sums."""
    figure = rule.figure
    if figure is None:
        return Measure(0.0, 0)
    return Measure(figure.value(sums), figure.told_of(sums))


def _length(rule: Rule) -> timedelta:
    return timedelta(seconds=rule.settings.window_s)


def _key(question: Question) -> object:
    filters = tuple(sorted(question.filters.items()))
    return question.since, question.until, question.by, filters, question.step, question.times
