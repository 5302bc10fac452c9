"""Holds what a client receives against the official SDKs' own types, strictly: every field that they require."""

from collections.abc import Iterator, Mapping
from typing import Any, cast, get_args

import anthropic.types
import openai.types.responses
import pydantic
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from evaluation.conformance.frames import json_object, sse_objects
from penstock.core.chat import Dialect
from penstock.core.json import JsonObject


def misfits(dialect: Dialect, body: bytes, *, is_streamed: bool) -> list[str]:
    """What the official types do not accept in `body`, at most three; empty for dialects without an SDK here."""
    found: list[str] = []
    for model, value in _typed(dialect, body, is_streamed=is_streamed):
        try:
            model.model_validate(value)
        except pydantic.ValidationError as error:
            first = error.errors()[0]
            found.append(f"official types: {model.__name__}: {'.'.join(map(str, first['loc']))}: {first['msg']}")
            if len(found) == 3:
                break
    return found


def _typed(
    dialect: Dialect, body: bytes, *, is_streamed: bool
) -> Iterator[tuple[type[pydantic.BaseModel], JsonObject]]:
    if not is_streamed:
        match dialect:
            case "openai-chat":
                yield ChatCompletion, json_object(body)
            case "openai-responses":
                yield openai.types.responses.Response, json_object(body)
            case "anthropic":
                yield anthropic.types.Message, json_object(body)
            case _:
                return
        return
    if dialect not in {"openai-chat", "openai-responses", "anthropic"}:
        return
    for event in sse_objects(body):
        if dialect == "openai-chat" and "done" not in event:
            yield ChatCompletionChunk, event
        if dialect == "openai-responses":
            yield RESPONSE_EVENTS.get(str(event.get("type")), _UnknownEvent), event
        if dialect == "anthropic" and event.get("type") != "ping":
            yield ANTHROPIC_EVENTS.get(str(event.get("type")), _UnknownEvent), event


class _UnknownEvent(pydantic.BaseModel):
    """No event of this name: its one required field is never there."""

    known_event_type: str


def _by_type(union: Any) -> Mapping[str, type[pydantic.BaseModel]]:
    members = cast("tuple[type[pydantic.BaseModel], ...]", get_args(get_args(union)[0]))
    return {str(get_args(member.model_fields["type"].annotation)[0]): member for member in members}


RESPONSE_EVENTS = _by_type(openai.types.responses.ResponseStreamEvent)
ANTHROPIC_EVENTS = _by_type(anthropic.types.RawMessageStreamEvent)
