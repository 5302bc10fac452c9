"""Brings turns to the database as soon as they are said, beside the request path.

A turn is in this machine's outbox before it comes here.  What this process cannot bring in time the control plane finds
in the outbox: either writes it, once.
"""

import asyncio
from collections import OrderedDict
from contextlib import suppress
from typing import Final

import psycopg
import structlog
from psycopg_pool import PoolClosed, PoolTimeout

from penstock.core.clock import Clock
from penstock.memory import store
from penstock.memory.outbox import TurnOutbox
from penstock.memory.turn import Owner, Turn
from penstock.storage.late import LatePool

DATABASE_AWAY: Final = (psycopg.Error, PoolTimeout, PoolClosed, TimeoutError)
_RETRY_S: Final = 0.25
_RENEW_EVERY_S: Final = store.LEASE_S / 4
_MOST_PENDING: Final = 10_000
_STOP_S: Final = 2.0

_log = structlog.get_logger(__name__)


class TurnWriter:
    """Used on one event loop; `start` once, `aclose` once, after the last exchange has settled."""

    def __init__(self, outbox: TurnOutbox, pool: LatePool, clock: Clock) -> None:
        self.outbox = outbox
        self._pool = pool
        self._clock = clock
        self._staged: dict[str, Turn] = {}
        self._pending: OrderedDict[str, tuple[Turn, asyncio.Event]] = OrderedDict()
        self._over: OrderedDict[str, tuple[Owner, str]] = OrderedDict()
        self._at_work: set[str] = set()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._renewed_s = clock.monotonic()
        self._lost: str | None = None
        self.forgotten = 0

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def aclose(self) -> None:
        """What is not written by then is in the outbox."""
        if self._task is not None:
            with suppress(*DATABASE_AWAY):
                async with asyncio.timeout(_STOP_S):
                    await self._write()
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self.outbox.close()

    @property
    def waiting(self) -> int:
        """Turns that this process has still to write."""
        return len(self._pending)

    def problems(self) -> tuple[str, ...]:
        """For `/health`."""
        return () if self._lost is None else (f"what is said waits in the local outbox: {self._lost}",)

    def begun(self, exchange: str) -> None:
        """It has a conversation to itself until `stage`, or `free`."""
        self._at_work.add(exchange)

    def free(self, owner: Owner, conversation: str, exchange: str) -> None:
        """The turn is over, and nothing of it is kept."""
        self._at_work.discard(exchange)
        self._over[exchange] = (owner, conversation)
        self._news.set()

    def stage(self, turn: Turn) -> None:
        """The turn is to be kept once its exchange is in the ledger."""
        self._staged[turn.exchange] = turn

    def recorded(self, exchange: str) -> None:
        """The ledger has the exchange: keep its turn.  Raises `LedgerUnavailable`; then it is not kept."""
        turn = self._staged.pop(exchange, None)
        if turn is None:
            return
        try:
            self.outbox.append(turn)
        except BaseException:
            self._drop(turn)
            raise
        self._pending[turn.id] = (turn, asyncio.Event())
        if len(self._pending) > _MOST_PENDING:  # the outbox has it
            _, (oldest, is_written) = self._pending.popitem(last=False)
            self._at_work.discard(oldest.exchange)
            is_written.set()
            self.forgotten += 1
        self._news.set()

    def unrecorded(self, exchange: str) -> None:
        """The ledger has not taken the exchange: its answer is not given, and its turn not kept."""
        turn = self._staged.pop(exchange, None)
        if turn is not None:
            self._drop(turn)

    async def written(self, turn: str) -> None:
        """Wait until this process has written the turn, if it has still to."""
        found = self._pending.get(turn)
        if found is not None:
            await found[1].wait()

    async def settled(self, conversation: str) -> None:
        """The same of a conversation's turns."""
        for turn, is_written in tuple(self._pending.values()):
            if turn.conversation == conversation:
                await is_written.wait()

    def _drop(self, turn: Turn) -> None:
        if turn.conversation is not None:
            self.free(turn.owner, turn.conversation, turn.exchange)

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_RENEW_EVERY_S):
                    await self._news.wait()
            self._news.clear()
            try:
                await self._write()
                await self._renew()
                self._lost = None
            except DATABASE_AWAY as error:
                self._lost = str(error).strip().partition("\n")[0] or type(error).__name__
                self._news.set()
                await self._clock.sleep(_RETRY_S)
            except Exception as error:  # noqa: BLE001 - boundary: a background job; what it could not write is in the outbox
                _log.error("turns_not_written", exc_info=error)
                self._news.set()
                await self._clock.sleep(_RETRY_S)

    async def _write(self) -> None:
        if not self._pending and not self._over:
            return
        pool = await self._pool.opened()
        if pool is None:
            raise TimeoutError("nobody knows yet where the database is")
        async with pool.connection() as connection:
            while self._pending:
                turn, is_written = next(iter(self._pending.values()))
                await self._write_one(connection, turn)
                self._pending.pop(turn.id, None)
                self._at_work.discard(turn.exchange)
                is_written.set()
            while self._over:
                exchange, (owner, conversation) = next(iter(self._over.items()))
                await store.free(connection, owner, conversation, exchange)
                self._over.pop(exchange, None)

    async def _write_one(self, connection: psycopg.AsyncConnection, turn: Turn) -> None:
        try:
            await store.write_turn(connection, turn)
        except (psycopg.DataError, psycopg.IntegrityError) as error:  # it will not be taken the next time either
            _log.error("turn_refused", turn=turn.id, reason=str(error).strip().partition("\n")[0])

    async def _renew(self) -> None:
        now_s = self._clock.monotonic()
        if now_s - self._renewed_s < _RENEW_EVERY_S or not self._at_work:
            return
        pool = await self._pool.opened()
        if pool is not None:
            async with pool.connection() as connection:
                await store.go_on(connection, tuple(self._at_work))
            self._renewed_s = now_s
