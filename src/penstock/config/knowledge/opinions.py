"""Second opinions that cannot be had (`models.*.knowledge.grounding.confidence`)."""

from collections.abc import Iterator

from penstock.config.problems import closest
from penstock.config.routing.residency import leaves
from penstock.config.types import Config, ModelSettings
from penstock.core.errors import ConfigError


def broken_opinions(config: Config) -> Iterator[ConfigError]:
    """Every one of no tier or model, of a weaker one, or of one outside of the model's regions.  Called by `rules`."""
    for name, model in config.models.items():
        grounding = None if model.knowledge is None else model.knowledge.grounding
        confidence = None if grounding is None else grounding.confidence
        if confidence is None:
            continue
        path = f"models.{name}.knowledge.grounding.confidence"
        if confidence.tier is not None:
            yield from _tier(config, f"{path}.tier", model, confidence.tier)
        if confidence.model is not None:
            yield from _model(config, f"{path}.model", name, confidence.model)


def _tier(config: Config, path: str, model: ModelSettings, tier: str) -> Iterator[ConfigError]:
    tiers = list(model.tiers)
    if tier not in tiers:
        yield config.problem(path, "the model has no such tier", did_you_mean=closest(tier, tiers))
    elif tier == tiers[0]:
        yield config.problem(path, "it is the weakest tier: what it says is no second opinion on any other")


def _model(config: Config, path: str, name: str, second: str) -> Iterator[ConfigError]:
    found = config.models.get(second)
    if found is None or second == name:
        near = closest(second, [each for each in config.models if each != name])
        yield config.problem(path, "it names no other model of `models`", did_you_mean=near)
        return
    regions = config.models[name].regions
    if regions and leaves(found, frozenset(regions)):
        yield config.problem(path, "a step of it is outside of the model's regions")
