"""The blind second look: a share of what was decided is judged by somebody else too, who is not told how.

It changes nothing for the one who asked; it says how far reviewers agree.  Who has judged a hold never gets it as the
second, nor who asked it.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import LiteralString

import msgspec
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from penstock.config.review import ReviewSettings
from penstock.review.agreement import cohens_kappa, krippendorffs_alpha
from penstock.review.decision import Decision
from penstock.review.hold import Found, Outcome, Turn, named
from penstock.review.queue import Act
from penstock.review.reviewer import MAY_READ, HoldTaken, Reviewer
from penstock.review.take import sound

_MOST_PAIRS = 100_000

_NEXT: LiteralString = f"""
    SELECT h.id FROM holds AS h
    WHERE h.is_sampled AND h.second_at IS NULL AND h.ended_at IS NOT NULL AND h.state <> 'expired'
        AND (h.second_until IS NULL OR h.second_until <= %(now)s OR h.second_by = %(id)s)
        AND CASE WHEN %(user)s::text IS NULL THEN h.key <> %(key)s ELSE h."user" IS DISTINCT FROM %(user)s END
        AND (%(scope)s::text IS NULL OR h.tenant = %(scope)s)
        AND (%(groups)s::text[] IS NULL OR h."group" = ANY (%(groups)s))
        AND NOT EXISTS (SELECT FROM hold_opinions AS o WHERE o.hold = h.id AND o.reviewer = %(id)s)
        AND {MAY_READ}
    ORDER BY h.ended_at, h.id LIMIT 1 FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - put together of constants
_CLAIM: LiteralString = "UPDATE holds SET second_by = %(id)s, second_until = %(until)s WHERE id = %(hold)s"
_SHOW: LiteralString = """
    SELECT h.id, h.tenant, h.model, h.rule, h.reason, h.confidence, h.second_until AS until,
        c.question, c.answer, c.sources, c.verdicts
    FROM holds AS h JOIN hold_contents AS c ON c.hold = h.id WHERE h.id = %s
"""
_DONE: LiteralString = """
    UPDATE holds SET second_at = %(now)s, second_until = NULL
    WHERE id = %(hold)s AND second_by = %(id)s AND second_until > %(now)s AND second_at IS NULL
"""
_OPINION: LiteralString = """
    INSERT INTO hold_opinions (hold, reviewer, is_second, verdict, reasons, comment, at)
    VALUES (%s, %s, true, %s, %s, %s, %s)
"""
_EVENT: LiteralString = """
    INSERT INTO hold_events (hold, at, actor, kind, before, after) VALUES (%s, %s, %s, 'second', '{}', %s)
"""
_PAIRS: LiteralString = """
    SELECT one.reviewer, one.verdict, other.reviewer, other.verdict, one.reasons = other.reasons
    FROM hold_opinions AS other JOIN hold_opinions AS one ON one.hold = other.hold AND NOT one.is_second
    JOIN holds AS h ON h.id = other.hold
    WHERE other.is_second AND other.at >= %(since)s AND (%(scope)s::text IS NULL OR h.tenant = %(scope)s)
        AND (%(groups)s::text[] IS NULL OR h."group" = ANY (%(groups)s))
    ORDER BY other.at DESC LIMIT %(most)s
"""
_TAXONOMY: LiteralString = """
    SELECT h.tenant, h.model, o.verdict, named.reason, count(*) AS holds
    FROM hold_opinions AS o JOIN holds AS h ON h.id = o.hold
    LEFT JOIN LATERAL unnest(o.reasons) AS named (reason) ON true
    WHERE NOT o.is_second AND o.at >= %(since)s AND (%(scope)s::text IS NULL OR h.tenant = %(scope)s)
        AND (%(groups)s::text[] IS NULL OR h."group" = ANY (%(groups)s))
    GROUP BY 1, 2, 3, 4 ORDER BY holds DESC, 1, 2, 3, 4 LIMIT 1000
"""


