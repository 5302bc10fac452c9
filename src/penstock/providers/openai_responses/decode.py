"""Decoders of the Responses dialect: bytes of an answer, streamed or unary, into events.

The format: https://platform.openai.com/docs/api-reference/responses-streaming.  A stream is complete with
`response.completed` or `response.incomplete`; `response.failed` and `error` are the provider's errors.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import msgspec

from penstock.core.errors import PenstockError, UpstreamProtocolError
from penstock.core.events import Event, Finish, FinishReason, Notice, Start, Text, UsageReport
from penstock.core.json import JsonObject, JsonValue
from penstock.core.sse import SseDecoder
from penstock.core.usage import Usage
from penstock.providers.openai_responses.errors import stream_error
from penstock.providers.openai_responses.items import DIALECT, Items

MOST_BYTES: Final = 256 * 1024 * 1024
_UNREADABLE: Final = "The provider sent an answer that cannot be read."
_NOT_ENVELOPE: Final = frozenset({"id", "model", "output", "output_text", "usage", "incomplete_details", "error"})
_INCOMPLETE: Final[Mapping[str, FinishReason]] = MappingProxyType(
    {"max_output_tokens": "length", "content_filter": "content_filter"}
)


class _Frame(msgspec.Struct, gc=False):
    """The fields of an event that the decoder reads; the rest of an event is read only where it is passed on."""

    type: str
    output_index: int = -1
    content_index: int = 0
    summary_index: int = 0
    delta: Any = None
    logprobs: list[Any] | None = None
    annotation: msgspec.Raw = msgspec.Raw(b"null")
    item: msgspec.Raw = msgspec.Raw(b"null")
    response: msgspec.Raw = msgspec.Raw(b"null")


_frames: Final = msgspec.json.Decoder(_Frame)


class StreamDecoder:
    """Decodes a streamed answer.  See `providers.dialect.Decoder`."""

    __slots__ = ("_is_complete", "_is_started", "_items", "_sse")

    def __init__(self) -> None:
        self._sse = SseDecoder()
        self._items = Items()
        self._is_complete = False
        self._is_started = False

    @property
    def is_complete(self) -> bool:
        return self._is_complete

    def feed(self, data: bytes) -> Sequence[Event]:
        out: list[Event] = []
        if not self._is_complete:
            for frame in self._sse.feed(data):
                self._take(frame.data, out)
        return out

    def finish(self) -> Sequence[Event]:
        out: list[Event] = []
        if not self._is_complete:
            for frame in self._sse.finish():
                self._take(frame.data, out)
        if not self._is_complete:
            raise UpstreamProtocolError("The provider's answer broke off.", detail="no terminal response event")
        return out

    def _take(self, data: bytes, out: list[Event]) -> None:
        if self._is_complete or data == b"[DONE]":
            return
        try:
            frame = _frames.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UpstreamProtocolError(_UNREADABLE, detail=f"stream event: {error}") from error
        match frame.type:
            case "response.output_text.delta":
                self._text(frame, "content", "answer", out)
            case "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta":
                self._arguments(frame, out)
            case "response.reasoning_summary_text.delta":
                self._text(frame, "summary", "reasoning", out)
            case "response.reasoning_text.delta":
                self._text(frame, "content", "reasoning", out)
            case "response.refusal.delta":
                self._text(frame, "content", "refusal", out)
            case "response.output_text.annotation.added":
                item = self._item(frame)
                self._items.annotation(item, frame.content_index, _value(frame.annotation), out)
            case "response.output_item.added":
                self._items.begin(frame.output_index, _object(frame.item, "item"), out)
            case "response.output_item.done":
                self._items.end(frame.output_index, _object(frame.item, "item"), out)
            case "response.created" | "response.queued" | "response.in_progress":
                self._lifecycle(frame, out)
            case "response.completed" | "response.incomplete":
                self._end(frame, out)
            case "response.failed" | "error":
                raise _failure(_object(msgspec.Raw(data), "event"))
            case _:
                self._progress(data, frame, out)

    def _text(self, frame: _Frame, name: str, channel: Any, out: list[Event]) -> None:
        item = self._items.get(frame.output_index)
        if item is None:
            item = self._item(frame)
        key = (name, frame.content_index if name == "content" else frame.summary_index)
        part = item.parts.get(key)
        if part is None:
            part = self._items.part(item, key, out)
        delta = frame.delta
        if not isinstance(delta, str):
            raise UpstreamProtocolError(_UNREADABLE, detail=f"{frame.type}: `delta` is no string")
        out.append(Text(delta, 0, channel, part, frame.logprobs or None))

    def _arguments(self, frame: _Frame, out: list[Event]) -> None:
        item = self._item(frame)
        if item.call < 0 or not isinstance(frame.delta, str):
            raise UpstreamProtocolError(_UNREADABLE, detail=f"{frame.type} without a tool call or text")
        self._items.arguments(item, frame.delta, out)

    def _item(self, frame: _Frame) -> Any:
        item = self._items.get(frame.output_index)
        if item is None:
            raise UpstreamProtocolError(_UNREADABLE, detail=f"{frame.type} before its item")
        return item

    def _lifecycle(self, frame: _Frame, out: list[Event]) -> None:
        response = _object(frame.response, "response")
        if not self._is_started:
            self._is_started = True
            out.append(start(response))
        out.append(envelope(frame.type, response))

    def _end(self, frame: _Frame, out: list[Event]) -> None:
        response = _object(frame.response, "response")
        if not self._is_started:
            self._is_started = True
            out.append(start(response))
        conclude(frame.type, response, self._items, out)
        self._is_complete = True

    def _progress(self, data: bytes, frame: _Frame, out: list[Event]) -> None:
        """Pass on what an item of another kind reports.

        Of the common kinds it only repeats what the deltas said, or could bring text past the guards.
        """
        item = self._items.get(frame.output_index)
        if item is None or item.kind in ("message", "reasoning", "function_call", "custom_tool_call"):
            return
        event = _object(msgspec.Raw(data), "event")
        event.pop("sequence_number", None)
        event.pop("output_index", None)
        out.append(Notice(DIALECT, "event", {"n": item.n, "event": event}, is_content=True))


def read_whole(body: bytes) -> Sequence[Event]:
    """An answer that is one JSON document."""
    response = _object(msgspec.Raw(body), "body")
    status = response.get("status")
    if status == "failed" or ("output" not in response and response.get("error")):
        raise _failure({"type": "response.failed", "response": response})
    if not isinstance(response.get("output"), list):
        raise UpstreamProtocolError(_UNREADABLE, detail="a response without output")
    out: list[Event] = [start(response)]
    conclude(f"response.{status}" if isinstance(status, str) else "response.completed", response, Items(), out)
    return out


def start(response: JsonObject) -> Start:
    created = response.get("created_at")
    return Start(
        str(response.get("id") or ""),
        str(response.get("model") or ""),
        int(created) if isinstance(created, (int, float)) else 0,
    )


def envelope(kind: str, response: JsonObject) -> Notice:
    """What the response object says of itself: settings, tier, moderation, …, as the provider sees them."""
    kept = {name: value for name, value in response.items() if name not in _NOT_ENVELOPE}
    return Notice(DIALECT, "response", {"event": kind, "response": kept})


def conclude(kind: str, response: JsonObject, items: Items, out: list[Event]) -> None:
    """The last events of an answer: what is left of its items, its usage, its finish."""
    output = response.get("output")
    if isinstance(output, list):
        items.end_all(output, out)
    report = usage(response.get("usage"))
    if report is not None:
        out.append(UsageReport(report))
    out.append(envelope(kind, response))
    out.append(_finish(response, has_calls=items.has_calls))


def _failure(event: JsonObject) -> PenstockError:
    """The provider's error, with what it used all the same where it says so."""
    response = event.get("response")
    return stream_error(event, usage(response.get("usage")) if isinstance(response, dict) else None)


