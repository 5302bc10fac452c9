"""A streamed chat completion, from bytes to events.

The end is `[DONE]`.  Servers that never send it (Writer) are taken at their word once every choice that was asked for
has its finish reason and the body has ended; a body that ends before that was cut.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from penstock.core.chat import ChatRequest
from penstock.core.errors import UpstreamError
from penstock.core.events import Event
from penstock.core.sse import SseDecoder, SseFrame
from penstock.providers.openai_chat.errors import streamed_error
from penstock.providers.openai_chat.reader import AnswerReader, PlainChunk, protocol_error
from penstock.providers.openai_chat.unary import MOST_BYTES, read_whole
from penstock.providers.whole import WholeDecoder

_decode: Final = msgspec.json.Decoder().decode
_decode_plain: Final = msgspec.json.Decoder(PlainChunk).decode
_TRIES = 8
"""How many chunks in a row may hold more than text before this stream's are no longer expected to be plain."""


class StreamDecoder:
    """`providers.dialect.Decoder` for `stream: true`."""

    __slots__ = ("_is_at_start", "_is_complete", "_reader", "_request", "_sse", "_tries", "_unary")

    def __init__(self, request: ChatRequest) -> None:
        self._request = request
        self._sse = SseDecoder()
        self._reader = AnswerReader()
        self._tries = _TRIES
        self._is_at_start = True
        self._is_complete = False
        self._unary: WholeDecoder | None = None

    @property
    def is_complete(self) -> bool:
        return self._is_complete

    def feed(self, data: bytes) -> Sequence[Event]:
        if self._is_complete:
            return ()
        if self._is_at_start:
            first = data.lstrip()[:1]
            self._is_at_start = not first
            if first == b"{":  # a server that does not stream answers with one object
                self._unary = WholeDecoder(read_whole, most_bytes=MOST_BYTES)
        if self._unary is not None:
            return self._unary.feed(data)
        return self._read(self._sse.feed(data))

    def finish(self) -> Sequence[Event]:
        if self._is_complete:
            return ()
        if self._unary is not None:
            events = self._unary.finish()
            self._is_complete = True
            return events
        events = self._read(self._sse.finish())
        if self._is_complete:
            return events
        wanted = self._request.choices
        if not self._reader.is_started or self._reader.finished_choices() < wanted:
            raise protocol_error("the stream was cut before its end")
        self._is_complete = True
        return [*events, *self._reader.close()]

    def _read(self, frames: Sequence[SseFrame]) -> list[Event]:
        events: list[Event] = []
        for frame in frames:
            data = frame.data
            if data[:1] == b"{":
                self._chunk(data, events)
            elif data.strip() == b"[DONE]":
                self._done(events)
                break
            elif data.strip():
                raise protocol_error("an event that is neither an object nor [DONE]")
        return events

    def _done(self, events: list[Event]) -> None:
        if not self._reader.is_started:
            raise protocol_error("the stream ended before it began")
        self._is_complete = True
        events += self._reader.close()

    def _chunk(self, data: bytes, events: list[Event]) -> None:
        if self._tries and self._reader.is_started:
            try:
                self._reader.read_plain(_decode_plain(data), events)
            except (
                msgspec.DecodeError,
                UnicodeDecodeError,
            ):  # it holds more than text: read below, where its errors are told apart
                self._tries -= 1
            else:
                self._tries = _TRIES
                return
        try:
            chunk = _decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise protocol_error(f"an event that is not JSON: {error}") from None
        if chunk.get("error"):
            self._reader.read({**chunk, "choices": []}, [], is_whole=False)
            failure = streamed_error(chunk["error"])
            if isinstance(failure, UpstreamError):
                failure.usage = self._reader.usage
            raise failure
        self._reader.read(chunk, events, is_whole=False)
