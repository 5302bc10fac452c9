"""Where the assembly of an answer writes its events: a numbered SSE stream, or nowhere for a unary answer."""

from typing import Final, Protocol

from penstock.core.json import JsonObject, JsonValue, dumps

_FRAME: Final = b'event: %b\ndata: {"type":"%b","sequence_number":%d,%b\n\n'


class Frames(Protocol):
    """`event` takes the fields of an event beside its type and number; `delta` is its fast form.

    `head` is what `delta_head` made of the part that the piece belongs to.
    """

    def event(self, kind: str, fields: JsonObject) -> None: ...
    def delta(self, kind: bytes, head: bytes, piece: str, logprobs: JsonValue = None) -> None: ...


class SseFrames:
    """Numbers the events of one stream from 0 and keeps their bytes until they are taken."""

    __slots__ = ("_number", "_pending")

    def __init__(self) -> None:
        self._number = 0
        self._pending: list[bytes] = []

    def event(self, kind: str, fields: JsonObject) -> None:
        name = kind.encode()
        self._pending.append(_FRAME % (name, name, self._number, dumps(fields)[1:]))
        self._number += 1

    def delta(self, kind: bytes, head: bytes, piece: str, logprobs: JsonValue = None) -> None:
        tail = b"%b%b" % (head, dumps(piece))
        tail += b',"logprobs":%b}' % dumps(logprobs or ()) if kind == b"response.output_text.delta" else b"}"
        self._pending.append(_FRAME % (kind, kind, self._number, tail))
        self._number += 1

    def take(self) -> bytes:
        data = b"".join(self._pending)
        self._pending.clear()
        return data


class NoFrames:
    """A unary answer has no events, only their outcome."""

    __slots__ = ()

    def event(self, kind: str, fields: JsonObject) -> None:
        _ = kind, fields

    def delta(self, kind: bytes, head: bytes, piece: str, logprobs: JsonValue = None) -> None:
        _ = kind, head, piece, logprobs


def delta_head(place: JsonObject) -> bytes:
    """The fields that say where a piece belongs, encoded once for each part."""
    return dumps(place)[1:-1] + b',"delta":'
