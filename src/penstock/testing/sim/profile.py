"""A profile file: which model names a simulator serves beside its own, and how each behaves.

YAML, written in the grammar of `penstock.testing.Behaviour`:

    default: "first=50ms"                 # for every name that is not listed
    models:
      primary: "first=lognormal(300ms/1200ms),gap=20ms,fault=status@503|reset@0,rate=6%"
      fallback: "first=400ms"
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import yaml

from penstock.core.errors import ConfigError
from penstock.testing.behaviour import PLAIN, Behaviour


@dataclass(frozen=True, slots=True)
class Profile:
    """`models` by name; `default` is for all others."""

    default: Behaviour = PLAIN
    models: Mapping[str, Behaviour] = field(default_factory=dict[str, Behaviour])

    def behaviour(self, model: str) -> Behaviour:
        """What a model name asks for.  Raises `ValueError` where the name is of the grammar but wrong."""
        return self.models.get(model) or Behaviour.of_model(model, self.default)


def read_profile(path: Path) -> Profile:
    """Read a profile file.  Raises `ConfigError` with the place of what is wrong."""
    try:
        content = cast("object", yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=str(path)) from None
    except yaml.YAMLError as error:
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
        raise ConfigError("is not YAML", file=str(path), line=mark.line + 1 if mark else None) from None
    match content:
        case None:
            return Profile()
        case dict():
            fields = cast("dict[object, object]", content)
        case _:
            raise ConfigError("expected the keys `default` and `models`", file=str(path))
    for key in fields:
        if key not in {"default", "models"}:
            raise ConfigError("unknown key; there are `default` and `models`", file=str(path), path=str(key))
    models = fields.get("models", {})
    if not isinstance(models, dict):
        raise ConfigError("expected model names and their behaviours", file=str(path), path="models")
    default = _behaviour(path, "default", fields.get("default", ""), PLAIN)
    named = cast("dict[object, object]", models)
    return Profile(
        default, {str(name): _behaviour(path, f"models.{name}", text, PLAIN) for name, text in named.items()}
    )


def _behaviour(path: Path, place: str, text: object, base: Behaviour) -> Behaviour:
    if not isinstance(text, str):
        raise ConfigError("expected a text such as `first=300ms,gap=20ms`", file=str(path), path=place)
    try:
        return Behaviour.parse(text, base)
    except ValueError as error:
        raise ConfigError(str(error), file=str(path), path=place) from None
