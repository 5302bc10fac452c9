"""Knowledge in the life of a request: finds what the caller may read, puts it into the prompt, cites it in the answer.

Stands behind the caches, which know a request by what its caller wrote, and before what shortens prompts.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from penstock.config.knowledge import KnowledgeUse
from penstock.core.chat import ChatRequest
from penstock.core.clock import Clock
from penstock.core.errors import KnowledgeUnavailable as Unavailable
from penstock.core.events import Finish, Start, Text
from penstock.core.exchange import Exchange
from penstock.core.facts import AnswerCited, KnowledgeSearched, KnowledgeUnavailable
from penstock.core.ports import CONTINUE, Continue, Filter, Reply
from penstock.core.sources import Passage
from penstock.knowledge.cite import Citations
from penstock.knowledge.find import NotSearched, Wanted, asker_of
from penstock.knowledge.index.request import Filters, Found
from penstock.knowledge.index.steps import Asker
from penstock.knowledge.prompt import INSTRUCTIONS, NOTHING, question_of, with_sources

_DAY_S = 86_400.0

Find = Callable[[Asker, Wanted], Awaitable[Found]]
Screen = Callable[[Exchange, Sequence[Passage]], Awaitable[Sequence[Passage]]]
"""What of the passages the model may be shown, in masked space; raises where a guard that must judge cannot."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for: the question, or the question with words of earlier turns."""

    text: str
    is_rewritten: bool = False


Rewrite = Callable[[ChatRequest, str], Query]


@dataclass(frozen=True, slots=True)
class Packed:
    """The passages that fit, with their labels, and how they stand in the prompt."""

    passages: tuple[Passage, ...]
    text: str
    tokens: int


Pack = Callable[[Exchange, Sequence[Passage], int], Packed]
"""Of passages, the best first, as many as fit into so many tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the stage works with; `app` makes it."""

    find: Find
    screen: Screen
    rewrite: Rewrite
    pack: Pack
    clock: Clock


class KnowledgeStage:
    """See the module.  `uses` are by model name; a model without one is not looked at."""

    def __init__(self, uses: Mapping[str, KnowledgeUse], parts: Parts) -> None:
        self._uses = uses
        self._parts = parts

    @property
    def name(self) -> str:
        return "knowledge"

    async def enter(self, exchange: Exchange) -> Continue | Reply:
        """Search, and change the request.  Raises `KnowledgeUnavailable` where nothing can be searched and must be."""
        use = self._uses.get(exchange.request.model)
        request = exchange.request
        if use is None or not isinstance(request, ChatRequest):
            return CONTINUE
        question = question_of(request)
        if not question:
            return CONTINUE
        query = self._parts.rewrite(request, question) if use.follow_ups else Query(question)
        began_s = self._parts.clock.monotonic()
        try:
            found = await self._found(exchange, use, query)
        except NotSearched as failure:
            return self._unavailable(exchange, use, failure)
        is_sure = found.nearest >= use.least_nearness and found.chance >= use.least_chance
        passages: Sequence[Passage] = found.passages if is_sure else ()
        passages = await self._parts.screen(exchange, passages)
        packed = self._parts.pack(exchange, passages, use.budget_tokens)
        exchange.passages = packed.passages
        now_s = self._parts.clock.monotonic()
        exchange.facts.append(
            KnowledgeSearched(
                at_s=now_s - exchange.began_s,
                bases=use.bases,
                passages=len(packed.passages),
                documents=len({each.document for each in packed.passages}),
                tokens=packed.tokens,
                latency_s=now_s - began_s,
                nearness=found.nearest,
                chance=found.chance,
                is_rewritten=query.is_rewritten,
            )
        )
        if not packed.passages and use.nothing_found is not None:
            exchange.is_canned = True
            start = Start(exchange.id, request.model, int(self._parts.clock.now()))
            return Reply((start, Text(use.nothing_found), Finish("stop")))
        sources = packed.text if packed.passages else NOTHING
        exchange.request = with_sources(request, sources, instructions=use.instructions or INSTRUCTIONS)
        return CONTINUE

    def filter(self, exchange: Exchange) -> Filter | None:
        """Makes citations of the answer's marks, where it is prose and its model is to cite."""
        use = self._uses.get(exchange.request.model)
        request = exchange.request
        if use is None or use.citations == "off" or not exchange.passages or not isinstance(request, ChatRequest):
            return None
        form = request.response_format
        if form is not None and form.kind != "text":
            return None

        def done(cited: int, unknown: int) -> None:
            at_s = self._parts.clock.monotonic() - exchange.began_s
            exchange.facts.append(AnswerCited(at_s=at_s, citations=cited, unknown=unknown))

        return Citations(exchange.passages, keeps_marks=use.citations == "marks", done=done)

    async def _found(self, exchange: Exchange, use: KnowledgeUse, query: Query) -> Found:
        left_s = exchange.deadline_s - self._parts.clock.monotonic()
        wanted = Wanted(
            bases=use.bases,
            query=query.text,
            k=use.passages,
            filters=_filters(use),
            half_life_s=None if use.half_life_days is None else use.half_life_days * _DAY_S,
        )
        try:
            async with asyncio.timeout(min(use.timeout_s, max(0.0, left_s))):
                return await self._parts.find(asker_of(exchange.principal), wanted)
        except TimeoutError:
            raise NotSearched("late") from None

    def _unavailable(self, exchange: Exchange, use: KnowledgeUse, failure: NotSearched) -> Continue:
        at_s = self._parts.clock.monotonic() - exchange.began_s
        action = "refused" if use.fail == "closed" else "answered_without"
        exchange.facts.append(KnowledgeUnavailable(at_s=at_s, reason=failure.reason, action=action))
        if use.fail == "closed":
            text = "The documents that answers are made from cannot be searched now; try again."
            raise Unavailable(text, retry_after_s=2.0, detail=str(failure))
        return CONTINUE


def _filters(use: KnowledgeUse) -> Filters:
    equal = {name: value for name, value in use.filters.items() if isinstance(value, str)}
    one_of = {name: value for name, value in use.filters.items() if not isinstance(value, str)}
    return Filters(equal=equal, one_of=one_of)
