"""Embeddings: batchEmbedContents (https://ai.google.dev/api/embeddings)."""

from collections.abc import Sequence
from typing import Any

import msgspec

from penstock.core.chat import EmbeddingRequest
from penstock.core.errors import UnsupportedField, UpstreamProtocolError
from penstock.core.events import Event, Start, UsageReport, Vector
from penstock.core.json import JsonObject, JsonValue
from penstock.providers.advisory import refuse_unknown_extras
from penstock.providers.dialect import Endpoint
from penstock.providers.gemini.decode import usage_of
from penstock.providers.vectors import as_asked


def embedding_body(request: EmbeddingRequest, model: str, endpoint: Endpoint) -> JsonObject:
    """Raises `UnsupportedField` for token ids, and on Vertex AI, which has another call for embeddings."""
    if "project" in endpoint.options:
        raise UnsupportedField("Embeddings on Vertex AI are not supported; use the Gemini API.", field="model")
    refuse_unknown_extras(request, "gemini")
    calls: list[JsonValue] = []
    for given in request.inputs:
        if not isinstance(given, str):
            raise UnsupportedField("`input` of token ids cannot be sent to a gemini model.", field="input")
        call: JsonObject = {"model": f"models/{model}", "content": {"parts": [{"text": given}]}}
        if request.dimensions is not None:
            call["outputDimensionality"] = request.dimensions
        calls.append(call)
    return {"requests": calls}


class _Embedding(msgspec.Struct):
    values: list[float]


class _Answer(msgspec.Struct, rename="camel"):
    embeddings: list[_Embedding]
    usage_metadata: dict[str, Any] | None = None


_decoder = msgspec.json.Decoder(_Answer)


def read_embeddings(request: EmbeddingRequest, body: bytes) -> Sequence[Event]:
    try:
        answer = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise UpstreamProtocolError("The provider sent an answer that cannot be read.", detail=str(error)) from None
    wanted = len(request.inputs)
    if len(answer.embeddings) != wanted:
        raise UpstreamProtocolError(
            "The provider sent an answer that cannot be read.",
            detail=f"{len(answer.embeddings)} embeddings for {wanted} inputs",
        )
    events: list[Event] = [Start("", request.model)]
    for at, embedding in enumerate(answer.embeddings):
        events.append(Vector(at, as_asked(embedding.values, request.encoding)))
    usage = None if answer.usage_metadata is None else usage_of(answer.usage_metadata)
    if usage is not None:
        events.append(UsageReport(usage))
    return events
