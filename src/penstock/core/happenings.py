"""What became of a conversation, as an application says: it is resolved, a person had to go on, somebody bought."""

from typing import Literal, get_args

import msgspec

HappeningKind = Literal["conversion", "resolved", "escalated", "satisfaction"]
HAPPENING_KINDS: tuple[HappeningKind, ...] = get_args(HappeningKind)

WHOLE_SATISFACTION = 1_000


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """One event, known by its tenant and the caller's own id for it: what says the same again changes nothing.

    It is about an `exchange`, or about a `conversation`, the caller's own name for one; then `model` may say whose.
    `satisfaction` is in thousandths.  `user` is empty where nobody is named.  `at` is Unix seconds.
    """

    id: str
    tenant: str
    key: str
    kind: HappeningKind
    at: float
    user: str = ""
    exchange: str | None = None
    conversation: str | None = None
    model: str | None = None
    value_nanousd: int | None = None
    satisfaction: int | None = None
