"""Finds exchanges by the words that were said in them, the newest first, though no word stands in the database.

A search goes back day by day, then by ever more days at once.  What the marks of its words have in common is opened
and read, since marks may collide and a phrase has an order.  A word that very many exchanges of a day have is not
looked up: then the day is read from its end.  Work is bounded in time; a search that does not come to its end says how
far it came, and goes on from there.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, LiteralString

import psycopg

from penstock.core.clock import Clock
from penstock.core.errors import MalformedRequest
from penstock.watch.contents import store
from penstock.watch.contents.content import Content
from penstock.watch.contents.marks import DAY_S
from penstock.watch.contents.opening import Opening
from penstock.watch.contents.outbox import asked_at, sound
from penstock.watch.contents.sealing import Unreadable
from penstock.watch.contents.store import KeptRow
from penstock.watch.contents.words import Term, plain, read, snippet, wanted

MOST_TENANTS: Final = 20
"""In which a search looks at once, where none is named."""
WITHIN_S: Final = 0.4

_MANY: Final = 1_000
"""So many exchanges of a step are opened before it is read from its end instead."""
_AT_ONCE: Final = 50
_READ_AT_ONCE: Final = 1_000
_AFTER_ALL: Final = "ex_~"
_MOST_DAYS: Final = 512
_MOST_WORDS: Final = 8
"""The longest words are looked up, which are the rarest; the others are looked for in what was found."""
_LEAST_LEFT_S: Final = 0.01

_TENANTS: LiteralString = """
    WITH RECURSIVE known AS (
        (SELECT tenant FROM contents ORDER BY tenant LIMIT 1)
        UNION ALL
        SELECT (SELECT c.tenant FROM contents AS c WHERE c.tenant > known.tenant ORDER BY c.tenant LIMIT 1)
        FROM known WHERE known.tenant IS NOT NULL)
    SELECT tenant FROM known WHERE tenant IS NOT NULL LIMIT %s
"""
_EXTENT: LiteralString = """
    SELECT min(first), max(last) FROM unnest(%(tenants)s::text[]) AS t (name), LATERAL (
        SELECT (SELECT id FROM contents WHERE tenant = t.name AND id >= %(low)s ORDER BY id LIMIT 1) AS first,
            (SELECT id FROM contents WHERE tenant = t.name AND id < %(high)s ORDER BY id DESC LIMIT 1) AS last) AS found
"""
# By the marks alone: they are of the tenants and days that are looked in, and no other index narrows it further.
_BY_MARKS: LiteralString = "SELECT id FROM contents WHERE marks && %s::bigint[]"
_AND: LiteralString = " AND marks && %s::bigint[]"
_MATCHES: LiteralString = "SELECT id, marks IS NOT NULL AND marks && %s::bigint[]"
_LATEST: LiteralString = """
    FROM contents WHERE tenant = ANY (%s) AND id < %s AND id >= %s ORDER BY id DESC LIMIT %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """`tenants` are whose contents are looked in; `since` is inclusive, `until` and the exchange `before` are not."""

    terms: Sequence[Term]
    tenants: Sequence[str]
    since: float | None = None
    until: float | None = None
    before: str | None = None
    limit: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    exchange: str
    tenant: str
    content: Content
    where: str
    snippet: str


@dataclass(slots=True)
class Found:
    """`next` is what a search goes on `before`, None where there is nothing more.

    `is_whole` says that there was time enough.
    """

    hits: list[Hit] = field(default_factory=list[Hit])
    next: str | None = None
    is_whole: bool = True
    unreadable: int = 0


async def tenants_of(connection: psycopg.AsyncConnection, *, most: int = MOST_TENANTS) -> list[str]:
    """Those who have contents.  Raises `MalformedRequest` where they are too many to look in all at once."""
    found = await (await connection.execute(_TENANTS, (most + 1,))).fetchall()
    if len(found) > most:
        raise MalformedRequest("There are too many tenants to look in all of them: say which.", field="tenant")
    return [each[0] for each in found]


def bound_of(at: float) -> str:
    """Before every exchange of that moment, and behind all that were earlier."""
    return f"ex_{max(int(at * 1000), 0):012x}"


