"""Settings from the environment: `PENSTOCK__SERVER__PORT=8080` overrides `server.port`.

A double underscore stands between levels; names are compared without case, and `-`, `.` and `/` in a name that the
file already has are written `_`.  A value is the setting's text; where a setting is a list or a mapping it is YAML.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from penstock.core.json import JsonObject, JsonValue

PREFIX = "PENSTOCK__"
_AS_UNDERSCORE = str.maketrans("-./", "___")


@dataclass(frozen=True, slots=True)
class FromEnvironment:
    """A text that stood in the environment variable `variable`."""

    variable: str
    text: str


Overlaid = dict[str, "Overlaid | JsonValue | FromEnvironment"]


def overlay(root: JsonObject, environ: Mapping[str, str]) -> Overlaid:
    """`root` with every overlay variable laid over it; `root` itself stays as it is."""
    result: Overlaid = dict(root)
    for variable in sorted(environ):
        if not variable.startswith(PREFIX):
            continue
        names = variable.removeprefix(PREFIX).split("__")
        if all(names):
            _put(result, names, FromEnvironment(variable, environ[variable]))
    return result


def _put(level: Overlaid, names: list[str], value: FromEnvironment) -> None:
    for name in names[:-1]:
        key = _existing(level, name)
        below = level.get(key)
        copy: Overlaid = dict(below) if isinstance(below, dict) else {}
        level[key] = copy
        level = copy
    level[_existing(level, names[-1])] = value


def _existing(level: Overlaid, name: str) -> str:
    lowered = name.lower()
    for key in level:
        if key.lower().translate(_AS_UNDERSCORE) == lowered:
            return key
    return lowered
