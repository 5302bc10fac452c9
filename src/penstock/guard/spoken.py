"""Judges that must be asked, on an answer as it comes: they hear it sentence by sentence, a tool's arguments at once.

What is not judged yet is held (`window`), all of it until its end (`buffer`), or nothing is (`observe`): then what
they find ends an answer of which a part was seen.  Events leave in the order in which they came.

Where a text is cut to be judged is decided by the text alone, never by the pieces in which a provider or a network
brings it: half a sentence may say nothing that the whole one says.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from penstock.core.clock import Clock
from penstock.core.events import Event, Finish, Text, ToolCall
from penstock.core.exchange import Exchange
from penstock.guard.arguments import Cut
from penstock.guard.hearing import Found, Hearing
from penstock.guard.held import Held, cut_all
from penstock.guard.judging import Judging
from penstock.guard.personal.masking import apart
from penstock.guard.pieces import MOST_CHARS, may_end_within, settled
from penstock.guard.verdict import Finding, Segment
from penstock.guard.ward import CannotJudge, OnStream, Ward

_TOOLS: Final = "tools"

Key = tuple[int, str, int]


@dataclass(slots=True)
class _Lane:
    """One text, or the arguments of one call.  `pieces` are what of it is not judged, `waiting` the events of that.

    A call waits although it has no arguments: it may be its name that is not let through.
    """

    place: str
    is_call: bool
    pieces: list[str] = field(default_factory=list[str])
    chars: int = 0
    waiting: deque[Held] = field(default_factory=deque[Held])
    source: str | None = None

    def add(self, text: str) -> None:
        if text or self.is_call:
            self.pieces.append(text)
            self.chars += len(text)

    def take(self, *, is_over: bool) -> str:
        """What is to be judged now: all of a text that is over, and else what is settled of it."""
        text = "".join(self.pieces)
        at = len(text) if is_over else settled(text)
        self.pieces, self.chars = ([text[at:]] if at < len(text) else []), len(text) - at
        return text[:at]


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
        self._queue: deque[tuple[Event | Held, _Lane | None]] = deque()
        self._due: dict[Key, bool] = {}
        """Lanes to be judged, and whether their text is over."""
        self._has_told = False

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        """Nothing, or with `observe` everything."""
        for event in events:
            self._take(event)
        return events if self._on_stream == "observe" else ()

    def finish(self) -> Sequence[Event]:
        """What is left is judged next."""
        self._due = {key: True for key, lane in self._lanes.items() if lane.pieces}
        return ()

    async def judged(self) -> Sequence[Event]:
        """Judge what is due.  Raises `PolicyBlocked` or `GuardUnavailable`."""
        due, self._due = self._due, {}
        for key, is_over in due.items():
            await self._judge(self._lanes[key], is_over=is_over)
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
        if isinstance(event, Text):
            self._add(event, (event.choice, event.channel, event.part), event.text)
        elif isinstance(event, ToolCall):
            self._add(event, (event.choice, _TOOLS, event.index), event.arguments)
        else:
            if isinstance(event, Finish):
                self._end(event.choice)
            if self._on_stream != "observe":
                self._queue.append((event, None))

    def _add(self, event: Text | ToolCall, key: Key, text: str) -> None:
        choice, channel, number = key
        is_call = channel == _TOOLS
        lane = self._lanes.get(key)
        if lane is None:
            if not self._is_whole and self._on_stream != "buffer":
                self._end(choice, are_calls_over=False)  # one part comes after the other; calls may come by turns
            lane = self._lanes[key] = _Lane(f"choices.{choice}.{channel}.{number}", is_call)
        if isinstance(event, ToolCall) and event.name:
            lane.source = event.name
        if self._is_due(lane, text):
            self._due.setdefault(key, False)
        lane.add(text)
        if self._on_stream != "observe":
            held = Held(event, text, is_whole=is_call)
            self._queue.append((held, lane))
            lane.waiting.append(held)

    def _end(self, choice: int, *, are_calls_over: bool = True) -> None:
        for key, lane in self._lanes.items():
            if key[0] == choice and lane.pieces and (are_calls_over or not lane.is_call):
                self._due[key] = True

    def _is_due(self, lane: _Lane, text: str) -> bool:
        """Whether more of a text is settled with `text` behind it."""
        if lane.is_call or self._is_whole or self._on_stream == "buffer":
            return False
        before = lane.pieces[-1] if lane.pieces else ""
        return lane.chars + len(text) > MOST_CHARS or may_end_within(before[-1:] + text)

    async def _judge(self, lane: _Lane, *, is_over: bool) -> None:
        text = lane.take(is_over=is_over)
        if not text and not lane.is_call:
            return
        masked = await self._heard(Segment(text, "model", lane.place, lane.source))
        cut_all(lane.waiting, _cuts(text, masked))
        if lane.is_call:
            lane.waiting.clear()

    async def _heard(self, segment: Segment) -> Sequence[Finding]:
        """What is to be masked.  Raises what `Hearing.blocked` says."""
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
        return masked

    def _released(self) -> Sequence[Event]:
        """From the front, up to the first event that is not judged whole, and of that what is."""
        out: list[Event] = []
        while self._queue:
            first, lane = self._queue[0]
            if not isinstance(first, Held):
                out.append(first)
            elif lane is not None and lane.is_call and lane.pieces:
                break
            else:
                first.release(out)
                if not first.is_done:
                    break
            self._queue.popleft()
        return out


def _cuts(text: str, findings: Sequence[Finding]) -> list[Cut]:
    cuts: list[Cut] = []
    at = 0
    for each in apart(findings):
        if each.begin > at:
            cuts.append((each.begin - at, None))
        cuts.append((each.end - each.begin, f"[{each.kind}]"))
        at = each.end
    if at < len(text):
        cuts.append((len(text) - at, None))
    return cuts
