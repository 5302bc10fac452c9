"""The hard filter on where a request may go: a route without the steps that leave its regions.

`RouteStage` calls it before anything else can see the route, so that fallbacks, second calls, other tiers and a cheaper
model are all behind it.  `config.residency` says which regions a request may touch.
"""

from collections.abc import Callable
from dataclasses import replace

from penstock.core.ports import Route, Target

Regions = Callable[[str, str], frozenset[str] | None]
"""The regions that a request for a model (first) of a tenant (second) may touch; None is everywhere."""


def within(route: Route, regions: frozenset[str]) -> Route | None:
    """`route` with only what lies in `regions`; None where none of its own targets does.

    A target without a region is in none.  Texts written beforehand come from here, and stay.
    """
    targets = _kept(route.targets, regions)
    if not targets:
        return None
    fallbacks = tuple(
        replace(step, targets=_kept(step.targets, regions))
        for step in route.fallbacks
        if step.answer is not None or _kept(step.targets, regions)
    )
    cheaper = None if route.cheaper is None else within(route.cheaper, regions)
    return replace(route, targets=targets, fallbacks=fallbacks, cheaper=cheaper)


def _kept(targets: tuple[Target, ...], regions: frozenset[str]) -> tuple[Target, ...]:
    return tuple(target for target in targets if target.region in regions)
