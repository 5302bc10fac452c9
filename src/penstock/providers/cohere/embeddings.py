"""Embeddings: v2/embed (https://docs.cohere.com/reference/embed)."""

from collections.abc import Sequence
from typing import Any

import msgspec

from penstock.core.chat import EmbeddingRequest
from penstock.core.errors import UnsupportedField, UpstreamProtocolError
from penstock.core.events import Event, Start, UsageReport, Vector
from penstock.core.json import JsonObject, JsonValue
from penstock.providers.advisory import refuse_unknown_extras
from penstock.providers.cohere.decode import usage_of
from penstock.providers.dialect import Endpoint
from penstock.providers.vectors import as_asked


def embedding_body(request: EmbeddingRequest, model: str, endpoint: Endpoint) -> JsonObject:
    """Raises `UnsupportedField` for token ids.  `input_type`, which Cohere must be told, may come from the caller."""
    refuse_unknown_extras(request, "cohere", known=frozenset({"input_type"}))
    texts: list[JsonValue] = []
    for given in request.inputs:
        if not isinstance(given, str):
            raise UnsupportedField("`input` of token ids cannot be sent to a cohere model.", field="input")
        texts.append(given)
    purpose = request.extras.get("input_type")
    if purpose is None:
        purpose = endpoint.options.get("input_type", "search_document")
    body: JsonObject = {"model": model, "texts": texts, "input_type": purpose, "embedding_types": ["float"]}
    if request.dimensions is not None:
        body["output_dimension"] = request.dimensions
    return body


class _Embeddings(msgspec.Struct, rename={"floats": "float"}):
    floats: list[list[float]]


class _Answer(msgspec.Struct):
    embeddings: _Embeddings
    id: str = ""
    meta: dict[str, Any] | None = None


_decoder = msgspec.json.Decoder(_Answer)


def read_embeddings(request: EmbeddingRequest, body: bytes) -> Sequence[Event]:
    try:
        answer = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise UpstreamProtocolError("The provider sent an answer that cannot be read.", detail=str(error)) from None
    vectors = answer.embeddings.floats
    wanted = len(request.inputs)
    if len(vectors) != wanted:
        raise UpstreamProtocolError(
            "The provider sent an answer that cannot be read.",
            detail=f"{len(vectors)} embeddings for {wanted} inputs",
        )
    events: list[Event] = [Start(answer.id, request.model)]
    for at, values in enumerate(vectors):
        events.append(Vector(at, as_asked(values, request.encoding)))
    usage = None if answer.meta is None else usage_of(answer.meta)
    if usage is not None:
        events.append(UsageReport(usage))
    return events
