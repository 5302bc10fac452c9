"""Limits and budgets of the data plane: which rules, counted where, at what prices, and who hears of thresholds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import psycopg
import structlog

from penstock.admission.limits import opening
from penstock.admission.limits.book import Notice
from penstock.admission.limits.memory_store import MemoryStore
from penstock.admission.limits.opening import LimitPlace
from penstock.admission.limits.rules.live import LiveRules, RuleFollower
from penstock.admission.limits.rules.written import rules_of_file
from penstock.admission.limits.slices import SliceStore
from penstock.admission.limits.stage import LimitStage, PriceEstimate
from penstock.admission.limits.store import PostgresStore
from penstock.config.datadir import EXPECTS_DATABASE, DataDir
from penstock.config.limits import StoreKind
from penstock.config.types import Config
from penstock.core.clock import Clock, age
from penstock.core.exchange import Exchange
from penstock.core.ports import PriceList, Route, Target
from penstock.core.usage import Usage
from penstock.storage.follow import Listening

_log = structlog.get_logger(__name__)

Connect = Callable[[str], psycopg.Connection | None]
"""A connection to the ledger's database under a name, or None while its address is not known."""


@dataclass(slots=True, kw_only=True)
class PlaneLimits:
    """`start` once, on the event loop that serves; `stop` once, after the last exchange has settled."""

    stage: LimitStage
    kind: StoreKind
    rules: LiveRules
    follower: RuleFollower
    listening: Listening
    """What the rules are followed over; others may join."""

    def start(self) -> None:
        self.stage.supply.start()
        self.follower.start()

    def stop(self) -> None:
        self.follower.stop()
        self.stage.supply.close()

    def use(self, config: Config) -> None:
        """The file's rules and time zones from the next request on.  What is counted under those that stay is kept."""
        self.follower.refile(rules_of_file(config), zones_of_file(config))

    def problems(self) -> tuple[str, ...]:
        """What is wrong, for `/health`."""
        now = self.rules.now
        supply = self.stage.supply
        if not (now.rules and supply.is_lost):
            return now.problems
        health = supply.health()
        return (f"limits cannot be counted ({self.kind}) for {age(health.lost_s)}: {health.reason}", *now.problems)

    def gauges(self) -> tuple[tuple[str, str, float], ...]:
        """For `/metrics`: name, meaning, value."""
        health = self.stage.supply.health()
        return (
            ("penstock_limit_store_up", "Whether the store of limits and budgets answers.", not health.is_store_lost),
            ("penstock_limit_rules", "Limits and budgets in force.", len(self.rules.now.rules)),
            ("penstock_limit_rule_problems", "Those of the database that are broken.", len(self.rules.now.problems)),
            ("penstock_limit_counters", "Counters that this process keeps.", health.counters),
            ("penstock_limit_waiting", "Requests that wait for the store.", health.waiting),
        )


def open_limits(
    config: Config,
    environ: Mapping[str, str],
    *,
    data_dir: DataDir,
    clock: Clock,
    prices: PriceList,
    connect: Connect,
    on_notice: Callable[[Notice], None] | None = None,
) -> PlaneLimits:
    """Everything but running.  `on_notice` hears of budgets' thresholds, which are logged besides; it must not wait.

    Raises `ConfigError` for rules that could not be enforced, and for a store that cannot be had here.
    """
    rules = LiveRules(
        rules_of_file(config),
        zones=zones_of_file(config),
        on_loss=config.limit_store.on_loss,
        snapshot=data_dir.rule_snapshot,
    )
    kind = store_kind(config, environ, data_dir)
    stage = opening.open_limits(
        rules.now.rules,
        store=_open_store(config, kind, clock, partial(connect, "limits")),
        clock=clock,
        price=price_estimate(prices),
        on_notice=partial(_hear, on_notice),
        zone_of=rules.zone_of,
        place=LimitPlace(data_dir.spent, config.server.deadline_s + config.server.drain_max_s),
    )
    listening = Listening(partial(connect, "follow"))
    follower = RuleFollower(stage, rules, connect=listening, refresh_s=config.keys.refresh_s)
    return PlaneLimits(stage=stage, kind=kind, rules=rules, follower=follower, listening=listening)


def limits_of_file(config: Config, prices: PriceList, clock: Clock) -> LimitStage:
    """The configuration's rules alone, with nothing counted yet: for `explain`.  Raises `ConfigError`."""
    zones = zones_of_file(config)
    return opening.open_limits(
        rules_of_file(config),
        store=MemoryStore(clock),
        clock=clock,
        price=price_estimate(prices),
        on_notice=partial(_hear, None),
        zone_of=lambda tenant: zones.get(tenant, "UTC"),
        place=LimitPlace(None, config.server.deadline_s),
    )


def zones_of_file(config: Config) -> dict[str, str]:
    """The time zones that the file gives tenants."""
    return {name: tenant.time_zone for name, tenant in config.tenants.items()}


def store_kind(config: Config, environ: Mapping[str, str], data_dir: DataDir) -> StoreKind:
    """What `auto` comes to here: the ledger's PostgreSQL, where there is or will be one."""
    kind = config.limit_store.kind
    if kind != "auto":
        return kind
    has_database = config.database_url is not None or EXPECTS_DATABASE in environ or data_dir.embedded_database.exists()
    return "postgres" if has_database else "memory"


def price_estimate(prices: PriceList) -> PriceEstimate:
    """What so many tokens cost at the most expensive of the targets that a request's route may lead to.

    A price that is not known for one of them is not known for the request: it may end there.
    """

    def estimate(exchange: Exchange, into: int, out: int) -> int | None:
        route = exchange.route
        if route is None:
            raise RuntimeError("a price needs the route to be chosen before")
        usage = Usage(input_tokens=into, output_tokens=out, accuracy="estimated")
        most = 0
        for target in _targets(route):
            amount = prices.cost(target, usage, at=exchange.started_at).amount_nanousd
            if amount is None:
                return None
            most = max(most, amount)
        return most

    return estimate


def _targets(route: Route) -> tuple[Target, ...]:
    if not route.fallbacks:
        return route.targets
    return (*route.targets, *(target for step in route.fallbacks for target in step.targets))


def _open_store(
    config: Config, kind: StoreKind, clock: Clock, connect: Callable[[], psycopg.Connection | None]
) -> SliceStore:
    settings = config.limit_store
    if kind == "postgres":
        return PostgresStore(connect)
    if kind != "redis" or settings.url is None:
        return MemoryStore(clock)
    try:
        # Imported here: the client is an extra, and slow to load.
        from penstock.admission.limits.redis_store import RedisStore  # noqa: PLC0415 - see above
    except ImportError:
        raise config.problem("limit_store.kind", "Redis needs its client: install penstock[fleet]") from None
    return RedisStore(settings.url.reveal(), is_cluster=settings.cluster, prefix=settings.prefix)


def _hear(tell: Callable[[Notice], None] | None, notice: Notice) -> None:
    _log.warning(
        "budget_alert",
        id=notice.id,
        budget=notice.budget,
        scope=dict(notice.scope),
        percent=notice.percent,
        threshold_usd=notice.threshold_nanousd / 1e9,
        used_usd=notice.used_nanousd / 1e9,
    )
    if tell is not None:
        tell(notice)
