"""The slices in PostgreSQL: the store that is always there.  One statement a batch, durable before it is answered.

Called by the thread of `LimitSupply`, on a connection of its own.
"""

from collections.abc import Callable, Sequence

import msgspec
import psycopg

from penstock.admission.limits.slices import CLAIM_S, LONGEST_STEP_S, STARVING_S, Ask, Replies, Reply, StoreLost

_TIMEOUT_MS = 3000
_FORGET_EVERY = 200
_FORGET_ROWS = 1000
_LEASE = (
    "SELECT at, place, held, granted, used, is_starving, due"
    " FROM lease_limits(%s, %s, %s, %s, %s, %s::jsonb) ORDER BY place"
)
_NOW = "SELECT extract(epoch FROM clock_timestamp())::double precision"
_FORGET = (
    "DELETE FROM limit_counters WHERE key IN (SELECT key FROM limit_counters WHERE expires_at <"
    " extract(epoch FROM clock_timestamp()) LIMIT %s FOR UPDATE SKIP LOCKED)"
)


class PostgresStore:
    """`SliceStore`.  `connect` gives a new connection, or None while the database's address is not known."""

    def __init__(self, connect: Callable[[], psycopg.Connection | None]) -> None:
        self._connect = connect
        self._connection: psycopg.Connection | None = None
        self._calls = 0

    @property
    def is_local(self) -> bool:
        return False

    def exchange(self, lease: str, batch: int, asks: Sequence[Ask]) -> Replies:
        try:
            connection = self._connected()
            if not asks:
                row = connection.execute(_NOW).fetchone()
                return Replies(row[0] if row is not None else 0.0, ())
            encoded = msgspec.json.encode([_placed(place, ask) for place, ask in enumerate(asks)])
            rows = connection.execute(
                _LEASE, (lease, batch, STARVING_S, CLAIM_S, LONGEST_STEP_S, encoded.decode())
            ).fetchall()
            self._forget_now_and_then(connection)
        except psycopg.Error as error:
            self.close()
            raise StoreLost(str(error).strip().partition("\n")[0]) from None
        replies = [Reply(held=r[2], granted=r[3], used=r[4], is_starving=r[5], due=r[6]) for r in rows]
        return Replies(rows[-1][0], tuple(replies))

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connected(self) -> psycopg.Connection:
        if self._connection is None:
            connection = self._connect()
            if connection is None:
                raise StoreLost("the database's address is not known yet")
            connection.autocommit = True
            connection.execute("SELECT set_config('statement_timeout', %s, false)", (str(_TIMEOUT_MS),))
            self._connection = connection
        return self._connection

    def _forget_now_and_then(self, connection: psycopg.Connection) -> None:
        self._calls += 1
        if self._calls % _FORGET_EVERY == 0:
            connection.execute(_FORGET, (_FORGET_ROWS,))


def _placed(place: int, ask: Ask) -> dict[str, int | str | bool]:
    return {"place": place, **msgspec.structs.asdict(ask)}
