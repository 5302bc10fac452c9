"""The control plane's running parts as one object, and what they say of their health."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec
import psycopg

from penstock.admission.fleet.desk import FleetDesk
from penstock.admission.identity.assembly import Identities, open_identities
from penstock.admission.keys import KeyHasher, open_hasher
from penstock.app.contents.plane import open_opening
from penstock.app.fleet import open_desk
from penstock.app.guards.wording import Wording, open_wording
from penstock.app.quality.opening import open_judging, open_looking
from penstock.app.quality.refused import follow_refused
from penstock.config import Config
from penstock.config.datadir import DataDir
from penstock.console.alerting.keeping import RuleKeeping
from penstock.console.configured.catalog import ShownCatalog
from penstock.console.contents.keeping import ContentKeeping
from penstock.console.drift.keeping import DriftKeeping
from penstock.console.knowledge.shelf import Shelf
from penstock.console.knowledge.workers import Workers, look_for_workers
from penstock.console.memory.keeping import MemoryKeeping
from penstock.console.money.opening import ShownPrices
from penstock.console.probe import get
from penstock.console.quality.keeping import QualityKeeping
from penstock.console.review.entering import CachedAnswers
from penstock.console.review.keeping import Reviewing
from penstock.console.shipping import Shipping
from penstock.console.store import Database
from penstock.console.token import open_admin_token
from penstock.console.tracing import open_tracing
from penstock.console.views import HealthView, JournalView
from penstock.core.clock import Clock, SystemClock, age
from penstock.core.errors import Overloaded
from penstock.core.ids import new_exchange_id
from penstock.storage.embedded import running_url
from penstock.storage.follow import Listening
from penstock.storage.migrate import migrate, require_schema
from penstock.storage.pool import connect
from penstock.watch.alerts.control import Alerting
from penstock.watch.backlog import Backlog, BacklogGauge
from penstock.watch.contents.opening import Opening
from penstock.watch.rollups.recount import is_owed
from penstock.watch.traces.tracing import Tracing

_STOP_SHIPPING_S = 25.0
_OLD_BACKLOG_S = 30.0
_LOOK_TIMEOUT_S = 1.0

PlaneStatus = Literal["ready", "degraded", "not_ready", "unreachable"]


class _PlaneHealth(msgspec.Struct):
    status: Literal["ready", "degraded", "not_ready"]
    in_flight: int | None = None


@dataclass(slots=True, kw_only=True)
class ControlPlane:
    """Made by `open_plane`; `stop` it once, on the event loop that served."""

    config: Config
    environ: Mapping[str, str]
    catalog: ShownCatalog
    prices: ShownPrices
    clock: Clock
    hasher: KeyHasher
    admin_token: str
    journal: Path
    gauge: BacklogGauge
    database: Database
    listening: Listening
    """What is followed in the database: keys, and that the file is to be read again."""
    shipping: Shipping
    identities: Identities
    alerts: Alerting
    rules: RuleKeeping
    tracing: Tracing
    review: Reviewing
    knowledge: Shelf
    memory: MemoryKeeping
    contents: ContentKeeping
    quality: QualityKeeping
    opening: Opening
    """What opens contents of exchanges."""
    drift: DriftKeeping
    desk: FleetDesk | None
    wording: Wording | None
    """What masks texts of reviewers, where anything is masked."""
    started_s: float
    was_ready: bool = False
    reloading: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the file is read again: one after the other."""

    def use(self, config: Config) -> None:
        """Take over the live sections of the configuration: what is shown, what names clash with, and who is told."""
        self.config = config
        self.alerts.use(config.alerts)
        self.rules.use(config)
        self.tracing.use(config.traces)
        self.review.use(config.review, config.alerts)

    async def is_ready(self) -> bool:
        """True once the database answers and has our schema: if it is lost later, this plane is degraded and serves."""
        if not self.was_ready:
            self._note_ready(is_up=await self.database.is_up())
        return self.was_ready

    async def stop(self) -> None:
        """Ship what is left, bounded in time, then close the pool."""
        await asyncio.to_thread(self.identities.stop)
        await asyncio.to_thread(self.rules.stop)
        await asyncio.to_thread(self.alerts.stop)
        await asyncio.to_thread(self.review.stop)
        await asyncio.to_thread(self.memory.stop)
        await asyncio.to_thread(self.contents.stop)
        await asyncio.to_thread(self.drift.stop)
        await asyncio.to_thread(self.quality.stop)
        await asyncio.to_thread(self.shipping.stop, timeout_s=_STOP_SHIPPING_S)
        if self.desk is not None:
            await asyncio.to_thread(self.desk.close)
        await asyncio.to_thread(self.knowledge.close)
        await self.database.aclose()
        await asyncio.to_thread(self.tracing.stop)  # last: who is out of patience by now loses nothing but traces

    async def health(self) -> HealthView:
        """Asks everything; takes two seconds at most, and milliseconds where all is well."""
        backlog, is_up, (data_plane, in_flight), worker, owes_sums = await asyncio.gather(
            asyncio.to_thread(self.gauge.look),
            self.database.is_up(),
            asyncio.to_thread(self._ask_data_plane),
            self._look_for_workers(),
            self._owes_sums(),
        )
        self._note_ready(is_up=is_up)
        reasons = self._reasons(backlog, data_plane, is_up=is_up)
        if worker.is_missed:
            reasons.append("documents wait and no worker takes them in: start one with penstock worker")
        if owes_sums:
            reasons.append("figures lack what was settled before the upgrade: penstock ledger recount adds it")
        status = "not_ready" if not self.was_ready else "degraded" if reasons else "ready"
        return HealthView(
            status=status,
            reasons=reasons,
            postgres="up" if is_up else "down",
            data_plane=data_plane,
            in_flight=in_flight,
            workers=worker.alive,
            journal=JournalView(
                records=backlog.records,
                bytes=backlog.bytes,
                oldest_unshipped_s=backlog.oldest_unshipped_s,
                rejected_files=backlog.rejected_files,
            ),
        )

    def new_id(self, kind: Literal["key", "req", "ovr"]) -> str:
        """`key_`, `req_` or `ovr_` and a time-ordered id."""
        return f"{kind}_{new_exchange_id(self.clock).removeprefix('ex_')}"

    def _note_ready(self, *, is_up: bool) -> None:
        """Only ever from False to True: who has asked the database at the same time may have found it lost since."""
        if is_up and self.shipping.is_prepared:
            self.was_ready = True

    def _reasons(self, backlog: Backlog, data_plane: PlaneStatus, *, is_up: bool) -> list[str]:
        reasons: list[str] = []
        problem = self.shipping.problem
        if problem is not None:
            reasons.append(f"{problem}: the ledger waits in the local journal")
        elif not is_up:
            reasons.append("PostgreSQL does not answer: the ledger waits in the local journal")
        elif not self.shipping.is_prepared:
            reasons.append("the database's schema is being brought up to date")
        if backlog.oldest_unshipped_s > _OLD_BACKLOG_S:
            waited = age(backlog.oldest_unshipped_s)
            reasons.append(f"settled exchanges not in PostgreSQL yet: {backlog.records:,}, the oldest for {waited}")
        if backlog.rejected_files:
            reasons.append(f"{backlog.rejected_files} journal lines were put aside in {self.journal / 'rejected'}")
        if data_plane != "ready":
            reasons.append(f"the data plane is {data_plane.replace('_', ' ')}")
        reasons += self.identities.problems()
        reasons += self.alerts.problems()
        reasons += self.rules.problems()
        reasons += self.tracing.problems()
        reasons += self.review.problems()
        reasons += self.quality.problems()
        return reasons

    async def _look_for_workers(self) -> Workers:
        try:
            async with self.database.connection(timeout_s=_LOOK_TIMEOUT_S) as connection:
                return await look_for_workers(connection, self.config.ingest, now=self.clock.now())
        except (psycopg.Error, Overloaded):
            return Workers(0, is_missed=False)  # that the database is away is said already

    async def _owes_sums(self) -> bool:
        try:
            async with self.database.connection(timeout_s=_LOOK_TIMEOUT_S) as connection:
                return await is_owed(connection)
        except (psycopg.Error, Overloaded):
            return False  # as above

    def _ask_data_plane(self) -> tuple[PlaneStatus, int | None]:
        """How it is, and how many exchanges run in it."""
        server = self.config.server
        reply = get(server.host, server.port, "/health")
        if reply is None:
            return "unreachable", None
        try:
            said = msgspec.json.decode(reply.body, type=_PlaneHealth)
        except msgspec.DecodeError:
            return "unreachable", None
        return said.status, said.in_flight


