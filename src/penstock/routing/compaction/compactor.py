"""Shortens one request; blocking, for the stage's own thread.

In this order: tool results are shortened, what is said again later goes, and then, where there still is too much, the
pieces that have least to do with the question.  Time is linear in the prompt: words are counted once, and the encoder
reads a bounded number of tokens that it has not read before, those about which the words leave most doubt first.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from penstock.config.routing.compaction import CompactionSettings
from penstock.core.chat import ChatRequest, Message, Part, Role, TextPart, ToolResultPart
from penstock.core.exchange import Principal
from penstock.core.ports import TokenCounter
from penstock.routing.compaction.costs import Costs, Counts
from penstock.routing.compaction.cut import NOTICE_TOKENS, Cut, cut
from penstock.routing.compaction.relevance import Floats, Passage, by_meaning, by_words, joined
from penstock.routing.compaction.repeats import repeated
from penstock.routing.compaction.rounds import Piece, Round, last_question, pieces_of, rounds_of
from penstock.routing.compaction.summaries import Past, Summaries, Wanted, noted, with_note
from penstock.routing.compaction.tool_results import shortened
from penstock.routing.compaction.words import telling, terms_of

Read: TypeAlias = Callable[[str], NDArray[np.float32]]
"""A text to its vector of unit length; blocking."""

_PASSAGE_TOKENS: Final = 200
_EXCERPT_TOKENS: Final = 64
_MOST_VECTORS: Final = 20_000
_MOST_TRIMS: Final = 6
_QUESTION_CHARS: Final = 4_000
_EARLIER_WEIGHT: Final = 0.3
_FEW_TERMS: Final = 3


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a request as it was before it was cut or left out.  `id` is its place: message and part."""

    id: str
    role: Role
    part: Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Compaction:
    """A shorter request.  Token counts are estimates of one kind.

    `summarised` is how many messages a summary in it stands for; `wanted` is what a model is to sum up next.
    """

    request: ChatRequest
    tokens_before: int
    tokens_after: int
    left_out: tuple[LeftOut, ...]
    shortened: int
    repeated: int
    summarised: int = 0
    wanted: Wanted | None = None


@dataclass(frozen=True, slots=True)
class _Prompt:
    """A request in its pieces."""

    request: ChatRequest
    rounds: Sequence[Round]
    pieces: Sequence[Piece]
    costs: Costs

    def cut(self, kept: AbstractSet[int], covered: int = 0) -> Cut:
        return cut(self.request, self.rounds, self.pieces, kept, covered=covered)


