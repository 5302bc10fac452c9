"""Runs guards over texts.

A guard that raises, is late, says what it must not, or finds the encoder busy has not judged: `Hearing.failed` says
what follows from that, and there is no way to pass as judged without having been.
"""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from penstock.core.clock import Clock
from penstock.core.exchange import Exchange
from penstock.guard.hearing import Found, Hearing
from penstock.guard.pieces import pieces
from penstock.guard.remembered import Remembered
from penstock.guard.seams import across
from penstock.guard.verdict import Finding, Segment
from penstock.guard.ward import Ask, CannotJudge, Detect, Direction, Ward

if TYPE_CHECKING:
    from penstock.encoder.executor import Encoder
    from penstock.encoder.model import Encoded

_AT_ONCE_CHARS: Final = 20_000
"""What is looked through on the event loop, some 0.2 ms with the patterns of personal data; more goes to a thread."""
_MOST_FINDINGS: Final = 50_000
_FIELD_CHARS: Final = 64
"""An id, a name or a label beside the conversation: around it stands nothing that a pass of the encoder would tell."""
_Digests = dict[int, bytes]
"""What texts are remembered by, by the identity of their segments, which must live as long."""


class Judging:
    """Judges for one event loop.  `most_chars` is what of one request is given to the encoder, `most_texts` of how many
    texts it is remembered what was found in them.
    """

    def __init__(self, clock: Clock, encoder: "Encoder | None", *, most_chars: int, most_texts: int = 0) -> None:
        self._clock = clock
        self._encoder = encoder
        self._most_chars = most_chars
        self._remembered = Remembered(most_texts)

    async def judge(
        self,
        exchange: Exchange,
        wards: Sequence[Ward],
        segments: Sequence[Segment],
        *,
        direction: Direction,
        unseen: Sequence[str] = (),
    ) -> Hearing:
        """Run all guards over the texts.  `unseen` are places that no guard can read."""
        hearing = Hearing(exchange, direction, self._clock)
        last: list[Segment] | None = None
        digests: _Digests = {}
        for ward in wards:
            if not ward.holds_for(exchange):
                continue
            if unseen and ward.sees_all:
                hearing.failed(ward, "unreadable", place=unseen[0])
                continue
            if ward.is_about_last:
                # Made once, and kept: digests are found by the identity of a segment, which must live as long.
                texts = last = _last_said(segments) if last is None else last
            else:
                texts = [each for each in segments if ward.asks_for(each)]
            began_s = self._clock.monotonic()
            try:
                found = await self.found(exchange, ward, texts, digests)
            except CannotJudge as failure:
                hearing.failed(ward, failure.reason)
            else:
                hearing.judged(ward, found, texts=len(texts), took_s=self._clock.monotonic() - began_s)
        return hearing

    async def found(
        self, exchange: Exchange, ward: Ward, texts: Sequence[Segment], digests: _Digests | None = None
    ) -> list[Found]:
        """Every finding with its text.  With `digests`, texts that the guard has read lately are not read again.

        Raises `CannotJudge`, and nothing else.
        """
        if not texts:
            return []
        try:
            if ward.ask is not None:
                return await _asked(ward.ask, exchange, texts, timeout_s=ward.timeout_s)
            if digests is None:
                lists = await self._detected(ward, texts)
            else:
                lists = await self._new_detected(ward, texts, digests)
            found = [(text, each) for text, findings in zip(texts, lists, strict=True) for each in findings]
            if ward.reads_on and len(texts) > 1:
                found += across(_detector(ward), texts)
        except CannotJudge:
            raise
        except Exception as error:
            raise CannotJudge(f"raised_{type(error).__name__}"[:60]) from error
        return found

    async def _new_detected(
        self, ward: Ward, texts: Sequence[Segment], digests: _Digests
    ) -> Sequence[Sequence[Finding]]:
        remembered = self._remembered
        for each in texts:
            if id(each) not in digests:
                digests[id(each)] = remembered.digest(each)
        known = [remembered.get(ward, digests[id(each)]) for each in texts]
        new = [text for text, found in zip(texts, known, strict=True) if found is None]
        if not new:
            return [() if found is None else found for found in known]
        lists = iter(await self._detected(ward, new))
        found = [next(lists) if each is None else each for each in known]
        for text, before, each in zip(texts, known, found, strict=True):
            if before is None:
                remembered.put(ward, digests[id(text)], each)
        return found

    async def _detected(self, ward: Ward, texts: Sequence[Segment]) -> Sequence[Sequence[Finding]]:
        if ward.reads:
            return await self._read(ward, texts)
        if sum(len(each.text) for each in texts) <= _AT_ONCE_CHARS:
            return _look(ward, texts)
        return await asyncio.get_running_loop().run_in_executor(None, _look, ward, texts)

    async def _read(self, ward: Ward, texts: Sequence[Segment]) -> Sequence[Sequence[Finding]]:
        encoder, detect = self._encoder, _detector(ward)
        if encoder is None:
            raise CannotJudge("no_encoder")
        if sum(len(each.text) for each in texts) > self._most_chars:
            raise CannotJudge("too_long")
        lists: list[Sequence[Finding]] = []
        for segment in texts:
            if not segment.is_said and len(segment.text) <= _FIELD_CHARS:
                lists.append(_within(segment.text, detect(segment, None)))
                continue
            found: list[Finding] = []
            for begin, piece in ((0, segment.text),) if ward.is_about_last else pieces(segment.text):
                part = segment if len(piece) == len(segment.text) else _part(segment, piece)
                said = _within(piece, detect(part, await _encoded(encoder, piece)))
                found += (_moved(each, begin) for each in said)
            lists.append(found)
        return lists


