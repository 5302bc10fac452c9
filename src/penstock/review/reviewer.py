"""Who reviews, what they may see of the queue, and what they may not decide.

A reviewer is in groups by name: those of its token's claims, and those that the queue itself keeps members of
(`hold_members`).  A hold without a group is any reviewer's of its tenant.

An answer says what its documents say: a hold that was made from documents is shown to those alone who may read all of
them now.  A document that is gone is nobody's.
"""

from typing import LiteralString

import msgspec
import psycopg

from penstock.core.errors import PenstockError
from penstock.core.sources import PUBLIC, Reader
from penstock.review.hold import named

MAY_READ: LiteralString = """
    (%(readers)s::text[] IS NULL OR coalesce((
        SELECT bool_and(coalesce((
            SELECT d.readers && %(readers)s::text[] AND d.tenant IN ('', h.tenant) FROM knowledge_documents AS d
            WHERE d.id = made.document
        ), false))
        FROM unnest(h.documents) AS made (document)
    ), true))
"""
"""Of a hold `h`: whether one of `readers` may read each document that it was made from.

All scalar, so that it is asked of the few rows that are looked at, and never joined to all documents.
"""


class UnknownHold(PenstockError):
    """None of this id that the caller may see."""

    code = "unknown_hold"
    status = 404


class HoldTaken(PenstockError):
    """Somebody else is at it, or the caller's time with it is over."""

    code = "hold_taken"
    status = 409


class HoldChanged(PenstockError):
    """It is not as the caller has seen it, or not any more to be decided."""

    code = "hold_changed"
    status = 409


class OwnQuestion(PenstockError):
    """Nobody judges what they asked themselves."""

    code = "own_question"
    status = 403


class Reviewer(msgspec.Struct, frozen=True, kw_only=True):
    """`id` stands in the history.  `tenant` None spans all; `groups` None is every group.

    `readers` are all that the reviewer is where documents name who may read them; None reads every document.
    """

    id: str
    key: str
    tenant: str | None
    user: str | None = None
    groups: frozenset[str] | None = frozenset()
    readers: tuple[Reader, ...] | None = (PUBLIC,)

    @property
    def rights(self) -> dict[str, object]:
        """The values of `MAY_READ`."""
        return {"readers": None if self.readers is None else list(self.readers)}

    def sees(self, *, tenant: str, group: str) -> bool:
        return self.tenant in {None, tenant} and (self.groups is None or group == "" or group in self.groups)

    def asked(self, *, key: str, user: str | None) -> bool:
        """Whether the question was this one's own: the same user, or the same key where that is nobody's token."""
        return named(self.key) == key if self.user is None else named(self.user) == user


def member_of(*, key: str, user: str | None) -> str:
    """What somebody is called in the lists of members; the key of a token is its issuer's, and nobody's."""
    return f"key:{named(key)}" if user is None else f"user:{named(user)}"


async def groups_of(connection: psycopg.AsyncConnection, tenant: str, *, key: str, user: str | None) -> frozenset[str]:
    """The groups that the queue keeps this one a member of."""
    query = 'SELECT "group" FROM hold_members WHERE tenant = %s AND member = %s'
    found = await connection.execute(query, (tenant, member_of(key=key, user=user)))
    return frozenset(row[0] for row in await found.fetchall())


async def members(connection: psycopg.AsyncConnection, tenant: str) -> dict[str, list[str]]:
    """All groups of a tenant that have members here."""
    query = (
        'SELECT "group", array_agg(member ORDER BY member) FROM hold_members WHERE tenant = %s GROUP BY 1 ORDER BY 1'
    )
    return {row[0]: row[1] for row in await (await connection.execute(query, (tenant,))).fetchall()}


async def add_member(connection: psycopg.AsyncConnection, tenant: str, group: str, member: str) -> bool:
    """False where it was one already."""
    query = "INSERT INTO hold_members VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
    return (await connection.execute(query, (tenant, group, _kept(member)))).rowcount == 1


async def drop_member(connection: psycopg.AsyncConnection, tenant: str, group: str, member: str) -> bool:
    """False where it was none."""
    query = 'DELETE FROM hold_members WHERE tenant = %s AND "group" = %s AND member = %s'
    return (await connection.execute(query, (tenant, group, _kept(member)))).rowcount == 1


def _kept(member: str) -> str:
    kind, _, name = member.partition(":")
    return f"{kind}:{named(name)}"
