"""Tracing claims with the encoder that all layers share: what it has read is read once, words alone are remembered."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Final

from penstock.core.chat import ChatRequest
from penstock.core.errors import GuardUnavailable
from penstock.core.exchange import Exchange
from penstock.core.sources import Passage
from penstock.encoder.executor import Encoder, EncoderBusy
from penstock.encoder.model import Encoded
from penstock.guard.grounded.claims import Answer, split
from penstock.guard.grounded.judge import load_judge
from penstock.guard.grounded.tracer import Traced, Tracer, support
from penstock.guard.ward import CannotJudge
from penstock.knowledge.prompt import question_of
from penstock.server.service import ClaimView, GroundingView

_MOST_WORDS: Final = 4_096


class Tracing:
    """`trace` and `align` on one event loop; `close` once."""

    def __init__(self, encoder: Encoder) -> None:
        """Raises `ConfigError` where the encoder is not the one that the judge was fitted on."""
        self._encoder = encoder
        self._judge = load_judge()
        self._words: OrderedDict[str, Encoded] = OrderedDict()
        self._lock = Lock()
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="grounding")
        self._tracer({})

    async def trace(self, exchange: Exchange, answer: Answer) -> tuple[Traced, ...]:
        """A `guard.grounded.stage.Trace`."""
        [traced] = await self._traced(answer, [exchange.passages])
        return traced

    async def trace_each(self, answer: Answer, texts: Sequence[str]) -> tuple[tuple[Traced, ...], ...]:
        """A `guard.grounded.sureness.agreement.TraceEach`."""
        return await self._traced(answer, [(_whole(split(each).text),) for each in texts])

    async def ground(self, said: str, passages: Sequence[Passage]) -> GroundingView:
        """A `server.service.Ground`."""
        answer = split(said)
        try:
            [traced] = await self._traced(answer, [passages])
        except CannotJudge as failure:
            text = "The answer cannot be held against its sources now; try again."
            raise GuardUnavailable(text, retry_after_s=1.0, detail=failure.reason) from None
        verdicts = [each.verdict for each in traced]
        return GroundingView(
            claims=tuple(map(_claim_view, traced)),
            supported=verdicts.count("supported"),
            contradicted=verdicts.count("contradicted"),
            not_found=verdicts.count("not_found"),
            support=support(traced),
        )

    async def _traced(self, answer: Answer, each_of: Sequence[Sequence[Passage]]) -> tuple[tuple[Traced, ...], ...]:
        """The answer's claims by the passages of each, and by these alone."""
        texts = dict.fromkeys((answer.text, *(each.text for passages in each_of for each in passages)))
        try:
            read = await asyncio.gather(*(self._encoder.encode(text) for text in texts))
        except EncoderBusy:
            raise CannotJudge("encoder_busy") from None
        tracer = self._tracer(dict(zip(texts, read, strict=True)))

        def judge() -> tuple[tuple[Traced, ...], ...]:
            return tuple(tracer.judge(answer, passages) for passages in each_of)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, judge)
        except Exception as error:  # whatever it was, the answer is not judged, and that is told
            raise CannotJudge(f"raised_{type(error).__name__}"[:60]) from error

    async def align(self, exchange: Exchange, said: str) -> float | None:
        """A `guard.grounded.stage.Align`."""
        request = exchange.asked
        question = question_of(request) if isinstance(request, ChatRequest) else ""
        if not question or not said.strip():
            return None
        try:
            one, other = await asyncio.gather(self._encoder.encode(question), self._encoder.encode(said))
        except EncoderBusy:
            return None
        return float(one.sentence @ other.sentence)

    def close(self) -> None:
        """No `trace` follows."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _tracer(self, known: Mapping[str, Encoded]) -> Tracer:
        def read(text: str) -> Encoded:
            found = known.get(text)
            return self._word(text) if found is None else found

        return Tracer(self._judge, read, encoder_sha256=self._encoder.weights_sha256)

    def _word(self, text: str) -> Encoded:
        """A word or two, each read alone."""
        with self._lock:
            found = self._words.get(text)
        if found is None:
            found = self._encoder.model.encode(text)
            with self._lock:
                self._words[text] = found
                while len(self._words) > _MOST_WORDS:
                    self._words.popitem(last=False)
        return found


def _whole(text: str) -> Passage:
    """A text as the one passage there is.  It has no label, so that no claim cites it."""
    return Passage(label="", document="", version=0, title="", text=text, start=0, end=len(text))


def _claim_view(traced: Traced) -> ClaimView:
    passage = traced.passage
    return ClaimView(
        text=traced.claim.text,
        start=traced.claim.begin,
        end=traced.claim.end,
        verdict=traced.verdict,
        probability=traced.chance,
        source=None if passage is None else passage.document,
        quote="" if passage is None else passage.text[traced.begin : traced.end],
        reasons=traced.reasons,
    )
