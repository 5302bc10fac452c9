"""Counts failures by class, from the sums of exchanges, of what happened, and of what checks found."""

from collections.abc import Iterable
from typing import Literal, cast

import psycopg

from penstock.console.quality import views
from penstock.core.ends import End
from penstock.core.errors import MalformedRequest
from penstock.watch.figures import store as figures
from penstock.watch.figures.question import Question
from penstock.watch.quality.failures import OF_END, OF_VERDICT, PREFIXES, Failure, failure_of_tally
from penstock.watch.quality.figures import Asked, ask
from penstock.watch.quality.shares import share_of
from penstock.watch.quality.verdicts import Verdict

_Counted = Literal["exchanges", "events", "sample"]
_Key = tuple[object, ...]


class _Counts:
    """Amounts by step and group, class and name."""

    def __init__(self) -> None:
        self.whole: dict[tuple[_Key, _Counted], int] = {}
        self.parts: dict[tuple[_Key, _Counted, Failure], dict[str, int]] = {}

    def add(self, key: _Key, counted: _Counted, failure: Failure | None, name: str, amount: int) -> None:
        self.whole[(key, counted)] = self.whole.get((key, counted), 0) + amount
        if failure is not None:
            names = self.parts.setdefault((key, counted, failure), {})
            names[name] = names.get(name, 0) + amount


def sums_of(asked: Asked) -> Question:
    """The same question of the ledger's sums.  Raises `MalformedRequest` for what they are not kept by."""
    if "target" in {*asked.by, *asked.filters}:
        raise MalformedRequest("Failures are not counted by target: the ledger's figures are.", field="by")
    return Question(
        since=asked.since,
        until=asked.until,
        by=asked.by,
        filters={**asked.filters},
        step=asked.step,
        zone=asked.zone,
    )


async def read_failures(connection: psycopg.AsyncConnection, asked: Asked) -> views.FailuresView:
    """Raises as `sums_of`."""
    question = sums_of(asked)
    counts = _Counts()
    for line in await figures.ask(connection, question):
        for outcome, amount in line.sums.outcomes.items():
            failure = OF_END.get(cast("End", outcome), "own_fault")
            counts.add(_place(line.at, line.group, asked), "exchanges", failure, outcome, amount)
    for tally in await figures.ask_tallies(connection, question, PREFIXES):
        place = _place(tally.at, tally.group, asked)
        counts.add(place, "events", failure_of_tally(tally.name), tally.name, tally.amount)
    for scored in await ask(connection, asked, check=None, name="verdict"):
        failure = OF_VERDICT.get(cast("Verdict", scored.name))
        place = _place(scored.at, scored.group, asked)
        if failure is not None:
            counts.add(place, "sample", failure, scored.name, scored.answers)
    looked_at: dict[_Key, int] = {}
    for scored in await ask(connection, asked, check="answer", name="verdict"):
        place = _place(scored.at, scored.group, asked)
        looked_at[place] = looked_at.get(place, 0) + scored.answers
    return views.FailuresView(
        since=asked.since,
        until=asked.until,
        exchanges=_total(amount for (_, counted), amount in counts.whole.items() if counted == "exchanges"),
        looked_at=_total(looked_at.values()),
        lines=_lines(asked, counts, looked_at),
    )


def _lines(asked: Asked, counts: _Counts, looked_at: dict[_Key, int]) -> list[views.FailureLine]:
    lines: list[views.FailureLine] = []
    for (key, counted, failure), names in sorted(counts.parts.items(), key=lambda item: str(item[0])):
        whole = counts.whole[(key, "exchanges")] if counted == "exchanges" else looked_at.get(key, 0)
        amount = sum(names.values())
        group = key if asked.step is None else key[1:]
        lines.append(
            views.FailureLine.model_validate(
                {
                    "at": None if asked.step is None else key[0],
                    "group": dict(zip(asked.by, group, strict=True)),
                    "failure": failure,
                    "counted": counted,
                    "amount": amount,
                    # What happened on the way may happen several times in one exchange: it is no share of anything.
                    "share": None if counted == "events" else views.share_view(share_of(min(amount, whole), whole)),
                    "names": names,
                }
            )
        )
    return lines


def _place(at: object, group: tuple[str, ...], asked: Asked) -> _Key:
    return group if asked.step is None else (at, *group)


def _total(amounts: Iterable[int]) -> int:
    return sum(amounts)
