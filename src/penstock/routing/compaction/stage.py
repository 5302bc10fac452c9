"""The stage that shortens prompts, in a thread of its own: the event loop only looks at how long the texts are.

Stands behind the caches, which know a request by what the caller wrote, and behind the limits, which reserve for the
whole prompt and settle what was really sent.  Where more wait than may, the prompt goes on as it is: it costs more, and
is answered all the same.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

import msgspec

from penstock.config.routing.compaction import CompactionSettings
from penstock.core.chat import ChatRequest, FilePart, Part, TextPart, ToolCallPart, ToolResultPart
from penstock.core.clock import Clock
from penstock.core.exchange import Exchange
from penstock.core.facts import Compacted, CompactionSkipped
from penstock.core.ports import CONTINUE, Continue
from penstock.routing.compaction.compactor import Compaction, Compactor
from penstock.routing.compaction.retained import Retained
from penstock.routing.compaction.summaries import Wanted

SumUp: TypeAlias = Callable[[Exchange, Wanted], None]
"""Has a model sum up what an exchange's prompt may lose; it waits for nothing."""


def no_summaries(exchange: Exchange, wanted: Wanted) -> None:
    """Nobody sums anything up."""
    del exchange, wanted


_MOST_WAITING = 16
_CHARS_OF_OTHERS = 2_000
"""What an image, an opaque part and the like may count for, at most, in characters of text."""


class CompactionStage:
    """`models` has the settings of the models that are compacted.

    Of exchanges that are not `may_rest` nothing is kept of what was left out, and nothing is summed up.
    """

    def __init__(
        self,
        models: Mapping[str, CompactionSettings],
        compactor: Compactor,
        retained: Retained,
        clock: Clock,
        *,
        may_rest: Callable[[Exchange], bool] = lambda _: True,
        sum_up: SumUp = no_summaries,
        max_waiting: int = _MOST_WAITING,
    ) -> None:
        self._models = models
        self._compactor = compactor
        self._retained = retained
        self._clock = clock
        self._may_rest = may_rest
        self._sum_up = sum_up
        self._max_waiting = max_waiting
        self._waiting = 0
        # One thread: what it does holds the interpreter in part, and a second would only slow down the event loop.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="compaction")

    @property
    def name(self) -> str:
        return "compaction"

    async def enter(self, exchange: Exchange) -> Continue:
        """Replace the request by a shorter one where its model's settings say so and it is long.  Refuses nothing."""
        request = exchange.request
        settings = self._models.get(request.model)
        if settings is None or not isinstance(request, ChatRequest) or not _may_be_long(request, settings.after_tokens):
            return CONTINUE
        if self._waiting >= self._max_waiting:
            exchange.facts.append(CompactionSkipped(at_s=self._at_s(exchange), reason="busy"))
            return CONTINUE
        self._waiting += 1
        target = exchange.route.targets[0].model if exchange.route is not None else request.model
        whose = exchange.principal if self._may_rest(exchange) else None
        try:
            loop = asyncio.get_running_loop()
            made = await loop.run_in_executor(self._pool, self._compactor.compact, request, target, settings, whose)
        finally:
            self._waiting -= 1
        if made is not None:
            self._use(exchange, settings, made)
        return CONTINUE

    def filter(self, exchange: Exchange) -> None:
        """It has nothing to say of the answer."""

    def close(self) -> None:
        """Let what is being shortened end; nothing more is."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _use(self, exchange: Exchange, settings: CompactionSettings, made: Compaction) -> None:
        exchange.facts.append(
            Compacted(
                at_s=self._at_s(exchange),
                tokens_before=made.tokens_before,
                tokens_after=made.tokens_after,
                parts=len(made.left_out),
                shortened=made.shortened,
                repeated=made.repeated,
                is_shadow=settings.shadow,
                summarised=made.summarised,
            )
        )
        if settings.shadow:
            return
        exchange.request = made.request
        exchange.spared_tokens = max(0, made.tokens_before - made.tokens_after)
        if self._may_rest(exchange):
            self._retained.keep(exchange.id, exchange.principal.tenant, made.left_out, for_s=settings.retain_s)
        if made.wanted is not None:
            self._sum_up(exchange, made.wanted)

    def _at_s(self, exchange: Exchange) -> float:
        return self._clock.monotonic() - exchange.began_s


def _may_be_long(request: ChatRequest, tokens: int) -> bool:
    """Whether the prompt may be of more than so many tokens: hardly a tokenizer makes more than two of a character."""
    most = 0
    for message in request.messages:
        most += 8
        for part in message.parts:
            most += _most_chars(part)
            if 2 * most > tokens:
                return True
    for tool in request.tools:
        most += len(msgspec.json.encode(tool))
    return 2 * most > tokens


def _most_chars(part: Part) -> int:
    match part:
        case TextPart(text=text):
            return len(text)
        case ToolCallPart(name=name, arguments=arguments):
            return len(name) + len(arguments)
        case ToolResultPart(parts=inner):
            return sum(map(_most_chars, inner)) + 8
        case FilePart(text=str(text)):
            return len(text)
        case FilePart(data=str(data)):
            return len(data)
        case _:
            return _CHARS_OF_OTHERS
