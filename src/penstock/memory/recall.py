"""Reads what was said before, out of the database and nowhere else: what was deleted a moment ago is not recalled.

A turn that this process has just answered is waited for until it is written; one that another has, for as long.  Where
nothing can be read, nothing is answered: see docs/decisions/0013-conversations-are-read-from-the-database.md.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import psycopg

from penstock.core.clock import Clock
from penstock.core.errors import ConversationLocked, MemoryUnavailable, NotKept
from penstock.memory import store
from penstock.memory.sealing import Sealed
from penstock.memory.store import TurnRow
from penstock.memory.turn import MOST_ID_CHARS, Bounds, Kept, Owner, is_younger
from penstock.memory.writer import DATABASE_AWAY, TurnWriter
from penstock.storage.late import LatePool

AnswerT = TypeVar("AnswerT")

_POLL_S: Final = 0.02
_UNDER_WAY_S: Final = 900.0
"""For how long after it was asked for an answer may still come to the store."""
_AWAY: Final = "What was said before cannot be read at the moment; try again."
_LOCKED: Final = "Another process is currently operating on this conversation. Please retry in a few seconds."


class Recaller:
    """Used on one event loop.  Raises `MemoryUnavailable` where the database does not answer within `wait_s`.

    `writer` is None in `explain`, which writes nothing.
    """

    def __init__(
        self, pool: LatePool, sealed: Sealed, writer: TurnWriter | None, clock: Clock, *, wait_s: float
    ) -> None:
        self._pool = pool
        self._sealed = sealed
        self._writer = writer
        self._clock = clock
        self._wait_s = wait_s

    async def chain(self, owner: Owner, last: str, bounds: Bounds) -> tuple[Kept, ...]:
        """The turns that led to an answer, the oldest first, within the bounds; empty where it is not kept."""
        if not is_id(last):
            return ()
        until_s = self._clock.monotonic() + self._wait_s
        await self._own(last)
        while True:
            now = self._clock.now()
            rows = await self.ask(lambda asked, now=now: store.chain(asked, owner, last, now, most=bounds.most_turns))
            if rows or not self._may_come(last, until_s):
                return self.opened(owner, within(rows, bounds))
            await self._clock.sleep(_POLL_S)

    async def answer(self, owner: Owner, response: str) -> Kept | None:
        """One turn alone; None where it is not kept."""
        if not is_id(response):
            return None
        until_s = self._clock.monotonic() + self._wait_s
        await self._own(response)
        while True:
            now = self._clock.now()
            row = await self.ask(lambda asked, now=now: store.turn(asked, owner, response, now))
            if row is not None or not self._may_come(response, until_s):
                return None if row is None else self.opened(owner, (row,))[0]
            await self._clock.sleep(_POLL_S)

    async def settled(self, conversation: str) -> None:
        """Wait until this process has written what it answered in the conversation."""
        if self._writer is not None:
            await self._in_time(self._writer.settled(conversation))

    async def begin(self, owner: Owner, conversation: str, exchange: str) -> tuple[Kept, ...]:
        """The conversation's turns, the oldest first; it is the exchange's until the writer gives it back.

        Raises `NotKept`, and `ConversationLocked` where another turn of it takes longer than may be waited for.
        """
        if not is_id(conversation):
            raise not_kept("Conversation", conversation, field="conversation")
        until_s = self._clock.monotonic() + self._wait_s
        is_only_looked_at = self._writer is None  # in `explain`

        async def tried(asked: psycopg.AsyncConnection) -> list[TurnRow] | None:
            now = self._clock.now()
            is_ours = is_only_looked_at or await store.begin(asked, owner, conversation, exchange, now)
            if await store.conversation(asked, owner, conversation, now) is None:
                raise not_kept("Conversation", conversation, field="conversation")
            return await store.turns_of(asked, owner, conversation, now) if is_ours else None

        while True:
            rows = await self.ask(tried)
            if rows is not None:
                return self.opened(owner, rows)
            if self._clock.monotonic() >= until_s:
                raise ConversationLocked(_LOCKED, field="conversation", retry_after_s=1.0)
            await self._clock.sleep(_POLL_S)

    async def ask(self, question: Callable[[psycopg.AsyncConnection], Awaitable[AnswerT]]) -> AnswerT:
        """What the database answers, asked in one transaction and bounded in time."""
        try:
            async with asyncio.timeout(self._wait_s):
                pool = await self._pool.opened()
                if pool is None:
                    raise TimeoutError("nobody knows yet where the database is")
                async with pool.connection() as connection:
                    return await question(connection)
        except DATABASE_AWAY as error:
            reason = str(error).strip().partition("\n")[0]
            raise MemoryUnavailable(_AWAY, retry_after_s=2.0, detail=reason) from error

    def opened(self, owner: Owner, rows: Sequence[TurnRow]) -> tuple[Kept, ...]:
        """Raises `MemoryUnavailable` where one is sealed under a key that is not ours."""
        return tuple(
            Kept(
                id=row.id,
                thread=row.thread,
                conversation=row.conversation,
                previous=row.previous,
                hold=row.hold,
                created_at=row.created_at,
                expires_at=row.expires_at,
                size_bytes=row.size_bytes,
                body=self._sealed.opened(owner, row.id, row.sealed),
            )
            for row in rows
        )

    async def _own(self, turn: str) -> None:
        """Where it is still to be written by this process: wait for that."""
        if self._writer is not None:
            await self._in_time(self._writer.written(turn))

    async def _in_time(self, waiting: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(self._wait_s):
                await waiting
        except TimeoutError as error:
            raise MemoryUnavailable(_AWAY, retry_after_s=2.0, detail="it is not written yet") from error

    def _may_come(self, response: str, until_s: float) -> bool:
        is_young = is_younger(response, _UNDER_WAY_S, now=self._clock.now())
        return is_young and self._clock.monotonic() < until_s


def within(rows: Sequence[TurnRow], bounds: Bounds) -> Sequence[TurnRow]:
    """The latest that the bounds allow, and the last in any case."""
    held, first = 0, len(rows)
    for at in range(len(rows) - 1, -1, -1):
        held += rows[at].size_bytes
        if first < len(rows) and (held > bounds.most_bytes or len(rows) - at > bounds.most_turns):
            break
        first = at
    return rows[first:]


def is_id(name: str) -> bool:
    """Whether it can be one at all: what it is not, the database need not be asked about."""
    return name.isascii() and name.isprintable() and 0 < len(name) <= MOST_ID_CHARS


def not_kept(what: str, name: str, *, field: str | None = None) -> NotKept:
    """In OpenAI's words."""
    return NotKept(f"{what} with id '{name[:MOST_ID_CHARS]}' not found.", field=field)
