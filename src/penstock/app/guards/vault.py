"""The vault of a data plane, put together from the configuration: whose tokens outlive their exchange, and where."""

from collections.abc import Callable, Mapping
from functools import partial
from random import SystemRandom

import psycopg

from penstock.admission.keys import open_hasher
from penstock.app.guards.opening import guards_of
from penstock.config.datadir import EXPECTS_DATABASE, DataDir
from penstock.config.types import Config
from penstock.core.clock import Clock
from penstock.guard.personal.vault.held import HeldValues
from penstock.guard.personal.vault.link import VaultLink
from penstock.guard.personal.vault.scope import Scopes
from penstock.guard.personal.vault.sealing import Sealer
from penstock.guard.personal.vault.vault import Bounds, MayRest, Vault, anywhere


def open_vault(
    config: Config,
    environ: Mapping[str, str],
    *,
    data_dir: DataDir,
    clock: Clock,
    connect: Callable[[str], psycopg.Connection | None],
    may_rest: MayRest = anywhere,
) -> Vault | None:
    """Everything but running; None where no model masks anything.

    Raises `ConfigError` where the installation's secret is damaged.
    """
    masking = (guards.personal_data for guards in guards_of(config).values())
    if not any(personal is not None and personal.mode == "enforce" for personal in masking):
        return None
    open_hasher(data_dir)
    secret = bytes.fromhex(data_dir.secret.read_text("ascii").strip())
    settings = config.guards.vault
    has_database = config.database_url is not None or EXPECTS_DATABASE in environ or data_dir.embedded_database.exists()
    link: VaultLink | None = None
    if settings.persist and has_database:
        sealer = sealer_of(config, secret)
        link = VaultLink(partial(connect, "vault"), sealer, clock, waiting_bytes=settings.waiting_bytes)
    bounds = Bounds(ttl_s=settings.ttl_s, lookup_s=settings.lookup_s, memory_bytes=settings.memory_bytes)
    return Vault(Scopes(secret), clock, bounds, link, SystemRandom(), may_rest=may_rest)


def held_values(config: Config, data_dir: DataDir) -> HeldValues:
    """What seals the values of answers that are held.  Raises `ConfigError` where the secret is damaged."""
    open_hasher(data_dir)
    return HeldValues(sealer_of(config, bytes.fromhex(data_dir.secret.read_text("ascii").strip())))


def sealer_of(config: Config, secret: bytes) -> Sealer:
    """Seals under the key that is configured, else under the installation's secret."""
    settings = config.guards.vault
    keys = tuple(bytes.fromhex(key.reveal()) for key in settings.previous_keys)
    # What the secret of the data directory has sealed before a key was named can still be opened.
    current = secret if settings.key is None else bytes.fromhex(settings.key.reveal())
    return Sealer(current, (*keys, secret))
