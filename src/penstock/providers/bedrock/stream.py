"""Reads a ConverseStream answer.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
"""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Final

import msgspec

from penstock.core.events import Event, Finish, Notice, Start, Text, ToolCall
from penstock.core.json import JsonObject, JsonValue, loads
from penstock.providers.bedrock.answer import finish, protocol_error, usage_report
from penstock.providers.bedrock.blocks import REDACTED_PREFIX, SIGNATURE_PREFIX
from penstock.providers.bedrock.errors import error_in_stream
from penstock.providers.bedrock.frames import FrameDecoder, Message


class _ToolDelta(msgspec.Struct, gc=False):
    input: str = ""


class _Reasoning(msgspec.Struct, gc=False):
    text: str | None = None
    signature: str | None = None
    redactedContent: str | None = None  # noqa: N815 - AWS's name


class _Delta(msgspec.Struct, gc=False):
    text: str | None = None
    toolUse: _ToolDelta | None = None  # noqa: N815 - AWS's name
    reasoningContent: _Reasoning | None = None  # noqa: N815 - AWS's name


class _DeltaEvent(msgspec.Struct, gc=False):
    contentBlockIndex: int  # noqa: N815 - AWS's name
    delta: _Delta


class _Block(msgspec.Struct):
    """A block that is being sent and is not plain text.  `tool` is its ordinal among the tool calls, else -1."""

    tool: int = -1
    has_arguments: bool = False
    start: JsonObject | None = None
    pieces: list[JsonValue] = []
    redacted: list[bytes] = []


_read_delta: Final = msgspec.json.Decoder(_DeltaEvent).decode


class StreamDecoder:
    """One streamed answer; a `Decoder`.

    `messageStop` is the end of what the model says; `metadata`, with the usage, follows it.  An answer without
    `metadata` is whole, but its usage is not known.
    """

    __slots__ = ("_blocks", "_finish", "_frames", "_has_started", "_is_complete", "_model", "_tools")

    def __init__(self, model: str) -> None:
        self._model = model
        self._frames = FrameDecoder()
        self._blocks: dict[int, _Block] = {}
        self._finish: Finish | None = None
        self._tools = 0
        self._has_started = False
        self._is_complete = False

    @property
    def is_complete(self) -> bool:
        return self._is_complete

    def feed(self, data: bytes) -> Sequence[Event]:
        events: list[Event] = []
        if self._is_complete:
            return events
        for message in self._frames.feed(data):
            self._take(message, events)
            if self._is_complete:
                break
        return events

    def finish(self) -> Sequence[Event]:
        if self._is_complete:
            return ()
        if self._finish is None or not self._frames.is_empty:
            raise protocol_error("the stream ended before messageStop")
        self._is_complete = True
        return (self._finish,)

    def _take(self, message: Message, events: list[Event]) -> None:
        if message.kind != "event":
            raise error_in_stream(message)
        if message.name == "contentBlockDelta":
            self._delta(message.payload, events)
            return
        payload = _object(message)
        match message.name:
            case "messageStart":
                self._has_started = True
                events.append(Start("", self._model))
            case "contentBlockStart":
                self._start_block(payload, events)
            case "contentBlockStop":
                self._stop_block(payload, events)
            case "messageStop":
                reason, more = payload.get("stopReason"), payload.get("additionalModelResponseFields")
                if not isinstance(reason, str) or not self._has_started:
                    raise protocol_error("messageStop without a reason or a messageStart")
                self._finish = finish(reason, more if isinstance(more, dict) else None)
            case "metadata":
                self._metadata(payload, events)
            case _:
                pass  # a kind of event that AWS may add

    def _start_block(self, payload: JsonObject, events: list[Event]) -> None:
        match payload:
            case {
                "contentBlockIndex": int(index),
                "start": {"toolUse": {"toolUseId": str(call_id), "name": str(name), **rest}},
            } if rest.get("type") != "server_tool_use":
                self._blocks[index] = _Block(tool=self._tools)
                events.append(ToolCall(0, self._tools, call_id, name))
                self._tools += 1
            case {"contentBlockIndex": int(index), "start": dict()}:
                self._blocks[index] = _Block(start=payload)
            case _:
                raise protocol_error("contentBlockStart without a start")

    def _delta(self, payload: bytes, events: list[Event]) -> None:
        try:
            event = _read_delta(payload)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise protocol_error(f"contentBlockDelta: {error}") from None
        if not self._has_started:
            raise protocol_error("contentBlockDelta before messageStart")
        index, delta = event.contentBlockIndex, event.delta
        block = self._blocks.get(index)
        if delta.text is not None and (block is None or block.start is None):
            if delta.text:
                events.append(Text(delta.text, 0, "answer", index))
        elif delta.toolUse is not None and block is not None and block.tool >= 0:
            if delta.toolUse.input:
                block.has_arguments = True
                events.append(ToolCall(0, block.tool, arguments=delta.toolUse.input))
        elif delta.reasoningContent is not None:
            self._reasoning(delta.reasoningContent, index, events)
        else:
            self._opaque(index, payload)

    def _reasoning(self, delta: _Reasoning, index: int, events: list[Event]) -> None:
        if delta.text:
            events.append(Text(delta.text, 0, "reasoning", index))
        if delta.signature:
            events.append(Text("", 0, "reasoning", index, signature=SIGNATURE_PREFIX + delta.signature))
        if delta.redactedContent:
            try:
                self._blocks.setdefault(index, _Block()).redacted.append(b64decode(delta.redactedContent))
            except ValueError:
                raise protocol_error("redactedContent is no base64") from None

    def _opaque(self, index: int, payload: bytes) -> None:
        """Collect what belongs to a block that has no common meaning."""
        block = self._blocks.setdefault(index, _Block(start={"contentBlockIndex": index}))
        value = loads(payload)
        if isinstance(value, dict):
            block.pieces.append(value.get("delta"))

    def _stop_block(self, payload: JsonObject, events: list[Event]) -> None:
        index = payload.get("contentBlockIndex")
        block = self._blocks.pop(index, None) if isinstance(index, int) else None
        if block is None or not isinstance(index, int):
            return
        if block.redacted:
            data = b64encode(b"".join(block.redacted)).decode()
            events.append(Text("", 0, "reasoning", index, signature=REDACTED_PREFIX + data))
        if block.tool >= 0 and not block.has_arguments:
            events.append(ToolCall(0, block.tool, arguments="{}"))
        if block.start is not None:
            events.append(Notice("bedrock", "block", {**block.start, "deltas": block.pieces}, 0, index))

    def _metadata(self, payload: JsonObject, events: list[Event]) -> None:
        if self._finish is None:
            raise protocol_error("metadata before messageStop")
        self._is_complete = True
        trace, usage = payload.get("trace"), payload.get("usage")
        if trace is not None:
            events.append(Notice("bedrock", "trace", trace))
        events.append(self._finish)
        report = usage_report(usage) if isinstance(usage, dict) else None
        if report is not None:
            events.append(report)


def _object(message: Message) -> JsonObject:
    try:
        value = loads(message.payload)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise protocol_error(f"{message.name}: {error}") from None
    if not isinstance(value, dict):
        raise protocol_error(f"{message.name} is no object")
    return value
