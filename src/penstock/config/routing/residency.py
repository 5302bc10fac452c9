"""Where requests may go and what is kept may rest: the one place that says it, for every layer.

Models and tenants may name `regions`; what both name holds.  A target without a region is in none of them.  What
Penstock keeps itself (cached answers, vectors, records) rests where it runs, which is the setting `region`.
"""

from collections.abc import Iterator

from penstock.config.types import Config, ModelSettings, TargetSettings
from penstock.core.errors import ConfigError


def regions_of(config: Config, model: str, tenant: str) -> frozenset[str] | None:
    """The regions that a request of `tenant` for `model` may touch; None is everywhere, empty is nowhere."""
    of_model = config.models[model].regions if model in config.models else ()
    of_tenant = config.tenants[tenant].regions if tenant in config.tenants else ()
    if not of_model or not of_tenant:
        return frozenset(of_model or of_tenant) or None
    return frozenset(of_model) & frozenset(of_tenant)


def may_rest_here(config: Config, model: str, tenant: str) -> bool:
    """Whether what is made of such a request (a cached answer, a vector) may be kept by this installation."""
    allowed = regions_of(config, model, tenant)
    return allowed is None or config.region in allowed


def broken_residency(config: Config) -> Iterator[ConfigError]:
    """Every step of a model that would leave its regions, and regions without knowing one's own.  Called by `rules`."""
    bound = [f"models.{name}.regions" for name, model in config.models.items() if model.regions]
    bound += [f"tenants.{name}.regions" for name, tenant in config.tenants.items() if tenant.regions]
    if bound and config.region is None:
        yield config.problem(bound[0], "say where this installation runs and keeps what it stores: set `region`")
    for name, model in config.models.items():
        if not model.regions:
            continue
        for path, target in _steps(f"models.{name}", model):
            if target.region not in model.regions:
                yield config.problem(path, f"{_place(target)} is outside of the model's regions")
        cheaper = config.models.get(model.cheaper or "")
        if cheaper is not None and leaves(cheaper, frozenset(model.regions)):
            yield config.problem(f"models.{name}.cheaper", "a step of it is outside of the model's regions")


def leaves(model: ModelSettings, allowed: frozenset[str]) -> bool:
    """Whether a step of the model itself lies outside of the regions."""
    return any(target.region not in allowed for _, target in _steps("", model))


def _steps(path: str, model: ModelSettings) -> Iterator[tuple[str, TargetSettings]]:
    for index, target in enumerate(model.targets):
        yield f"{path}.targets.{index}.region", target
    for tier, targets in model.tiers.items():
        for index, target in enumerate(targets):
            yield f"{path}.tiers.{tier}.{index}.region", target
    for place, fallback in enumerate(model.fallbacks):
        for index, target in enumerate(fallback.targets):
            yield f"{path}.fallbacks.{place}.targets.{index}.region", target


def _place(target: TargetSettings) -> str:
    if target.region is None:
        return f"`{target.provider}/{target.model}` names no region, so that it"
    return f"`{target.provider}/{target.model}` in `{target.region}`"
