"""Reads a whole Converse answer."""

from collections.abc import Sequence

import msgspec

from penstock.core.events import Event, Notice, Start, Text, ToolCall
from penstock.core.json import JsonObject, JsonValue, dumps, loads
from penstock.providers.bedrock.answer import finish, protocol_error, usage_report
from penstock.providers.bedrock.blocks import REDACTED_PREFIX, SIGNATURE_PREFIX


def read_whole(model: str, body: bytes) -> Sequence[Event]:
    """`model` is shown to the client: Converse does not name it."""
    try:
        answer = loads(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise protocol_error(f"body: {error}") from None
    match answer:
        case {"output": {"message": {"content": [*content]}}, "stopReason": str(reason)}:
            return _events(model, answer, content, reason)
        case _:
            raise protocol_error("the body is no Converse answer")


def _events(model: str, answer: JsonObject, content: list[JsonValue], reason: str) -> list[Event]:
    events: list[Event] = [Start("", model)]
    tools = 0
    for part, block in enumerate(content):
        match block:
            case {"toolUse": {"toolUseId": str(call_id), "name": str(name), **rest}} if (
                rest.get("type") != "server_tool_use"
            ):
                events.append(ToolCall(0, tools, call_id, name, dumps(rest.get("input") or {}).decode()))
                tools += 1
            case dict():
                events += block_events(block, part)
            case _:
                raise protocol_error("a content block that is no object")
    trace, usage, more = answer.get("trace"), answer.get("usage"), answer.get("additionalModelResponseFields")
    if trace is not None:
        events.append(Notice("bedrock", "trace", trace))
    events.append(finish(reason, more if isinstance(more, dict) else None))
    report = usage_report(usage) if isinstance(usage, dict) else None
    if report is not None:
        events.append(report)
    return events


def block_events(block: JsonObject, part: int) -> list[Event]:
    """The events of a block that is no tool call."""
    match block:
        case {"text": str(text)}:
            return [Text(text, 0, "answer", part)] if text else []
        case {"reasoningContent": {"reasoningText": {"text": str(text), **rest}}}:
            signature = rest.get("signature")
            mark = SIGNATURE_PREFIX + signature if isinstance(signature, str) and signature else None
            return [Text(text, 0, "reasoning", part, signature=mark)]
        case {"reasoningContent": {"redactedContent": str(data)}}:
            return [Text("", 0, "reasoning", part, signature=REDACTED_PREFIX + data)]
        case {"citationsContent": {"content": [*content], **_rest}}:
            text = "".join(_text_of(entry) for entry in content)
            return [*([Text(text, 0, "answer", part)] if text else []), Notice("bedrock", "block", block, 0, part)]
        case _:
            return [Notice("bedrock", "block", block, 0, part)]


def _text_of(entry: JsonValue) -> str:
    match entry:
        case {"text": str(text)}:
            return text
        case _:
            return ""
