"""Embeddings in and out, and the list of models in both shapes."""

from typing import Any

import msgspec
import pytest

from penstock.core.answer import Answer
from penstock.core.chat import EmbeddingRequest
from penstock.core.errors import MalformedRequest, UnknownModel
from penstock.core.events import Start, Vector
from penstock.core.exchange import Exchange, Principal
from penstock.core.ids import ExchangeId
from penstock.core.usage import Usage
from penstock.wire.embeddings import encode_embeddings, parse_embeddings
from penstock.wire.models import ModelEntry, encode_model, encode_models


def parse(**body: Any) -> EmbeddingRequest:
    return parse_embeddings(msgspec.json.encode({"model": "e", **body}))


@pytest.mark.parametrize(
    ("given", "inputs"),
    [
        ("a", ("a",)),
        (["a", "b"], ("a", "b")),
        ([1, 2], ((1, 2),)),
        ([[1], [2, 3]], ((1,), (2, 3))),
        (["a", [1]], ("a", (1,))),
    ],
)
def test_every_form_of_input_is_read(given: Any, inputs: Any) -> None:
    assert parse(input=given).inputs == inputs


def test_every_field_is_read() -> None:
    assert parse(input="a", dimensions=256, encoding_format="base64", user="u", truncate="END") == EmbeddingRequest(
        dialect="openai-chat",
        model="e",
        inputs=("a",),
        dimensions=256,
        encoding="base64",
        user="u",
        extras={"truncate": "END"},
    )


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "input"),
    ({"input": ""}, "input"),
    ({"input": []}, "input"),
    ({"input": 5}, "input"),
    ({"input": ["a", 5]}, "input[1]"),
    ({"input": ["a", ""]}, "input[1]"),
    ({"input": [[1, "x"]]}, "input[0][1]"),
    ({"input": [-1]}, "input[0]"),
    ({"input": ["a"] * 2049}, "input"),
    ({"input": "a", "dimensions": 0}, "dimensions"),
    ({"input": "a", "encoding_format": "hex"}, "encoding_format"),
    ({"input": "a", "user": 1}, "user"),
]


@pytest.mark.parametrize(("body", "field"), REFUSED)
def test_a_field_that_cannot_be_is_refused_by_name(body: dict[str, Any], field: str) -> None:
    with pytest.raises(MalformedRequest) as caught:
        parse(**body)
    assert caught.value.field == field


def test_embeddings_are_written() -> None:
    exchange = Exchange(
        id=ExchangeId("ex_1"),
        principal=Principal("t", "k"),
        request=parse(input=["a", "b"]),
        dialect="openai-chat",
        started_at=1.0,
        began_s=0.0,
        deadline_s=60.0,
        gone_policy="abort",
    )
    vectors = [Vector(0, [0.5, -1.0]), Vector(1, "AAAA")]
    answer = Answer(Start("", "e-up"), vectors=vectors, usage=Usage(input_tokens=4))
    assert msgspec.json.decode(encode_embeddings(answer, exchange)) == {
        "object": "list",
        "data": [
            {"object": "embedding", "index": 0, "embedding": [0.5, -1.0]},
            {"object": "embedding", "index": 1, "embedding": "AAAA"},
        ],
        "model": "e-up",
        "usage": {"prompt_tokens": 4, "total_tokens": 4},
    }


MODELS = (ModelEntry("a", "penstock", 1700000000), ModelEntry("b", "penstock", display_name="B"))


def test_models_are_listed_in_both_shapes() -> None:
    assert msgspec.json.decode(encode_models(MODELS)) == {
        "object": "list",
        "data": [
            {"id": "a", "object": "model", "created": 1700000000, "owned_by": "penstock"},
            {"id": "b", "object": "model", "created": 0, "owned_by": "penstock"},
        ],
    }
    anthropic = msgspec.json.decode(encode_models(MODELS, as_anthropic=True))
    assert anthropic["first_id"] == "a"
    assert anthropic["last_id"] == "b"
    assert anthropic["has_more"] is False
    assert anthropic["data"][0] == {
        "type": "model",
        "id": "a",
        "display_name": "a",
        "created_at": "2023-11-14T22:13:20Z",
    }
    assert msgspec.json.decode(encode_models((), as_anthropic=True))["first_id"] is None


def test_one_model_is_found_or_named_as_unknown() -> None:
    assert msgspec.json.decode(encode_model(MODELS, "b", as_anthropic=True))["display_name"] == "B"
    assert msgspec.json.decode(encode_model(MODELS, "b"))["id"] == "b"
    with pytest.raises(UnknownModel, match="`c`"):
        encode_model(MODELS, "c")
