"""Embeddings from providers, in the form that the caller asked for whatever the provider sends."""

import base64
import struct
from typing import Any

import msgspec
import pytest

from penstock.core.chat import EmbeddingRequest
from penstock.core.errors import PenstockError, UpstreamProtocolError
from penstock.core.events import Event, Start, UsageReport, Vector
from penstock.providers.dialect import Endpoint
from penstock.providers.openai_chat import OpenAIChatUpstream

UPSTREAM = OpenAIChatUpstream()
ENDPOINT = Endpoint("test", "https://p.test/v1", credential="k")
FLOATS = [0.5, -1.25]
PACKED = base64.b64encode(struct.pack("<2f", *FLOATS)).decode()


def request(**fields: Any) -> EmbeddingRequest:
    given: dict[str, Any] = {"inputs": ("a",), **fields}
    return EmbeddingRequest(dialect="openai-chat", model="e", **given)


def read(request_: EmbeddingRequest, document: Any) -> list[Event]:
    decoder = UPSTREAM.decoder(request_, ENDPOINT)
    body = msgspec.json.encode(document)
    decoder.feed(body[:7])
    decoder.feed(body[7:])
    events = list(decoder.finish())
    assert decoder.is_complete
    return events


@pytest.mark.parametrize(("inputs", "sent"), [(("a",), "a"), (("a", "b"), ["a", "b"]), (((1, 2),), [[1, 2]])])
def test_a_call_is_written(inputs: Any, sent: Any) -> None:
    made = UPSTREAM.encode(request(inputs=inputs, extras={"x": 1}, dimensions=8), "up", ENDPOINT, now=0.0)
    assert made.url == "https://p.test/v1/embeddings"
    assert msgspec.json.decode(made.body) == {"model": "up", "input": sent, "x": 1, "dimensions": 8}


@pytest.mark.parametrize("given", [FLOATS, PACKED])
@pytest.mark.parametrize(("encoding", "expected"), [("float", FLOATS), ("base64", PACKED)])
def test_vectors_come_in_the_form_that_was_asked_for(given: Any, encoding: str, expected: Any) -> None:
    usage = {"prompt_tokens": 3, "total_tokens": 3}
    events = read(
        request(encoding=encoding),
        {"object": "list", "data": [{"index": 0, "embedding": given}], "model": "m", "usage": usage},
    )
    assert events[:2] == [Start("", "m"), Vector(0, expected)]
    assert isinstance(events[2], UsageReport)
    assert (events[2].usage.input_tokens, events[2].usage.output_tokens) == (3, 0)


@pytest.mark.parametrize(
    "document",
    [{}, {"data": []}, {"data": [{"embedding": ["x"]}]}, {"data": [{"embedding": "?", "index": 0}]}, [], {"data": 5}],
)
def test_what_is_no_embedding_is_a_protocol_error(document: Any) -> None:
    with pytest.raises(UpstreamProtocolError):
        read(request(), document)


def test_an_error_with_status_200_is_raised() -> None:
    with pytest.raises(PenstockError, match="nope"):
        read(request(), {"error": {"message": "nope", "type": "invalid_request_error"}})
