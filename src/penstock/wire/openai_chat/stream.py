"""A streamed answer as `chat.completion.chunk` frames.

A text delta, which is nearly every event of a stream, is written by joining two prepared pieces around the encoded
text; everything else goes through `_write`.  Notices ride on the next chunk of their choice, or on one of their own at
the end of the batch.  Usage is held until `finish`: it is the last chunk before `[DONE]`, and only for who asked.
"""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from penstock.core.chat import ChatRequest
from penstock.core.events import Channel, Citation, Event, Finish, Notice, Start, Text, ToolCall, UsageReport
from penstock.core.exchange import Exchange
from penstock.core.json import JsonObject, JsonValue
from penstock.core.sse import frame
from penstock.core.usage import Usage
from penstock.wire.citations import chat_notice
from penstock.wire.openai_chat.errors import error_body, error_of
from penstock.wire.openai_chat.shapes import (
    NOTICE_ANSWER,
    NOTICE_CHOICE,
    NOTICE_CHUNK,
    NOTICE_MESSAGE,
    Head,
    add_signature,
    call_shape,
    join_fields,
    reason_of,
    speaks_functions,
    usage_of,
)

_DONE: Final = b"data: [DONE]\n\n"
_FIELD: Final = MappingProxyType[Channel, bytes](
    {"answer": b"content", "reasoning": b"reasoning_content", "refusal": b"refusal"}
)
_encode: Final = msgspec.json.Encoder().encode


class _Pending:
    """What the next chunk of a choice takes along beside its delta."""

    __slots__ = ("choice", "chunk", "delta")

    def __init__(self) -> None:
        self.choice: JsonObject = {}
        self.chunk: JsonObject = {}
        self.delta: JsonObject = {}


