"""Has answers judged: one call after the other, each through the data plane, each within the day's budget, each once.

Before a call stand in the database: that this answer is being asked about, and the most that the call may cost.  Who
dies in the middle leaves both, so that the answer is not judged again and the money counts as spent.  Later the cost in
the ledger takes the place of what was reserved.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final, Literal, LiteralString, Protocol, TypeAlias, get_args

import msgspec
import psycopg
import structlog
from psycopg.rows import class_row

from penstock.core.clock import Clock
from penstock.watch.quality import store
from penstock.watch.quality.judge import is_judgeable, read_verdict
from penstock.watch.quality.seen import Seen
from penstock.watch.quality.store import ITS_ANSWER, QUEUED, Queued

JudgedState: TypeAlias = Literal["waiting", "asked", "judged", "unreadable", "refused", "left_out"]
"""How far an answer is that a model is to be asked about."""
JUDGED_STATES: Final[tuple[JudgedState, ...]] = get_args(JudgedState)

AT_ONCE: Final = 10
_DONE: Final = 200
_WAITS_S: Final = 86_400.0

_WAITING: LiteralString = f"""
    SELECT j.exchange, {QUEUED} FROM quality_judged AS j {ITS_ANSWER.format("j")}
    WHERE j.state = 'waiting' ORDER BY j.exchange LIMIT 1 FOR UPDATE OF j SKIP LOCKED
"""  # noqa: S608 - words of ours
_RESERVE: LiteralString = """
    INSERT INTO quality_spent AS s (day, nanousd, calls)
    SELECT %(day)s, %(cost)s, 1 WHERE %(cost)s <= %(budget)s::bigint
    ON CONFLICT (day) DO UPDATE SET nanousd = s.nanousd + excluded.nanousd, calls = s.calls + 1
        WHERE s.nanousd + excluded.nanousd <= %(budget)s::bigint
    RETURNING nanousd
"""
_SETTLE: LiteralString = """
    WITH told AS (
        UPDATE quality_judged AS j SET is_settled = true FROM ledger AS l
        WHERE l.id = j.by AND NOT j.is_settled AND l.cost_nanousd IS NOT NULL
        RETURNING j.day, l.cost_nanousd - j.reserved_nanousd AS more
    ), by_day AS (SELECT day, sum(more)::bigint AS more FROM told GROUP BY day)
    UPDATE quality_spent AS s SET nanousd = greatest(s.nanousd + by_day.more, 0) FROM by_day WHERE s.day = by_day.day
"""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the data plane said: `exchange` is the id of the call's own exchange, None where nothing came back."""

    status: int | None
    body: bytes
    exchange: str | None


class Court(Protocol):
    """`most_nanousd` is the most that asking about this answer can cost; `ask` asks, and raises nothing."""

    def most_nanousd(self, seen: Seen) -> int: ...
    def ask(self, seen: Seen) -> Reply: ...


class Judging:
    """For one thread.  `open_answer` opens contents; `budget_nanousd` is of a day (UTC)."""

    def __init__(
        self, court: Court, open_answer: Callable[[Queued], Seen | None], clock: Clock, *, budget_nanousd: int
    ) -> None:
        self._court = court
        self._open = open_answer
        self._clock = clock
        self._budget_nanousd = budget_nanousd
        self.judged = 0
        self.unjudged = 0
        self.is_out_of_money = False

    def judge(self, connection: psycopg.Connection) -> int:
        """Judge what waits, ten at most; how many calls were made.  The connection is in autocommit mode."""
        connection.execute(_SETTLE)
        for calls in range(AT_ONCE):
            if not self._judge_one(connection):
                return calls
        return AT_ONCE

    def _judge_one(self, connection: psycopg.Connection) -> bool:
        """False where nothing waits, or there is no money for it today."""
        chosen = self._choose(connection)
        if chosen is None:
            return False
        queued, seen = chosen
        reply = self._court.ask(seen)
        found = read_verdict(reply.body) if reply.status == _DONE else None
        state: JudgedState = "judged" if found is not None else "unreadable" if reply.status == _DONE else "refused"
        if found is None:
            self.unjudged += 1
            _log.warning("answer_not_judged", exchange=queued.exchange, state=state, status=reply.status)
        else:
            self.judged += 1
        with connection.transaction():
            connection.execute(
                "UPDATE quality_judged SET state = %s, by = %s WHERE exchange = %s",
                (state, reply.exchange, queued.exchange),
            )
            if found is not None:
                store.write(connection, [(queued.told(), [found])])
        return True

    def _choose(self, connection: psycopg.Connection) -> tuple[Queued, Seen] | None:
        """The next answer, on record as asked about, with its money set aside.  What cannot be judged is left out."""
        while True:
            with connection.transaction():
                with connection.cursor(row_factory=class_row(Queued)) as cursor:
                    queued = cursor.execute(_WAITING, {"now": self._clock.now()}).fetchone()
                if queued is None:
                    return None
                seen = self._open(queued)
                if seen is None or not is_judgeable(seen):
                    self._mark(connection, queued.exchange, "left_out", None, 0)
                    continue
                cost, day = self._court.most_nanousd(seen), datetime.fromtimestamp(self._clock.now(), UTC).date()
                if not self._reserved(connection, day, cost):
                    return None
                self._mark(connection, queued.exchange, "asked", day, cost)
            return queued, seen

    def _reserved(self, connection: psycopg.Connection, day: date, cost: int) -> bool:
        values = {"day": day, "cost": cost, "budget": self._budget_nanousd}
        has_room = connection.execute(_RESERVE, values).fetchone() is not None
        if not has_room and not self.is_out_of_money:
            _log.warning("judging_has_no_budget_left", day=day.isoformat())
        self.is_out_of_money = not has_room
        return has_room

    def _mark(
        self, connection: psycopg.Connection, exchange: str, state: JudgedState, day: date | None, cost: int
    ) -> None:
        connection.execute(
            "UPDATE quality_judged SET state = %s, day = %s, reserved_nanousd = %s WHERE exchange = %s",
            (state, day, cost, exchange),
        )


class Spent(msgspec.Struct, frozen=True):
    """What judging may have cost on a day."""

    day: date
    nanousd: int
    calls: int


async def read_spent(connection: psycopg.AsyncConnection, *, since: date, until: date) -> list[Spent]:
    """The days from one to another, both among them, on which there was a call, the latest first."""
    query = "SELECT day, nanousd, calls FROM quality_spent WHERE day BETWEEN %s AND %s ORDER BY day DESC"
    return [Spent(*row) for row in await (await connection.execute(query, (since, until))).fetchall()]


async def read_states(connection: psycopg.AsyncConnection, *, since: float, until: float) -> dict[JudgedState, int]:
    """How many of the answers that were put down to be judged in a time are how far."""
    query = "SELECT state, count(*) FROM quality_judged WHERE at >= %s AND at < %s GROUP BY state"
    rows = dict(await (await connection.execute(query, (since, until))).fetchall())
    return {state: rows.get(state, 0) for state in JUDGED_STATES}
