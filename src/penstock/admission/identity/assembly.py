"""Identity as one object for a plane: made by `open_identities`, started and stopped with the plane.

The data plane takes all of it; the control plane too, and with `reseals` it also brings stored credentials under the
current key.
"""

from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from penstock.admission.identity.authenticator import Authenticator
from penstock.admission.identity.credential_store import reseal
from penstock.admission.identity.credentials import LiveCredentials, Sealer, open_sealer
from penstock.admission.identity.issuers import IssuerFollower
from penstock.admission.identity.known import Known
from penstock.admission.identity.tokens import LiveTokens
from penstock.admission.keys import KeyHasher, KeyRing, LiveKeys, open_dev_key
from penstock.admission.store import Heed, KeyFollower
from penstock.config.datadir import DataDir
from penstock.config.types import Config
from penstock.core.clock import Clock
from penstock.storage.follow import Source


@dataclass(slots=True, kw_only=True)
class Identities:
    """`start` once, `stop` once.  `changed`, if set, is called from a thread whenever keys or tenants have changed."""

    authenticator: Authenticator
    credentials: LiveCredentials
    sealer: Sealer | None
    follower: KeyFollower
    issuers: dict[str, IssuerFollower]
    changed: Callable[[], None] | None = None

    def start(self) -> None:
        self.follower.start()
        for issuer in self.issuers.values():
            issuer.start()

    def stop(self) -> None:
        for issuer in self.issuers.values():
            issuer.stop()
        self.follower.stop()

    def problems(self) -> tuple[str, ...]:
        """What is wrong, for `/health`."""
        found = [problem for issuer in self.issuers.values() if (problem := issuer.problem()) is not None]
        return (*found, *self.credentials.problems())

    def stale_s(self, issuer: str) -> float | None:
        """For `IdentityStage`: how old an issuer's keys are, where it should have confirmed them long since."""
        found = self.issuers.get(issuer)
        return None if found is None else found.stale_s()


def open_identities(
    config: Config,
    data_dir: DataDir,
    hasher: KeyHasher,
    clock: Clock,
    *,
    connect: Source,
    reseals: bool = False,
) -> Identities:
    """Everything but running; what earlier processes saved is in use at once.

    `connect` gives a connection in autocommit mode, or None while the database's address is not known.
    """
    settings = config.identity
    fixed = (open_dev_key(data_dir, hasher),) if config.keys.dev_key else ()
    keys = LiveKeys(KeyRing(fixed, hasher), clock)
    followers: dict[str, IssuerFollower] = {}
    tokens = LiveTokens(settings.issuers, clock, lambda name: followers[name].want())
    for name, issuer in settings.issuers.items():
        followers[name] = IssuerFollower(name, issuer, tokens, folder=data_dir.issuer_keys, clock=clock)
    sealer = open_sealer(settings)
    credentials = LiveCredentials(sealer)
    made: list[Identities] = []

    def tell(known: Known) -> None:
        tokens.replace_tenants(known.by_tenant())
        credentials.replace(known.credentials)
        if made and made[0].changed is not None:
            made[0].changed()

    def tend(connection: psycopg.Connection) -> None:
        if sealer is not None:
            reseal(connection, sealer, now=clock.now())

    follower = KeyFollower(
        keys=keys,
        hasher=hasher,
        fixed=fixed,
        snapshot=data_dir.key_snapshot,
        connect=connect,
        refresh_s=config.keys.refresh_s,
        heed=Heed(tell, tend if reseals else None),
    )
    identities = Identities(
        authenticator=Authenticator(keys, tokens if settings.issuers else None),
        credentials=credentials,
        sealer=sealer,
        follower=follower,
        issuers=followers,
    )
    made.append(identities)
    return identities