class ChunkEncoder:
    """`core.ports.StreamEncoder` for chat completions."""

    __slots__ = (
        "_calls",
        "_exchange",
        "_head",
        "_is_legacy",
        "_open",
        "_pending",
        "_repeated",
        "_start",
        "_tail",
        "_templates",
        "_usage",
        "_wants_usage",
    )

    def __init__(self, exchange: Exchange) -> None:
        request = exchange.request
        self._exchange = exchange
        self._wants_usage = isinstance(request, ChatRequest) and request.include_usage
        self._is_legacy = speaks_functions(exchange)
        self._start: Start | None = None
        self._head = b""
        self._tail = b',"usage":null}\n\n' if self._wants_usage else b"}\n\n"
        self._repeated: JsonObject = {}
        self._templates: dict[tuple[int, Channel], tuple[bytes, bytes]] = {}
        self._open: set[int] = set()
        self._calls: set[tuple[int, int]] = set()
        self._pending: dict[int, _Pending] = {}
        self._usage: Usage | None = None

    def feed(self, events: Sequence[Event]) -> bytes:
        out: list[bytes] = []
        for event in events:
            if type(event) is Text:
                self._text(event, out)
            else:
                self._other(event, out)
        if self._start is not None:
            if not self._open:
                self._delta(0, {}, out)
            for choice in tuple(self._pending):
                self._delta(choice, {}, out)
        return b"".join(out)

    def finish(self) -> bytes:
        usage = None
        if self._wants_usage and self._usage is not None:
            usage = usage_of(self._usage)
        if usage is None:
            return _DONE
        return b"".join((self._header(), b'[],"usage":', _encode(usage), b"}\n\n", _DONE))

    def fail(self, exchange: Exchange) -> bytes:
        return frame(error_body(error_of(exchange), exchange.id))

    def _text(self, event: Text, out: list[bytes]) -> None:
        if not event.text and event.logprobs is None:
            return
        choice = event.choice
        if event.logprobs is not None or choice not in self._open or self._pending:
            self._slow_text(event, out)
            return
        template = self._templates.get((choice, event.channel))
        if template is None:
            template = self._template(choice, event.channel)
        out += (template[0], _encode(event.text), template[1])

    def _template(self, choice: int, channel: Channel) -> tuple[bytes, bytes]:
        before = b'%b[{"index":%d,"delta":{"%b":' % (self._header(), choice, _FIELD[channel])
        template = (before, b'},"logprobs":null,"finish_reason":null}]' + self._tail)
        self._templates[choice, channel] = template
        return template

    def _slow_text(self, event: Text, out: list[bytes]) -> None:
        delta: JsonObject = {_FIELD[event.channel].decode(): event.text}
        logprobs: JsonValue = None
        if event.logprobs is not None:
            is_refusal = event.channel == "refusal"
            logprobs = {
                "content": None if is_refusal else event.logprobs,
                "refusal": event.logprobs if is_refusal else None,
            }
        self._delta(event.choice, delta, out, logprobs=logprobs)

    def _other(self, event: Event, out: list[bytes]) -> None:
        match event:
            case ToolCall():
                self._delta(event.choice, self._call(event), out)
            case Finish():
                reason = reason_of(event, self._exchange, is_legacy=self._is_legacy)
                self._delta(event.choice, {}, out, reason=reason)
            case Start():
                self._start = event
                self._forget_header()
            case UsageReport():
                self._usage = event.usage
            case Notice() if event.dialect == "openai-chat" and isinstance(event.data, dict):
                self._note(event.kind, event.choice, event.data)
            case Citation():
                self._other(chat_notice(event), out)
            case _:
                pass

    def _call(self, event: ToolCall) -> JsonObject:
        key = (event.choice, event.index)
        is_first = key not in self._calls
        self._calls.add(key)
        if self._is_legacy:
            if event.index:
                return {}
            named: JsonObject = {"name": event.name} if is_first else {}
            return {"function_call": {**named, "arguments": event.arguments}}
        call: JsonObject = {"index": event.index}
        if is_first:
            call |= call_shape(event.id, event.name, event.arguments, event.kind)
        elif event.kind == "custom":
            call["custom"] = {"input": event.arguments}
        else:
            call["function"] = {"arguments": event.arguments}
        add_signature(call, event.signature)
        return {"tool_calls": [call]} if event.choice in self._open else {"content": None, "tool_calls": [call]}

    def _note(self, kind: str, choice: int, data: JsonObject) -> None:
        if kind == NOTICE_ANSWER:
            self._repeated |= data
            self._forget_header()
            return
        pending = self._pending.setdefault(choice, _Pending())
        if kind == NOTICE_CHOICE:
            pending.choice |= data
        elif kind == NOTICE_CHUNK:
            pending.chunk |= data
        elif kind == NOTICE_MESSAGE:
            join_fields(pending.delta, data)

    def _delta(
        self, choice: int, delta: JsonObject, out: list[bytes], *, logprobs: JsonValue = None, reason: str | None = None
    ) -> None:
        if choice not in self._open:
            self._open.add(choice)
            delta = {"role": "assistant", **delta}
        extra = b""
        shape: JsonObject = {"index": choice, "delta": delta, "logprobs": logprobs, "finish_reason": reason}
        pending = self._pending.pop(choice, None)
        if pending is not None:
            delta |= pending.delta
            shape |= pending.choice
            if pending.chunk:
                extra = b"," + _encode(pending.chunk)[1:-1]
        out += (self._header(), b"[", _encode(shape), b"]", extra, self._tail)

    def _header(self) -> bytes:
        """Everything before the choices."""
        if not self._head:
            head = Head(self._start, self._exchange)
            fields: JsonObject = {
                "id": head.id,
                "object": "chat.completion.chunk",
                "created": head.created,
                "model": head.model,
                **self._repeated,
            }
            self._head = b"data: " + _encode(fields)[:-1] + b',"choices":'
        return self._head

    def _forget_header(self) -> None:
        self._head = b""
        self._templates.clear()
