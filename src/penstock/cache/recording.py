"""Keeps what an answer says while it goes by: the response half of the cache, behind the guards."""

from collections.abc import Callable, Sequence
from typing import cast

from penstock.core.events import Event, Text, ToolCall

_EVENT_BYTES = 32
"""What an event takes beside its text, once encoded; about."""


class Recording:
    """A filter that changes nothing.

    `is_whole` is true once the answer was complete and every filter before this one has let all of it go.  What can
    not be kept anyway is found as soon as can be, and told `on_spoilt` with its reason, once.
    """

    __slots__ = ("_keeps_tool_calls", "_most_bytes", "_on_spoilt", "_size_bytes", "events", "is_spoilt", "is_whole")

    def __init__(self, *, most_bytes: int, keeps_tool_calls: bool, on_spoilt: Callable[[str], None]) -> None:
        self._most_bytes = most_bytes
        self._keeps_tool_calls = keeps_tool_calls
        self._on_spoilt = on_spoilt
        self._size_bytes = 0
        self.events: list[Event] = []
        self.is_spoilt = False
        self.is_whole = False

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        if self.is_spoilt:
            return events
        self.events.extend(events)
        for event in events:
            kind = type(event)
            if kind is Text:
                self._size_bytes += len(cast("Text", event).text)
            elif kind is ToolCall:
                self._size_bytes += len(cast("ToolCall", event).arguments)
                if not self._keeps_tool_calls:
                    self._spoil("tool_call")
            self._size_bytes += _EVENT_BYTES
        # Many small pieces are joined before they are kept: only what is far too large is given up here.
        if self._size_bytes > 16 * self._most_bytes:
            self._spoil("too_large")
        return events

    def finish(self) -> Sequence[Event]:
        self.is_whole = True
        return ()

    def _spoil(self, reason: str) -> None:
        if not self.is_spoilt:
            self.is_spoilt = True
            self.events.clear()
            self._on_spoilt(reason)
