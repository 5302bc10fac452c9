"""What a model answers from (`models.*.knowledge`), as frozen values.

`app.knowledge` hands it to `knowledge.stage`.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from penstock.config.cache import CacheSettings
from penstock.config.knowledge.grounding import GroundingSettings, broken_grounding

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Said = Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class KnowledgeUse(msgspec.Struct, frozen=True, kw_only=True):
    """The knowledge bases that a model's answers are grounded in.

    `bases` are searched for the last thing that the user said, with words of earlier turns where it does not stand
    alone (`follow_ups`).  At most `passages` of what the caller may read go into the prompt, in `budget_tokens`; those
    of documents that have all that `filters` say, and where `half_life_days` is set the older count less.

    Where nothing is found, nothing nearer to the question than `least_nearness` (a cosine), or the chance that the
    answer is among it is below `least_chance`, none go: the model is told so, or `nothing_found` is said in its place.
    Where nothing can be searched within `timeout_s`, `fail` says whether the request is refused (`closed`) or answered
    without (`open`).  `citations` are `marks` in the text with annotations, annotations alone (`hidden`), or `off`.
    `instructions` take the place of our own.  Without `grounding` no claim is traced.
    """

    bases: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1, max_length=20)]
    passages: Annotated[int, msgspec.Meta(ge=1, le=50)] = 8
    budget_tokens: Annotated[int, msgspec.Meta(ge=300, le=200_000)] = 2_000
    follow_ups: bool = True
    filters: dict[Name, str | tuple[str, ...]] = {}
    half_life_days: Annotated[float, msgspec.Meta(gt=0)] | None = None
    least_nearness: Share = 0.0
    least_chance: Share = 0.0
    nothing_found: Said | None = None
    fail: Literal["closed", "open"] = "closed"
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 2.0
    citations: Literal["marks", "hidden", "off"] = "marks"
    instructions: Said | None = None
    grounding: GroundingSettings | None = None


def broken_knowledge(knowledge: KnowledgeUse | None, cache: CacheSettings) -> Iterator[tuple[str, str]]:
    """Path and message of every rule that is broken, for one model.  Called by `rules`."""
    if knowledge is None:
        return
    for path, message in broken_grounding(knowledge.grounding):
        yield f"knowledge.grounding.{path}", message
    if len(set(knowledge.bases)) < len(knowledge.bases):
        yield "knowledge.bases", "a base is named twice"
    if cache.share == "everyone" and cache.exact is not None:
        yield "cache.share", "`everyone` would share among tenants what is made from one tenant's documents"
