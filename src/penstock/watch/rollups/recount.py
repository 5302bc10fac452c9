"""Makes the sums anew from the ledger: once after an upgrade from before there were any, and whenever somebody doubts.

`penstock ledger recount` calls it.  Nobody is kept from asking meanwhile; whoever ships waits, with the journal as his
memory, and goes on with what the new sums do not hold yet.
"""

from collections.abc import Callable
from itertools import islice

import psycopg

from penstock.storage.pool import connect
from penstock.watch.rollups.batch import Batch
from penstock.watch.rollups.notes import read_notes
from penstock.watch.rollups.store import RollupWriter, empty
from penstock.watch.store import LedgerFilter, LedgerReader

_ROWS = 20_000


def recount(database_url: str, *, told: Callable[[int], None]) -> int:
    """Replace every sum, in one transaction, and return of how many exchanges.  `told` gets how many are done so far.

    Raises `psycopg.Error`, and then everything is as it was.
    """
    with connect(database_url, name="recount") as connection:
        connection.autocommit = True
        with connection.transaction():
            empty(connection)
            writer = RollupWriter(connection)
            rows = LedgerReader(connection).rows(LedgerFilter())
            done = 0
            while chunk := list(islice(rows, _ROWS)):
                batch = Batch()
                for row in chunk:
                    batch.add(row, read_notes(bytes(row.facts)))
                writer.write(writer.prepare(batch))
                done += len(chunk)
                told(done)
            connection.execute("DELETE FROM rollup_debt")
    return done


async def is_owed(connection: psycopg.AsyncConnection) -> bool:
    """Whether the ledger holds exchanges that no sum does, since they are from before there were sums."""
    row = await (await connection.execute("SELECT EXISTS (SELECT FROM rollup_debt)")).fetchone()
    return row is not None and bool(row[0])
