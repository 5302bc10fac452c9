"""What a model that sums up conversations must be, seen beside the model that it serves; called by `config.rules`."""

from collections.abc import Iterator

from penstock.config.problems import closest
from penstock.config.routing.residency import leaves
from penstock.config.types import Config
from penstock.core.errors import ConfigError


def broken_summaries(config: Config) -> Iterator[ConfigError]:
    """Every summarising model that is not there, has its own prompts summed up, or leaves the regions of the other."""
    for name, model in config.models.items():
        if model.compaction is None or model.compaction.summaries is None:
            continue
        path = f"models.{name}.compaction.summaries.model"
        wanted = model.compaction.summaries.model
        found = config.models.get(wanted)
        if found is None:
            near = closest(wanted, [each for each in config.models if each != name])
            yield config.problem(path, "it names no model of `models`", did_you_mean=near)
        elif found.compaction is not None and found.compaction.summaries is not None:
            yield config.problem(path, "it has its own prompts summed up by a model: name one that has not")
        elif model.regions and any(
            leaves(config.models[each], frozenset(model.regions)) for each in _all(config, wanted)
        ):
            yield config.problem(path, "a step of it is outside of the model's regions")


def _all(config: Config, name: str) -> set[str]:
    """The model, and those that a budget may send its requests to."""
    found: set[str] = set()
    while name in config.models and name not in found:
        found.add(name)
        name = config.models[name].cheaper or ""
    return found
