"""What is kept of one exchange: the request as it was behind the guards, and the answer as its caller got it, both in
masked space.

Texts alone: of a picture, sound or file stays that there was one.  Every text goes through `Mask`, whatever guards have
masked before it.  Made by `writer`, beside the request path.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from penstock.config.contents import ContentPolicy
from penstock.core.answer import Answer, TextBlock, ToolCallBlock
from penstock.core.chat import (
    ChatRequest,
    FilePart,
    Message,
    OpaquePart,
    Part,
    ReasoningPart,
    RefusalPart,
    TextPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
)
from penstock.core.events import Event
from penstock.core.json import dumps

Mask = Callable[[str], str]
"""A text without the values in it: each is replaced by its kind, for good."""
Fold = Callable[[Sequence[Event]], Answer]

_MARGIN_CHARS: Final = 4_096
"""So much of a text is masked beyond where it is cut, since a value of which half stood there would not be found."""
_NUMBERS: Final = (
    "max_tokens",
    "temperature",
    "top_p",
    "top_k",
    "presence_penalty",
    "frequency_penalty",
    "seed",
    "choices",
)


class Piece(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`kind` is `text`, `reasoning`, `refusal`, `tool_call` or `tool_result`; any other has no text.

    `name` and `id` are a tool call's; those of a result are of the call that it answers.
    """

    kind: str
    text: str = ""
    name: str = ""
    id: str = ""


class Turn(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    role: str
    pieces: tuple[Piece, ...]


class Said(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One choice of the answer; `finish` is None where it broke off."""

    pieces: tuple[Piece, ...]
    finish: str | None = None


class Content(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Sealed wherever it lies.

    `is_cut` says that it was longer than may be kept: then the latest turns are there.  `withheld` says why nothing of
    the request is.  `tools` and `response_format` are JSON.
    """

    model: str
    end: str
    target: str | None = None
    code: str | None = None
    parameters: dict[str, float | int] = {}
    tools: tuple[str, ...] = ()
    response_format: str = ""
    turns: tuple[Turn, ...] = ()
    choices: tuple[Said, ...] = ()
    is_cut: bool = False
    withheld: str = ""

    def __repr__(self) -> str:
        """Without what was said."""
        return f"Content({len(self.turns)} turns, {len(self.choices)} choices)"

    def texts(self) -> Iterator[tuple[str, str]]:
        """Each text with where it stands (`answer`, `turns.3`): the answer, then the turns from the latest back."""
        for at, choice in enumerate(self.choices):
            for piece in choice.pieces:
                if piece.text:
                    yield "answer" if at == 0 else f"answer.{at}", piece.text
        for at in range(len(self.turns) - 1, -1, -1):
            for piece in self.turns[at].pieces:
                if piece.text:
                    yield f"turns.{at}", piece.text


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What settlement hands over: nothing in it changes any more.

    `request` is None where none of its text may be kept, and then `withheld` says why.
    """

    exchange: str
    tenant: str
    user: str | None
    policy: ContentPolicy
    model: str
    end: str
    target: str | None
    code: str | None
    request: ChatRequest | None
    events: Sequence[Event]
    withheld: str
    size_bytes: int

    def __repr__(self) -> str:
        """Without what was said."""
        return f"Taken({self.exchange})"


def content_of(taken: Taken, fold: Fold, mask: Mask) -> Content:
    """At most as long as the policy allows: the answer first, then the turns from the latest back, then tools."""
    room = _Room(taken.policy.most_bytes, mask)
    choices = tuple(_said(choice.blocks, choice.finish, room) for choice in fold(taken.events).choices)
    request = taken.request
    turns: list[Turn] = []
    tools: tuple[str, ...] = ()
    response_format = ""
    parameters: dict[str, float | int] = {}
    if request is not None:
        for message in reversed(request.messages):
            if room.is_full:
                room.is_cut = True
                break
            turns.append(Turn(role=message.role, pieces=_pieces(message, room)))
        tools = tuple(text for each in request.tools if isinstance(each, Tool) and (text := room.json(each)))
        if request.response_format is not None and request.response_format.kind != "text":
            response_format = room.json(request.response_format)
        parameters = {name: value for name in _NUMBERS if (value := getattr(request, name)) is not None}
    return Content(
        model=mask(taken.model),  # a caller's own words, where it is no model of ours
        end=taken.end,
        target=taken.target,
        code=taken.code,
        parameters=parameters,
        tools=tools,
        response_format=response_format,
        turns=tuple(reversed(turns)),
        choices=choices,
        is_cut=room.is_cut,
        withheld=taken.withheld,
    )


class _Room:
    """How many bytes of text there is still room for."""

    def __init__(self, most_bytes: int, mask: Mask) -> None:
        self._left = most_bytes
        self._mask = mask
        self.is_cut = False

    @property
    def is_full(self) -> bool:
        return self._left <= 0

    def text(self, text: str) -> str:
        """The text masked, as far as there is room.  Half a surrogate pair, which is no character, becomes `?`."""
        if not text:
            return ""
        if self._left <= 0:
            self.is_cut = True
            return ""
        near = text[: self._left + _MARGIN_CHARS]
        masked = self._mask(near)
        if len(near) < len(text):
            # A value that the cut has gone through may be left in what is masked, but not before the margin.
            masked = masked[: max(len(masked) - _MARGIN_CHARS, 0)]
            self.is_cut = True
        found = masked.encode("utf-8", "replace")
        if len(found) > self._left:
            found = found[: self._left]
            self.is_cut = True
        self._left -= len(found)
        return found.decode("utf-8", "ignore")

    def json(self, value: msgspec.Struct) -> str:
        """As JSON, whole or not at all."""
        try:
            text = dumps(value).decode()
        except UnicodeEncodeError:
            return ""
        if len(text) > self._left:
            self.is_cut = True
            return ""
        return self.text(text)


def _said(blocks: Sequence[object], finish: object, room: _Room) -> Said:
    pieces: list[Piece] = []
    for block in blocks:
        if isinstance(block, TextBlock):
            kind = "text" if block.channel == "answer" else block.channel
            pieces.append(Piece(kind=kind, text=room.text(block.text)))
        elif isinstance(block, ToolCallBlock):
            pieces.append(_call(block.name, block.id, block.arguments, room))
    return Said(pieces=tuple(pieces), finish=None if finish is None else str(getattr(finish, "reason", "")))


def _call(name: str, call: str, arguments: str, room: _Room) -> Piece:
    return Piece(kind="tool_call", text=room.text(arguments), name=room.text(name), id=room.text(call))


def _pieces(message: Message, room: _Room) -> tuple[Piece, ...]:
    return tuple(_piece(part, room) for part in message.parts)


def _piece(part: Part, room: _Room) -> Piece:
    match part:
        case TextPart():
            return Piece(kind="text", text=room.text(part.text))
        case ReasoningPart():
            return Piece(kind="reasoning", text=room.text(part.text))
        case RefusalPart():
            return Piece(kind="refusal", text=room.text(part.text))
        case ToolCallPart():
            return _call(part.name, part.id, part.arguments, room)
        case ToolResultPart():
            texts = [each.text for each in part.parts if isinstance(each, TextPart)]
            return Piece(kind="tool_result", text=room.text("\n".join(texts)), id=room.text(part.call_id))
        case FilePart() if part.text is not None:
            return Piece(kind="file", text=room.text(part.text))
        case OpaquePart():
            return Piece(kind="other")
        case _:
            return Piece(kind=type(part).__name__.removesuffix("Part").lower())
