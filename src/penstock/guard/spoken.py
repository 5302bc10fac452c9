"""Judges that must be asked, on an answer as it comes: they hear it sentence by sentence, a tool's arguments at once.

What is not judged yet is held (`window`), all of it until its end (`buffer`), or nothing is (`observe`): then what
they find ends an answer of which a part was seen.  Events leave in the order in which they came.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from penstock.core.clock import Clock
from penstock.core.events import Event, Finish, Text, ToolCall
from penstock.core.exchange import Exchange
from penstock.guard.hearing import Found, Hearing
from penstock.guard.judging import Judging
from penstock.guard.personal.masking import apart
from penstock.guard.verdict import Finding, Segment
from penstock.guard.ward import CannotJudge, OnStream, Ward

_ENDS: Final = (". ", "! ", "? ", ".\n", "!\n", "?\n", "\n", "。", "！", "？")  # noqa: RUF001 - where sentences end
_MOST_CHARS: Final = 400
"""Of what is judged as one where no sentence ends."""

Key = tuple[int, str, int]


@dataclass(slots=True)
class _Lane:
    place: str
    pieces: list[Event] = field(default_factory=list[Event])
    text: list[str] = field(default_factory=list[str])
    chars: int = 0
    is_call: bool = False
    source: str | None = None


@dataclass(slots=True)
class _Count:
    """What one guard did, over the whole answer: one fact says it all."""

    found: list[Found] = field(default_factory=list[Found])
    texts: int = 0
    took_s: float = 0.0
    has_failed: bool = False


class Spoken:
    """`core.ports.WaitingFilter` for the guards of one answer that see streams in the same way.

    `hearing` gets their facts.  Where it says that nothing may pass, `judged` raises that.  With `is_whole` each text
    is judged when it is over.
    """

    def __init__(
        self,
        wards: Sequence[Ward],
        exchange: Exchange,
        judging: Judging,
        hearing: Hearing,
        clock: Clock,
        *,
        on_stream: OnStream,
        is_whole: bool = False,
    ) -> None:
        self._exchange = exchange
        self._wards = wards
        self._judging = judging
        self._hearing = hearing
        self._clock = clock
        self._on_stream: OnStream = on_stream
        self._is_whole = is_whole
        self._counts = [_Count() for _ in wards]
        self._lanes: dict[Key, _Lane] = {}
        self._queue: deque[tuple[Event, Key | None]] = deque()
        self._due: list[Key] = []
        self._has_told = False

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        """Nothing, or with `observe` everything."""
        for event in events:
            self._take(event)
        return events if self._on_stream == "observe" else ()

    def finish(self) -> Sequence[Event]:
        """What is left is judged next."""
        self._due = [key for key, lane in self._lanes.items() if lane.pieces]
        return ()

    async def judged(self) -> Sequence[Event]:
        """Judge what is due.  Raises `PolicyBlocked` or `GuardUnavailable`."""
        due, self._due = self._due, []
        for key in due:
            await self._judge(key)
        if self._on_stream == "observe":
            return ()
        return self._released()

    def tell(self, *, is_after_release: bool) -> None:
        """Leave the facts of guards that have judged; once, when the answer is at its end."""
        if self._has_told:
            return
        self._has_told = True
        for ward, count in zip(self._wards, self._counts, strict=True):
            if not count.has_failed:
                self._hearing.judged(
                    ward, count.found, texts=count.texts, took_s=count.took_s, is_after_release=is_after_release
                )

    def _take(self, event: Event) -> None:
        key: Key | None = None
        text = ""
        if isinstance(event, Text):
            key, text = (event.choice, event.channel, event.part), event.text
        elif isinstance(event, ToolCall):
            key, text = (event.choice, "tools", event.index), event.arguments
        elif isinstance(event, Finish):
            ended = (each for each, lane in self._lanes.items() if each[0] == event.choice and lane.pieces)
            self._due += (each for each in ended if each not in self._due)
        if key is not None:
            lane = self._lanes.get(key)
            if lane is None:
                place = f"choices.{key[0]}.{key[1]}.{key[2]}"
                lane = self._lanes[key] = _Lane(place, is_call=key[1] == "tools")
            if isinstance(event, ToolCall) and event.name:
                lane.source = event.name
            lane.pieces.append(event)
            lane.text.append(text)
            lane.chars += len(text)
            if self._is_due(lane, text) and key not in self._due:
                self._due.append(key)
        if self._on_stream != "observe":
            self._queue.append((event, key))

    def _is_due(self, lane: _Lane, text: str) -> bool:
        if lane.is_call or self._is_whole or self._on_stream == "buffer":
            return False
        return lane.chars >= _MOST_CHARS or any(each in text for each in _ENDS)

    async def _judge(self, key: Key) -> None:
        lane = self._lanes[key]
        text = "".join(lane.text)
        events, lane.pieces, lane.text, lane.chars = lane.pieces, [], [], 0
        if not text and not lane.is_call:
            return
        segment = Segment(text, "model", lane.place, lane.source)
        masked: list[Finding] = []
        for ward, count in zip(self._wards, self._counts, strict=True):
            if count.has_failed or not ward.asks_for(segment):
                continue
            began_s = self._clock.monotonic()
            try:
                found = await self._judging.found(self._exchange, ward, [segment])
            except CannotJudge as failure:
                count.has_failed = True
                self._hearing.failed(ward, failure.reason)
            else:
                count.found += found
                count.texts += 1
                if ward.mode == "enforce":
                    masked += (each for _, each in found if ward.action(each) == "mask")
                    if any(ward.action(each) == "block" for _, each in found):
                        self.tell(is_after_release=self._on_stream == "observe")
            count.took_s += self._clock.monotonic() - began_s
            if self._hearing.blocked is not None:
                raise self._hearing.blocked
        if masked and self._on_stream != "observe":
            self._replace(events, _without(text, masked))

    def _replace(self, events: Sequence[Event], said: str) -> None:
        """Have `said` stand in the place of the first of `events`, and nothing in that of the others."""
        gone = {id(each) for each in events}
        is_first = True
        queue: deque[tuple[Event, Key | None]] = deque()
        for event, key in self._queue:
            if id(event) not in gone:
                queue.append((event, key))
                continue
            text, is_first = said if is_first else "", False
            if isinstance(event, Text):
                queue.append((Text(text, event.choice, event.channel, event.part, signature=event.signature), key))
            elif isinstance(event, ToolCall):
                queue.append((_called(event, text), key))
        self._queue = queue

    def _released(self) -> Sequence[Event]:
        """From the front, up to the first event of a lane that is not judged as far."""
        waiting = {key for key, lane in self._lanes.items() if lane.pieces}
        if not waiting:
            out = [event for event, _ in self._queue]
            self._queue.clear()
            return out
        held = {id(each) for key in waiting for each in self._lanes[key].pieces}
        out: list[Event] = []
        while self._queue and id(self._queue[0][0]) not in held:
            out.append(self._queue.popleft()[0])
        return out


def _called(event: ToolCall, arguments: str) -> ToolCall:
    return ToolCall(
        choice=event.choice,
        index=event.index,
        id=event.id,
        name=event.name,
        arguments=arguments,
        kind=event.kind,
        signature=event.signature,
    )


def _without(text: str, findings: Sequence[Finding]) -> str:
    said: list[str] = []
    at = 0
    for each in apart(findings):
        said += text[at : each.begin], f"[{each.kind}]"
        at = each.end
    said.append(text[at:])
    return "".join(said)
