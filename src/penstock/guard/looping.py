"""Cuts off an answer that repeats itself: a model caught in a loop talks until its last token is paid for.

Called by `guard.answer`.  Nothing is held: what is repeated has been seen, and more of it is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from penstock.core.clock import Clock
from penstock.core.events import Event, Text, ToolCall
from penstock.guard.hearing import Found, Hearing, blocked
from penstock.guard.scope.repetition import Loops, LoopSettings, loop_in
from penstock.guard.verdict import Finding, Segment
from penstock.guard.ward import Ward

_Key: TypeAlias = tuple[int, str, int]


@dataclass(frozen=True, slots=True)
class Looped:
    """The guard against loops of one model."""

    ward: Ward
    settings: LoopSettings

    def open(self, hearing: Hearing, clock: Clock, *, is_stream: bool) -> "Looping":
        """For one answer."""
        return Looping(self, hearing, clock, is_stream=is_stream)


class Looping:
    """`core.ports.Filter`, for one answer: each text of it, and the arguments of each call, is followed by itself.

    An answer that is sent as one is looked at when it is there: what is found is the same, at a fraction of the time.
    """

    __slots__ = ("_clock", "_found", "_has_told", "_hearing", "_is_stream", "_looped", "_loops", "_said", "_took_s")

    def __init__(self, looped: Looped, hearing: Hearing, clock: Clock, *, is_stream: bool) -> None:
        self._looped = looped
        self._hearing = hearing
        self._clock = clock
        self._is_stream = is_stream
        self._loops: dict[_Key, Loops] = {}
        self._said: dict[_Key, list[str]] = {}
        self._found: dict[_Key, Found] = {}
        self._took_s = 0.0
        self._has_told = False

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        """The same events.  Raises `PolicyBlocked` once one of the texts goes round in circles."""
        began_s = self._clock.monotonic()
        for event in events:
            if isinstance(event, Text):
                self._follow((event.choice, event.channel, event.part), event.text)
            elif isinstance(event, ToolCall):
                self._follow((event.choice, "tools", event.index), event.arguments)
        self._took_s += self._clock.monotonic() - began_s
        return events

    def finish(self) -> Sequence[Event]:
        began_s = self._clock.monotonic()
        for key, pieces in self._said.items():
            self._take(key, loop_in("".join(pieces), self._looped.settings))
        self._took_s += self._clock.monotonic() - began_s
        self._tell()
        return ()

    def _follow(self, key: _Key, text: str) -> None:
        if not self._is_stream:
            self._said.setdefault(key, []).append(text)
            return
        if key in self._found:
            return
        loops = self._loops.get(key)
        if loops is None:
            loops = self._loops[key] = Loops(self._looped.settings)
        self._take(key, loops.feed(text))

    def _take(self, key: _Key, finding: Finding | None) -> None:
        if finding is None:
            return
        ward = self._looped.ward
        place = f"choices.{key[0]}.{key[1]}"
        self._found[key] = (Segment("", "model", place), finding)
        if ward.mode == "enforce":
            self._tell()
            raise blocked(ward.guard, finding, place)

    def _tell(self) -> None:
        """One fact, once."""
        if self._has_told:
            return
        self._has_told = True
        self._hearing.judged(
            self._looped.ward,
            list(self._found.values()),
            texts=len(self._loops) + len(self._said),
            took_s=self._took_s,
            is_after_release=self._is_stream and bool(self._found),
        )