class Search:
    """One search.  `run` once, in no transaction: it has its own."""

    def __init__(
        self,
        connection: psycopg.AsyncConnection,
        opening: "Opening",
        clock: Clock,
        asked: Asked,
        *,
        within_s: float = WITHIN_S,
    ) -> None:
        self._connection = connection
        self._sealed = opening.sealed
        self._marker = opening.marker
        self._clock = clock
        self._asked = asked
        self._tenants = [sound(each) for each in asked.tenants]
        self._words = wanted(asked.terms)[:_MOST_WORDS]
        self._until_s = clock.monotonic() + within_s
        self._found = Found()
        self._cursor = _AFTER_ALL

    async def run(self) -> Found:
        """The newest first, at most `limit`."""
        asked, found = self._asked, self._found
        low = bound_of(0.0 if asked.since is None else asked.since)
        high = _AFTER_ALL if asked.until is None else bound_of(asked.until)
        high = high if asked.before is None else min(high, asked.before)
        values = {"tenants": self._tenants, "low": low, "high": high}
        async with self._connection.transaction():
            extent = await (await self._connection.execute(_EXTENT, values)).fetchone()
        if extent is None or extent[0] is None or extent[1] is None:
            return found
        self._cursor = min(high, extent[1] + "~")
        try:
            for days in _Steps(_day(extent[0]), _day(extent[1])):
                if await self._is_enough(days, max(low, bound_of(days.first * DAY_S))):
                    found.next = self._cursor
                    break
        except (psycopg.errors.QueryCanceled, TimeoutError):
            found.next, found.is_whole = self._cursor, False
        return found

    async def _is_enough(self, days: "_Days", start: str) -> bool:
        """Look into some days, which begin at `start`; whether no more is wanted."""
        ids = await self._by_marks(days)
        if ids is not None:
            found = await self._look_into([each for each in ids if start <= each < self._cursor])
            self._cursor = self._cursor if found else start
            return found
        if days.count > 1:
            days.split()
            return False
        return await self._from_the_end(days, start)

    async def _by_marks(self, days: "_Days") -> list[str] | None:
        """Exchanges that have all of the words by their marks, the newest first; None where they are very many."""
        lists = self._lists(days)
        statement = _BY_MARKS + _AND * (len(lists) - 1) + " LIMIT %s"
        try:
            # The planner cannot know how rare a word is; nothing but the marks' index may answer this.
            rows = await self._ask(statement, (*lists, _MANY + 1), without="enable_seqscan", share=0.5)
        except psycopg.errors.QueryCanceled:
            return None
        return None if len(rows) > _MANY else sorted((each[0] for each in rows), reverse=True)

    async def _from_the_end(self, days: "_Days", start: str) -> bool:
        """So many exchanges at a time, whatever was said in them: each look comes further, however rare a match is."""
        lists = self._lists(days)
        statement = _MATCHES + _AND * (len(lists) - 1) + _LATEST
        if len(self._tenants) == 1:  # then the index has them in this order
            statement = statement.replace("tenant = ANY (%s)", "tenant = %s")
        whose = self._tenants[0] if len(self._tenants) == 1 else self._tenants
        while True:
            values = (*lists, whose, self._cursor, start, _READ_AT_ONCE)
            rows = await self._ask(statement, values, without="enable_bitmapscan")
            if await self._look_into([each[0] for each in rows if each[1]]):
                return True
            self._cursor = rows[-1][0] if len(rows) == _READ_AT_ONCE else start
            if self._cursor == start:
                return False

    async def _look_into(self, ids: Sequence[str]) -> bool:
        """Open them and keep those that have what is looked for; whether that is as many as are wanted."""
        for at in range(0, len(ids), _AT_ONCE):
            self._left_s()
            part = ids[at : at + _AT_ONCE]
            async with self._connection.transaction():
                rows = await store.read(self._connection, part, tenants=self._tenants, now=self._clock.now())
            for hit in await asyncio.to_thread(self._hits, rows):
                self._found.hits.append(hit)
                self._cursor = hit.exchange
                if len(self._found.hits) == self._asked.limit:
                    return True
            self._cursor = part[-1]
        return False

    def _lists(self, days: "_Days") -> list[list[int]]:
        """For each word all marks that it may have in these days."""
        between = range(days.first, days.last + 1)
        return [self._marker.every_mark(self._tenants, between, word) for word in self._words]

    def _hits(self, rows: Sequence[KeptRow]) -> list[Hit]:
        found: list[Hit] = []
        for row in rows:
            try:
                content = self._sealed.open(row.tenant, row.id, row.key_id, row.sealed)
            except Unreadable:
                self._found.unreadable += 1
                continue
            hit = _hit(row, content, self._asked.terms)
            if hit is not None:
                found.append(hit)
        return found

    async def _ask(
        self, statement: LiteralString, values: Sequence[object], *, without: LiteralString, share: float = 1.0
    ) -> list[tuple[Any, ...]]:
        """Raises `QueryCanceled` or `TimeoutError` where the search's time, or this share of it, is over."""
        left_ms = max(int(self._left_s() * share * 1000), 1)
        async with self._connection.transaction():
            await self._connection.execute(
                "SELECT set_config('statement_timeout', %s, true), set_config(%s, 'off', true)",
                (str(left_ms), without),
            )
            return await (await self._connection.execute(statement, values)).fetchall()

    def _left_s(self) -> float:
        """How long the search may still take.  Raises `TimeoutError`."""
        left_s = self._until_s - self._clock.monotonic()
        if left_s < _LEAST_LEFT_S:
            raise TimeoutError
        return left_s


class _Days:
    """A step: days since 1970, both inclusive."""

    __slots__ = ("first", "is_split", "last")

    def __init__(self, first: int, last: int) -> None:
        self.first = first
        self.last = last
        self.is_split = False

    @property
    def count(self) -> int:
        return self.last - self.first + 1

    def split(self) -> None:
        """Too much stands in these days to be looked at together."""
        self.is_split = True


class _Steps:
    """Back in time, the first day by itself and then twice as many each time, where they are not split."""

    def __init__(self, first: int, last: int) -> None:
        self._first = first
        self._last = last

    def __iter__(self) -> Iterator[_Days]:
        last, count = self._last, 1
        while last >= self._first:
            days = _Days(max(last - count + 1, self._first), last)
            yield days
            if days.is_split:
                count = 1
                continue
            last, count = days.first - 1, min(2 * count, _MOST_DAYS)


def _hit(row: KeptRow, content: Content, terms: Sequence[Term]) -> Hit | None:
    missing = list(terms)
    shown: tuple[str, str] | None = None
    for where, text in content.texts():
        said = plain(text)
        words = read(said)
        here = [term for term in missing if term.stands_in(words)]
        if here and shown is None:
            shown = (where, snippet(said, here))
        missing = [term for term in missing if term not in here]
        if not missing and shown is not None:
            return Hit(exchange=row.id, tenant=row.tenant, content=content, where=shown[0], snippet=shown[1])
    return None


def _day(exchange: str) -> int:
    return int(asked_at(exchange) // DAY_S)
