"""The guards of one answer, put together: patterns through their windows, and judges that must be asked.

`Answers` belongs to a model and makes one filter for each exchange.  Whatever a guard objects to, the answer ends in
the way that its reader understands: by the refusal's text or an error where nothing was seen yet, and after that by a
`Finish` for the provider's own reason `content_filter`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from penstock.core.chat import ChatRequest
from penstock.core.clock import Clock
from penstock.core.errors import GuardUnavailable, PolicyBlocked
from penstock.core.events import Event, Finish, Start, Text, ToolCall
from penstock.core.exchange import Exchange
from penstock.core.ports import Filter
from penstock.guard.hearing import Found, Hearing, blocked
from penstock.guard.judging import Judging
from penstock.guard.lanes import Lanes
from penstock.guard.looping import Looped
from penstock.guard.patterns.plain import plain
from penstock.guard.patterns.window import Found as FoundInText
from penstock.guard.patterns.window import PatternWindow
from penstock.guard.spoken import Spoken
from penstock.guard.verdict import Segment
from penstock.guard.ward import OnStream, Ward


@dataclass(frozen=True, slots=True)
class Windowed:
    """Patterns that see a stream in the same way, and whose they are, by rule."""

    window: PatternWindow
    wards: Mapping[str, Ward]
    on_stream: OnStream


@dataclass(frozen=True, slots=True)
class Asked:
    """Judges that see a stream in the same way; with `is_whole` each text of it when it is over."""

    wards: Sequence[Ward]
    on_stream: OnStream
    is_whole: bool = False


class Answers:
    """The response half of one model's guards.  `refusal` is said in place of an error, `loops` ends what repeats."""

    def __init__(
        self,
        windowed: Sequence[Windowed],
        asked: Sequence[Asked],
        judging: Judging,
        clock: Clock,
        *,
        refusal: str | None = None,
        loops: Looped | None = None,
    ) -> None:
        self._windowed = tuple((each, _owners(each)) for each in windowed)
        self._asked = asked
        self._judging = judging
        self._clock = clock
        self._refusal = refusal
        self._loops = loops

    def open(self, exchange: Exchange) -> Filter | None:
        """For one answer; None for what is no text."""
        request = exchange.request
        if not isinstance(request, ChatRequest):
            return None
        windowed = [
            (each, wards)
            for each, owners in self._windowed
            if (wards := [ward for ward in owners if ward.holds_for(exchange)])
        ]
        asked = [
            Asked(wards, each.on_stream, each.is_whole)
            for each in self._asked
            if (wards := [ward.for_answer() for ward in each.wards if ward.holds_for(exchange)])
        ]
        if not windowed and not asked and self._loops is None:
            return None
        form = request.response_format
        is_json = form is not None and form.kind != "text"
        ending = _Ending(exchange, self._refusal, self._clock)
        lanes: list[_Lane] = [
            (_Patterns if request.stream or each.on_stream != "window" else _WholePatterns)(
                each, wards, ending.hearing, self._clock, is_json=is_json
            )
            for each, wards in windowed
        ]
        if self._loops is not None:
            lanes.insert(0, self._loops.open(ending.hearing, self._clock, is_stream=request.stream))
        if not asked:
            return AnswerGuards(lanes, ending)
        spoken = [
            Spoken(
                each.wards,
                exchange,
                self._judging,
                ending.hearing,
                self._clock,
                on_stream=each.on_stream,
                is_whole=each.is_whole,
            )
            for each in asked
        ]
        return AskingGuards(lanes, spoken, ending)


def _owners(windowed: Windowed) -> Sequence[Ward]:
    """Each of its guards once.  By identity: a guard has hundreds of rules, and is slow to compare."""
    return tuple({id(ward): ward for ward in windowed.wards.values()}.values())


class _Ending:
    """What of the answer was seen, and so how it ends where it must not go on."""

    __slots__ = ("_clock", "_exchange", "_open", "_refusal", "hearing", "is_seen")

    def __init__(self, exchange: Exchange, refusal: str | None, clock: Clock) -> None:
        self._exchange = exchange
        self._refusal = refusal
        self._clock = clock
        self._open: dict[int, None] = {}
        self.hearing = Hearing(exchange, "output", clock)
        self.is_seen = False

    def passed(self, events: Sequence[Event]) -> None:
        """What goes on."""
        for event in events:
            if isinstance(event, Text | ToolCall):
                self.is_seen = True
                self._open[event.choice] = None
            elif isinstance(event, Finish):
                self._open.pop(event.choice, None)

    def of(self, error: PolicyBlocked | GuardUnavailable) -> PolicyBlocked | GuardUnavailable:
        """The error with the events that end the answer."""
        if isinstance(error, GuardUnavailable):
            return error
        if not self._exchange.request.stream:
            error.answer = self._refusal
        elif self.is_seen:
            error.last = tuple(Finish("content_filter", choice=each) for each in self._open or (0,))
        elif self._refusal is not None:
            start = Start(self._exchange.id, self._exchange.request.model, int(self._clock.now()))
            error.last = (start, Text(self._refusal), Finish("content_filter"))
        return error


