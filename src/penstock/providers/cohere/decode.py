"""Reads v2/chat answers (https://docs.cohere.com/reference/chat, https://docs.cohere.com/reference/chat-stream).

The plan that a model makes before it calls tools (`tool_plan`) is reasoning, and so are `thinking` contents.
"""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any, Final

import msgspec

from penstock.core.errors import PenstockError, UpstreamProtocolError, UpstreamUnavailable
from penstock.core.events import Channel, Event, Finish, FinishReason, Notice, Start, Text, ToolCall, UsageReport
from penstock.core.json import JsonObject, JsonValue
from penstock.core.sse import SseDecoder
from penstock.core.usage import Usage

_REASONS: Final = MappingProxyType[str, FinishReason](
    {
        "COMPLETE": "stop",
        "STOP_SEQUENCE": "stop",
        "MAX_TOKENS": "length",
        "ERROR_LIMIT": "length",
        "TOOL_CALL": "tool_calls",
        "ERROR_TOXIC": "content_filter",
    }
)
"""Everything else (ERROR, TIMEOUT, …) is `error`."""


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _Call(msgspec.Struct):
    id: str = ""
    function: _Function | None = None


class _Content(msgspec.Struct):
    type: str | None = None
    text: str | None = None
    thinking: str | None = None


class _Logprob(msgspec.Struct):
    text: str | None = None
    logprobs: list[float] | None = None


class _Piece(msgspec.Struct):
    """The message of one stream event: one content, one call, one citation (at its start: empty lists of each)."""

    content: _Content | list[Any] | None = None
    tool_calls: _Call | list[Any] | None = None
    tool_plan: str | None = None
    citations: Any = None


class _Delta(msgspec.Struct):
    message: _Piece | None = None
    finish_reason: str | None = None
    usage: dict[str, Any] | None = None
    error: str | None = None


class _StreamEvent(msgspec.Struct):
    type: str = ""
    id: str = ""
    index: int | None = None
    delta: _Delta | None = None
    logprobs: _Logprob | None = None


class _Message(msgspec.Struct):
    content: list[_Content] | None = None
    tool_calls: list[_Call] | None = None
    tool_plan: str | None = None
    citations: list[Any] | None = None


class _Answer(msgspec.Struct):
    message: _Message
    id: str = ""
    finish_reason: str | None = None
    usage: dict[str, Any] | None = None
    logprobs: list[_Logprob] | None = None


_stream_decoder = msgspec.json.Decoder(_StreamEvent)
_answer_decoder = msgspec.json.Decoder(_Answer)


class StreamDecoder:
    """`providers.dialect.Decoder` for a streamed chat.  `model` is shown, since Cohere does not name its own."""

    __slots__ = ("_call_ordinals", "_channel", "_is_complete", "_model", "_part", "_plan_part", "_sse")

    def __init__(self, model: str) -> None:
        self._sse = SseDecoder()
        self._model = model
        self._part = -1
        self._plan_part = -1
        self._channel: Channel = "answer"
        self._call_ordinals: dict[int, int] = {}
        self._is_complete = False

    @property
    def is_complete(self) -> bool:
        return self._is_complete

    def feed(self, data: bytes) -> Sequence[Event]:
        events: list[Event] = []
        for frame in self._sse.feed(data):
            self._take(frame.data, events)
        return events

    def finish(self) -> Sequence[Event]:
        events: list[Event] = []
        for frame in self._sse.finish():
            self._take(frame.data, events)
        if not self._is_complete:
            raise UpstreamProtocolError("The provider's answer broke off.", detail="no message-end")
        return events

    def _take(self, data: bytes, events: list[Event]) -> None:
        if self._is_complete or data == b"[DONE]":
            return
        try:
            event = _stream_decoder.decode(data)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise _unreadable(str(error)) from None
        delta = event.delta
        piece = None if delta is None else delta.message
        match event.type:
            case "content-delta" if piece is not None and isinstance(piece.content, _Content):
                self._add_text(piece.content, event.logprobs, events)
            case "tool-call-delta" if piece is not None and isinstance(piece.tool_calls, _Call):
                self._add_call(piece.tool_calls, event.index or 0, events)
            case "content-start" if piece is not None and isinstance(piece.content, _Content):
                self._part += 1
                self._channel = "reasoning" if piece.content.type == "thinking" else "answer"
                self._add_text(piece.content, event.logprobs, events)
            case "tool-plan-delta" if piece is not None and piece.tool_plan:
                if self._plan_part < 0:
                    self._part += 1
                    self._plan_part = self._part
                events.append(Text(piece.tool_plan, 0, "reasoning", self._plan_part))
            case "tool-call-start" if piece is not None and isinstance(piece.tool_calls, _Call):
                self._add_call(piece.tool_calls, event.index or 0, events)
            case "citation-start" if piece is not None and piece.citations is not None:
                events.append(Notice("cohere", "citation", piece.citations, 0, max(self._part, 0)))
            case "message-start":
                events.append(Start(event.id, self._model))
            case "message-end" if delta is not None:
                self._end(delta, events)
            case _:
                pass  # the ends of parts, and kinds of events that are not known yet

    def _add_text(self, content: _Content, logprob: _Logprob | None, events: list[Event]) -> None:
        text = content.text or content.thinking
        if text:
            entries = None if logprob is None else _logprobs([logprob])
            events.append(Text(text, 0, self._channel, max(self._part, 0), entries))

    def _add_call(self, call: _Call, index: int, events: list[Event]) -> None:
        ordinal = self._call_ordinals.setdefault(index, len(self._call_ordinals))
        events.append(_tool_call(call, ordinal))

    def _end(self, delta: _Delta, events: list[Event]) -> None:
        if delta.error is not None:
            raise UpstreamUnavailable("The provider failed.", detail=delta.error)
        events.append(_finish(delta.finish_reason))
        usage = None if delta.usage is None else usage_of(delta.usage)
        if usage is not None:
            events.append(UsageReport(usage))
        self._is_complete = True