def usage(native: JsonValue) -> Usage | None:
    """The provider counts cached tokens within the input and reasoning within the output, as we do."""
    if not isinstance(native, dict):
        return None
    given = native.get("input_tokens_details")
    made = native.get("output_tokens_details")
    return Usage(
        input_tokens=_count(native, "input_tokens"),
        output_tokens=_count(native, "output_tokens"),
        cache_read_tokens=_count(given, "cached_tokens"),
        cache_write_tokens=_count(given, "cache_write_tokens"),
        reasoning_tokens=_count(made, "reasoning_tokens"),
        native_dialect=DIALECT,
        native=native,
    )


def _finish(response: JsonObject, *, has_calls: bool) -> Finish:
    status = response.get("status")
    match status:
        case "incomplete":
            details = response.get("incomplete_details")
            reason = details.get("reason") if isinstance(details, dict) else None
            if isinstance(reason, str):
                return Finish(_INCOMPLETE.get(reason, "pause"), native=reason)
            return Finish("length", native="incomplete")
        case "queued" | "in_progress":
            return Finish("pause", native=status)
        case "cancelled":
            return Finish("error", native=status)
        case _:
            native = status if isinstance(status, str) else "completed"
            return Finish("tool_calls" if has_calls else "stop", native=native)


def _count(counts: JsonValue, name: str) -> int:
    value = counts.get(name) if isinstance(counts, dict) else None
    return value if isinstance(value, int) else 0


def _value(raw: msgspec.Raw) -> JsonValue:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UpstreamProtocolError(_UNREADABLE, detail=str(error)) from error


def _object(raw: msgspec.Raw, name: str) -> JsonObject:
    value = _value(raw)
    if not isinstance(value, dict):
        raise UpstreamProtocolError(_UNREADABLE, detail=f"`{name}` is no object")
    return value