class Compactor:
    """`read` is the encoder's; None judges by words alone.  Without `summaries` none is used.  One thread at a time."""

    def __init__(self, counter: TokenCounter, read: Read | None = None, summaries: Summaries | None = None) -> None:
        self._counts = Counts(counter)
        self._read = read
        self._summaries = summaries
        self._vectors: OrderedDict[bytes, NDArray[np.float32]] = OrderedDict()

    def compact(
        self, request: ChatRequest, model: str, settings: CompactionSettings, whose: Principal | None = None
    ) -> Compaction | None:
        """A shorter form of the request; None where it is short enough, or there is nothing to leave out.

        `model` is whose tokens are counted.  Summaries are used and wanted where it is said `whose` they are.
        """
        before = self._counts.of_request(request, model)
        if before <= settings.after_tokens or not request.messages:
            return None
        terms = _terms(request.messages)
        trimmed, results = _with_short_results(request, settings, terms)
        rounds = rounds_of(trimmed, keep_last=settings.keep_last)
        pieces = pieces_of(trimmed, rounds)
        gone = self._repeats(trimmed, rounds, pieces) if settings.repeats else set[int]()
        costs = Costs(self._counts, trimmed, rounds, pieces, model)
        budget = settings.budget_tokens
        if settings.keep_share is not None:
            budget = int(settings.keep_share * before)
        kept = set(range(len(pieces))) - gone
        prompt = _Prompt(trimmed, rounds, pieces, costs)
        note, past, room = _Note(), None, 0
        if budget is not None and costs.total(kept) > budget:
            room = budget - costs.base
            scores = self._scores(trimmed, pieces, costs, terms, room=room, most_tokens=settings.encoder_tokens)
            past = self._past(request, rounds, settings, whose)
            note = self._note(past, model, room=room)
            allowed = kept
            made, kept = _fit(prompt, scores, allowed, budget - note.tokens, note.covered)
            if note.text and not any(at not in kept for one in rounds for at in one.pieces if one.begin < note.covered):
                note = _Note()
                made, kept = _fit(prompt, scores, allowed, budget)
        else:
            made = prompt.cut(kept)
        left_out = tuple(_left_out(request.messages, made.messages))
        if not left_out:
            return None
        messages = tuple(message for message in made.messages if message is not None)
        if note.text:
            messages = with_note(messages, note.text)
        return Compaction(
            request=msgspec.structs.replace(request, messages=messages),
            tokens_before=before,
            tokens_after=costs.total(kept) + made.mark_tokens + note.tokens,
            left_out=left_out,
            shortened=results,
            repeated=len(gone),
            summarised=note.messages,
            wanted=_wanted(past, prompt, settings, room),
        )

    def _past(
        self, request: ChatRequest, rounds: Sequence[Round], settings: CompactionSettings, whose: Principal | None
    ) -> Past | None:
        """What of the conversation may be summed up, and what is."""
        if self._summaries is None or whose is None or settings.summaries is None or settings.shadow:
            return None
        return self._summaries.past(request, rounds, whose)

    def _note(self, past: Past | None, model: str, *, room: int) -> "_Note":
        """The summary that there is, if there is room for it."""
        if past is None or past.found is None:
            return _Note()
        text = noted(past.found)
        tokens = self._counts.of_piece(text, model) + NOTICE_TOKENS
        return _Note(text, tokens, past.covered, past.found.messages) if tokens < room else _Note()

    def _repeats(self, request: ChatRequest, rounds: Sequence[Round], pieces: Sequence[Piece]) -> set[int]:
        later = [
            part.text
            for one in rounds
            if one.is_kept
            for message in request.messages[one.begin : one.end]
            for part in _flat(message.parts)
            if isinstance(part, TextPart)
        ]
        return repeated([piece.text for piece in pieces], later)

    def _scores(
        self,
        request: ChatRequest,
        pieces: Sequence[Piece],
        costs: Costs,
        terms: dict[str, float],
        *,
        room: int,
        most_tokens: int,
    ) -> Floats:
        texts = [piece.shown for piece in pieces]
        tokens = np.maximum(costs.pieces, 1.0)
        words = by_words(texts, tokens, terms)
        meaning = np.full(len(texts), np.nan)
        question = _text_of_message(request.messages[last_question(request.messages)])
        read = self._read
        if read is not None and most_tokens and question:
            passages = self._passages(texts, tokens, _doubt(words, tokens, room), most_tokens, read)
            meaning = by_meaning(passages, tokens, self._vector(telling(question), read))
        return joined(words, meaning, texts)

    def _passages(
        self, texts: Sequence[str], tokens: Floats, doubt: Floats, most_tokens: int, read: Read
    ) -> list[Passage]:
        """Passages from the beginning on, so that they are the same when the conversation has grown.

        Where there is more to read than may be, a passage is read by its longest pieces: what is short says little.
        """
        bounds = list(_windows(tokens))
        read_as = [_joined_at(texts, range(begin, end)) for begin, end in bounds]
        sizes = [float(tokens[begin:end].sum()) for begin, end in bounds]
        unknown = [at for at, text in enumerate(read_as) if _key(text) not in self._vectors]
        chosen = set(range(len(bounds))).difference(unknown)
        if sum(sizes[at] for at in unknown) > most_tokens:
            for at in unknown:
                longest = _longest(tokens, *bounds[at])
                read_as[at], sizes[at] = _joined_at(texts, longest), float(tokens[longest].sum())
            chosen |= {at for at in unknown if _key(read_as[at]) in self._vectors}
        left = float(most_tokens)
        for at in sorted(unknown, key=lambda at: float(doubt[bounds[at][0] : bounds[at][1]].mean())):
            if at not in chosen and sizes[at] <= left:
                left -= sizes[at]
                chosen.add(at)
        return [Passage(*bounds[at], self._vector(read_as[at], read)) for at in sorted(chosen)]

    def _vector(self, text: str, read: Read) -> NDArray[np.float32]:
        key = _key(text)
        found = self._vectors.get(key)
        if found is None:
            found = self._vectors[key] = read(text)
            if len(self._vectors) > _MOST_VECTORS:
                self._vectors.popitem(last=False)
        else:
            self._vectors.move_to_end(key)
        return found


@dataclass(frozen=True, slots=True)
class _Note:
    """A summary as it is written: what it takes, how far it reaches, and how many messages it stands for."""

    text: str = ""
    tokens: int = 0
    covered: int = 0
    messages: int = 0


def _fit(prompt: _Prompt, scores: Floats, allowed: set[int], budget: int, covered: int = 0) -> tuple[Cut, set[int]]:
    """The best pieces that fit, with their marks."""
    order = sorted(allowed, key=lambda at: -scores[at])
    room = budget
    for _ in range(_MOST_TRIMS):
        kept = _chosen(order, prompt.pieces, prompt.costs, room)
        made = prompt.cut(kept, covered)
        over = prompt.costs.total(kept) + made.mark_tokens - budget
        if over <= 0 or not kept:
            return made, kept
        room -= over + 1
    return prompt.cut(frozenset(), covered), set()


def _wanted(past: Past | None, prompt: _Prompt, settings: CompactionSettings, room: int) -> Wanted | None:
    """What is to be summed up next; nothing where there would be no room for it."""
    if past is None or settings.summaries is None or room <= settings.summaries.max_tokens:
        return None
    pieces, costs = prompt.pieces, prompt.costs
    sizes = [
        costs.rounds[number] + int(sum(costs.pieces[at] for at in one.pieces if _stands_from(pieces[at], past.covered)))
        for number, one in enumerate(prompt.rounds)
    ]
    return past.wanted(sizes, settings.summaries)


