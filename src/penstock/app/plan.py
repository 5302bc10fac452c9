"""The stages of every exchange in their order, put together from the rooms that make them."""

from collections.abc import Callable

from penstock.admission.identity.stage import IdentityStage
from penstock.admission.inflight import InFlightLimit
from penstock.admission.inputs import InputStage, bounds_of
from penstock.admission.limits.stage import LimitStage
from penstock.app.layers import Layers
from penstock.config.inputs import override
from penstock.config.types import Config
from penstock.core.clock import Clock
from penstock.core.ports import Stage
from penstock.flow.plan import Plan
from penstock.routing.tier import TierStage


def new_plan(
    config: Config,
    clock: Clock,
    *,
    limits: LimitStage,
    layers: Layers,
    stale_s: Callable[[str], float | None] = lambda _: None,
) -> Plan:
    """The stages in their order.

    Who may not use a model, or asks too much at once, learns so before a place is taken, and limits come after the
    route and its tier: what is reserved is money at its targets' prices.  The caches come after them, since a hit is a
    request too, and before the tier of a budget, since one that is used up lets hits through.  What changes the request
    comes last: caches know it by what the caller wrote.  On the way back answers are traced to their sources,
    cited, and held where a person is to see them, before a cache keeps anything.  What was said before joins a request
    first of all, so that all others see it.  Contents are noted around the guards and behind all else, in masked
    space.  `stale_s` is `Identities.stale_s`.
    """
    contents = layers.contents
    stages: tuple[Stage, ...] = (
        IdentityStage(clock, stale_s),
        *_first(config, layers, clock),
        *layers.routing.stages,
        limits,
        *(() if contents is None else contents.before_guards),
        *layers.guards.stages,
        *(() if contents is None else contents.behind_guards),
        *(() if layers.memory is None else (layers.memory.keep,)),
        layers.review.stage,
        *layers.caches,
        TierStage(clock),
        *layers.grounding.stages,
        *layers.searches,
        *layers.shorteners.stages,
        *layers.guards.last,
        *(() if layers.memory is None else (layers.memory.deliver,)),
        *(() if contents is None else contents.last),
    )
    return Plan(request=stages, response=layers.guards.around(stages, judged=layers.judged))


def _first(config: Config, layers: Layers, clock: Clock) -> tuple[Stage, ...]:
    """What a request may hold is what goes to a model: with what was said before, where that joins it.

    Reading that waits for a database, and so takes a place first.
    """
    inputs, place = _input_stage(config, clock), InFlightLimit(config.server.max_in_flight, clock)
    return (inputs, place) if layers.memory is None else (place, layers.memory.recall, inputs)


def _input_stage(config: Config, clock: Clock) -> InputStage:
    own = {
        name: bounds_of(override(config.inputs, model.inputs)) for name, model in config.models.items() if model.inputs
    }
    return InputStage(bounds_of(config.inputs), own, clock)
