"""Cuts the bytes of `application/vnd.amazon.eventstream` into messages.

A message is: its length, the length of its headers, a CRC32 of those eight bytes, headers, payload, and a CRC32 of all
that (https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html#streaming-event-stream).
"""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final
from zlib import crc32

import msgspec

from penstock.core.errors import UpstreamProtocolError

MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
_PRELUDE: Final = 12
_OVERHEAD: Final = 16
_SIZES: Final = MappingProxyType({0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16})
"""Bytes of a header value by its type, where the type has one size.  Types 6 and 7 are bytes and text with a length."""
_TEXT: Final = 7
_BYTES: Final = 6


class Message(msgspec.Struct, frozen=True, gc=False):
    """`kind` is `event`, `exception` or `error`; `name` is its event or exception type."""

    kind: str
    name: str
    payload: bytes
    note: str = ""


class FrameDecoder:
    """Takes bytes in any cut.  Time is linear in the input, memory bounded by `max_message_bytes`.

    Raises `UpstreamProtocolError` on a checksum that is wrong or a length that cannot be.
    """

    __slots__ = ("_buffer", "_limit", "_seen")

    def __init__(self, max_message_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self._buffer = bytearray()
        self._limit = max_message_bytes
        self._seen: dict[bytes, tuple[str, str, str]] = {}  # headers repeat from event to event

    @property
    def is_empty(self) -> bool:
        """Whether no message is left half read."""
        return not self._buffer

    def feed(self, data: bytes) -> Sequence[Message]:
        buffer = self._buffer
        buffer += data
        messages: list[Message] = []
        at = 0
        while len(buffer) - at >= _PRELUDE:
            total = int.from_bytes(buffer[at : at + 4], "big")
            headers = int.from_bytes(buffer[at + 4 : at + 8], "big")
            if crc32(buffer[at : at + 8]) != int.from_bytes(buffer[at + 8 : at + 12], "big"):
                raise _broken("the checksum of a prelude is wrong")
            if not _OVERHEAD + headers <= total <= self._limit:
                raise _broken(f"a message of {total} bytes with {headers} of headers")
            if len(buffer) - at < total:
                break
            messages.append(self._message(bytes(buffer[at : at + total]), headers))
            at += total
        if at:
            del buffer[:at]
        return messages

    def _message(self, raw: bytes, size: int) -> Message:
        if crc32(raw[:-4]) != int.from_bytes(raw[-4:], "big"):
            raise _broken("the checksum of a message is wrong")
        headers = raw[_PRELUDE : _PRELUDE + size]
        known = self._seen.get(headers)
        if known is None:
            known = _meaning(_read_headers(headers))
            if len(self._seen) < 32:
                self._seen[headers] = known
        kind, name, note = known
        return Message(kind, name, raw[_PRELUDE + size : -4], note)


def _meaning(headers: dict[str, str]) -> tuple[str, str, str]:
    kind = headers.get(":message-type", "event")
    match kind:
        case "exception":
            return kind, headers.get(":exception-type", ""), ""
        case "error":
            return kind, headers.get(":error-code", ""), headers.get(":error-message", "")
        case _:
            return kind, headers.get(":event-type", ""), ""


def _read_headers(raw: bytes) -> dict[str, str]:
    """The headers whose value is text; others are stepped over."""
    headers: dict[str, str] = {}
    at = 0
    try:
        while at < len(raw):
            end = at + 1 + raw[at]
            name, kind, at = raw[at + 1 : end].decode(), raw[end], end + 1
            if kind in {_TEXT, _BYTES}:
                length = int.from_bytes(raw[at : at + 2], "big")
                if at + 2 + length > len(raw):
                    raise _broken("a header is longer than its message says")
                if kind == _TEXT:
                    headers[name] = raw[at + 2 : at + 2 + length].decode()
                at += 2 + length
            else:
                at += _SIZES[kind]
    except (IndexError, KeyError, UnicodeDecodeError) as error:
        raise _broken(f"the headers of a message cannot be read: {error}") from None
    return headers


def _broken(detail: str) -> UpstreamProtocolError:
    return UpstreamProtocolError("The provider sent an answer that cannot be read.", detail=detail)
