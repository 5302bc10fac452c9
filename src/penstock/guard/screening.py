"""What retrieval found is judged and masked as anything else that goes to a model, before it goes into the prompt.

A document that says what no guard lets through costs that document its place, and not the caller its answer.
"""

from collections.abc import Sequence

import msgspec

from penstock.core.chat import ChatRequest, FilePart, Message
from penstock.core.clock import Clock
from penstock.core.exchange import Exchange
from penstock.core.facts import PersonalDataMasked
from penstock.core.sources import Passage
from penstock.guard.hearing import Found, Hearing
from penstock.guard.judging import Judging
from penstock.guard.personal.masking import masked
from penstock.guard.stage import Guarded, guarded
from penstock.guard.texts import segments_of
from penstock.guard.verdict import Segment
from penstock.guard.ward import CannotJudge, Ward


class Screening:
    """Judges for the guards of `GuardStage`, which has left its part with the exchange."""

    def __init__(self, judging: Judging, clock: Clock) -> None:
        self._judging = judging
        self._clock = clock

    async def screened(self, exchange: Exchange, passages: Sequence[Passage]) -> tuple[Passage, ...]:
        """Those that may be shown to the model, in masked space.

        Raises `PolicyBlocked` or `GuardUnavailable` where a guard that lets nothing pass unjudged could not judge.
        """
        left = guarded(exchange)
        request = exchange.request
        if left is None or not passages or not isinstance(request, ChatRequest):
            return tuple(passages)
        kept = list(passages)
        for wards in (left.guards.inputs, left.guards.masked_inputs):
            written = _as_request(request, kept)
            segments = segments_of(written)
            hearing, refused = await self._judged(exchange, wards, segments)
            left.flagged += (segment for guard, segment in hearing.noticed if guard == "injection")
            if hearing.mask:
                kept = _read_back(await self._masked(exchange, left, written, segments, hearing.mask), kept)
            kept = [passage for at, passage in enumerate(kept) if at not in refused]
            if not kept:
                break
        return tuple(kept)

    async def _judged(
        self, exchange: Exchange, wards: Sequence[Ward], segments: Sequence[Segment]
    ) -> tuple[Hearing, set[int]]:
        """What is to be masked, and the numbers of the passages that are refused."""
        hearing = Hearing(exchange, "input", self._clock)
        refused: set[int] = set()
        for ward in wards:
            if ward.is_about_last or not ward.holds_for(exchange):
                continue
            texts = [each for each in segments if ward.asks_for(each)]
            if not texts:
                continue
            began_s = self._clock.monotonic()
            try:
                found = await self._judging.found(exchange, ward, texts, {})
            except CannotJudge as failure:
                hearing.failed(ward, failure.reason)
                if hearing.blocked is not None:
                    raise hearing.blocked from None
                continue
            hearing.judged(ward, found, texts=len(texts), took_s=self._clock.monotonic() - began_s)
            hearing.blocked = None  # the passage is left out, and the exchange goes on
            if ward.mode == "enforce":
                refused |= {_number(segment) for segment, each in found if ward.action(each) in {"block", "hold"}}
        return hearing, refused

    async def _masked(
        self,
        exchange: Exchange,
        left: Guarded,
        written: ChatRequest,
        segments: Sequence[Segment],
        found: Sequence[Found],
    ) -> ChatRequest:
        if left.turn is not None:
            left.tokens = await left.turn.tokens()
        request, kinds = masked(written, found, left.tokens, segments)
        if left.turn is not None:
            left.turn.added()
        at_s = self._clock.monotonic() - exchange.began_s
        exchange.facts.append(PersonalDataMasked(at_s=at_s, kinds=dict(kinds)))
        return request if isinstance(request, ChatRequest) else written


def _as_request(request: ChatRequest, passages: Sequence[Passage]) -> ChatRequest:
    """The passages as documents that somebody hands over: so every guard knows who has written them."""
    parts = tuple(FilePart(text=each.text, filename=_titles(each)) for each in passages)
    return ChatRequest(dialect=request.dialect, model=request.model, messages=(Message("user", parts),))


def _read_back(request: ChatRequest, passages: Sequence[Passage]) -> list[Passage]:
    found: list[Passage] = []
    for part, passage in zip(request.messages[0].parts, passages, strict=True):
        if isinstance(part, FilePart):
            title, *heading = (part.filename or "").split("\n")
            found.append(msgspec.structs.replace(passage, text=part.text or "", title=title, heading=tuple(heading)))
    return found


def _titles(passage: Passage) -> str:
    return "\n".join(" ".join(each.split()) for each in (passage.title, *passage.heading))


def _number(segment: Segment) -> int:
    """`messages.0.parts.<number>.text`"""
    return int(segment.place.split(".")[3])
