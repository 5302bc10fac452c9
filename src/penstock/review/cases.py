"""Decisions as cases of an evaluation: the question, its sources, and what the answer should have been."""

from typing import Any, LiteralString

import msgspec
import psycopg
from psycopg.rows import dict_row

from penstock.review.erasure import MEET_ERASURES
from penstock.review.hold import Found, Outcome, Reason, Turn
from penstock.review.queue import Act, show
from penstock.review.reviewer import MAY_READ, HoldChanged, Reviewer
from penstock.review.take import sound

_KEEP: LiteralString = """
    INSERT INTO hold_cases (hold, tenant, created_at, created_by, expected, why) VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT (hold) DO UPDATE SET expected = excluded.expected, why = excluded.why,
        created_at = excluded.created_at, created_by = excluded.created_by
"""
_READ: LiteralString = f"""
    SELECT k.place, k.hold AS id, h.exchange, k.tenant, h.model, h.rule, c.question, c.answer, c.sources, c.verdicts,
        o.verdict, o.reasons, k.expected, k.why, k.created_at, k.created_by
    FROM hold_cases AS k JOIN holds AS h ON h.id = k.hold JOIN hold_contents AS c ON c.hold = k.hold
    JOIN hold_opinions AS o ON o.hold = k.hold AND NOT o.is_second
    WHERE k.place > %(after)s AND (%(scope)s::text IS NULL OR k.tenant = %(scope)s)
        AND (%(groups)s::text[] IS NULL OR h."group" = ANY (%(groups)s))
        AND (%(model)s::text IS NULL OR h.model = %(model)s) AND {MAY_READ}
    ORDER BY k.place LIMIT %(most)s
"""  # noqa: S608 - put together of constants
_EVENT: LiteralString = """
    INSERT INTO hold_events (hold, at, actor, kind, before, after) VALUES (%s, %s, %s, 'case', '{}', '{}')
"""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the export.  All texts are in masked space.

    `answer` is what the model said; `expected` what it should have said, None where it should have said nothing of the
    kind; `why` is a person's, for people.
    """

    place: int
    id: str
    exchange: str
    tenant: str
    model: str
    rule: str
    question: tuple[Turn, ...]
    answer: str
    sources: tuple[dict[str, Any], ...]
    verdicts: tuple[Found, ...]
    verdict: Outcome
    reasons: tuple[Reason, ...]
    expected: str | None
    why: str
    created_at: float
    created_by: str


async def keep_case(
    connection: psycopg.AsyncConnection, hold: str, act: Act, *, expected: str | None, why: str
) -> str | None:
    """Make the decision a case, or change what it says; returns what is expected.

    Without `expected` that is what was released where the answer was approved or edited, and nothing else.  Raises
    `UnknownHold`, and `HoldChanged` where nobody has decided.
    """
    async with connection.transaction():
        await connection.execute(MEET_ERASURES)
        whole = await show(connection, hold, act.who)
        if whole.row.state not in {"approved", "edited", "rejected", "taken_over"}:
            raise HoldChanged("Nobody has decided it: there is nothing to learn from yet.")
        if expected is None and whole.row.state in {"approved", "edited"}:
            expected = whole.content["released"]
        values = (hold, whole.row.tenant, act.now, act.who.id, sound(expected), sound(why))
        await connection.execute(_KEEP, values)
        await connection.execute(_EVENT, (hold, act.now, act.who.id))
    return expected


async def read_cases(
    connection: psycopg.AsyncConnection, who: Reviewer, *, model: str | None, after: int, most: int
) -> list[Case]:
    """Cases that the caller may see, in the order in which they were first kept."""
    groups = None if who.groups is None else ["", *sorted(who.groups)]
    values = {"after": after, "scope": who.tenant, "groups": groups, "model": model, "most": most, **who.rights}
    async with connection.cursor(row_factory=dict_row) as cursor:
        rows = await (await cursor.execute(_READ, values)).fetchall()
    return msgspec.convert(rows, list[Case])
