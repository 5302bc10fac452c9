"""The SQL of scores.  An answer's scores and their sums are written in one transaction, and the answer then leaves the
queue: whoever dies in between leaves it to the next one, and nobody counts it twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, LiteralString

import msgspec
import psycopg
from psycopg.rows import class_row

from penstock.watch.quality.checks import Found, Usual
from penstock.watch.quality.seen import Told
from penstock.watch.quality.sums import DIMENSIONS, VIEWS
from penstock.watch.quality.verdicts import ANSWER
from penstock.watch.rollups.closing import reopen

WAITS_S: Final = 86_400.0
"""What has not come to the ledger by then never does."""

QUEUED: Final[LiteralString] = """
    l.tenant, c.key_id, c.sealed, l.model AS assistant, coalesce(l.release, '') AS release,
    coalesce(l.target, '') AS target, l.started_at AS at, l.outcome, l.facts::text AS facts
"""
"""The columns of `Queued` but the first, out of `ITS_ANSWER`."""
ITS_ANSWER: Final[LiteralString] = """
    CROSS JOIN LATERAL (SELECT * FROM ledger WHERE id = {0}.exchange COLLATE "default" OFFSET 0) AS l
    LEFT JOIN LATERAL (
        SELECT * FROM contents WHERE id = {0}.exchange AND tenant = l.tenant AND expires_at > %(now)s OFFSET 0
    ) AS c ON true
"""
"""The rows of the ledger and of the contents for each row of what waits.

Looked up one by one whatever the planner makes of tables that have only just been filled: the ledger may be long.  Its
ids have another collation, under which alone its index answers.
"""

_QUEUE: LiteralString = """
    INSERT INTO quality_queue (exchange, at)
    SELECT id, %(now)s FROM contents WHERE id = ANY (%(ids)s)
        AND NOT EXISTS (SELECT FROM quality_scores AS s WHERE s.exchange = contents.id AND s."check" = 'answer')
    ON CONFLICT (exchange) DO NOTHING
"""
_TAKE: LiteralString = f"""
    SELECT q.exchange, {QUEUED} FROM quality_queue AS q {ITS_ANSWER.format("q")}
    ORDER BY q.exchange LIMIT %(most)s FOR UPDATE OF q SKIP LOCKED
"""  # noqa: S608 - words of ours
_SCORE: LiteralString = """
    INSERT INTO quality_scores (exchange, "check", tenant, assistant, release, target, at, score, verdict)
    VALUES (%(exchange)s, %(check)s, %(tenant)s, %(assistant)s, %(release)s, %(target)s, %(at)s, %(score)s, %(verdict)s)
    ON CONFLICT (exchange, "check") DO NOTHING
"""
_SUM: LiteralString = """
    INSERT INTO quality_hours AS h
        (view, "check", at, tenant, assistant, release, target, verdict, answers, passed, scores, squares)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (view, "check", at, tenant, assistant, release, target, verdict) DO UPDATE SET
        answers = h.answers + excluded.answers, passed = h.passed + excluded.passed,
        scores = h.scores + excluded.scores, squares = h.squares + excluded.squares
"""
_USUAL: LiteralString = """
    SELECT assistant, answers, mean, variance FROM quality_lengths WHERE assistant = ANY (%s)
    ORDER BY assistant FOR UPDATE
"""
_SET_USUAL: LiteralString = """
    INSERT INTO quality_lengths (assistant, answers, mean, variance) VALUES (%s, %s, %s, %s)
    ON CONFLICT (assistant) DO UPDATE SET
        answers = excluded.answers, mean = excluded.mean, variance = excluded.variance
"""
_OLD: LiteralString = """
    DELETE FROM quality_scores WHERE ctid IN (
        SELECT ctid FROM quality_scores WHERE at < to_timestamp(%s) ORDER BY at LIMIT %s FOR UPDATE SKIP LOCKED)
