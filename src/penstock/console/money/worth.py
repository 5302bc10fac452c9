"""What was asked for, resolved and saved, by model: of the sums, so that a year of it is told as soon as an hour.

Only what sums cannot know is read from rows: which answers somebody called bad, once that is placed.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, LiteralString

import psycopg

from penstock.watch.figures.question import Question
from penstock.watch.figures.store import Line, ask, ask_tallies
from penstock.watch.rollups.notes import CANNED, SAVED, SUMMARISED, UNPRICED

_BAD: LiteralString = """
    SELECT model, count(DISTINCT exchange)::int FROM feedback
    WHERE verdict = 'bad' AND is_answer AND began >= %(since)s AND began < %(until)s
        AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s)
    GROUP BY 1
"""
_WAYS: Final = ("cache", "compaction", "prompt_cache", "routing")


@dataclass(frozen=True, slots=True)
class WorthRow:
    """One model's exchanges; `interactions` are those that a caller asked for, `resolved` those of them that were
    completed by a model or a cache and that nobody called bad.
    """

    model: str
    exchanges: int
    interactions: int
    resolved: int
    held: int
    cost_nanousd: int
    unknown_cost: int


@dataclass(frozen=True, slots=True)
class SavedRow:
    """One way of saving, for one model; `unpriced` exchanges are in no sum of money."""

    model: str
    by: str
    exchanges: int
    nanousd: int
    unpriced: int


@dataclass(frozen=True, slots=True)
class Worth:
    """Of whole hours, or minutes: from `since` on and before `until`."""

    since: datetime
    until: datetime
    rows: list[WorthRow]
    saved: list[SavedRow]


async def read_worth(connection: psycopg.AsyncConnection, question: Question, tenant: str | None) -> Worth:
    """By model, the busiest first.  `question` is of a time alone."""
    asked = replace(question, by=("assistant",), filters={} if tenant is None else {"tenant": tenant})
    since, until = asked.aligned()
    lines = await ask(connection, asked)
    tallies: defaultdict[tuple[str, str, str], int] = defaultdict(int)
    prefixes = (SUMMARISED, CANNED, SAVED, UNPRICED)
    for each in await ask_tallies(connection, replace(asked, by=("assistant", "outcome")), prefixes):
        model, outcome = each.group
        tallies[model, each.name, outcome] += each.amount
        tallies[model, each.name, ""] += each.amount
    values = {"since": since, "until": until, "tenant": tenant}
    bad: dict[str, int] = dict(await (await connection.execute(_BAD, values)).fetchall())
    rows = sorted(
        (_row(line, tallies, bad.get(line.group[0], 0)) for line in lines), key=lambda row: (-row.exchanges, row.model)
    )
    return Worth(since, until, rows, [row for line in lines for row in _saved(line, tallies)])


def _row(line: Line, tallies: Mapping[tuple[str, str, str], int], bad: int) -> WorthRow:
    (model,) = line.group
    own, canned = (tallies.get((model, name, "completed"), 0) for name in (SUMMARISED, CANNED))
    return WorthRow(
        model=model,
        exchanges=line.sums.exchanges,
        interactions=line.sums.exchanges - tallies.get((model, SUMMARISED, ""), 0),
        resolved=line.sums.outcomes.get("completed", 0) - own - canned - bad,
        held=line.sums.outcomes.get("held", 0),
        cost_nanousd=line.sums.cost_nanousd,
        unknown_cost=line.sums.unknown_costs,
    )


def _saved(line: Line, tallies: Mapping[tuple[str, str, str], int]) -> Iterator[SavedRow]:
    (model,) = line.group
    for way in _WAYS:
        count = line.sums.cache_hits if way == "cache" else tallies.get((model, f"{SAVED}{way}", ""), 0)
        if count:
            nanousd: int = getattr(line.sums, f"saved_{way}_nanousd")
            yield SavedRow(model, way, count, nanousd, tallies.get((model, f"{UNPRICED}{way}", ""), 0))
