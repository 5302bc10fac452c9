"""The response half of guards that look for patterns: every text of an answer through a window of its own.

A lane is one text: of one choice, channel and part, or the arguments of one tool call, judged without their escapes.
What is certain goes on at once; what may still become a match is held, and what follows it in its choice waits behind
it, so that order within a choice stays.  Choices do not wait for each other.  A `Finish` comes after all of its choice.

Events that nothing was found in pass as they are.  Log probabilities of a text stay with it, without those of tokens
that were replaced; those that do not spell the text of their event are left out, since nobody can say what they show.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final, Literal, Protocol, TypeAlias, cast

from penstock.core.errors import UpstreamProtocolError
from penstock.core.events import Event, Finish, Notice, Start, Text, ToolCall, UsageReport, Vector
from penstock.guard.arguments import Cut, Unescaped
from penstock.guard.held import Held, cut_all
from penstock.guard.patterns.plain import plain
from penstock.guard.patterns.window import Found, Piece

Mode: TypeAlias = Literal["window", "buffer", "observe"]
"""Hold what may become a match; hold each text until its choice ends; hold and change nothing, only tell."""
_Key: TypeAlias = tuple[str, int]
_TOOLS: Final = "tools"


class Judge(Protocol):
    """Decides on what was found at `place`: `choices.0.answer`, `choices.0.tools.1`.

    Returns what is to stand there instead, or None where it may stay; raises `PolicyBlocked` to end the answer.  In
    mode `observe` what it returns is not used.
    """

    def __call__(self, found: Found, place: str, /) -> str | None: ...


class _Reading(Protocol):
    """One text, judged as it comes or when it is over."""

    @property
    def is_holding(self) -> bool: ...
    def feed(self, piece: str) -> Sequence[Piece]: ...
    def finish(self) -> Sequence[Piece]: ...


class Window(Protocol):
    """What finds in a text as it comes; `PatternWindow` is one."""

    def open(self) -> _Reading: ...
    def whole(self, text: str) -> Sequence[Piece]: ...


class Lanes:
    """`core.ports.Filter`, for one exchange.  With `is_json` answers are read as arguments are, without escapes.

    Raises `UpstreamProtocolError` where a provider goes back to a part of which something was held when the next part
    began: that was let go because parts come one after the other (`core.events`).
    """

    __slots__ = ("_choices", "_is_json", "_judge", "_mode", "_window")

    def __init__(self, window: Window, judge: Judge, *, mode: Mode = "window", is_json: bool = False) -> None:
        self._window = window
        self._judge = judge
        self._mode: Mode = mode
        self._is_json = is_json
        self._choices: dict[int, _Choice] = {}

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        """What may go on now."""
        out: list[Event] = []
        for event in events:
            kind = type(event)
            if kind is Text:
                self._text(cast("Text", event), out)
            elif kind is ToolCall:
                self._tool_call(cast("ToolCall", event), out)
            else:
                self._other(cast("Finish | UsageReport | Notice | Start | Vector", event), out)
        return events if self._mode == "observe" else out

    def finish(self) -> Sequence[Event]:
        """The rest."""
        out: list[Event] = []
        self._end_all(out)
        return () if self._mode == "observe" else out

    def _text(self, event: Text, out: list[Event]) -> None:
        choice = self._choice(event.choice)
        key = (event.channel, event.part)
        lane = choice.lanes.get(key)
        if lane is None:
            lane = self._begin(choice, key, is_json=self._is_json and event.channel == "answer", is_part=True)
        choice.text(lane, event, event.text, out)

    def _tool_call(self, event: ToolCall, out: list[Event]) -> None:
        choice = self._choice(event.choice)
        key = (_TOOLS, event.index)
        lane = choice.lanes.get(key)
        if lane is None:
            # Pieces of two calls may come by turns.  A function's arguments hold nothing once they are whole.
            is_function = event.kind == "function"
            lane = self._begin(choice, key, is_json=is_function, is_part=not is_function)
        choice.text(lane, event, event.arguments, out)

    def _other(self, event: Finish | UsageReport | Notice | Start | Vector, out: list[Event]) -> None:
        match event:
            case Finish(choice=index):
                choice = self._choice(index)
                choice.end()
                choice.pass_on(event, out)
            case UsageReport():  # after the last text
                self._end_all(out)
                out.append(event)
            case Notice(choice=index):
                choice = self._choice(index)
                if event.is_content and self._mode != "buffer":
                    choice.end_parts()
                choice.pass_on(event, out)
            case Start() | Vector():
                out.append(event)

    def _choice(self, index: int) -> "_Choice":
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice(index)
        return choice

    def _begin(self, choice: "_Choice", key: _Key, *, is_json: bool, is_part: bool) -> "_Lane":
        mode = self._mode
        if mode != "buffer":
            choice.end_parts()
        channel, number = key
        place = f"choices.{choice.index}.{channel}"
        lane = choice.lanes[key] = _Lane(
            _Kept(self._window) if mode == "buffer" else self._window.open(),
            self._judge,
            f"{place}.{number}" if channel == _TOOLS else place,
            Unescaped() if is_json else None,
            mode,
            is_part=is_part,
        )
        return lane

    def _end_all(self, out: list[Event]) -> None:
        for choice in self._choices.values():
            choice.end()
            choice.drain(out)


class _Choice:
    """The lanes of one choice, and the events that wait in it."""

    __slots__ = ("_waiting", "index", "lanes")

    def __init__(self, index: int) -> None:
        self.index = index
        self.lanes: dict[_Key, _Lane] = {}
        self._waiting: deque[Held | Event] = deque()

    def text(self, lane: "_Lane", event: Text | ToolCall, text: str, out: list[Event]) -> None:
        """Judge a piece of a lane."""
        cuts = lane.read(text)
        if lane.is_observed:
            return
        if cuts is None and not self._waiting and (type(event) is not Text or event.logprobs is None):
            out.append(event)
            return
        entry = Held(event, text, is_whole=lane.is_buffered)
        self._waiting.append(entry)
        lane.waiting.append(entry)
        lane.cut(((len(text), None),) if cuts is None else cuts)
        self.drain(out)

    def pass_on(self, event: Event, out: list[Event]) -> None:
        """An event without text, behind what waits."""
        self._waiting.append(event)
        self.drain(out)

    def end_parts(self) -> None:
        """Another part begins: the text of those before it is over."""
        for lane in self.lanes.values():
            if lane.is_part:
                lane.end()

    def end(self) -> None:
        for lane in self.lanes.values():
            lane.end()

    def drain(self, out: list[Event]) -> None:
        """Let go what waits for nothing any more."""
        waiting = self._waiting
        while waiting:
            first = waiting[0]
            if isinstance(first, Held):
                first.release(out)
                if not first.is_done:
                    return
            else:
                out.append(first)
            waiting.popleft()


class _Lane:
    """One text of an answer.  `waiting` are its events that are not known whole; `is_part` ends with the next part."""

    __slots__ = (
        "_is_let_go",
        "_json",
        "_judge",
        "_place",
        "_reading",
        "is_buffered",
        "is_observed",
        "is_part",
        "waiting",
    )

    def __init__(
        self,
        reading: _Reading,
        judge: Judge,
        place: str,
        json: Unescaped | None,
        mode: Mode,
        *,
        is_part: bool,
    ) -> None:
        self._reading = reading
        self._judge = judge
        self._place = place
        self._json = json
        self._is_let_go = False
        self.is_part = is_part
        self.is_observed = mode == "observe"
        self.is_buffered = mode == "buffer"
        self.waiting: deque[Held] = deque()

    def read(self, text: str) -> Sequence[Cut] | None:
        """What is known now, of this piece and those before it.  None where that is this piece alone, as it is."""
        if self._is_let_go and text and not self.is_observed:
            raise UpstreamProtocolError("The provider's answer went back to a part that was over.")
        if self._json is not None:
            return self._cuts(self._reading.feed(plain(self._json.read(text))))
        read = plain(text)  # one for one: what is known of it is known of the text
        pieces = self._reading.feed(read)
        if len(pieces) == 1 and pieces[0] is read:
            return None
        return self._cuts(pieces)

    def end(self) -> None:
        """The text is over."""
        json = self._json
        if not self._reading.is_holding and (json is None or not json.is_holding):
            return
        self._is_let_go = True
        pieces = [*self._reading.feed(plain(json.rest()))] if json is not None else []
        pieces += self._reading.finish()
        self.cut(self._cuts(pieces))

    def cut(self, cuts: Sequence[Cut]) -> None:
        """What is known of the characters that came, told to the events that brought them."""
        cut_all(self.waiting, cuts)

    def _cuts(self, pieces: Sequence[Piece]) -> list[Cut]:
        cuts: list[Cut] = []
        for piece in pieces:
            if isinstance(piece, Found):
                count, instead = len(piece.text), self._judge(piece, self._place)
            else:
                count, instead = len(piece), None
            if self._json is None:
                cuts.append((count, instead))
            else:
                self._json.cut(count, instead, cuts)
        return cuts


class _Kept:
    """Judges a text when it is over."""

    __slots__ = ("_pieces", "_window")

    def __init__(self, window: Window) -> None:
        self._window = window
        self._pieces: list[str] = []

    @property
    def is_holding(self) -> bool:
        return bool(self._pieces)

    def feed(self, piece: str) -> Sequence[Piece]:
        if piece:
            self._pieces.append(piece)
        return ()

    def finish(self) -> Sequence[Piece]:
        text, self._pieces = "".join(self._pieces), []
        return self._window.whole(text)
