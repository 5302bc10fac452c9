"""`POST /v1/ground`: holds any answer against any sources, claim by claim."""

from typing import Annotated, Final

import msgspec

from penstock.core.errors import MalformedRequest, UnknownPath
from penstock.core.json import dumps
from penstock.core.sources import Passage
from penstock.server.service import Ground
from penstock.server.sink import Page

PATH: Final = "/v1/ground"
MOST_BYTES: Final = 2 * 1024 * 1024
_NOBODY: Final = "Nothing is held against sources here: no model has `knowledge.grounding`, which loads what does it."


class _Source(msgspec.Struct, forbid_unknown_fields=True):
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=200_000)]
    id: Annotated[str, msgspec.Meta(max_length=300)] = ""
    title: Annotated[str, msgspec.Meta(max_length=1000)] = ""


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    """The body, as documented in the OpenAPI description.  Marks in the answer count the sources from 1."""

    answer: Annotated[str, msgspec.Meta(min_length=1, max_length=200_000)]
    sources: Annotated[list[_Source], msgspec.Meta(max_length=100)]


_decoder = msgspec.json.Decoder(_Asked)


async def hold_against_sources(body: bytes, ground: Ground | None) -> Page:
    """Raises `MalformedRequest` with the field, `UnknownPath` where nothing can judge, and what `ground` raises."""
    if ground is None:
        raise UnknownPath(_NOBODY)
    try:
        asked = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        text = str(error)
        field = text.rpartition("$.")[2].rstrip("`") if "$." in text else None
        raise MalformedRequest(f"This is nothing to hold against sources: {text[:300]}.", field=field) from None
    passages = tuple(
        Passage(
            label=str(number),
            document=each.id or str(number),
            version=1,
            title=each.title,
            text=each.text,
            start=0,
            end=len(each.text),
        )
        for number, each in enumerate(asked.sources, 1)
    )
    view = await ground(asked.answer, passages)
    return 200, [("content-type", "application/json")], dumps({"object": "grounding", **msgspec.to_builtins(view)})
