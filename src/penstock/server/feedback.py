"""`POST /v1/feedback`: what an application, or a user through it, says of an answer that it was given."""

from typing import Annotated, Final

import msgspec

from penstock.core.errors import MalformedRequest
from penstock.core.exchange import Principal
from penstock.core.feedback import Feedback, Verdict
from penstock.core.json import dumps
from penstock.server.service import TakeFeedback
from penstock.server.sink import Page

PATH: Final = "/v1/feedback"
MOST_BYTES: Final = 16_384


class _Said(msgspec.Struct, forbid_unknown_fields=True):
    """The body, as documented in the OpenAPI description."""

    exchange: Annotated[str, msgspec.Meta(pattern=r"^ex_[0-9a-f]{32}$")]
    verdict: Verdict
    reason: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_.-]{1,64}$")] | None = None
    user: Annotated[str, msgspec.Meta(min_length=1, max_length=256, pattern=r"^[^\x00]+$")] | None = None


_decoder = msgspec.json.Decoder(_Said)


def take_feedback(body: bytes, principal: Principal, take: TakeFeedback, now: float) -> Page:
    """Hand it on and say so; nothing is known yet of the exchange.

    Raises `MalformedRequest` with the field, and what `take` raises.
    """
    try:
        said = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        text = str(error)
        field = text.rpartition("$.")[2].rstrip("`") if "$." in text else None
        raise MalformedRequest(f"This is no feedback: {text[:300]}.", field=field) from None
    feedback = Feedback(
        exchange=said.exchange,
        tenant=principal.tenant,
        key=principal.key,
        user=principal.user or said.user or "",
        verdict=said.verdict,
        reason=said.reason,
        at=now,
    )
    take(feedback)
    answer = {"object": "feedback", "exchange": said.exchange, "verdict": said.verdict, "status": "accepted"}
    return 202, [("content-type", "application/json")], dumps(answer)
