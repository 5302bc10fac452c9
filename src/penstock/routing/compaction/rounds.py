"""A conversation as rounds, and its texts as pieces: what may be left out, and what must stay together.

A round is what one user message leads to: that message and all that follows it, up to the next.  Rounds are left out
whole, so that roles go on alternating as they did, and calls of tools keep their results: both stand in one round
(where they do not, the rounds between are one).  Within a round that stays, texts lose pieces.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from penstock.core.chat import (
    ChatRequest,
    FilePart,
    Message,
    OpaquePart,
    Part,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from penstock.core.json import JsonValue
from penstock.routing.compaction.split import split

Place: TypeAlias = tuple[int, ...]
"""Where a part is: the ordinal of its message, its own, and its own within a tool's result."""

_INSTRUCTIONS: Final = frozenset({"system", "developer"})
_KEPT_EXTRAS: Final = frozenset({"cache_control"})
_ID_FIELDS: Final = ("call_id", "tool_use_id", "approval_request_id", "id")


@dataclass(slots=True)
class Piece:
    """`text` is what stands in the request, `shown` what is judged.  One without `place` stands for its round."""

    round: int
    text: str
    shown: str
    place: Place | None = None


@dataclass(slots=True)
class Round:
    """Messages from `begin` to before `end`.  `is_kept` rounds stay whole."""

    begin: int
    end: int
    is_kept: bool = False
    pieces: list[int] = field(default_factory=list[int])


def last_question(messages: Sequence[Message]) -> int:
    """The last message in which a user says something; the last of all where none does."""
    for at in range(len(messages) - 1, -1, -1):
        if begins_round(messages[at]):
            return at
    return len(messages) - 1


def rounds_of(request: ChatRequest, *, keep_last: int) -> list[Round]:
    """The rounds in order.  Those of the last question and of the `keep_last` messages before it are kept."""
    messages = request.messages
    first_kept = max(0, last_question(messages) - keep_last)
    starts = [0, *(at for at in range(1, len(messages)) if begins_round(messages[at]))]
    bounds = [*starts[1:], len(messages)]
    rounds = [Round(begin, end) for begin, end in zip(starts, bounds, strict=True)]
    for one in rounds:
        one.is_kept = one.end > first_kept
    return _joined(rounds, messages)


def pieces_of(request: ChatRequest, rounds: Sequence[Round]) -> list[Piece]:
    """What may be left out, in order; also notes in each round which pieces are its own."""
    pieces: list[Piece] = []
    for number, one in enumerate(rounds):
        if one.is_kept:
            continue
        for at in range(one.begin, one.end):
            if request.messages[at].role in _INSTRUCTIONS:
                continue
            for piece in _pieces_of_message(request.messages[at], at, number):
                one.pieces.append(len(pieces))
                pieces.append(piece)
        if not one.pieces:
            one.pieces.append(len(pieces))
            pieces.append(Piece(number, "", ""))
    return pieces


def text_of(part: Part) -> str | None:
    """The text of a part that may be cut; None for one that stays as it is or goes."""
    if isinstance(part, TextPart) and part.extras.keys() <= _KEPT_EXTRAS:
        return part.text
    if isinstance(part, FilePart) and part.text is not None and not part.extras:
        return part.text
    return None


def is_instruction(message: Message) -> bool:
    return message.role in _INSTRUCTIONS


def _pieces_of_message(message: Message, at: int, number: int) -> Iterator[Piece]:
    who = f"{message.name}: " if message.name else ""
    # What a model signed, or what only its provider understands, belongs to the words beside it.
    is_whole = any(isinstance(part, ReasoningPart | OpaquePart) for part in message.parts)
    for ordinal, part in enumerate(message.parts):
        inner = part.parts if isinstance(part, ToolResultPart) else (part,)
        for within, each in enumerate(inner):
            text = None if is_whole else text_of(each)
            if text is None:
                if said := _said(each):
                    yield Piece(number, "", who + said)
                continue
            place = (at, ordinal, within) if isinstance(part, ToolResultPart) else (at, ordinal)
            for piece in split(text):
                yield Piece(number, piece, who + piece, place)


def _said(part: Part) -> str:
    """What a part that cannot be cut says, for judging its round."""
    match part:
        case TextPart(text=text) | RefusalPart(text=text):
            return text
        case ToolCallPart(name=name, arguments=arguments):
            return f"{name} {arguments}"
        case FilePart(filename=str(name)):
            return name
        case _:
            return ""


def begins_round(message: Message) -> bool:
    """Whether a user says something in it, beside what tools have answered."""
    return message.role == "user" and any(not isinstance(part, ToolResultPart) for part in message.parts)


def _joined(rounds: list[Round], messages: Sequence[Message]) -> list[Round]:
    """Rounds that share the id of a call become one, with all that stand between them."""
    first_seen: dict[str, int] = {}
    joined: list[Round] = []
    for one in rounds:
        begin = len(joined)
        for call_id in _call_ids(messages[one.begin : one.end]):
            begin = min(begin, first_seen.setdefault(call_id, len(joined)))
        if begin < len(joined):
            merged = Round(joined[begin].begin, one.end, one.is_kept or any(each.is_kept for each in joined[begin:]))
            del joined[begin:]
            first_seen = {call_id: min(number, begin) for call_id, number in first_seen.items()}
            joined.append(merged)
        else:
            joined.append(one)
    return joined


def _call_ids(messages: Sequence[Message]) -> Iterator[str]:
    for message in messages:
        for part in message.parts:
            match part:
                case ToolCallPart(id=call_id) | ToolResultPart(call_id=call_id):
                    yield call_id
                case OpaquePart(data=dict() as data):
                    yield from _ids_in(data)
                case _:
                    pass


def _ids_in(data: dict[str, JsonValue]) -> Iterator[str]:
    for name in _ID_FIELDS:
        value = data.get(name)
        if isinstance(value, str):
            yield value
