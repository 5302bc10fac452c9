"""What comes back to the one who asked: a released answer, or what a person writes who has taken over.

The data plane looks one up for its caller, or follows them all for the next turn of a conversation.  A hold is shown
to who asked and to nobody else: the same tenant, and the same user, or the same key where no user is named.
Texts are in masked space, and what their tokens stand for is the asker's own vault.
"""

from dataclasses import dataclass
from typing import Any, LiteralString

import msgspec
import psycopg
from psycopg.rows import class_row, dict_row

from penstock.core.sources import Reader
from penstock.review.hold import State, named
from penstock.review.reviewer import MAY_READ

CHANNEL = "penstock_review"

_LOCK = 7_016_842_114
"""Of whoever releases: one at a time and until its commit, so that places are in the order of commits."""

_RELEASE: LiteralString = """
    WITH told AS (
        UPDATE hold_contents AS c
        SET released = CASE WHEN NOT %(with_answer)s THEN %(text)s WHEN %(text)s = '' THEN c.answer
            ELSE %(text)s || E'\n\n' || c.answer END
        WHERE hold = %(hold)s RETURNING released)
    INSERT INTO hold_releases (hold, at, author, text, is_message)
    SELECT %(hold)s, %(at)s, %(author)s, released, false FROM told
"""
_SAY: LiteralString = """
    INSERT INTO hold_releases (hold, at, author, text, is_message) VALUES (%s, %s, %s, %s, true)
"""
_ASKED: LiteralString = """
    h.tenant = %(tenant)s AND (h."user" = %(user)s OR (h."user" IS NULL AND %(user)s::text IS NULL AND h.key = %(key)s))
"""
_FIND: LiteralString = f"""
    SELECT h.id, h.exchange, h.model, h.conversation, h.state, h.created_at, h.ended_at, c.hand_over,
        c.released, c.sealed, {MAY_READ} AS may_read,
        coalesce((SELECT jsonb_agg(jsonb_build_object('place', r.place, 'at', r.at, 'text', r.text) ORDER BY r.place)
            FROM hold_releases AS r WHERE r.hold = h.id AND r.is_message), '[]') AS messages
    FROM holds AS h JOIN hold_contents AS c ON c.hold = h.id
    WHERE h.id = %(hold)s AND
"""  # noqa: S608 - put together of constants
_NEWS: LiteralString = """
    SELECT r.place, r.hold, r.at, r.text, r.is_message, h.exchange, h.tenant, h.model, h.key, h."user", h.conversation,
        h.state
    FROM hold_releases AS r JOIN holds AS h ON h.id = r.hold
    WHERE r.place > %s ORDER BY r.place LIMIT %s
"""


class Asker(msgspec.Struct, frozen=True, kw_only=True):
    """Who wants to know.  `user` is the one that the data plane has authenticated, or was told by the key's owner.

    `readers` are all that the asker is where documents name who may read them: no default, since whoever forgets them
    withholds what the asker may see.
    """

    tenant: str
    key: str
    readers: tuple[Reader, ...]
    user: str | None = None


class Spoken(msgspec.Struct, frozen=True):
    """What a person wrote to the conversation."""

    place: int
    at: float
    text: str


class Released(msgspec.Struct, frozen=True, kw_only=True):
    """How a hold stands, for who asked.  `released` is None while nobody has decided.

    `may_read` is whether the asker may read now what the answer was made from: else there are no texts.
    Texts are in masked space; `sealed` is what their tokens stand for.
    """

    id: str
    exchange: str
    model: str
    conversation: str | None
    state: State
    created_at: float
    ended_at: float | None
    hand_over: str
    released: str | None
    sealed: str | None
    messages: tuple[Spoken, ...]
    may_read: bool


@dataclass(frozen=True, slots=True)
class Release:
    """One thing that was released, with whose it is; `is_message` where a person wrote it who took over."""

    place: int
    hold: str
    at: float
    text: str
    is_message: bool
    exchange: str
    tenant: str
    model: str
    key: str
    user: str | None
    conversation: str | None
    state: State


def find(connection: psycopg.Connection, hold: str, asker: Asker) -> Released | None:
    """The hold as its asker sees it; None where there is none for this asker (or it is still on a machine's disk)."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_FIND + _ASKED, _asked(hold, asker)).fetchone()
    return None if row is None else _shown(row)


async def look_up(connection: psycopg.AsyncConnection, hold: str, asker: Asker) -> Released | None:
    """As `find`."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        row = await (await cursor.execute(_FIND + _ASKED, _asked(hold, asker))).fetchone()
    return None if row is None else _shown(row)


def last_place(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT coalesce(max(place), 0) FROM hold_releases").fetchone()
    return 0 if row is None else int(row[0])


def read_news(connection: psycopg.Connection, *, after: int, most: int) -> list[Release]:
    """What was released after `after`, in order."""
    with connection.cursor(row_factory=class_row(Release)) as cursor:
        return cursor.execute(_NEWS, (after, most)).fetchall()


def release_now(connection: psycopg.Connection, hold: str, *, text: str, with_answer: bool, at: float) -> None:
    """Give out the answer with `text` before it, or `text` alone; no person did it.  Inside a transaction, last."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    connection.execute(_RELEASE, _values(hold, text, at, author="penstock", with_answer=with_answer))
    connection.execute("SELECT pg_notify(%s, '')", (CHANNEL,))


async def release(
    connection: psycopg.AsyncConnection, hold: str, *, text: str, with_answer: bool, at: float, author: str
) -> None:
    """As `release_now`, by a person."""
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    await connection.execute(_RELEASE, _values(hold, text, at, author=author, with_answer=with_answer))
    await connection.execute("SELECT pg_notify(%s, '')", (CHANNEL,))


async def say(connection: psycopg.AsyncConnection, hold: str, *, text: str, at: float, author: str) -> None:
    """What a person writes to a conversation that was taken over.  Inside a transaction, last."""
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    await connection.execute(_SAY, (hold, at, author, text))
    await connection.execute("SELECT pg_notify(%s, '')", (CHANNEL,))


def _shown(row: dict[str, Any]) -> Released:
    if not row["may_read"]:
        row |= {"released": None, "sealed": None, "messages": []}
    return msgspec.convert(row, Released)


def _values(hold: str, text: str, at: float, *, author: str, with_answer: bool) -> dict[str, Any]:
    return {"hold": hold, "text": text, "with_answer": with_answer, "at": at, "author": author}


def _asked(hold: str, asker: Asker) -> dict[str, object]:
    user = None if asker.user is None else named(asker.user)
    readers = list(asker.readers)
    return {"hold": hold, "tenant": asker.tenant, "key": named(asker.key), "user": user, "readers": readers}
