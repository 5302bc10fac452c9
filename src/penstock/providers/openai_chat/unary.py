"""A whole chat completion, from bytes to events."""

from collections.abc import Sequence
from typing import Final

import msgspec

from penstock.core.chat import ChatRequest
from penstock.core.errors import UpstreamError
from penstock.core.events import Event
from penstock.core.json import loads
from penstock.providers.openai_chat.errors import streamed_error
from penstock.providers.openai_chat.reader import AnswerReader, protocol_error

_MAX_BYTES: Final = 128 * 1024 * 1024


class BodyBuffer:
    """Collects a body of bounded size."""

    __slots__ = ("_pieces", "_size")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def add(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > _MAX_BYTES:
            raise protocol_error(f"an answer of over {_MAX_BYTES} bytes")
        self._pieces.append(data)

    def take(self) -> bytes:
        body = b"".join(self._pieces)
        self._pieces.clear()
        return body


class UnaryDecoder:
    """`providers.dialect.Decoder` for a request without `stream`: all events come from `finish`."""

    __slots__ = ("_body", "_is_complete")

    def __init__(self, request: ChatRequest) -> None:
        del request
        self._body = BodyBuffer()
        self._is_complete = False

    @property
    def is_complete(self) -> bool:
        return self._is_complete

    def feed(self, data: bytes) -> Sequence[Event]:
        self._body.add(data)
        return ()

    def finish(self) -> Sequence[Event]:
        try:
            document = loads(self._body.take())
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise protocol_error(f"an answer that is not JSON: {error}") from None
        if not isinstance(document, dict):
            raise protocol_error("an answer that is no object")
        reader = AnswerReader()
        events: list[Event] = []
        failure = document.get("error")
        if failure:
            reader.read({**document, "choices": []}, [], is_whole=True)
            error = streamed_error(failure)
            if isinstance(error, UpstreamError):
                error.usage = reader.usage
            raise error
        if not isinstance(document.get("choices"), list):
            raise protocol_error("an answer without choices")
        reader.read(document, events, is_whole=True)
        if not reader.finished_choices():
            raise protocol_error("an answer without a finished choice")
        self._is_complete = True
        return [*events, *reader.close()]
