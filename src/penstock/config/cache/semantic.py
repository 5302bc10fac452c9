"""What the semantic cache may do for a model (`models.*.cache.semantic`), as a frozen value."""

from typing import Annotated, Literal

import msgspec

Start = Literal["shipped", "proven"]
FollowUps = Literal["same_history", "standalone"]


class SemanticSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Answers to another question that means the same.

    `ceiling` is the wrong share that hits may have.  `check_share` of them is checked: the answer is made all the same.
    With `start: proven` nothing is a hit before enough was checked to know; `shipped` begins with the bound that comes
    along.  `max_entries` bounds a partition and `max_partitions` how many there are.  A question within a conversation
    is only compared with those of the same history or, with `follow_ups: standalone`, also where it is understood
    without what was said before.
    """

    ceiling: Annotated[float, msgspec.Meta(gt=0, le=0.2)] = 0.01
    check_share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.05
    start: Start = "proven"
    max_entries: Annotated[int, msgspec.Meta(ge=100, le=1_000_000)] = 100_000
    max_partitions: Annotated[int, msgspec.Meta(ge=1)] = 10_000
    follow_ups: FollowUps = "same_history"
