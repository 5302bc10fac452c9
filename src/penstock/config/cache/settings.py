"""What is kept of answers, for whom and for how long, as frozen values.  `app.cache` hands them to the cache.

Nothing is kept unless a model says so (`models.*.cache`).
"""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from penstock.config.cache.semantic import SemanticSettings

Share = Literal["everyone", "tenant", "project", "user"]
Replay = Literal["natural", "at_once"]

_MIB = 1024 * 1024
_DAY_S = 86_400.0

Seconds = Annotated[float, msgspec.Meta(gt=0)]
Lifetime = Annotated[float, msgspec.Meta(gt=0, le=366 * _DAY_S)]


class ExactSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Answers to the same request.

    `ttl_s` is how long one is given again; one over `max_answer_bytes` is not kept.  With `sampling: deterministic`
    only requests are that leave no room for chance (temperature 0, one choice).  `tool_calls` keeps answers that call
    tools: only where calling them twice does no harm.  A request waits for an equal one that is under way for `wait_s`
    at most, and is then sent itself.
    """

    ttl_s: Lifetime = 3600.0
    max_answer_bytes: Annotated[int, msgspec.Meta(ge=1)] = 256 * 1024
    sampling: Literal["any", "deterministic"] = "any"
    tool_calls: bool = False
    wait_s: Seconds = 30.0


class CacheSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a model's answers are kept for; without `exact` none is.  `semantic` gives them to other questions too.

    `share` is among whom: the callers of one tenant, project or user, always of the same access groups; `everyone`
    shares between tenants.  `replay` is how a client that streams gets one: at a model's pace, or at once.
    """

    exact: ExactSettings | None = None
    semantic: SemanticSettings | None = None
    share: Share = "tenant"
    replay: Replay = "at_once"


def broken_cache(cache: CacheSettings) -> Iterator[tuple[str, str]]:
    """Path and message of every rule that is broken, for one model.  Called by `rules`."""
    if cache.semantic is not None and cache.exact is None:
        yield "cache.semantic", "it gives answers that `exact` keeps: set `exact` too (`exact: {}` for its defaults)"


class CacheStoreSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where answers are kept: in each process up to `memory_bytes`, and, with `persist`, in PostgreSQL.

    A process that knows of an entry there asks for it, for `lookup_s` at most.  `waiting_bytes` bounds what waits to be
    written, `known_entries` of how many a process knows.  `replay_tokens_per_s` is the pace of a natural replay where
    that of the answer itself is not known.
    """

    memory_bytes: Annotated[int, msgspec.Meta(ge=_MIB)] = 64 * _MIB
    similar_memory_bytes: Annotated[int, msgspec.Meta(ge=_MIB)] = 128 * _MIB
    persist: bool = True
    lookup_s: Annotated[float, msgspec.Meta(gt=0, le=1.0)] = 0.025
    waiting_bytes: Annotated[int, msgspec.Meta(ge=_MIB)] = 16 * _MIB
    known_entries: Annotated[int, msgspec.Meta(ge=1)] = 100_000
    replay_tokens_per_s: Annotated[float, msgspec.Meta(gt=0)] = 60.0
