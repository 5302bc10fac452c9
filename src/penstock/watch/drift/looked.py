"""What answers that were looked at say of an assistant, in the transaction that writes how good they were.

`quality.looking` calls it with answers whose contents are open in memory; what is kept is sums, which `store.sum_up`
puts beside those of the ledger.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import LiteralString, NamedTuple

import psycopg

from penstock.watch.drift.tally import Sums, Tally
from penstock.watch.drift.tone import tone_of
from penstock.watch.quality.checks import Found
from penstock.watch.quality.seen import Seen

_HOUR_S = 3600
_ADD: LiteralString = """
    INSERT INTO drift_looked AS l (hour, assistant, feature, count, totals, squares) VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT (hour, assistant, feature) DO UPDATE SET
        count = l.count + excluded.count, squares = l.squares + excluded.squares,
        totals = (
            SELECT array_agg(coalesce(one, 0) + coalesce(other, 0) ORDER BY place)
            FROM unnest(l.totals, excluded.totals) WITH ORDINALITY AS added (one, other, place))
"""
_OF_HOUR: LiteralString = "SELECT assistant, feature, count, totals, squares FROM drift_looked WHERE hour = %s"


class Looked(NamedTuple):
    """An answer, and what the checks have found of it."""

    seen: Seen
    found: Sequence[Found]


class Traits:
    """`nearness` says how near a question is to earlier ones of its assistant, None where that is not known."""

    def __init__(
        self, features: Sequence[str], nearness: Callable[[psycopg.Connection, Seen], float | None] | None
    ) -> None:
        self._features = frozenset(features)
        self._nearness = nearness

    def add(self, connection: psycopg.Connection, answers: Iterable[Looked]) -> None:
        """Count these answers.  Raises `psycopg.Error`."""
        tallies: dict[tuple[int, str], Tally] = {}
        for each in answers:
            told = each.seen.told
            hour = int(told.at.timestamp()) // _HOUR_S
            self._note(connection, tallies.setdefault((hour, told.assistant), Tally()), each)
        rows = [
            (hour, assistant, feature, sums.count, list(sums.totals), sums.squares)
            for (hour, assistant), tally in sorted(tallies.items(), key=lambda pair: pair[0])
            for feature, sums in sorted(tally.sums().items())
        ]
        with connection.cursor() as cursor:  # in one order, so that no two processes wait for each other
            cursor.executemany(_ADD, rows)

    def _note(self, connection: psycopg.Connection, tally: Tally, answer: Looked) -> None:
        seen = answer.seen
        judged = [each for each in answer.found if each.check == "refusal"]
        if judged and "refusal" in self._features:
            tally.note("refusal", float(judged[0].verdict == "refusal"))
        if "tone" in self._features and seen.choices and not seen.wants_json:
            tone = tone_of(seen.choices[0].text)
            if tone is not None:
                tally.note("tone", tone.sentence, tone.signs)
        if "topics" in self._features and self._nearness is not None:
            near = self._nearness(connection, seen)
            if near is not None:
                tally.note("topics", max(0.0, near))


def read(connection: psycopg.Connection, hour: int) -> dict[str, dict[str, Sums]]:
    """By assistant and feature."""
    found: dict[str, dict[str, Sums]] = {}
    for assistant, feature, count, totals, squares in connection.execute(_OF_HOUR, [hour]).fetchall():
        found.setdefault(assistant, {})[feature] = Sums(count, tuple(totals), squares)
    return found


def forget(connection: psycopg.Connection, before: int) -> None:
    connection.execute("DELETE FROM drift_looked WHERE hour < %s", [before])
