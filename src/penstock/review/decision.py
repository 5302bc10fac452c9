"""What a person decides of a hold, and what such a decision must have."""

import msgspec

from penstock.core.errors import MalformedRequest
from penstock.review.hold import Outcome, Reason

_MOST_CHARS = 100_000


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """`version` is the one that the reviewer has seen.

    `text` is the answer where it is edited, what the caller is told where it is rejected, and the first message where
    the conversation is taken over.  `reasons` say in which ways the answer failed.  With `remember` the answer enters
    the cache as verified.
    """

    outcome: Outcome
    version: int
    text: str = ""
    reasons: tuple[Reason, ...] = ()
    comment: str = ""
    remember: bool = False


def checked(decision: Decision) -> Decision:
    """The same, without reasons that are said twice.  Raises `MalformedRequest` where it cannot be."""
    outcome = decision.outcome
    if outcome == "approved" and decision.text:
        raise MalformedRequest("An approved answer stays as it is: to change it, edit it.", field="text")
    if outcome != "approved" and not decision.text.strip():
        raise MalformedRequest("It needs the text that the caller gets.", field="text")
    if len(decision.text) > _MOST_CHARS or len(decision.comment) > _MOST_CHARS:
        raise MalformedRequest(f"A text has {_MOST_CHARS} characters at most.", field="text")
    if outcome in {"edited", "rejected"} and not decision.reasons:
        raise MalformedRequest("Say in which way the answer failed.", field="reasons")
    if decision.remember and outcome not in {"approved", "edited"}:
        raise MalformedRequest("Only an approved or edited answer can be given again.", field="remember")
    return msgspec.structs.replace(decision, reasons=tuple(dict.fromkeys(decision.reasons)))
