"""Embeddings: the request, and an answer whose vectors are in the form that the caller asked for."""

import array
import base64
import sys
from collections.abc import Sequence
from typing import Any

import msgspec

from penstock.core.chat import EmbeddingRequest
from penstock.core.events import Event, Start, UsageReport, Vector
from penstock.core.json import JsonObject, JsonValue
from penstock.providers.advisory import advisory_extras, refuse_unknown_extras
from penstock.providers.dialect import Endpoint, HttpCall
from penstock.providers.openai_chat.call import build_call
from penstock.providers.openai_chat.errors import streamed_error
from penstock.providers.openai_chat.reader import protocol_error
from penstock.providers.openai_chat.usage import read_usage


def encode_embedding(request: EmbeddingRequest, model: str, endpoint: Endpoint) -> HttpCall:
    inputs: list[JsonValue] = [text if isinstance(text, str) else list(text) for text in request.inputs]
    is_one = len(inputs) == 1 and isinstance(inputs[0], str)
    document: JsonObject = {"model": model, "input": inputs[0] if is_one else inputs}
    if request.dialect == "openai-chat":
        document |= request.extras
    else:
        refuse_unknown_extras(request, "openai-chat")
    if request.dimensions is not None:
        document["dimensions"] = request.dimensions
    if request.encoding != "float" and "no_base64_embeddings" not in endpoint.quirks:
        document["encoding_format"] = request.encoding
    if request.user is not None and "no_user" not in endpoint.quirks:
        document["user"] = request.user
    return build_call(endpoint, "embeddings", model, document, is_streamed=False)


def embedding_advisory(request: EmbeddingRequest) -> list[str]:
    return [] if request.dialect == "openai-chat" else advisory_extras(request)


class _Item(msgspec.Struct):
    embedding: list[float] | str
    index: int = 0


class _Answer(msgspec.Struct):
    data: list[_Item] = []
    model: str = ""
    id: str | None = None
    usage: Any = None  # msgspec cannot read the recursive JSON type
    error: Any = None


_decoder = msgspec.json.Decoder(_Answer)


def read_embeddings(request: EmbeddingRequest, body: bytes) -> Sequence[Event]:
    try:
        answer = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise protocol_error(f"embeddings that cannot be read: {error}") from None
    if answer.error:
        raise streamed_error(answer.error)
    if len(answer.data) != len(request.inputs):
        raise protocol_error(f"{len(answer.data)} embeddings for {len(request.inputs)} inputs")
    events: list[Event] = [Start(answer.id or "", answer.model)]
    wanted = request.encoding
    events += [Vector(item.index, _in_form(item.embedding, wanted)) for item in answer.data]
    usage = read_usage(answer.usage)
    if usage is not None:
        events.append(UsageReport(usage))
    return events


def _in_form(values: list[float] | str, wanted: str) -> list[float] | str:
    """Floats as base64 of little-endian float32, or back, where the server sent the other form."""
    if wanted == "base64" and not isinstance(values, str):
        packed = array.array("f", values)
        if sys.byteorder == "big":
            packed.byteswap()
        return base64.b64encode(packed.tobytes()).decode("ascii")
    if wanted == "float" and isinstance(values, str):
        try:
            unpacked = array.array("f", base64.b64decode(values, validate=True))
        except ValueError:
            raise protocol_error("an embedding that is not base64") from None
        if sys.byteorder == "big":
            unpacked.byteswap()
        return unpacked.tolist()
    return values
