"""The request that most are, read in one typed pass: messages of text, and the few settings that nearly every client
sends.

`parse` tries it first, since reading such a request value by value takes most of what a kept answer takes.  Anything
else, and anything wrong, is left to `parse`, which says what: a request that is read here is read there in the same
way (a property test compares them).
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from penstock.core.chat import ChatRequest, Message, TextPart
from penstock.wire.document import as_name, may_repeat_keys

_MOST_BYTES: Final = 32 * 1024
"""Larger ones are mostly not of this kind, and take long enough elsewhere."""
_OF_OTHERS: Final = b'"type"'
"""A key that no such request has, and every one with tools or with parts of a message does: it need not be tried."""

_Tokens = Annotated[int, Meta(ge=1, le=2**31 - 1)]
_Temperature = Annotated[int, Meta(ge=0, le=2)] | Annotated[float, Meta(ge=0, le=2)]
_Probability = Annotated[int, Meta(ge=0, le=1)] | Annotated[float, Meta(ge=0, le=1)]


class _Message(msgspec.Struct, forbid_unknown_fields=True):
    role: Literal["system", "developer", "user", "assistant"]
    content: str


class _Plain(msgspec.Struct, forbid_unknown_fields=True):
    model: str
    messages: Annotated[list[_Message], Meta(min_length=1)]
    stream: bool | UnsetType = UNSET
    temperature: _Temperature | UnsetType = UNSET
    top_p: _Probability | UnsetType = UNSET
    max_tokens: _Tokens | UnsetType = UNSET
    max_completion_tokens: _Tokens | UnsetType = UNSET
    user: str | UnsetType = UNSET


_REQUIRED: Final = 2
_SETTINGS: Final = _Plain.__struct_fields__[_REQUIRED:]
_decode: Final = msgspec.json.Decoder(_Plain).decode


def read_plain(body: bytes) -> ChatRequest | None:
    """The request; None where it is to be read by `parse`.  Raises `MalformedRequest` where only its model is wrong."""
    if len(body) > _MOST_BYTES or _OF_OTHERS in body:
        return None
    try:
        plain = _decode(body)
    except (msgspec.DecodeError, ValueError):
        return None
    messages = plain.messages
    settings = {name: value for name in _SETTINGS if (value := getattr(plain, name)) is not UNSET}
    # Keys and values of each message; the keys at the top, and those of their values that are texts.
    strings = 4 * len(messages) + _REQUIRED + len(settings) + 1 + ("user" in settings)
    if may_repeat_keys(body, strings):
        return None
    if "max_completion_tokens" in settings:
        if "max_tokens" in settings:
            return None
        settings["max_tokens"] = settings.pop("max_completion_tokens")
    return ChatRequest(
        dialect="openai-chat",
        model=as_name(plain.model, "model"),
        messages=tuple([Message(each.role, (TextPart(each.content),)) for each in messages]),
        extras={},
        **settings,
    )