"""


@dataclass(frozen=True, slots=True)
class Queued:
    """An answer that waits, with its row of the ledger; `sealed` is None where its contents are gone."""

    exchange: str
    tenant: str
    key_id: str | None
    sealed: bytes | None
    assistant: str
    release: str
    target: str
    at: datetime
    outcome: str
    facts: str

    def told(self) -> Told:
        told = Told(
            exchange=self.exchange,
            tenant=self.tenant,
            assistant=self.assistant,
            release=self.release,
            target=self.target,
            at=self.at,
            outcome=self.outcome,
        )
        return _with_facts(told, self.facts)


class _Fact(msgspec.Struct):
    """The fields that are looked at, of whichever fact has them."""

    fact: str
    supported: int = 0
    contradicted: int = 0
    not_found: int = 0
    confidence: float | None = None
    citations: int = 0
    unknown: int = 0


_decode_facts = msgspec.json.Decoder(list[_Fact]).decode


def _with_facts(told: Told, facts: str) -> Told:
    """Of several answers of one exchange, the last one's: it is what the caller got."""
    for each in _decode_facts(facts):
        match each.fact:
            case "claims_traced":
                told = msgspec.structs.replace(
                    told, supported=each.supported, contradicted=each.contradicted, not_found=each.not_found
                )
            case "confidence_estimated":
                told = msgspec.structs.replace(told, confidence=each.confidence)
            case "answer_cited":
                told = msgspec.structs.replace(told, citations=each.citations, unknown_citations=each.unknown)
            case _:
                pass
    return told


def queue(connection: psycopg.Connection, exchanges: Sequence[str], *, now: float) -> None:
    """These contents have just come.  In the transaction that brings them; to do it again changes nothing."""
    connection.execute(_QUEUE, {"ids": list(exchanges), "now": now})


def take(connection: psycopg.Connection, *, now: float, most: int) -> list[Queued]:
    """Answers to look at, locked until the transaction ends; those that another process looks at are passed over."""
    with connection.cursor(row_factory=class_row(Queued)) as cursor:
        return cursor.execute(_TAKE, {"now": now, "most": most}).fetchall()


def leave(connection: psycopg.Connection, exchanges: Sequence[str]) -> None:
    """They were looked at."""
    connection.execute("DELETE FROM quality_queue WHERE exchange = ANY (%s)", (list(exchanges),))


def usual(connection: psycopg.Connection, assistants: Iterable[str]) -> dict[str, Usual]:
    """How long answers of these assistants are; locked until the transaction ends."""
    rows = connection.execute(_USUAL, (sorted(set(assistants)),)).fetchall()
    return {row[0]: Usual(row[1], row[2], row[3]) for row in rows}


def set_usual(connection: psycopg.Connection, by_assistant: Mapping[str, Usual]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            _SET_USUAL, [(name, each.answers, each.mean, each.variance) for name, each in sorted(by_assistant.items())]
        )


def write(connection: psycopg.Connection, scored: Sequence[tuple[Told, Sequence[Found]]]) -> set[str]:
    """Keep the scores, and add them to the sums; what is there already is not added again.  Returns what was not.

    Single rows are those of the answer as a whole, of a judge, and of checks that found something; sums are of all.
    """
    sums: dict[tuple[int, str, datetime, *tuple[str, ...]], list[int]] = {}
    fresh: set[str] = set()
    for told, found in scored:
        first = next((each for each in found if each.check == ANSWER), found[0])
        if connection.execute(_SCORE, _row(told, first)).rowcount == 0:
            continue
        fresh.add(told.exchange)
        for each in found:
            if each is not first and each.verdict != "good":
                connection.execute(_SCORE, _row(told, each))
            hour = told.at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
            amounts = (1, int(each.is_passed), each.score, each.score * each.score)
            for view in VIEWS:
                kept = (getattr(told, name) if name in view.dimensions else "" for name in DIMENSIONS)
                line = sums.setdefault((view.number, each.check, hour, *kept, each.verdict), [0] * len(amounts))
                for at, amount in enumerate(amounts):
                    line[at] += amount
    reopen(connection, {int(key[2].timestamp()) for key in sums})
    with connection.cursor() as cursor:  # in one order, so that no two processes wait for each other
        cursor.executemany(_SUM, [(*key, *line) for key, line in sorted(sums.items())])
    return fresh


def _row(told: Told, found: Found) -> dict[str, object]:
    return {
        "exchange": told.exchange,
        "check": found.check,
        "tenant": told.tenant,
        "assistant": told.assistant,
        "release": told.release,
        "target": told.target,
        "at": told.at,
        "score": found.score,
        "verdict": found.verdict,
    }


def purge(connection: psycopg.Connection, *, now: float, keep_days: float, most: int) -> int:
    """Delete single scores that are old, at most `most`, and what has waited for nothing; returns how many scores."""
    with connection.transaction():
        connection.execute("DELETE FROM quality_queue WHERE at < %s", (now - WAITS_S,))
        before = now - keep_days * 86_400.0
        connection.execute("DELETE FROM quality_judged WHERE at < %s", (before,))
        return connection.execute(_OLD, (before, most)).rowcount
