"""What runs beside the requests of a data plane and keeps it in step with the installation.

Keys and credentials, limits, alerts, and what the fleet knows of the targets: each follows a store in a thread of its
own, so that no request ever waits for one.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import psycopg

from penstock.admission.identity.assembly import Identities, open_identities
from penstock.admission.keys import open_hasher
from penstock.admission.targets.gates import TargetGates
from penstock.app.alerts import Alerts, open_alerts
from penstock.app.fleet import Fleet
from penstock.app.limits import PlaneLimits, open_limits
from penstock.config.datadir import DataDir
from penstock.config.types import Config
from penstock.core.clock import Clock
from penstock.core.ports import PriceList
from penstock.storage.embedded import running_url
from penstock.storage.pool import connect


@dataclass(frozen=True, slots=True, kw_only=True)
class Companions:
    """`start` once, on the event loop that serves; `aclose` once, after the last exchange has settled."""

    identities: Identities
    alerts: Alerts
    limits: PlaneLimits
    fleet: Fleet
    database: Callable[[str], psycopg.Connection | None]
    """A new connection under a name, or None while the database's address is not known."""
    database_url: Callable[[], str | None]
    """The database's address, or None while it is not known."""

    def start(self, gates: TargetGates) -> None:
        self.identities.start()
        self.alerts.start()
        self.limits.start()
        self.fleet.start(gates)

    def use(self, config: Config) -> None:
        """Take over the live sections of the configuration, on the event loop."""
        self.limits.use(config)
        self.alerts.use(config.alerts)

    def problems(self) -> tuple[str, ...]:
        """What is wrong with any of them, for `/health`."""
        return (
            *self.identities.problems(),
            *self.fleet.problems(),
            *self.limits.problems(),
            *self.alerts.problems(),
        )

    async def aclose(self) -> None:
        """Limits before alerts: giving back what is left may still tell of a threshold."""
        self.limits.stop()
        await asyncio.to_thread(self.alerts.close)
        self.identities.stop()
        await asyncio.to_thread(self.fleet.stop)


def open_companions(
    config: Config, environ: Mapping[str, str], *, data_dir: DataDir, clock: Clock, prices: PriceList
) -> Companions:
    """Everything but running.  Raises `ConfigError`."""
    database = partial(_connect, config, data_dir)
    alerts = open_alerts(config, data_dir, clock)
    limits = open_limits(
        config, environ, data_dir=data_dir, clock=clock, prices=prices, connect=database, on_notice=alerts.notice
    )
    hasher = open_hasher(data_dir)
    return Companions(
        # Over the connection of the rules: PostgreSQL has only so many for all processes of a fleet.
        identities=open_identities(config, data_dir, hasher, clock, connect=limits.listening),
        alerts=alerts,
        limits=limits,
        fleet=Fleet(config, data_dir.root, clock),
        database=database,
        database_url=partial(find_url, config, data_dir),
    )


def find_url(config: Config, data_dir: DataDir) -> str | None:
    """The address of the database; None while the embedded one is not running."""
    return config.database_url.reveal() if config.database_url is not None else running_url(data_dir.root)


def _connect(config: Config, data_dir: DataDir, name: str) -> psycopg.Connection | None:
    url = find_url(config, data_dir)
    if url is None:
        return None
    opened = connect(url, name=name)
    opened.autocommit = True
    return opened
