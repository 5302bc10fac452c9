"""The caller of the admin API as a reviewer: which holds are theirs."""

from typing import Annotated

from fastapi import Depends

from penstock.console.access import Call, Caller, Plane
from penstock.core.sources import Reader, readers_of
from penstock.review.queue import Act
from penstock.review.reviewer import Reviewer, groups_of


async def reviewer(plane: Plane, call: Caller) -> Act:
    """Who manages the queue, or reads the audit, sees every group; others those that they are in."""
    actor = call.actor
    groups: frozenset[str] | None = None
    readers: tuple[Reader, ...] | None = None
    if not (actor.may("review.manage") or actor.may("audit.read")):
        groups = frozenset(actor.groups)
        # As documents name readers: the groups of the queue are its own, and open no document.
        readers = readers_of(user=actor.user, roles=actor.roles, groups=actor.groups)
        if actor.tenant is not None:
            async with plane.database.connection() as connection:
                groups |= await groups_of(connection, actor.tenant, key=actor.key, user=actor.user)
    who = Reviewer(id=actor.id, key=actor.key, tenant=call.scope, user=actor.user, groups=groups, readers=readers)
    return Act(who, now_of(call))


def now_of(call: Call) -> float:
    return call.now.timestamp()


Reviewing = Annotated[Act, Depends(reviewer)]