def _stands_from(piece: Piece, at: int) -> bool:
    return piece.place is None or piece.place[0] >= at


def _chosen(order: Sequence[int], pieces: Sequence[Piece], costs: Costs, budget: int) -> set[int]:
    left = float(budget - costs.base)
    kept: set[int] = set()
    opened: set[int] = set()
    for at in order:
        number = pieces[at].round
        cost = costs.pieces[at] + (0 if number in opened else costs.rounds[number])
        if cost <= left:
            left -= cost
            kept.add(at)
            opened.add(number)
    return kept


def _with_short_results(
    request: ChatRequest, settings: CompactionSettings, terms: dict[str, float]
) -> tuple[ChatRequest, int]:
    """The request with its long tool results shortened, and how many were."""
    most = settings.tool_results.max_tokens
    if most is None:
        return request, 0
    until = len(request.messages) if settings.tool_results.current else last_question(request.messages)
    messages: list[Message] = list(request.messages)
    count = 0
    for at, message in enumerate(messages[:until]):
        parts = tuple(_short_result(part, most, terms) for part in message.parts)
        changed = sum(new is not old for new, old in zip(parts, message.parts, strict=True))
        if changed:
            count += changed
            messages[at] = msgspec.structs.replace(message, parts=parts)
    return (msgspec.structs.replace(request, messages=tuple(messages)), count) if count else (request, 0)


def _short_result(part: Part, most: int, terms: dict[str, float]) -> Part:
    if not isinstance(part, ToolResultPart):
        return part
    inner: list[Part] = []
    is_changed = False
    for each in part.parts:
        short = shortened(each.text, most, terms) if isinstance(each, TextPart) and not each.extras else None
        if short is not None and isinstance(each, TextPart):
            inner.append(msgspec.structs.replace(each, text=short))
            is_changed = True
        else:
            inner.append(each)
    return msgspec.structs.replace(part, parts=tuple(inner)) if is_changed else part


def _left_out(before: Sequence[Message], after: Sequence[Message | None]) -> Iterator[LeftOut]:
    """The parts that are not what they were.  The notice of what stood before a part takes nothing from it."""
    for at, (old, new) in enumerate(zip(before, after, strict=True)):
        for ordinal, part in enumerate(old.parts):
            now = None if new is None else new.parts[ordinal]
            if now is part or now == part:
                continue
            if isinstance(part, TextPart) and isinstance(now, TextPart) and now.text.endswith(part.text):
                continue
            yield LeftOut(id=f"{at}.{ordinal}", role=old.role, part=part)


def _terms(messages: Sequence[Message]) -> dict[str, float]:
    """The question's words; where they are few, the user's words before it too, for what `it` and `there` mean."""
    at = last_question(messages)
    terms = terms_of([(_text_of_message(messages[at]), 1.0)])
    if len(terms) >= _FEW_TERMS:
        return terms
    earlier = next((m for m in reversed(messages[:at]) if m.role == "user" and _text_of_message(m)), None)
    if earlier is not None:
        for word in terms_of([(_text_of_message(earlier), _EARLIER_WEIGHT)]):
            terms.setdefault(word, _EARLIER_WEIGHT)
    return terms


def _text_of_message(message: Message) -> str:
    text = "\n".join(part.text for part in message.parts if isinstance(part, TextPart))
    return text if len(text) <= _QUESTION_CHARS else f"{text[: _QUESTION_CHARS // 2]}\n{text[-_QUESTION_CHARS // 2 :]}"


def _doubt(words: Floats, tokens: Floats, room: int) -> Floats:
    """How far each piece is from the score at which the room is used up; small is doubtful."""
    order = np.argsort(-words)
    last = int(np.searchsorted(np.cumsum(tokens[order]), max(0, room)))
    return np.abs(words - words[order[min(last, len(order) - 1)]])


def _windows(tokens: Floats) -> Iterator[tuple[int, int]]:
    begin, size = 0, 0.0
    for at, count in enumerate(tokens):
        if at > begin and size + count > _PASSAGE_TOKENS:
            yield begin, at
            begin, size = at, 0.0
        size += count
    if begin < len(tokens):
        yield begin, len(tokens)


def _longest(tokens: Floats, begin: int, end: int) -> list[int]:
    """The longest pieces that `_EXCERPT_TOKENS` have room for, in order; one at least."""
    left, chosen = float(_EXCERPT_TOKENS), list[int]()
    for at in sorted(range(begin, end), key=lambda at: -tokens[at]):
        if not chosen or tokens[at] <= left:
            left -= float(tokens[at])
            chosen.append(at)
    return sorted(chosen)


def _joined_at(texts: Sequence[str], places: Iterable[int]) -> str:
    return "\n".join(texts[at] for at in places)


def _flat(parts: Sequence[Part]) -> Iterator[Part]:
    for part in parts:
        if isinstance(part, ToolResultPart):
            yield from part.parts
        else:
            yield part


def _key(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
