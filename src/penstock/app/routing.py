"""Routing of the data plane: which regions hold, and the stage that chooses among tiers."""

from functools import partial
from typing import TYPE_CHECKING

from penstock.config.routing.residency import regions_of
from penstock.config.types import Config
from penstock.core.clock import Clock
from penstock.core.ports import Stage
from penstock.routing.catalog import Catalog, RouteStage
from penstock.routing.residency import Regions

if TYPE_CHECKING:
    from penstock.encoder.executor import Encoder
    from penstock.routing.stage import TierChoice


def open_routing(
    config: Config, catalog: Catalog, clock: Clock, encoder: "Encoder | None" = None
) -> "tuple[RouteStage, TierChoice | None]":
    """The stage that finds the route and, where a model has tiers, the one that chooses among them.

    `encoder` must be of the weights that the complexity head was trained on (`WEIGHTS_SHA256`); None where there is no
    such one.  Raises `ConfigError` where the head cannot be loaded.
    """
    regions = _regions(config)
    route = RouteStage(catalog, clock, regions)
    if not catalog.tiered():
        return route, None
    try:
        # Imported here: they need numpy, which is of an extra, and most installations have no tiers.
        from penstock.routing.complexity import load_complexity  # noqa: PLC0415 - see above
        from penstock.routing.stage import TierChoice  # noqa: PLC0415 - same
    except ImportError:
        path = f"models.{next(iter(catalog.tiered()))}.tiers"
        raise config.problem(path, "choosing among tiers needs numpy: install penstock[encoder]") from None
    head = load_complexity()
    choice = TierChoice(
        catalog,
        {name: model.routing for name, model in config.models.items() if model.tiers},
        clock,
        head=head,
        encoder=encoder,
        plan=lambda tenant: config.tenants[tenant].plan if tenant in config.tenants else None,
        regions=regions,
    )
    return route, choice


def stages_of(route: RouteStage, choice: "TierChoice | None") -> tuple[Stage, ...]:
    """In their order, behind what refuses and before the limits, whose prices need the tier."""
    return (route,) if choice is None else (route, choice)


def _regions(config: Config) -> Regions | None:
    """None where nothing is bound to a region: most requests then need not ask."""
    is_bound = any(model.regions for model in config.models.values())
    is_bound = is_bound or any(tenant.regions for tenant in config.tenants.values())
    return partial(regions_of, config) if is_bound else None
