"""Writes a conversation anew out of what of it is kept, with marks where something was left out.

The order of messages and parts stays.  A text that lost pieces says `[…]` there; the first text after rounds that were
left out says how many messages they were.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

import msgspec

from penstock.core.chat import ChatRequest, FilePart, Message, Part, TextPart, ToolResultPart
from penstock.routing.compaction.rounds import Piece, Place, Round, is_instruction, text_of

GAP: Final = "[…]"
GAP_TOKENS: Final = 3
NOTICE_TOKENS: Final = 10


@dataclass(frozen=True, slots=True)
class Cut:
    """`messages` has an entry for each message of the request: None where it was left out."""

    messages: tuple[Message | None, ...]
    mark_tokens: int


def cut(
    request: ChatRequest, rounds: Sequence[Round], pieces: Sequence[Piece], kept: AbstractSet[int], *, covered: int = 0
) -> Cut:
    """`kept` are ordinals of `pieces`; a round without any goes as a whole.

    Nothing is said of those that went among the first `covered` messages: a summary stands for them.
    """
    messages: list[Message | None] = list(request.messages)
    marks = missing = 0
    for one in rounds:
        if one.is_kept:
            missing = 0
            continue
        if not any(at in kept for at in one.pieces):
            for at in range(one.begin, one.end):
                if not is_instruction(request.messages[at]):
                    messages[at] = None
                    missing += at >= covered
            continue
        texts, gaps = _texts(one, pieces, kept)
        marks += gaps * GAP_TOKENS
        for at in range(one.begin, one.end):
            message = _rewritten(request.messages[at], at, texts)
            if missing and at == one.begin and (noted := _with_notice(message, missing)) is not None:
                message = noted
                marks += NOTICE_TOKENS
            messages[at] = message
        missing = 0
    return Cut(tuple(messages), marks)


def _texts(one: Round, pieces: Sequence[Piece], kept: AbstractSet[int]) -> tuple[dict[Place, str], int]:
    """The texts of a round that lost something, as they are now, and how many marks are in them."""
    written: dict[Place, str] = {}
    has_gap: dict[Place, bool] = {}
    changed: set[Place] = set()
    gaps = 0
    for at in one.pieces:
        piece = pieces[at]
        if piece.place is None:
            continue
        before = written.get(piece.place, "")
        if at in kept:
            written[piece.place] = before + piece.text
            has_gap[piece.place] = False
            continue
        changed.add(piece.place)
        if not has_gap.get(piece.place, False):
            gaps += 1
            space = "" if not before or before[-1].isspace() else " "
            end = "\n" if piece.text.endswith("\n") else " "
            written[piece.place] = f"{before}{space}{GAP}{end}"
        has_gap[piece.place] = True
    return {place: written[place].rstrip() or GAP for place in changed}, gaps


def _rewritten(message: Message, at: int, texts: Mapping[Place, str]) -> Message:
    parts: list[Part] = []
    is_changed = False
    for ordinal, part in enumerate(message.parts):
        if isinstance(part, ToolResultPart):
            inner = tuple(_with_text(each, texts.get((at, ordinal, n))) for n, each in enumerate(part.parts))
            new: Part = msgspec.structs.replace(part, parts=inner) if inner != part.parts else part
        else:
            new = _with_text(part, texts.get((at, ordinal)))
        is_changed = is_changed or new is not part
        parts.append(new)
    return msgspec.structs.replace(message, parts=tuple(parts)) if is_changed else message


def _with_text(part: Part, text: str | None) -> Part:
    if text is not None and isinstance(part, TextPart | FilePart):
        return msgspec.structs.replace(part, text=text)
    return part


def _with_notice(message: Message, missing: int) -> Message | None:
    """The message with the notice before its first text; None where it has no text that may be changed."""
    for ordinal, part in enumerate(message.parts):
        if isinstance(part, TextPart) and text_of(part) is not None:
            noun = "message" if missing == 1 else "messages"
            text = f"[… {missing} {noun} left out …]\n{part.text}"
            new = msgspec.structs.replace(part, text=text)
            return msgspec.structs.replace(
                message, parts=(*message.parts[:ordinal], new, *message.parts[ordinal + 1 :])
            )
    return None
