"""Reads a whole Messages API answer."""

from collections.abc import Sequence
from typing import Final

from penstock.core.events import Event, Notice, Start, Text, ToolCall
from penstock.core.json import JsonObject, JsonValue, dumps
from penstock.providers.anthropic.answer import (
    citation_notices,
    early_notice,
    finish,
    late_notice,
    object_of,
    protocol_error,
    tool_notice,
    usage_report,
)
from penstock.providers.anthropic.blocks import REDACTED_PREFIX, SIGNATURE_PREFIX
from penstock.providers.anthropic.errors import error_in_stream

TOOL_FIELDS: Final = frozenset({"type", "id", "name", "input"})


def read_whole(body: bytes) -> Sequence[Event]:
    return events_of(object_of(body, "body"))


def events_of(message: JsonObject) -> list[Event]:
    """The events of a message object."""
    content = message.get("content")
    if message.get("type") == "error":
        raise error_in_stream(message)
    if not isinstance(content, list):
        raise protocol_error("no content in the message")
    events: list[Event] = [Start(_text(message, "id"), _text(message, "model"))]
    notice = early_notice(message, with_usage=False)
    if notice is not None:
        events.append(notice)
    tools = 0
    for part, block in enumerate(content):
        if not isinstance(block, dict):
            raise protocol_error("a content block that is no object")
        if block.get("type") == "tool_use":
            events += _tool_use(block, tools, part)
            tools += 1
        else:
            events += _block(block, part)
    notice = late_notice(message)
    if notice is not None:
        events.append(notice)
    reason, sequence = message.get("stop_reason"), message.get("stop_sequence")
    events.append(finish(reason if isinstance(reason, str) else None, sequence if isinstance(sequence, str) else None))
    usage = message.get("usage")
    report = usage_report(usage) if isinstance(usage, dict) else None
    if report is not None:
        events.append(report)
    return events


def _block(block: JsonObject, part: int) -> list[Event]:
    match block.get("type"):
        case "text":
            text = _text(block, "text")
            said: list[Event] = [Text(text, 0, "answer", part)] if text else []
            return [*said, *citation_notices(block.get("citations"), part)]
        case "thinking":
            signature = _text(block, "signature")
            mark = SIGNATURE_PREFIX + signature if signature else None
            return [Text(_text(block, "thinking"), 0, "reasoning", part, signature=mark)]
        case "redacted_thinking":
            return [Text("", 0, "reasoning", part, signature=REDACTED_PREFIX + _text(block, "data"))]
        case _:
            return [Notice("anthropic", "block", block, 0, part, is_content=True)]


def _tool_use(block: JsonObject, index: int, part: int) -> list[Event]:
    arguments: JsonValue = block.get("input")
    call = ToolCall(0, index, _text(block, "id"), _text(block, "name"), dumps(arguments or {}).decode())
    notice = tool_notice(index, block, TOOL_FIELDS, part)
    return [call] if notice is None else [notice, call]


def _text(fields: JsonObject, name: str) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise protocol_error(f"{name} is no string")
    return value
