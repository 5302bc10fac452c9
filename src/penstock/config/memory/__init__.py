"""What is kept of conversations, and for how long (`memory` and `models.*.memory`), as frozen values."""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from penstock.config.guards import ModelGuards

Days = Annotated[float, msgspec.Meta(gt=0, le=3_650)]


class MemorySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Of everything that is kept.

    A turn is kept for `keep_days`.  A conversation has at most `most_turns` and `most_bytes`, of which the oldest turns
    go first; a user has at most `most_conversations`, and of answers outside of one the latest `most_answers`.  A
    request waits at most `wait_s` for what was said before.
    """

    keep_days: Days = 30.0
    most_turns: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 500
    most_bytes: Annotated[int, msgspec.Meta(ge=1_024, le=64 * 1024 * 1024)] = 4 * 1024 * 1024
    most_conversations: Annotated[int, msgspec.Meta(ge=1)] = 1_000
    most_answers: Annotated[int, msgspec.Meta(ge=1)] = 1_000
    wait_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 2.0


class ModelMemory(msgspec.Struct, frozen=True, kw_only=True):
    """Of one model, which keeps nothing without it.

    `keep_days` takes the place of the installation's.  `unmasked` says that texts may be kept with personal data in
    them: without it a model that does not mask refuses to start.
    """

    keep_days: Days | None = None
    unmasked: bool = False


def broken_memory(memory: ModelMemory | None, guards: ModelGuards, *, is_here: bool) -> Iterator[tuple[str, str]]:
    """Path and message of every rule that is broken, for one model with the guards that hold for it.

    `is_here` says that what the model is asked may rest where this installation is.  Called by `rules`.
    """
    if memory is None:
        return
    personal = guards.personal_data
    if not memory.unmasked and (personal is None or personal.mode != "enforce"):
        message = "what is said would be kept with personal data in it: let `guards.personal_data` mask it, or say"
        yield "memory", f"{message} `unmasked: true`"
    if not is_here:
        yield "memory", "what is said would be kept outside of the model's regions"
