"""Reading from the database as steps, which a thread and an event loop can both take.

Steps yield statements that can be sent together and are given their rows; each yield is one round trip, and all of them
are one transaction, which searches run under the role that bypasses nothing.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString, TypeAlias, TypeVar

import psycopg

from penstock.core.sources import Reader

T = TypeVar("T")
Row: TypeAlias = tuple[Any, ...]

READABLE: LiteralString = "d.tenant = ANY (ARRAY['', %(tenant)s]) AND d.readers && %(readers)s"
"""What every statement says of the documents `d` that it reads, of an `Asker`'s values; the role says it again."""

# Plans are made once for each connection and statement: planning anew, under row-level security, takes longer than the
# statement.  What a planner that knows no values would guess wrongly is switched off.
_ASSUME: LiteralString = """
    SELECT set_config('role', 'penstock_reader', true), set_config('penstock.tenant', %(tenant)s, true),
        set_config('penstock.readers', %(readers)s::text[]::text, true),
        set_config('plan_cache_mode', 'force_generic_plan', true), set_config('jit', 'off', true),
        set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
        set_config('enable_mergejoin', 'off', true), set_config('enable_material', 'off', true)
"""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and all that they are (`penstock.core.sources.readers_of`)."""

    tenant: str
    readers: tuple[Reader, ...]

    @property
    def values(self) -> dict[str, object]:
        return {"tenant": self.tenant, "readers": list(self.readers)}


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement with its values."""

    sql: LiteralString
    values: Mapping[str, object]


Steps: TypeAlias = Generator[Sequence[Statement], list[list[Row]], T]


def assume(asker: Asker) -> Statement:
    """Become the role that sees what the asker may read, until the transaction ends."""
    return Statement(_ASSUME, asker.values)


def take(connection: psycopg.Connection, steps: Steps[T]) -> T:
    """Take the steps in one transaction.  Raises `psycopg.Error` where the database fails."""
    with connection.pipeline(), connection.transaction():
        try:
            batch = next(steps)
            while True:
                cursors = [connection.execute(each.sql, each.values, prepare=True) for each in batch]
                batch = steps.send([cursor.fetchall() for cursor in cursors])
        except StopIteration as done:
            return done.value


async def take_async(connection: psycopg.AsyncConnection, steps: Steps[T]) -> T:
    """As `take`."""
    async with connection.pipeline(), connection.transaction():
        try:
            batch = next(steps)
            while True:
                cursors = [await connection.execute(each.sql, each.values, prepare=True) for each in batch]
                batch = steps.send([await cursor.fetchall() for cursor in cursors])
        except StopIteration as done:
            return done.value
