"""What the planes know of tenants, keys and credentials at one moment: read by `store`, saved by `snapshot`."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from penstock.admission.keys import KeyEntry


@dataclass(frozen=True, slots=True)
class TenantEntry:
    """A tenant, and the projects of it that are not deleted.  One that is not active is suspended or deleted."""

    id: str
    is_active: bool
    weight: float = 1.0
    projects: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, repr=False)
class SealedCredential:
    """A provider's credential as it is stored: useless without the key that `key_id` names."""

    provider: str
    key_id: str
    nonce: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Known:
    """All of it, in one consistent reading."""

    keys: tuple[KeyEntry, ...] = ()
    tenants: tuple[TenantEntry, ...] = ()
    credentials: tuple[SealedCredential, ...] = ()

    def by_tenant(self) -> Mapping[str, TenantEntry]:
        return MappingProxyType({tenant.id: tenant for tenant in self.tenants})