def open_plane(config: Config, environ: Mapping[str, str]) -> ControlPlane:
    """Everything but running.  Raises `ConfigError` where the data directory's files are damaged."""
    clock = SystemClock()
    root = DataDir(Path(config.data_dir).resolve())
    root.make()
    url = config.database_url

    def find_url() -> str | None:
        return running_url(root.root) if url is None else url.reveal()

    def opened(name: str) -> psycopg.Connection | None:
        found = find_url()
        if found is None:
            return None
        connection = connect(found, name=name)
        connection.autocommit = True
        return connection

    listening = Listening(partial(opened, "follow"))
    journal = root.root / "journal"
    hasher = open_hasher(root)
    tracing = open_tracing(config, environ, clock)
    gauge = BacklogGauge(journal, clock)
    alerts = Alerting(config.alerts, root.root, find_url, clock)
    opening = open_opening(config, root)
    looking = open_looking(config, opening.sealed, clock)
    judging = open_judging(config, environ, root, clock, looking)
    quality = QualityKeeping(looking, judging, clock, opened, keep_days=config.quality.keep_days)
    identities = open_identities(config, root, hasher, clock, connect=listening, reseals=True)
    authenticator = identities.authenticator
    quality.also(follow_refused("control", lambda: authenticator.refusals, clock, listening))
    return ControlPlane(
        config=config,
        environ=environ,
        catalog=ShownCatalog(config, environ, clock),
        prices=ShownPrices(config, root, clock),
        clock=clock,
        hasher=hasher,
        admin_token=open_admin_token(root),
        journal=journal,
        gauge=gauge,
        database=Database(find_url),
        listening=listening,
        # Whoever starts the embedded server makes its schema: that is not us.
        shipping=Shipping(
            journal,
            find_url,
            require_schema if url is None else migrate,
            clock,
            tracing.offer,
            minute_sums_days=config.ledger.minute_sums_days,
        ),
        identities=identities,
        alerts=alerts,
        rules=RuleKeeping(config, find_url, clock, journal=gauge, everywhere=alerts.gauges),
        tracing=tracing,
        review=Reviewing(
            config.review,
            config.alerts,
            root.root,
            find_url=find_url,
            clock=clock,
            source=listening,
            cache=CachedAnswers(config, clock),
        ),
        knowledge=Shelf(config, find_url, clock),
        memory=MemoryKeeping(root.root, clock, listening),
        drift=DriftKeeping(config.drift, find_url, clock),
        contents=ContentKeeping(root.root, clock, partial(opened, "contents"), opening, quality.came),
        quality=quality,
        opening=opening,
        desk=open_desk(config, find_url=find_url),
        wording=open_wording(config, clock),
        started_s=clock.monotonic(),
    )