class _Patterns:
    """One window's lanes, with the facts of the guards whose patterns they are."""

    def __init__(
        self,
        windowed: Windowed,
        wards: Sequence[Ward],
        hearing: Hearing,
        clock: Clock,
        *,
        is_json: bool,
        mode: OnStream | None = None,
    ) -> None:
        self._rules = windowed.wards
        self._wards = wards
        self._hearing = hearing
        self._clock = clock
        self._on_stream = windowed.on_stream
        self._found: list[tuple[Ward, Found]] = []
        self._took_s = 0.0
        self._has_told = False
        self._lanes = Lanes(windowed.window, self._judge, mode=mode or windowed.on_stream, is_json=is_json)

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        began_s = self._clock.monotonic()
        passed = self._lanes.feed(events)
        self._took_s += self._clock.monotonic() - began_s
        return passed

    def finish(self) -> Sequence[Event]:
        began_s = self._clock.monotonic()
        passed = self._lanes.finish()
        self._took_s += self._clock.monotonic() - began_s
        self.tell()
        return passed

    def tell(self) -> None:
        """One fact for each guard, once."""
        if self._has_told:
            return
        self._has_told = True
        for ward in self._wards:
            found = [each for owner, each in self._found if owner is ward]
            is_late = self._on_stream == "observe" and bool(found)
            self._hearing.judged(ward, found, texts=1, took_s=self._took_s, is_after_release=is_late)

    def _judge(self, found: FoundInText, place: str) -> str | None:
        instead: str | None = None
        segment = Segment(found.text, "model", place)
        for finding in found.findings:
            ward = self._rules.get(finding.rule)
            if ward is None or not any(ward is each for each in self._wards):
                continue
            self._found.append((ward, (segment, finding)))
            if ward.mode != "enforce":
                continue
            match ward.action(finding):
                case "block":
                    self.tell()
                    raise blocked(ward.guard, finding, place)
                case "mask":
                    instead = instead or f"[{finding.kind}]"
                case "allow" | "hold":
                    pass  # what is held is held whole, by who takes holds
        return instead


class _WholePatterns(_Patterns):
    """The same for an answer that is sent as one, with which nobody reads along: what is found is the same, at a
    fraction of the time.  Where nothing is, and that is nearly always, the events pass as they are.
    """

    def __init__(
        self, windowed: Windowed, wards: Sequence[Ward], hearing: Hearing, clock: Clock, *, is_json: bool
    ) -> None:
        super().__init__(windowed, wards, hearing, clock, is_json=is_json, mode="buffer")
        self._window = windowed.window
        self._is_json = is_json
        self._kept: list[Event] = []

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        self._kept += events
        return ()

    def finish(self) -> Sequence[Event]:
        began_s = self._clock.monotonic()
        passed: Sequence[Event] = self._kept
        if self._may_hold_any():
            passed = [*self._lanes.feed(passed), *self._lanes.finish()]
        self._took_s += self._clock.monotonic() - began_s
        self.tell()
        return passed

    def _may_hold_any(self) -> bool:
        """Whether anything is found, or the texts must be taken apart to say so."""
        texts: dict[tuple[int, str, int], list[str]] = {}
        for event in self._kept:
            if isinstance(event, Text):
                if event.logprobs is not None or (self._is_json and event.channel == "answer"):
                    return True
                texts.setdefault((event.choice, event.channel, event.part), []).append(event.text)
            elif isinstance(event, ToolCall):
                return True
        for pieces in texts.values():
            text = plain("".join(pieces))
            if text and self._window.whole(text) != [text]:
                return True
        return False


class _Lane(Protocol):
    """What follows an answer as it comes, and asks nobody."""

    def feed(self, events: Sequence[Event]) -> Sequence[Event]: ...
    def finish(self) -> Sequence[Event]: ...


class AnswerGuards:
    """`core.ports.Filter` for guards that look for patterns."""

    def __init__(self, lanes: Sequence[_Lane], ending: _Ending) -> None:
        self._lanes = lanes
        self._ending = ending

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        # One by one: what came before the event that is stopped has passed.
        passed: list[Event] = []
        for event in events:
            try:
                through = self._through((event,))
            except PolicyBlocked as error:
                if error.last:
                    error.last = (*passed, *error.last)
                raise
            self._ending.passed(through)
            passed += through
        return passed

    def finish(self) -> Sequence[Event]:
        passed = self._rest()
        self._ending.passed(passed)
        return passed

    def _through(self, events: Sequence[Event], begin: int = 0) -> Sequence[Event]:
        try:
            for each in self._lanes[begin:]:
                events = each.feed(events)
        except (PolicyBlocked, GuardUnavailable) as error:
            raise self._ending.of(error) from None
        return events

    def _rest(self) -> Sequence[Event]:
        rest: list[Event] = []
        try:
            for place, each in enumerate(self._lanes):
                rest.extend(self._through(each.finish(), place + 1))
        except (PolicyBlocked, GuardUnavailable) as error:
            raise self._ending.of(error) from None
        return rest


class AskingGuards(AnswerGuards):
    """`core.ports.WaitingFilter`, where some must be asked."""

    def __init__(self, lanes: Sequence[_Lane], spoken: Sequence[Spoken], ending: _Ending) -> None:
        super().__init__(lanes, ending)
        self._spoken = spoken
        self._fed: Sequence[Event] = ()
        self._is_over = False

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        self._fed = self._through(events)
        return ()

    def finish(self) -> Sequence[Event]:
        self._fed = self._rest()
        self._is_over = True
        return ()

    async def judged(self) -> Sequence[Event]:
        """Ask one after the other, of what the one before let through."""
        events, self._fed = self._fed, ()
        try:
            for each in self._spoken:
                passed = [*each.feed(events)]
                passed += await each.judged()
                if self._is_over:
                    passed += each.finish()
                    passed += await each.judged()
                    each.tell(is_after_release=False)
                events = passed
        except (PolicyBlocked, GuardUnavailable) as error:
            raise self._ending.of(error) from None
        self._ending.passed(events)
        return events
