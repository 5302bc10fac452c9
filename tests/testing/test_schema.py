from typing import cast

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.json import JsonObject, JsonValue
from penstock.testing.chance import rng_for
from penstock.testing.schema import make_example

_TREE: JsonObject = {
    "type": "object",
    "properties": {"value": {"type": "integer"}, "children": {"type": "array", "items": {"$ref": "#"}, "minItems": 0}},
    "required": ["value", "children"],
    "additionalProperties": False,
}
_STEPS: JsonObject = {
    "$defs": {"step": {"type": "object", "properties": {"say": {"type": "string"}}, "required": ["say"]}},
    "type": "object",
    "properties": {
        "steps": {"type": "array", "items": {"$ref": "#/$defs/step"}, "minItems": 3},
        "kind": {"enum": ["a", "b"]},
        "either": {"anyOf": [{"type": "null"}, {"type": "number", "exclusiveMinimum": 0, "maximum": 0.5}]},
        "both": {
            "allOf": [
                {"properties": {"x": {"const": 1}}, "required": ["x"]},
                {"properties": {"y": {"type": "boolean"}}, "required": ["y"]},
            ]
        },
        "when": {"type": "string", "format": "date-time"},
        "who": {"type": ["string", "null"], "minLength": 20, "maxLength": 22},
        "share": {"type": "number", "minimum": -1, "maximum": 1, "multipleOf": 0.5},
        "pair": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "minItems": 2},
    },
    "required": ["steps", "kind", "either", "both", "when", "who", "share", "pair"],
}
_CHOICE: JsonObject = {
    "type": "object",
    "properties": {"kind": {"type": "string"}, "n": {"type": "integer"}},
    "anyOf": [{"required": ["kind"]}, {"required": ["n"]}],
}


@pytest.mark.parametrize("schema", [_TREE, _STEPS, _CHOICE, {}, {"type": "array"}], ids=str)
@pytest.mark.parametrize("seed", range(5))
def test_what_is_made_up_obeys_the_schema(schema: JsonObject, seed: int) -> None:
    jsonschema_rs.validate(schema, make_example(schema, rng_for(seed)))


def _number(kind: str, low: int, span: int) -> JsonObject:
    return {"type": kind, "minimum": low, "maximum": low + span}


def _string(low: int, span: int) -> JsonObject:
    return {"type": "string", "minLength": low, "maxLength": low + span}


_CONSTANTS: tuple[JsonObject, ...] = ({"type": "boolean"}, {"type": "null"})
_numbers = st.builds(_number, st.sampled_from(["integer", "number"]), st.integers(-1000, 1000), st.integers(0, 50))
_strings = st.builds(_string, st.integers(0, 40), st.integers(0, 5))
_leaves = st.one_of(_numbers, _strings, st.sampled_from(_CONSTANTS))


def _object(properties: dict[str, JsonValue]) -> JsonObject:
    return {
        "type": "object",
        "properties": properties,
        "required": list[JsonValue](properties),
        "additionalProperties": False,
    }


_schemas = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from("abcdef"), inner, max_size=4).map(_object),
        inner.map(lambda items: cast("JsonObject", {"type": "array", "items": items, "minItems": 1, "maxItems": 3})),
        st.lists(inner, min_size=1, max_size=3).map(lambda options: cast("JsonObject", {"anyOf": options})),
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(schema=_schemas, seed=st.integers(0, 100))
def test_what_is_made_up_obeys_any_schema_of_the_usual_kind(schema: JsonObject, seed: int) -> None:
    jsonschema_rs.validate(schema, make_example(schema, rng_for(seed)))
