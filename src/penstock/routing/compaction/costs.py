"""What the pieces of a prompt cost in tokens, counted once: a conversation that has grown is hardly counted again.

The compactor has one `Counts` for all requests, and one `Costs` for each.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

import msgspec
import numpy as np

from penstock.core.chat import ChatRequest, Message, Part, ToolResultPart
from penstock.core.ports import TokenCounter
from penstock.routing.compaction.cut import cut
from penstock.routing.compaction.relevance import Floats
from penstock.routing.compaction.rounds import Piece, Round, is_instruction, text_of
from penstock.routing.compaction.split import split

_MOST_KNOWN: Final = 50_000


class Counts:
    """A counter that remembers pieces of text, by their hashes.  One thread at a time."""

    def __init__(self, counter: TokenCounter) -> None:
        self._counter = counter
        self._known: dict[tuple[str, int, int], int] = {}

    def of_piece(self, text: str, model: str) -> int:
        key = (model, hash(text), len(text))
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            found = self._known[key] = self._counter.count_text(text, model)
        return found

    def of_request(self, request: ChatRequest, model: str) -> int:
        """By its pieces; up to a hundredth more than the counter says of the whole."""
        texts: list[str] = []
        bones = tuple(_without_texts(message, texts) for message in request.messages)
        rest = self._counter.count_request(msgspec.structs.replace(request, messages=bones), model)
        return rest + sum(self.of_piece(piece, model) for text in texts for piece in split(text))

    def of_rest(self, request: ChatRequest, model: str) -> int:
        """What stays whole, by the counter."""
        return self._counter.count_request(request, model)


class Costs:
    """What each piece costs, what a round costs beside its pieces, and what cannot be left out (`base`)."""

    def __init__(
        self, counts: Counts, request: ChatRequest, rounds: Sequence[Round], pieces: Sequence[Piece], model: str
    ) -> None:
        self._rounds_of = [piece.round for piece in pieces]
        self.pieces: Floats = np.array(
            [counts.of_piece(piece.text, model) if piece.place is not None else 0 for piece in pieces], np.float64
        )
        nothing = cut(request, rounds, pieces, frozenset())
        staying = tuple(message for message in nothing.messages if message is not None)
        self.base = counts.of_request(msgspec.structs.replace(request, messages=staying), model)
        empty = msgspec.structs.replace(request, messages=(), tools=(), response_format=None)
        nought = counts.of_rest(empty, model)
        bare: dict[int, int] = {}
        self.rounds: list[int] = []
        for one in rounds:
            bones = () if one.is_kept else _bones(request, one, pieces)
            is_bare = not any(message.parts or message.name for message in bones)
            cost = bare.get(len(bones)) if is_bare else None
            if cost is None:
                cost = counts.of_rest(msgspec.structs.replace(empty, messages=bones), model) - nought
            if is_bare:
                bare[len(bones)] = cost
            self.rounds.append(cost)

    def total(self, kept: AbstractSet[int]) -> int:
        """Of a prompt with these pieces, without marks."""
        opened = {self._rounds_of[at] for at in kept}
        return self.base + int(sum(self.pieces[at] for at in kept)) + sum(self.rounds[number] for number in opened)


def _bones(request: ChatRequest, one: Round, pieces: Sequence[Piece]) -> tuple[Message, ...]:
    """A round's messages without the texts that are pieces."""
    places = {pieces[at].place for at in one.pieces}
    bones: list[Message] = []
    for at in range(one.begin, one.end):
        message = request.messages[at]
        if is_instruction(message):
            continue
        parts: list[Part] = []
        for ordinal, part in enumerate(message.parts):
            if isinstance(part, ToolResultPart):
                inner = tuple(each for n, each in enumerate(part.parts) if (at, ordinal, n) not in places)
                parts.append(msgspec.structs.replace(part, parts=inner))
            elif (at, ordinal) not in places:
                parts.append(part)
        bones.append(msgspec.structs.replace(message, parts=tuple(parts)))
    return tuple(bones)


def _without_texts(message: Message, texts: list[str]) -> Message:
    """The message without what can be cut, which is added to `texts`."""
    parts = tuple(_others(message.parts, texts))
    return msgspec.structs.replace(message, parts=parts)


def _others(parts: Sequence[Part], texts: list[str]) -> Iterator[Part]:
    for part in parts:
        text = text_of(part)
        if text is not None:
            texts.append(text)
        elif isinstance(part, ToolResultPart):
            yield msgspec.structs.replace(part, parts=tuple(_others(part.parts, texts)))
        else:
            yield part
