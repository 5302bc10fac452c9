"""What differs between the configuration that runs and the file as it stands now, and how much of it can be taken over.

Called by both planes when they are told to read their file again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import msgspec

from penstock.config.digest import config_hash
from penstock.config.types import Config, Settings

LIVE: tuple[str, ...] = ("limits", "budgets", "tenants", "alerts", "objectives", "review", "traces")
"""The sections that are taken over while everything runs; what stands in the others needs a restart."""


@dataclass(frozen=True, slots=True)
class Adoption:
    """`config` is what is in force from now on: the running one with the file's live sections, and its own hash.

    `taken` and `needs_restart` are dotted paths of what differs; an item of a list goes by its name (`limits.rpm`).
    """

    config: Config
    taken: tuple[str, ...]
    needs_restart: tuple[str, ...]


def adopt(running: Config, written: Config) -> Adoption:
    """Take over of `written`, which is sound, what can be."""
    live = {name: getattr(written, name) for name in LIVE}
    mixed = msgspec.structs.replace(running, **live, lines=written.lines)
    taken: list[str] = []
    needs_restart: list[str] = []
    for field in msgspec.structs.fields(Settings):
        found = _differences(field.name, getattr(running, field.name), getattr(written, field.name))
        (taken if field.name in LIVE else needs_restart).extend(found)
    return Adoption(msgspec.structs.replace(mixed, config_hash=config_hash(mixed)), tuple(taken), tuple(needs_restart))


def _differences(path: str, before: object, after: object) -> Iterator[str]:
    if before == after:
        return
    left, right = _parts(before), _parts(after)
    if left is None or right is None:
        yield path
        return
    found = [
        inner for name in {**left, **right} for inner in _differences(f"{path}.{name}", left.get(name), right.get(name))
    ]
    yield from found or [path]  # the same items in another order


def _parts(value: object) -> Mapping[str, object] | None:
    """What a setting consists of, by name; None for one that is a single value."""
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.asdict(value)
    if isinstance(value, dict):
        return cast("dict[str, object]", value)
    if isinstance(value, tuple):
        items = cast("tuple[object, ...]", value)
        named = {str(getattr(item, "name", "")): item for item in items}
        return named if "" not in named else None
    return None
