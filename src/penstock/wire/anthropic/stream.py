"""Writes a streamed answer (https://platform.claude.com/docs/en/build-with-claude/streaming).

Blocks are written one after the other, as Anthropic does and its SDKs expect.  Where a provider sends pieces of two
tool calls by turns, whatever follows the first call is held until the answer ends: nothing is lost or mixed up.
"""

from collections.abc import Sequence
from typing import Final, Literal

from penstock.core.errors import InternalError
from penstock.core.events import Citation, Event, Finish, Notice, Start, Text, ToolCall, UsageReport, Vector
from penstock.core.exchange import Exchange
from penstock.core.json import JsonObject, JsonValue, dumps
from penstock.core.sse import frame
from penstock.core.usage import Usage
from penstock.wire.anthropic.answer import DELTA_FIELDS, is_object, message_id, stop_reason, tool_id, usage_object
from penstock.wire.anthropic.errors import encode_error
from penstock.wire.anthropic.signatures import shown
from penstock.wire.citations import anthropic_notice

_START_ONLY: Final = frozenset({"cache_creation", "service_tier", "inference_geo", "speed"})
"""Fields of a usage that Anthropic tells in `message_start` and not again."""
_Key = tuple[Literal["answer", "reasoning", "refusal", "tool", "block"], int]


