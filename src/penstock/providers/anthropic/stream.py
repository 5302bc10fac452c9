"""Reads a streamed Messages API answer (https://platform.claude.com/docs/en/build-with-claude/streaming)."""

from collections.abc import Sequence
from typing import Final

import msgspec

from penstock.core.events import Event, Notice, Start, Text, ToolCall
from penstock.core.json import JsonObject, JsonValue, dumps, loads
from penstock.core.sse import SseDecoder
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
from penstock.providers.anthropic.unary import TOOL_FIELDS


class _Delta(msgspec.Struct, gc=False):
    type: str = ""
    text: str | None = None
    partial_json: str | None = None
    thinking: str | None = None
    signature: str | None = None


class _Event(msgspec.Struct):
    """The fields of the events that come by the hundred; the others are read again as they are."""

    type: str = ""
    index: int = 0
    delta: _Delta | None = None


class _Block(msgspec.Struct):
    """A content block that is being sent.  `tool` is its ordinal among the tool calls, -1 for any other block."""

    start: JsonObject
    tool: int = -1
    is_opaque: bool = False
    has_arguments: bool = False
    json: list[str] = []


_read: Final = msgspec.json.Decoder(_Event).decode


class StreamDecoder:
    """One streamed answer; a `Decoder`.  `message_stop` is its end."""

    __slots__ = (
        "_blocks",
        "_fields",
        "_frames",
        "_has_started",
        "_is_complete",
        "_reason",
        "_sequence",
        "_tools",
        "_usage",
    )

    def __init__(self) -> None:
        self._frames = SseDecoder()
        self._blocks: dict[int, _Block] = {}
        self._has_started = False
        self._tools = 0
        self._usage: JsonObject = {}
        self._fields: JsonObject = {}
        self._reason: str | None = None
        self._sequence: str | None = None
        self._is_complete = False

    @property
    def is_complete(self) -> bool:
        return self._is_complete

    def feed(self, data: bytes) -> Sequence[Event]:
        events: list[Event] = []
        if self._is_complete:
            return events
        for frame in self._frames.feed(data):
            self._take(frame.data, events)
        return events

    def finish(self) -> Sequence[Event]:
        events: list[Event] = []
        if not self._is_complete:
            for frame in self._frames.finish():
                self._take(frame.data, events)
        if not self._is_complete:
            raise protocol_error("the stream ended before message_stop")
        return events

    def _take(self, data: bytes, events: list[Event]) -> None:
        if self._is_complete:
            return
        try:
            event = _read(data)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise protocol_error(f"event: {error}") from None
        match event.type:
            case "content_block_delta":
                self._delta(event, data, events)
            case "content_block_start":
                self._start_block(event.index, data, events)
            case "content_block_stop":
                self._stop_block(event.index, events)
            case "message_start":
                self._start(data, events)
            case "message_delta":
                self._message_delta(object_of(data, "message_delta"))
            case "message_stop":
                self._stop(events)
            case "error":
                raise error_in_stream(object_of(data, "error"))
            case _:
                pass  # `ping`, and the events that Anthropic says it may add

    def _start(self, data: bytes, events: list[Event]) -> None:
        message = object_of(data, "message_start").get("message")
        if not isinstance(message, dict) or self._has_started:
            raise protocol_error("message_start holds no message, or comes twice")
        self._has_started = True
        answer_id, model, usage = message.get("id"), message.get("model"), message.get("usage")
        events.append(Start(str(answer_id or ""), str(model or "")))
        if isinstance(usage, dict):
            self._usage = dict(usage)
        notice = early_notice(message, with_usage=True)
        if notice is not None:
            events.append(notice)

    def _start_block(self, index: int, data: bytes, events: list[Event]) -> None:
        block = object_of(data, "content_block_start").get("content_block")
        if not isinstance(block, dict) or not self._has_started:
            raise protocol_error("content_block_start holds no block, or comes before message_start")
        state = self._blocks[index] = _Block(block)
        match block.get("type"):
            case "text":
                text = _text(block.get("text"))
                if text:
                    events.append(Text(text, 0, "answer", index))
                events += citation_notices(block.get("citations"), index)
            case "thinking":
                signature = _text(block.get("signature"))
                mark = SIGNATURE_PREFIX + signature if signature else None
                thinking = _text(block.get("thinking"))
                if thinking or mark is not None:
                    events.append(Text(thinking, 0, "reasoning", index, signature=mark))
            case "redacted_thinking":
                mark = REDACTED_PREFIX + _text(block.get("data"))
                events.append(Text("", 0, "reasoning", index, signature=mark))
            case "tool_use":
                state.tool = self._tools
                self._tools += 1
                notice = tool_notice(state.tool, block, TOOL_FIELDS, index)
                if notice is not None:
                    events.append(notice)
                events.append(ToolCall(0, state.tool, _text(block.get("id")), _text(block.get("name"))))
            case _:
                state.is_opaque = True

    def _delta(self, event: _Event, data: bytes, events: list[Event]) -> None:
        delta = event.delta
        state = self._blocks.get(event.index)
        if delta is None or state is None:
            raise protocol_error(f"a delta for block {event.index}, which has not begun")
        if state.is_opaque:
            self._opaque_delta(state, delta, data)
            return
        match delta:
            case _Delta(type="text_delta", text=str() as text):
                if text:
                    events.append(Text(text, 0, "answer", event.index))
            case _Delta(type="input_json_delta", partial_json=str() as piece):
                if state.tool < 0:
                    raise protocol_error(f"arguments for block {event.index}, which is no tool call")
                if piece:
                    state.has_arguments = True
                    events.append(ToolCall(0, state.tool, arguments=piece))
            case _Delta(type="thinking_delta", thinking=str() as thinking):
                if thinking:
                    events.append(Text(thinking, 0, "reasoning", event.index))
            case _Delta(type="signature_delta", signature=str() as signature):
                mark = SIGNATURE_PREFIX + signature
                events.append(Text("", 0, "reasoning", event.index, signature=mark))
            case _Delta(type="citations_delta"):
                events += citation_notices([_delta_of(data).get("citation")], event.index)
            case _:
                pass  # a kind of delta that Anthropic may add

    def _opaque_delta(self, state: _Block, delta: _Delta, data: bytes) -> None:
        """Collect what belongs to a block that only clients of this dialect understand."""
        if delta.type == "input_json_delta":
            state.json.append(delta.partial_json or "")
            return
        for name, value in _delta_of(data).items():
            before = state.start.get(name)
            if name == "type":
                continue
            state.start[name] = before + value if isinstance(before, str) and isinstance(value, str) else value

    def _stop_block(self, index: int, events: list[Event]) -> None:
        state = self._blocks.pop(index, None)
        if state is None:
            raise protocol_error(f"the end of block {index}, which has not begun")
        if state.is_opaque:
            text = "".join(state.json)
            if text:
                state.start["input"] = _input(text)
            events.append(Notice("anthropic", "block", state.start, 0, index, is_content=True))
        elif state.tool >= 0 and not state.has_arguments:
            events.append(ToolCall(0, state.tool, arguments=dumps(state.start.get("input") or {}).decode()))

    def _message_delta(self, event: JsonObject) -> None:
        delta, usage = event.get("delta"), event.get("usage")
        if isinstance(delta, dict):
            reason, sequence = delta.get("stop_reason"), delta.get("stop_sequence")
            self._reason = reason if isinstance(reason, str) else self._reason
            self._sequence = sequence if isinstance(sequence, str) else self._sequence
            self._fields.update(delta)
        self._fields.update({k: v for k, v in event.items() if k not in {"type", "delta", "usage"}})
        if isinstance(usage, dict):  # running totals
            self._usage.update({name: value for name, value in usage.items() if value is not None})

    def _stop(self, events: list[Event]) -> None:
        if not self._has_started:
            raise protocol_error("message_stop comes before message_start")
        self._is_complete = True
        notice = late_notice(self._fields)
        if notice is not None:
            events.append(notice)
        events.append(finish(self._reason, self._sequence))
        report = usage_report(self._usage)
        if report is not None:
            events.append(report)


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""


def _delta_of(data: bytes) -> JsonObject:
    delta = object_of(data, "content_block_delta").get("delta")
    return delta if isinstance(delta, dict) else {}


def _input(text: str) -> JsonValue:
    """A server tool's input.  One that was cut short by the token limit is kept as the API's guide says."""
    try:
        return loads(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {"INVALID_JSON": text}
