"""What is promised to callers, as frozen values: how many exchanges are to go well, or quickly."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

import msgspec

_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}\Z")


class ObjectiveSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Of the exchanges of `assistant` (of all, where it is left out) within the last `window_days`, the share `target`.

    `availability` is of those without a fault of ours or a provider's; `latency` of those that were answered within
    `within_s`: whole (`duration`), or until the first event of the answer (`first_event`).
    """

    kind: Literal["availability", "latency"]
    target: Annotated[float, msgspec.Meta(gt=0, lt=1)]
    assistant: _Name | None = None
    within_s: Annotated[float, msgspec.Meta(gt=0, le=86_400)] | None = None
    of: Literal["duration", "first_event"] = "duration"
    window_days: Annotated[int, msgspec.Meta(ge=1, le=92)] = 28


def broken_objectives(objectives: Mapping[str, ObjectiveSettings]) -> Iterator[tuple[str, str]]:
    """Path and message of every rule that is broken.  Called by `rules`."""
    for name, objective in objectives.items():
        path = f"objectives.{name}"
        if not _NAME.match(name):
            yield path, "an objective's name has small letters, digits, `_` and `-` only, 50 at most"
        if objective.kind == "latency" and objective.within_s is None:
            yield f"{path}.within_s", "a latency objective says within how many seconds"
        if objective.kind == "availability" and objective.within_s is not None:
            yield f"{path}.within_s", "only a latency objective has it"
        if objective.target > 0.99999:
            yield f"{path}.target", "more than 99.999 % leaves nothing that could be measured"
