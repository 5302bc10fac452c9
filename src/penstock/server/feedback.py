"""`POST /v1/feedback`: what an application, or a user through it, says of an answer that it was given."""

from typing import Annotated, Final

import msgspec

from penstock.core.errors import MalformedRequest
from penstock.core.exchange import Principal
from penstock.core.feedback import Feedback, Rating, Remark, Verdict, Words
from penstock.core.json import dumps
from penstock.server.service import TakeFeedback
from penstock.server.sink import Page

PATH: Final = "/v1/feedback"
MOST_BYTES: Final = 262_144
"""Room for both texts at their longest, each character escaped."""


class _Said(msgspec.Struct, forbid_unknown_fields=True):
    """The body, as documented in the OpenAPI description."""

    exchange: Annotated[str, msgspec.Meta(pattern=r"^ex_[0-9a-f]{32}$")]
    verdict: Verdict | None = None
    reason: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_.-]{1,64}$")] | None = None
    user: Annotated[str, msgspec.Meta(min_length=1, max_length=256, pattern=r"^[^\x00]+$")] | None = None
    rating: Rating | None = None
    correction: Words | None = None
    comment: Words | None = None

    @property
    def is_remark(self) -> bool:
        return not (self.rating is None and self.correction is None and self.comment is None)


_decoder = msgspec.json.Decoder(_Said)


async def take_feedback(body: bytes, principal: Principal, take: TakeFeedback, now: float) -> Page:
    """Hand it on and say so; nothing is known yet of the exchange.

    Raises `MalformedRequest` with the field, and what `take` raises.
    """
    said = _read(body)
    user = principal.user or said.user or ""
    feedback = remark = None
    if said.verdict is not None:
        feedback = Feedback(
            exchange=said.exchange,
            tenant=principal.tenant,
            key=principal.key,
            user=user,
            verdict=said.verdict,
            reason=said.reason,
            at=now,
        )
    if said.is_remark:
        remark = Remark(
            exchange=said.exchange,
            tenant=principal.tenant,
            key=principal.key,
            user=user,
            rating=said.rating,
            correction=said.correction,
            comment=said.comment,
            at=now,
        )
    await take(principal, feedback, remark)
    answer = {"object": "feedback", "exchange": said.exchange, "verdict": said.verdict, "status": "accepted"}
    return 202, [("content-type", "application/json")], dumps(answer)


def _read(body: bytes) -> _Said:
    try:
        said = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        text = str(error)
        field = text.rpartition("$.")[2].rstrip("`") if "$." in text else None
        raise MalformedRequest(f"This is no feedback: {text[:300]}.", field=field) from None
    if said.verdict is None and not said.is_remark:
        text = "This is no feedback: it has no `verdict`, and no `rating`, `correction` or `comment`."
        raise MalformedRequest(text, field="verdict")
    if said.reason is not None and said.verdict is None:
        raise MalformedRequest("This is no feedback: a `reason` belongs to a `verdict`.", field="reason")
    return said
