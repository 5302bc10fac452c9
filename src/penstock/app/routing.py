"""Routing of the data plane: which regions hold, and the stage that chooses among tiers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from penstock.config.routing.residency import may_rest_here, regions_of
from penstock.config.types import Config
from penstock.core.clock import Clock
from penstock.core.exchange import Exchange
from penstock.core.ports import Stage
from penstock.routing.catalog import Catalog, RouteStage

if TYPE_CHECKING:
    from penstock.encoder.executor import Encoder
    from penstock.routing.stage import TierChoice


_log = structlog.get_logger(__name__)


class _InForce:
    """What the configuration that is in force says of tenants: they may change while everything runs."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def regions(self, model: str, tenant: str) -> frozenset[str] | None:
        return regions_of(self.config, model, tenant)

    def may_rest(self, exchange: Exchange) -> bool:
        return may_rest_here(self.config, exchange.request.model, exchange.principal.tenant)

    def plan(self, tenant: str) -> str | None:
        found = self.config.tenants.get(tenant)
        return None if found is None else found.plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """`choice` is None where no model has tiers."""

    route: RouteStage
    choice: "TierChoice | None"
    in_force: _InForce

    @property
    def stages(self) -> tuple[Stage, ...]:
        """In their order, behind what refuses and before the limits, whose prices need the tier."""
        return (self.route,) if self.choice is None else (self.route, self.choice)

    def may_rest(self, exchange: Exchange) -> bool:
        """Whether what is made of the request may be kept where this installation is."""
        return self.in_force.may_rest(exchange)

    def gauges(self) -> tuple[tuple[str, str, float], ...]:
        """For `/metrics`: name, meaning, value."""
        if self.choice is None:
            return ()
        outcomes, failures = self.choice.heard
        return (
            ("penstock_routing_outcomes", "Outcomes of weaker tiers that the dials have heard of.", outcomes),
            ("penstock_routing_failures", "Those of them that were not good enough.", failures),
        )

    def use(self, config: Config) -> None:
        """Heed the regions and plans of `config` from the next request on."""
        self.in_force.config = config


def open_routing(config: Config, catalog: Catalog, clock: Clock, encoder: "Encoder | None" = None) -> Routing:
    """The stage that finds the route and, where a model has tiers, the one that chooses among them.

    An `encoder` of other weights than the complexity head was trained on is left aside, as one that is not there: every
    choice says so.  Raises `ConfigError` where the head cannot be loaded.
    """
    in_force = _InForce(config)
    route = RouteStage(catalog, clock, in_force.regions)
    if not catalog.tiered():
        return Routing(route=route, choice=None, in_force=in_force)
    try:
        # Imported here: they need numpy, which is of an extra, and most installations have no tiers.
        from penstock.routing.complexity import load_complexity  # noqa: PLC0415 - see above
        from penstock.routing.stage import TierChoice  # noqa: PLC0415 - same
    except ImportError:
        path = f"models.{next(iter(catalog.tiered()))}.tiers"
        raise config.problem(path, "choosing among tiers needs numpy: install penstock[encoder]") from None
    head = load_complexity()
    if encoder is not None and encoder.weights_sha256 != head.encoder_sha256:
        _log.warning("tiers_go_by_wording", reason="the complexity head was trained on another encoder")
        encoder = None
    choice = TierChoice(
        catalog,
        {name: model.routing for name, model in config.models.items() if model.tiers},
        clock,
        head=head,
        encoder=encoder,
        plan=in_force.plan,
        regions=in_force.regions,
    )
    return Routing(route=route, choice=choice, in_force=in_force)
