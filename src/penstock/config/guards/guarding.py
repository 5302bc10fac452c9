"""What every guard is asked: whether it counts, how it sees a stream, and what happens where it cannot run."""

from typing import Annotated, Literal

import msgspec

Mode = Literal["enforce", "shadow", "off"]
OnStream = Literal["window", "buffer", "observe"]
Fail = Literal["closed", "open"]
Unreadable = Literal["block", "allow"]
GuardAction = Literal["allow", "mask", "block", "hold"]
Direction = Literal["input", "output"]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Guarding(msgspec.Struct, frozen=True, kw_only=True):
    """Of one guard of one model.

    `fail` has no default: where the guard cannot run, `closed` refuses what it would have judged and `open` lets it
    through unjudged; either is recorded.  With `mode: shadow` it judges and records, and changes nothing.  On a stream
    `window` holds back what may become a match and no more, `buffer` all until the end, `observe` nothing: then what
    is found ends the answer after it was seen.
    """

    fail: Fail
    mode: Mode = "enforce"
    stream: OnStream = "window"
