"""Roles and what each may do with the admin API, as one table.

The console asks `Actor.may` in a single place for every route.  A role held by a key or a token holds for its tenant;
some permissions are about the installation as a whole, and then only who spans all tenants has them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

from penstock.config.identity import Role
from penstock.core.exchange import Principal

Permission = Literal[
    "status.read",
    "config.read",
    "config.reload",
    "providers.read",
    "models.read",
    "targets.read",
    "targets.write",
    "figures.read",
    "ledger.read",
    "drift.read",
    "prompts.read",
    "keys.read",
    "keys.write",
    "tenants.read",
    "tenants.write",
    "projects.write",
    "limits.read",
    "limits.write",
    "budgets.read",
    "budgets.write",
    "credentials.read",
    "credentials.write",
    "audit.read",
    "alerts.read",
    "alerts.write",
    "webhooks.write",
    "cache.read",
    "cache.write",
    "feedback.read",
    "feedback.write",
    "vault.erase",
    "knowledge.read",
    "knowledge.write",
    "knowledge.search",
    "memory.erase",
    "contents.erase",
    "review.read",
    "review.write",
    "review.manage",
    "review.erase",
]

ROLES: tuple[Role, ...] = get_args(Role)
ALL: frozenset[Permission] = frozenset(get_args(Permission))
INSTALLATION_WIDE: frozenset[Permission] = frozenset(
    {
        "status.read",
        "config.read",
        "config.reload",
        "providers.read",
        "targets.read",
        "targets.write",
        "drift.read",
        "tenants.write",
        "credentials.read",
        "credentials.write",
        "webhooks.write",
    }
)
"""Nobody has these by a role within one tenant: a tenant does not set its own weight, nor all tenants' credentials or
targets; and how an assistant's exchanges have changed is told of those of all tenants."""

_VIEWER: frozenset[Permission] = frozenset(
    {
        "status.read",
        "models.read",
        "figures.read",
        "targets.read",
        "tenants.read",
        "limits.read",
        "budgets.read",
        "alerts.read",
        "cache.read",
        "feedback.read",
    }
)
_DEVELOPER = _VIEWER | frozenset[Permission](
    {"providers.read", "ledger.read", "drift.read", "keys.read", "keys.write", "knowledge.read"}
)
_AUDITOR = _VIEWER | frozenset[Permission](
    {
        "config.read",
        "providers.read",
        "ledger.read",
        "drift.read",
        "prompts.read",
        "keys.read",
        "credentials.read",
        "audit.read",
        "knowledge.read",
        "review.read",
    }
)
_ADMIN = (
    _DEVELOPER
    | _AUDITOR
    | frozenset[Permission](
        {
            "projects.write",
            "limits.write",
            "budgets.write",
            "alerts.write",
            "webhooks.write",
            "cache.write",
            "feedback.write",
            "vault.erase",
            "knowledge.write",
            "knowledge.search",
            "memory.erase",
            "contents.erase",
            "review.write",
            "review.manage",
            "review.erase",
        }
    )
)

PERMISSIONS: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        "owner": ALL,
        "admin": _ADMIN | frozenset[Permission]({"tenants.write", "targets.write", "config.reload"}),
        "developer": _DEVELOPER,
        "reviewer": _VIEWER
        | frozenset[Permission](
            {"ledger.read", "drift.read", "prompts.read", "feedback.write", "review.read", "review.write"}
        ),
        "auditor": _AUDITOR,
        "viewer": _VIEWER,
    }
)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who calls the admin API.  `tenant` is None for one who spans them all.

    `key`, `user`, `groups` and `roles` are the principal's.
    """

    id: str
    tenant: str | None
    permissions: frozenset[Permission]
    models: tuple[str, ...] | None = None
    key: str = ""
    user: str | None = None
    groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions

    def may_grant(self, roles: Iterable[Role]) -> bool:
        """Nobody hands out more than they have."""
        return granted(roles, spans_tenants=False) <= self.permissions


def granted(roles: Iterable[str], *, spans_tenants: bool) -> frozenset[Permission]:
    """What these roles allow; a word that is no role allows nothing."""
    found = frozenset[Permission]().union(*(PERMISSIONS[role] for role in ROLES if role in roles))
    return found if spans_tenants else found - INSTALLATION_WIDE


def actor_of(principal: Principal) -> Actor:
    """The authenticated caller as an actor."""
    return Actor(
        id=principal.key if principal.user is None else f"{principal.key}/{principal.user}",
        tenant=None if principal.spans_tenants else principal.tenant,
        permissions=granted(principal.roles, spans_tenants=principal.spans_tenants),
        models=principal.models,
        key=principal.key,
        user=principal.user,
        groups=principal.groups,
        roles=principal.roles,
    )


OWNER_TOKEN = Actor(id="admin-token", tenant=None, permissions=ALL, key="admin-token")
"""Who holds the admin token."""
