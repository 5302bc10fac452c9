"""Unknown fields are found wherever they hang, and are either advisory or refused."""

import pytest

from penstock.core.chat import (
    ChatRequest,
    EmbeddingRequest,
    Message,
    OpaquePart,
    OpaqueTool,
    Reasoning,
    TextPart,
    Tool,
    ToolResultPart,
)
from penstock.core.errors import UnsupportedField
from penstock.providers.advisory import advisory_extras, refuse_opaque, refuse_unknown_extras, unsupported_extras

REQUEST = ChatRequest(
    dialect="anthropic",
    model="m",
    messages=(
        Message(
            "user",
            (
                TextPart("a", {"cache_control": {"type": "ephemeral"}, "b": 1}),
                ToolResultPart("c", (TextPart("d", {"e": 1}),), extras={"cache_control": {"type": "ephemeral"}}),
            ),
            extras={"f": 1, "g": None, "h": []},
        ),
    ),
    tools=(Tool("t", extras={"i": 1, "cache_control": {"type": "ephemeral"}}),),
    reasoning=Reasoning(extras={"j": 1}),
    extras={"k": 1, "service_tier": "auto"},
)


def test_extras_are_found_wherever_they_hang() -> None:
    assert unsupported_extras(REQUEST) == [
        "k",
        "reasoning.j",
        "messages[0].f",
        "messages[0].content[0].b",
        "messages[0].content[1].content[0].e",
        "tools[0].i",
    ]
    assert advisory_extras(REQUEST) == [
        "service_tier",
        "messages[0].content[0].cache_control",
        "messages[0].content[1].cache_control",
        "tools[0].cache_control",
    ]
    assert unsupported_extras(REQUEST, known=frozenset("kjfbei")) == []


def test_the_first_unknown_field_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedField) as caught:
        refuse_unknown_extras(REQUEST, "gemini")
    assert caught.value.field == "k"
    embeddings = EmbeddingRequest(dialect="openai-chat", model="m", inputs=("a",), extras={"x": 1})
    with pytest.raises(UnsupportedField):
        refuse_unknown_extras(embeddings, "gemini")


def test_opaque_parts_and_tools_are_refused_by_other_dialects_only() -> None:
    part = OpaquePart("anthropic", "messages[0].content[0]", {})
    nested = ChatRequest(dialect="anthropic", model="m", messages=(Message("user", (ToolResultPart("c", (part,)),)),))
    tool = ChatRequest(dialect="anthropic", model="m", messages=(), tools=(OpaqueTool("anthropic", "tools[0]", {}),))
    for request, field in ((nested, "messages[0].content[0]"), (tool, "tools[0]")):
        refuse_opaque(request, "anthropic")
        with pytest.raises(UnsupportedField) as caught:
            refuse_opaque(request, "gemini")
        assert caught.value.field == field
