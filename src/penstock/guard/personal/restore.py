r"""Puts values back in place of their tokens, for those who may see them: the last filter of an answer.

A token is found however the answer was cut into pieces: from a `<` that may begin one the text is held back until it
is whole, or cannot be one.  Within JSON (a tool's arguments, or an answer that is to be JSON) a value is escaped as
often as the place asks; there `<` may also be written as `\u003c`, and what an answer shows as HTML as `&lt;`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from penstock.core.events import Citation, Event, Finish, Text, ToolCall
from penstock.guard.patterns.expressions import compiled, sound
from penstock.guard.personal.depth import Depth, escaped
from penstock.guard.personal.tokens import MOST_TOKEN_CHARS

_TOKEN: Final = compiled(r"(?:<|&lt;|\\+u003[cC])([A-Z][A-Z_]{0,31}_[0-9]{1,9})(?:>|&gt;|\\+u003[eE])")
_OPEN: Final = compiled(
    r"(?:&(?:l(?:t)?)?|\\{1,16}(?:u(?:0(?:0(?:3)?)?)?)?"
    r"|(?:<|&lt;|\\{1,16}u003[cC])(?:[A-Z][A-Z_]{0,31}(?:[0-9]{1,9}(?:&(?:g(?:t)?)?|\\{1,16}(?:u(?:0(?:0(?:3)?)?)?)?)?)?)?)$"
)
"""The end of a text that may be the beginning of a token."""
_BEGINS: Final = ("<", "&", "\\")
_MOST_HELD: Final = 3 * MOST_TOKEN_CHARS

Lane = tuple[int, str, int]


class Slots:
    """Replaces the tokens of one text, fed piece by piece."""

    __slots__ = ("_at", "_depth", "_held", "_moved", "_values", "restored")

    def __init__(self, values: Mapping[str, str], *, is_json: bool) -> None:
        self._values = values
        self._depth = Depth() if is_json else None
        self._held = ""
        self._at = 0
        self._moved: list[tuple[int, int]] = []
        self.restored = 0

    @property
    def is_holding(self) -> bool:
        return bool(self._held)

    def feed(self, piece: str) -> str:
        """What may be shown now."""
        text = self._held + piece if self._held else piece
        if not any(each in text for each in _BEGINS):
            self._held = ""
            self._at += len(text)
            self._pass(text)
            return text
        held_from = _held_from(text)
        self._held = text[held_from:]
        return self._replaced(text[:held_from])

    def finish(self) -> str:
        """What was held: there is nothing more to come."""
        text, self._held = self._held, ""
        return self._replaced(text)

    def shown_at(self, place: int) -> int:
        """Where in what was shown that is which stands at `place` in what was fed."""
        return place + sum(by for end, by in self._moved if end <= place)

    def _replaced(self, text: str) -> str:
        begun, self._at = self._at, self._at + len(text)
        found = [(match.start(), match.end(), f"<{match.group(1)}>") for match in _TOKEN.finditer(sound(text))]
        if not found:
            self._pass(text)
            return text
        said: list[str] = []
        at = 0
        for begin, end, token in found:
            value = self._values.get(token)
            if value is None:
                continue  # nobody issued it: it stays what it is, a piece of text
            self._pass(text[at:begin])
            shown = escaped(value, self._depth.value if self._depth is not None else 0)
            said += text[at:begin], shown
            self._moved.append((begun + end, len(shown) - (end - begin)))
            self._pass(text[begin:end])
            self.restored += 1
            at = end
        self._pass(text[at:])
        said.append(text[at:])
        return "".join(said)

    def _pass(self, text: str) -> None:
        """The depth goes by what the model wrote, not by what is put in its place."""
        if self._depth is not None:
            self._depth.feed(text)


def _held_from(text: str) -> int:
    tail_at = max(0, len(text) - _MOST_HELD)
    tail = text[tail_at:]
    match = _OPEN.search(sound(tail))
    return tail_at + match.start() if match is not None else len(text)


class Restore:
    """`core.ports.Filter`.  `values` are those by token that the caller may see; `done` hears how many it was."""

    __slots__ = ("_done", "_is_json", "_lanes", "_last", "_values")

    def __init__(self, values: Mapping[str, str], *, is_json: bool, done: Callable[[int], None]) -> None:
        self._values = values
        self._is_json = is_json
        self._done = done
        self._lanes: dict[Lane, Slots] = {}
        self._last: dict[Lane, Text | ToolCall] = {}

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        """Text and arguments with their values; what may be half a token is held."""
        passed: list[Event] = []
        for event in events:
            if isinstance(event, Text):
                passed.extend(self._text(event))
            elif isinstance(event, ToolCall):
                passed.extend(self._call(event))
            elif isinstance(event, Citation):
                passed.append(self._cited(event))
            else:
                if isinstance(event, Finish):
                    passed.extend(self._let_go(event.choice))
                passed.append(event)
        return passed

    def finish(self) -> Sequence[Event]:
        """The rest of every lane."""
        rest = self._let_go(None)
        self._done(sum(slots.restored for slots in self._lanes.values()))
        return rest

    def _text(self, event: Text) -> Sequence[Event]:
        # The model's thinking and its refusals are prose, whatever the answer is.
        lane = (event.choice, event.channel, event.part)
        slots = self._lanes.get(lane)
        rest: Sequence[Event] = ()
        if slots is None:
            rest = self._let_go(event.choice)  # what an earlier part held ends with it
            slots = self._lanes[lane] = Slots(self._values, is_json=self._is_json and event.channel == "answer")
        said = slots.feed(event.text)
        self._last[lane] = event
        if said == event.text:
            return (*rest, event)
        if not said and event.signature is None:
            return rest
        return (*rest, _spoken(event, said))

    def _call(self, event: ToolCall) -> Sequence[Event]:
        lane = (event.choice, "tools", event.index)
        slots = self._lanes.get(lane)
        rest: Sequence[Event] = ()
        if slots is None:
            rest = self._let_go(event.choice)
            slots = self._lanes[lane] = Slots(self._values, is_json=event.kind == "function")
        said = slots.feed(event.arguments)
        self._last[lane] = event
        if said == event.arguments:
            return (*rest, event)
        if not said and not event.name and not event.id and event.signature is None:
            return rest
        return (*rest, _called(event, said))

    def _cited(self, event: Citation) -> Citation:
        """Its words with their values, and its place in the text as it is shown."""
        slots = self._lanes.get((event.choice, "answer", event.part))
        return msgspec.structs.replace(
            event,
            quote=self._whole(event.quote),
            title=self._whole(event.title),
            start=event.start if slots is None else slots.shown_at(event.start),
            end=event.end if slots is None else slots.shown_at(event.end),
        )

    def _whole(self, text: str) -> str:
        slots = Slots(self._values, is_json=False)
        return slots.feed(text) + slots.finish()

    def _let_go(self, choice: int | None) -> list[Event]:
        """What is held of a choice, or of all: nothing follows that could make it a token."""
        rest: list[Event] = []
        for lane, slots in self._lanes.items():
            if not slots.is_holding or (choice is not None and lane[0] != choice):
                continue
            said, last = slots.finish(), self._last[lane]
            if isinstance(last, Text):
                rest.append(Text(said, last.choice, last.channel, last.part))
            else:
                rest.append(ToolCall(choice=last.choice, index=last.index, arguments=said, kind=last.kind))
        return rest


def _spoken(event: Text, said: str) -> Text:
    # The log probabilities are those of the token's pieces, which are not shown.
    return Text(said, event.choice, event.channel, event.part, signature=event.signature)


def _called(event: ToolCall, said: str) -> ToolCall:
    return ToolCall(
        choice=event.choice,
        index=event.index,
        id=event.id,
        name=event.name,
        arguments=said,
        kind=event.kind,
        signature=event.signature,
    )
