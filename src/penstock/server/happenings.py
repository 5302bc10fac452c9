"""`POST /v1/events`: what became of a conversation, said by the application that had it."""

from decimal import Decimal
from typing import Annotated, Final, Literal

import msgspec

from penstock.core.errors import MalformedRequest
from penstock.core.exchange import Principal
from penstock.core.happenings import HAPPENING_KINDS, WHOLE_SATISFACTION, Happening, HappeningKind
from penstock.core.json import JsonObject, dumps
from penstock.server.service import TakeHappening
from penstock.server.sink import Page

PATH: Final = "/v1/events"
MOST_BYTES: Final = 16_384
NAME: Final = r"^[A-Za-z0-9_.:-]{1,128}$"
AMOUNT: Final = r"^-?[0-9]{1,6}(\.[0-9]{1,9})?$"
"""Money as a text, below a million: a number in JSON is not exact."""
_NANO: Final = Decimal(1_000_000_000)
_Name = Annotated[str, msgspec.Meta(pattern=NAME)]


class _Value(msgspec.Struct, forbid_unknown_fields=True):
    amount: Annotated[str, msgspec.Meta(pattern=AMOUNT)]
    currency: Literal["USD"]


class _Satisfaction(msgspec.Struct, forbid_unknown_fields=True):
    """`scale` names what `score` counts in."""

    score: Annotated[float, msgspec.Meta(ge=0, le=5)]
    scale: Literal["0-1", "1-5"]


class _Said(msgspec.Struct, forbid_unknown_fields=True):
    """The body, as documented in the OpenAPI description."""

    id: _Name
    kind: HappeningKind
    exchange: Annotated[str, msgspec.Meta(pattern=r"^ex_[0-9a-f]{32}$")] | None = None
    conversation: _Name | None = None
    model: Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00]+$")] | None = None
    user: Annotated[str, msgspec.Meta(min_length=1, max_length=256, pattern=r"^[^\x00]+$")] | None = None
    value: _Value | None = None
    satisfaction: _Satisfaction | None = None


_decoder = msgspec.json.Decoder(_Said)


def take_happening(body: bytes, principal: Principal, take: TakeHappening, now: float) -> Page:
    """Hand it on and say so; nothing is known yet of what it is about.

    Raises `MalformedRequest` with the field, and what `take` raises.
    """
    said = _read(body)
    happening = Happening(
        id=said.id,
        tenant=principal.tenant,
        key=principal.key,
        user=principal.user or said.user or "",
        kind=said.kind,
        exchange=said.exchange,
        conversation=said.conversation,
        model=said.model,
        value_nanousd=None if said.value is None else int(Decimal(said.value.amount) * _NANO),
        satisfaction=None if said.satisfaction is None else _satisfaction(said.satisfaction),
        at=now,
    )
    take(happening)
    answer = {"object": "event", "id": said.id, "kind": said.kind, "status": "accepted"}
    return 202, [("content-type", "application/json")], dumps(answer)


def _read(body: bytes) -> _Said:
    try:
        said = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        text = str(error)
        field = text.rpartition("$.")[2].rstrip("`") if "$." in text else None
        raise MalformedRequest(f"This is no event: {text[:300]}.", field=field) from None
    if (said.exchange is None) == (said.conversation is None):
        raise MalformedRequest("An event is about one `exchange` or one `conversation`.", field="exchange")
    if said.model is not None and said.conversation is None:
        raise MalformedRequest("The model of an exchange is known: say it of a `conversation`.", field="model")
    if (said.kind == "satisfaction") != (said.satisfaction is not None):
        text = "A `satisfaction` belongs to an event of the kind `satisfaction`, and to no other."
        raise MalformedRequest(text, field="satisfaction")
    if said.value is not None and said.kind in {"satisfaction", "escalated"}:
        raise MalformedRequest("A `value` belongs to `conversion` and `resolved`.", field="value")
    return said


def _satisfaction(said: _Satisfaction) -> int:
    if said.scale == "0-1":
        if said.score > 1:
            raise MalformedRequest("On the scale 0-1 a score is 1 at most.", field="satisfaction.score")
        return round(WHOLE_SATISFACTION * said.score)
    if said.score < 1:
        raise MalformedRequest("On the scale 1-5 a score is 1 at least.", field="satisfaction.score")
    return round(WHOLE_SATISFACTION * (said.score - 1) / 4)


def event_schema() -> JsonObject:
    """For the OpenAPI description: which fields go together stands in its conditions."""
    name: JsonObject = {"type": "string", "pattern": NAME}
    valued: JsonObject = {"enum": ["conversion", "resolved"]}
    schema: JsonObject = {
        "type": "object",
        "required": ["id", "kind"],
        "oneOf": [
            {"required": ["exchange"], "properties": {"conversation": False, "model": False}},
            {"required": ["conversation"], "properties": {"exchange": False}},
        ],
        "anyOf": [
            {"required": ["satisfaction"], "properties": {"kind": {"const": "satisfaction"}, "value": False}},
            {"properties": {"kind": valued, "satisfaction": False}},
            {"properties": {"kind": {"const": "escalated"}, "satisfaction": False, "value": False}},
        ],
        "additionalProperties": False,
        "properties": {
            "id": {**name, "description": "your own: the same one again changes nothing"},
            "kind": {"enum": [*HAPPENING_KINDS]},
            "exchange": {
                "type": "string",
                "pattern": "^ex_[0-9a-f]{32}$",
                "description": "the answer's header x-request-id",
            },
            "conversation": {**name, "description": "your own name for it"},
            "model": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[^\\x00]+$"},
            "user": {"type": "string", "minLength": 1, "maxLength": 256, "pattern": "^[^\\x00]+$"},
            "value": {
                "type": "object",
                "required": ["amount", "currency"],
                "additionalProperties": False,
                "properties": {
                    "amount": {"type": "string", "pattern": AMOUNT},
                    "currency": {"const": "USD"},
                },
            },
            "satisfaction": {
                "type": "object",
                "required": ["score", "scale"],
                "additionalProperties": False,
                "oneOf": [
                    {"properties": {"scale": {"const": "0-1"}, "score": {"minimum": 0, "maximum": 1}}},
                    {"properties": {"scale": {"const": "1-5"}, "score": {"minimum": 1, "maximum": 5}}},
                ],
                "properties": {"score": {"type": "number"}, "scale": {"enum": ["0-1", "1-5"]}},
            },
        },
    }
    return schema