def read_whole(model: str, body: bytes) -> Sequence[Event]:
    """A chat that is not streamed."""
    try:
        answer = _answer_decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise _unreadable(str(error)) from None
    message = answer.message
    events: list[Event] = [Start(answer.id, model)]
    part = -1
    if message.tool_plan:
        part += 1
        events.append(Text(message.tool_plan, 0, "reasoning", part))
    logprobs = None if answer.logprobs is None else _logprobs(answer.logprobs)
    for content in message.content or ():
        part += 1
        if content.thinking:
            events.append(Text(content.thinking, 0, "reasoning", part))
        elif content.text:
            events.append(Text(content.text, 0, "answer", part, logprobs))
            logprobs = None
    events += [Notice("cohere", "citation", citation, 0, max(part, 0)) for citation in message.citations or ()]
    events += [_tool_call(call, ordinal) for ordinal, call in enumerate(message.tool_calls or ())]
    events.append(_finish(answer.finish_reason))
    usage = None if answer.usage is None else usage_of(answer.usage)
    if usage is not None:
        events.append(UsageReport(usage))
    return events


def usage_of(native: JsonObject) -> Usage | None:
    """What Cohere bills (`billed_units`), where it says so, for it is what a price is multiplied with.

    `tokens`, which also counts Cohere's own prompt around tools and safety, is used only where nothing is billed by
    tokens; both stay in `native`.
    """
    tokens = native.get("tokens")
    for counts in (native.get("billed_units"), tokens):
        if not isinstance(counts, dict):
            continue
        given, made = counts.get("input_tokens"), counts.get("output_tokens")
        if not isinstance(given, int | float) and not isinstance(made, int | float):
            continue
        return Usage(
            input_tokens=_whole(given),
            output_tokens=_whole(made),
            native_dialect="cohere",
            native=native,
        )
    return None


def _whole(value: JsonValue) -> int:
    return int(value) if isinstance(value, int | float) else 0


def _tool_call(call: _Call, ordinal: int) -> ToolCall:
    function = call.function
    name = "" if function is None else function.name or ""
    arguments = "" if function is None else function.arguments or ""
    return ToolCall(0, ordinal, call.id, name, arguments)


def _finish(native: str | None) -> Finish:
    if native is None:
        raise _unreadable("no finish reason")
    return Finish(_REASONS.get(native, "error"), 0, native)


def _logprobs(items: Sequence[_Logprob]) -> list[JsonValue]:
    """In OpenAI's form, one entry for each piece of text; the chance of a piece is that of its tokens together."""
    entries: list[JsonValue] = []
    for item in items:
        text = item.text or ""
        raw: list[JsonValue] = list(text.encode("utf-8", "surrogatepass"))
        entries.append({"token": text, "logprob": sum(item.logprobs or ()), "bytes": raw, "top_logprobs": []})
    return entries


def _unreadable(detail: str) -> PenstockError:
    return UpstreamProtocolError("The provider sent an answer that cannot be read.", detail=detail)