async def _asked(ask: Ask, exchange: Exchange, texts: Sequence[Segment], *, timeout_s: float) -> list[Found]:
    try:
        async with asyncio.timeout(timeout_s):  # no task of its own, as `wait_for` makes one
            lists = await ask(exchange, texts)
    except TimeoutError:
        raise CannotJudge("timeout") from None
    if len(lists) != len(texts):
        raise CannotJudge("nonsense")
    return [(text, each) for text, found in zip(texts, lists, strict=True) for each in _within(text.text, found)]


def _last_said(segments: Sequence[Segment]) -> list[Segment]:
    """What the user says in the last message that he wrote, its parts together."""
    said = [each for each in segments if each.trust == "user" and each.is_said]
    if not said:
        return []
    last = said[-1].place.rpartition(".parts.")[0]
    parts = [each for each in said if each.place.rpartition(".parts.")[0] == last]
    return [Segment("\n".join(each.text for each in parts), "user", parts[0].place)]


def _detector(ward: Ward) -> Detect:
    if ward.detect is None:
        raise CannotJudge("no_detector")
    return ward.detect


def _look(ward: Ward, texts: Sequence[Segment]) -> Sequence[Sequence[Finding]]:
    detect = _detector(ward)
    return [_within(each.text, detect(each, None)) for each in texts]


async def _encoded(encoder: "Encoder", text: str) -> "Encoded":
    from penstock.encoder.executor import EncoderBusy  # noqa: PLC0415 - numpy, of an extra that not everybody has

    try:
        return await encoder.encode(text)
    except EncoderBusy as busy:
        raise CannotJudge("encoder_failed" if busy.__cause__ is not None else "encoder_busy") from None


def _within(text: str, findings: Sequence[Finding]) -> Sequence[Finding]:
    """The findings, if all of them stand in the text.  Raises `CannotJudge`."""
    length = len(text)
    if len(findings) > _MOST_FINDINGS or not all(_is_sound(each, length) for each in findings):
        raise CannotJudge("nonsense")
    return findings


def _is_sound(finding: Finding, length: int) -> bool:
    return 0 <= finding.begin <= finding.end <= length and 0.0 <= finding.score <= 1.0


def _moved(finding: Finding, by: int) -> Finding:
    if by == 0:
        return finding
    return msgspec.structs.replace(finding, begin=finding.begin + by, end=finding.end + by)


def _part(segment: Segment, text: str) -> Segment:
    return Segment(text, segment.trust, segment.place, segment.source, segment.is_said)
