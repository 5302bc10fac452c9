"""Which models' answers are traced to their sources, and by what."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from penstock.config.knowledge import GroundingSettings, asked_second
from penstock.config.types import Config
from penstock.core.clock import Clock
from penstock.core.exchange import Exchange
from penstock.core.ports import Route, Sampler, Stage, Target
from penstock.routing.catalog import Catalog
from penstock.routing.residency import Regions, within
from penstock.server.service import Ground

if TYPE_CHECKING:
    from penstock.app.knowledge.tracing import Tracing
    from penstock.encoder.executor import Encoder


class PlaneGrounding:
    """`stages` is empty where no model's answers are traced.  `close` once, after the last exchange has settled."""

    def __init__(self, stages: tuple[Stage, ...] = (), tracing: "Tracing | None" = None) -> None:
        self.stages = stages
        self._tracing = tracing

    @property
    def ground(self) -> Ground | None:
        """For any answer and any sources; None where nothing that could do it is loaded."""
        return None if self._tracing is None else self._tracing.ground

    def close(self) -> None:
        if self._tracing is not None:
            self._tracing.close()


def open_grounding(
    config: Config,
    encoder: "Encoder | None",
    clock: Clock,
    *,
    second: Callable[[Exchange], Sequence[Target]],
    sampler: Sampler | None = None,
) -> PlaneGrounding:
    """Everything but running.  Raises `ConfigError` where the encoder is not the one that the judge was fitted on.

    Without a `sampler` no model is asked the same again.
    """
    policies = groundings_of(config)
    if not policies or encoder is None:
        return PlaneGrounding()
    # Imported here: numpy, of an extra that not everybody has.
    from penstock.app.knowledge.tracing import Tracing  # noqa: PLC0415 - see above
    from penstock.guard.grounded.confidence import load_weights  # noqa: PLC0415 - same
    from penstock.guard.grounded.stage import GroundingStage, Parts  # noqa: PLC0415 - same
    from penstock.guard.grounded.sureness.agreement import Again  # noqa: PLC0415 - same

    tracing = Tracing(encoder)
    parts = Parts(
        trace=tracing.trace,
        align=tracing.align,
        weights=load_weights(),
        clock=clock,
        second=second,
        again=None if sampler is None else Again(ask=sampler, trace=tracing.trace_each, clock=clock),
    )
    return PlaneGrounding((GroundingStage(policies, parts),), tracing)


def others(config: Config, catalog: Catalog, regions: Regions) -> Callable[[Exchange], Sequence[Target]]:
    """Who is asked for a second opinion on an answer: nobody where it is theirs, or outside of the regions allowed."""
    routes: dict[str, Route] = {}
    for name, grounding in groundings_of(config).items():
        settings = asked_second(grounding)
        tiers = catalog.tiers(name)
        if settings is None:
            continue
        if settings.model is not None:
            routes[name] = catalog.resolve(settings.model)
        elif tiers is not None and settings.tier is not None:
            routes[name] = tiers.routes[tiers.names.index(settings.tier)]

    def second(exchange: Exchange) -> Sequence[Target]:
        route: Route | None = routes.get(exchange.request.model)
        allowed = regions(exchange.request.model, exchange.principal.tenant)
        if route is not None and allowed is not None:
            route = within(route, allowed)
        asked = exchange.target
        if route is None or asked is None or any(each.name == asked.name for each in route.targets):
            return ()
        return route.targets

    return second


def groundings_of(config: Config) -> dict[str, GroundingSettings]:
    """By model name."""
    return {
        name: model.knowledge.grounding
        for name, model in config.models.items()
        if model.knowledge is not None and model.knowledge.grounding is not None
    }


def may_hold(settings: GroundingSettings) -> bool:
    """Whether it keeps answers for a person."""
    if settings.mode == "shadow":
        return False
    return settings.action == "hold" or (settings.confidence is not None and settings.confidence.hold is not None)
