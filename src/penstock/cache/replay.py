"""A kept answer as a stream again: at the pace of a model, for clients that show it as it comes."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import msgspec

from penstock.core.clock import Clock
from penstock.core.events import Event, Start, Text
from penstock.core.ports import Reply

_CHARS_A_TOKEN = 4
_PIECE_CHARS = 16
_SLOWEST, _FASTEST = 10.0, 400.0


def reply_paced(events: tuple[Event, ...], pace_tokens_per_s: float, clock: Clock) -> Reply:
    """The same answer in pieces, so many tokens a second; its length in tokens is guessed from its letters."""
    pace = min(_FASTEST, max(_SLOWEST, pace_tokens_per_s))
    first = tuple(event for event in events[:1] if isinstance(event, Start))
    return Reply(first, _Paced(events[len(first) :], pace * _CHARS_A_TOKEN, clock))


class _Paced:
    """A `Source` that has all its events already, and takes its time."""

    __slots__ = ("_began_s", "_chars", "_chars_a_second", "_clock", "_pieces")

    headers: Mapping[str, str] = MappingProxyType({})

    def __init__(self, events: Sequence[Event], chars_a_second: float, clock: Clock) -> None:
        self._pieces = _cut(events)
        self._chars_a_second = chars_a_second
        self._clock = clock
        self._began_s = clock.monotonic()
        self._chars = 0

    async def read(self) -> Sequence[Event] | None:
        piece = next(self._pieces, None)
        if piece is None:
            return None
        events, chars = piece
        self._chars += chars
        # By the clock of the whole answer, so that a late piece does not make all that follow late.
        wait_s = self._began_s + self._chars / self._chars_a_second - self._clock.monotonic()
        if wait_s > 0:
            await self._clock.sleep(wait_s)
        return events

    def close(self) -> None:
        """There is nothing to give back."""


def _cut(events: Sequence[Event]) -> Iterator[tuple[Sequence[Event], int]]:
    """Pieces with their length in letters; only plain text is cut."""
    for event in events:
        if not isinstance(event, Text) or event.logprobs is not None or event.signature is not None:
            yield (event,), 0
            continue
        text = event.text
        if len(text) <= _PIECE_CHARS:
            yield (event,), len(text)
            continue
        begin = 0
        while begin < len(text):
            end = begin + _PIECE_CHARS
            space = text.find(" ", end, end + _PIECE_CHARS)
            end = space if space > 0 else end
            yield (msgspec.structs.replace(event, text=text[begin:end]),), min(end, len(text)) - begin
            begin = end