class Blind(msgspec.Struct, frozen=True, kw_only=True):
    """What the second one is shown: all that the first one saw, and nothing of what that one did."""

    id: str
    tenant: str
    model: str
    rule: str
    reason: str
    confidence: float | None
    until: float
    question: tuple[Turn, ...]
    answer: str
    sources: tuple[dict[str, object], ...]
    verdicts: tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two who have judged the same things."""

    one: str
    other: str
    holds: int
    kappa: float | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """`same_reasons` is the share of the holds that both found wrong in which they named the same reasons."""

    holds: int
    agreed: float | None
    alpha: float | None
    same_reasons: float | None
    pairs: tuple[Pair, ...]


class Count(msgspec.Struct, frozen=True):
    """How many decisions on answers of a model were this one, for this reason (None: for none)."""

    tenant: str
    model: str
    verdict: Outcome
    reason: str | None
    holds: int


def is_sampled(hold: str, settings: ReviewSettings) -> bool:
    """Whether a second one is to look, for a share of all; the same for the same hold, whoever asks."""
    return int.from_bytes(sha256(hold.encode()).digest()[:8]) < settings.second_share * 2**64


async def claim_second(connection: psycopg.AsyncConnection, act: Act, *, lease_s: float) -> Blind | None:
    """The oldest that waits for a second look, for `lease_s`; None where there is none for this reviewer."""
    who = act.who
    values = {
        **_scope(who),
        **who.rights,
        "now": act.now,
        "id": who.id,
        "user": None if who.user is None else named(who.user),
        "key": named(who.key),
    }
    async with connection.transaction():
        found = await (await connection.execute(_NEXT, values)).fetchone()
        if found is None:
            return None
        await connection.execute(_CLAIM, {"id": who.id, "until": act.now + lease_s, "hold": found[0]})
        async with connection.cursor(row_factory=dict_row) as cursor:
            return msgspec.convert(await (await cursor.execute(_SHOW, (found[0],))).fetchone(), Blind)


async def decide_second(connection: psycopg.AsyncConnection, hold: str, act: Act, decision: Decision) -> None:
    """What the second one would have done.  Raises `HoldTaken` where it is not this one's (any more)."""
    who = act.who
    async with connection.transaction():
        values = {"hold": hold, "id": who.id, "now": act.now}
        if (await connection.execute(_DONE, values)).rowcount == 0:
            raise HoldTaken("Claim it first: it is not yours, or your time with it is over.")
        opinion = (hold, who.id, decision.outcome, list(decision.reasons), sound(decision.comment), act.now)
        await connection.execute(_OPINION, opinion)
        said = {"verdict": decision.outcome, "reasons": list(decision.reasons)}
        await connection.execute(_EVENT, (hold, act.now, who.id, Jsonb(said)))


async def agreement(connection: psycopg.AsyncConnection, who: Reviewer, *, since: float) -> Agreement:
    """Of the second looks since then, the last 100,000."""
    values = {**_scope(who), "since": since, "most": _MOST_PAIRS}
    rows = await (await connection.execute(_PAIRS, values)).fetchall()
    by_pair: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for one, verdict, other, second, _ in rows:
        # The same two, whoever came first.
        names, verdicts = ((one, other), (verdict, second)) if one <= other else ((other, one), (second, verdict))
        by_pair.setdefault(names, []).append(verdicts)
    both_wrong = [same for _, verdict, _, second, same in rows if "approved" not in {verdict, second}]
    return Agreement(
        holds=len(rows),
        agreed=sum(verdict == second for _, verdict, _, second, _ in rows) / len(rows) if rows else None,
        alpha=krippendorffs_alpha([(verdict, second) for _, verdict, _, second, _ in rows]),
        same_reasons=sum(both_wrong) / len(both_wrong) if both_wrong else None,
        pairs=tuple(
            Pair(one, other, len(verdicts), cohens_kappa(verdicts))
            for (one, other), verdicts in sorted(by_pair.items(), key=lambda each: -len(each[1]))
        ),
    )


async def taxonomy(connection: psycopg.AsyncConnection, who: Reviewer, *, since: float) -> list[Count]:
    """Which decisions for which reasons, the most first; a decision with two reasons counts under each."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        rows = await (await cursor.execute(_TAXONOMY, {**_scope(who), "since": since})).fetchall()
    return msgspec.convert(rows, list[Count])


def _scope(who: Reviewer) -> dict[str, object]:
    return {"scope": who.tenant, "groups": None if who.groups is None else ["", *sorted(who.groups)]}