class MessageStream:
    """One streamed answer; a `StreamEncoder`.  Writes the first choice: a client of this dialect has asked for one."""

    __slots__ = (
        "_arguments",
        "_exchange",
        "_fields",
        "_finish",
        "_has_refusal",
        "_has_started",
        "_head",
        "_held",
        "_index",
        "_key",
        "_start",
        "_tool_fields",
        "_tools",
        "_usage",
    )

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._start: JsonObject | None = None  # a message_start that a notice may still complete
        self._has_started = False
        self._key: _Key | None = None  # of the open block
        self._head = b""  # how a delta of the open block begins
        self._index = -1
        self._arguments: list[str] = []
        self._held: list[Event] = []
        self._fields: JsonObject = {}
        self._tool_fields: dict[JsonValue, JsonObject] = {}
        self._tools = 0
        self._has_refusal = False
        self._finish: Finish | None = None
        self._usage: Usage | None = None

    def feed(self, events: Sequence[Event]) -> bytes:
        out: list[bytes] = []
        for event in events:
            match event:
                case Text(choice=0):
                    if event.text or event.signature is not None:
                        self._content(event, (event.channel, event.part), out)
                case ToolCall(choice=0):
                    self._content(event, ("tool", event.index), out)
                case Notice(dialect="anthropic", choice=0):
                    self._notice(event, out)
                case Citation(choice=0):
                    self._notice(anthropic_notice(event), out)
                case Start():
                    self._start = self._message(event)
                case Finish(choice=0):
                    self._finish = event
                case UsageReport():
                    self._usage = event.usage
                case Text() | ToolCall() | Notice() | Citation() | Finish() | Vector():
                    pass
        self._write_start(out)
        return b"".join(out)

    def finish(self) -> bytes:
        out: list[bytes] = []
        self._release(out)
        if not self._has_started:
            self._start = self._start or self._message(Start("", ""))
            self._write_start(out)
        self._close(out)
        out += (frame(dumps(self._message_delta()), "message_delta"), _MESSAGE_STOP)
        return b"".join(out)

    def fail(self, exchange: Exchange) -> bytes:
        error = exchange.error or InternalError("Something went wrong.")
        return frame(encode_error(error, exchange.id), "error")

    def _message(self, start: Start) -> JsonObject:
        return {
            "id": message_id(start.id, self._exchange),
            "type": "message",
            "role": "assistant",
            "model": start.model or self._exchange.request.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 0, "output_tokens": 0},
        }

    def _write_start(self, out: list[bytes]) -> None:
        if self._start is not None:
            out.append(frame(dumps({"type": "message_start", "message": self._start}), "message_start"))
            self._start = None
            self._has_started = True

    def _message_delta(self) -> JsonObject:
        finish = self._finish
        usage = usage_object(self._usage, self._exchange)
        has_tools = self._tools > 0
        return {
            "type": "message_delta",
            "delta": {
                "stop_reason": stop_reason(finish, self._exchange, has_tools=has_tools, has_refusal=self._has_refusal),
                "stop_sequence": None if finish is None else finish.stop_sequence,
                **{name: value for name, value in self._fields.items() if name in DELTA_FIELDS},
            },
            "usage": {name: value for name, value in usage.items() if name not in _START_ONLY},
            **{name: value for name, value in self._fields.items() if name not in DELTA_FIELDS},
        }

    def _notice(self, notice: Notice, out: list[bytes]) -> None:
        match notice.kind, notice.data:
            case "message", dict(data):
                if self._start is not None:
                    self._start.update(data)
                else:
                    self._fields.update({name: value for name, value in data.items() if name != "usage"})
            case "tool_use", dict(data):
                self._tool_fields[data["index"]] = {name: value for name, value in data.items() if name != "index"}
            case "citation", _:
                self._content(notice, ("answer", notice.part), out)
            case "block", dict():
                self._content(notice, ("block", notice.part), out)
            case _:
                pass

    def _content(self, event: Text | ToolCall | Notice, key: _Key, out: list[bytes]) -> None:
        """Write a piece of a block, or hold it while the arguments of an open tool call are not whole."""
        if self._start is not None:
            self._write_start(out)
        if key != self._key:
            open_call = self._key is not None and self._key[0] == "tool"
            if self._held or (open_call and not is_object("".join(self._arguments))):
                self._held.append(event)
                return
            self._close(out)
            self._open(event, key, out)
        self._piece(event, out)

    def _release(self, out: list[bytes]) -> None:
        """Write what was held, block by block."""
        held, self._held = self._held, []
        blocks: dict[_Key, list[Text | ToolCall | Notice]] = {}
        for event in held:
            match event:
                case Text():
                    blocks.setdefault((event.channel, event.part), []).append(event)
                case ToolCall():
                    blocks.setdefault(("tool", event.index), []).append(event)
                case Notice():
                    blocks.setdefault(("answer" if event.kind == "citation" else "block", event.part), []).append(event)
                case _:
                    pass
        for key, pieces in blocks.items():
            self._close(out)
            self._open(pieces[0], key, out)
            for piece in pieces:
                self._piece(piece, out)

    def _open(self, event: Text | ToolCall | Notice, key: _Key, out: list[bytes]) -> None:
        self._key = key
        self._index += 1
        match event:
            case Text(channel="reasoning"):
                signature = event.signature
                if signature is not None and not event.text and (redacted := shown(signature))[0]:
                    block: JsonObject = {"type": "redacted_thinking", "data": redacted[1]}
                else:
                    block = {"type": "thinking", "thinking": "", "signature": ""}
                self._head = self._delta_head(b"thinking_delta", b"thinking")
            case ToolCall():
                block = {"type": "tool_use", "id": tool_id(event.id, event.index, self._exchange), "name": event.name}
                block["input"] = {}
                block.update(self._tool_fields.pop(event.index, {}))
                if event.signature is not None:
                    block["signature"] = event.signature
                self._head = self._delta_head(b"input_json_delta", b"partial_json")
                self._arguments.clear()
                self._tools += 1
            case Notice(kind="block", data=dict(data)):
                block = {**data, "input": {}} if data.get("input") else data
                self._head = self._delta_head(b"input_json_delta", b"partial_json")
            case _:
                block = {"type": "text", "text": ""}
                if isinstance(event, Notice):
                    block["citations"] = []
                self._has_refusal = self._has_refusal or key[0] == "refusal"
                self._head = self._delta_head(b"text_delta", b"text")
        started: JsonObject = {"type": "content_block_start", "index": self._index, "content_block": block}
        out.append(frame(dumps(started), "content_block_start"))

    def _piece(self, event: Text | ToolCall | Notice, out: list[bytes]) -> None:
        match event:
            case Text():
                if event.text:
                    out.append(self._head + dumps(event.text) + _DELTA_END)
                if event.signature is not None:
                    is_redacted, signature = shown(event.signature)
                    if not is_redacted:
                        out.append(self._delta_head(b"signature_delta", b"signature") + dumps(signature) + _DELTA_END)
            case ToolCall():
                if event.arguments:
                    self._arguments.append(event.arguments)
                    out.append(self._head + dumps(event.arguments) + _DELTA_END)
            case Notice(kind="citation", data=citation):
                out.append(self._delta_head(b"citations_delta", b"citation") + dumps(citation) + _DELTA_END)
            case Notice(data=dict(data)):
                arguments = data.get("input")
                if arguments:
                    out.append(self._head + dumps(dumps(arguments).decode()) + _DELTA_END)
                self._close(out)
            case Notice():
                pass

    def _delta_head(self, kind: bytes, field: bytes) -> bytes:
        return _DELTA_START % (self._index, kind, field)

    def _close(self, out: list[bytes]) -> None:
        if self._key is not None:
            self._key = None
            out.append(_BLOCK_STOP % self._index)


_DELTA_START: Final = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"%b","%b":'
)
_DELTA_END: Final = b"}}\n\n"
_BLOCK_STOP: Final = b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n'
_MESSAGE_STOP: Final = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
