"""Bounds answers that nobody bounded: `max_tokens` from how long a model's answers to a tenant are.

A model that does not stop costs as much as a hundred answers.  The bound is far above what is usual, and an answer that
is cut off by it raises it at once, so that a use with longer answers loses a few of them and no more.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

import msgspec

from penstock.config.routing.compaction import AnswerLengthSettings
from penstock.core.chat import ChatRequest
from penstock.core.clock import Clock
from penstock.core.events import Event, Finish
from penstock.core.exchange import Exchange
from penstock.core.facts import AnswerBounded
from penstock.core.ports import CONTINUE, Continue

_STEP: Final = 0.05
_FIRST: Final = 1_024.0
_RAISE: Final = 2.0
_MOST_KNOWN: Final = 10_000


@dataclass(slots=True)
class _Known:
    """`level` follows the quantile of the lengths (Robbins and Monro, in the logarithm); `seen` counts answers."""

    level: float = _FIRST
    seen: int = 0
    factor: float = 1.0


class AnswerLengths:
    """What is known of each model and tenant; the least lately used is forgotten first."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], _Known] = OrderedDict()

    def bound(self, pair: tuple[str, str], settings: AnswerLengthSettings) -> int | None:
        """What an answer may be at most; None while too little is known."""
        known = self._known.get(pair)
        if known is None or known.seen < settings.after:
            return None
        return min(settings.most, max(settings.least, ceil(known.level * settings.slack * known.factor)))

    def learn(self, pair: tuple[str, str], tokens: int, settings: AnswerLengthSettings) -> None:
        """An answer that ended by itself."""
        known = self._take(pair)
        known.seen += 1
        step = 1 + _STEP * settings.quantile if tokens > known.level else 1 - _STEP * (1 - settings.quantile)
        known.level = max(1.0, known.level * step)
        known.factor = max(1.0, known.factor * (1 - _STEP * (1 - settings.quantile)))

    def was_cut(self, pair: tuple[str, str]) -> None:
        """An answer that our bound cut off."""
        known = self._take(pair)
        known.seen += 1
        known.factor *= _RAISE

    def _take(self, pair: tuple[str, str]) -> _Known:
        known = self._known.setdefault(pair, _Known())
        self._known.move_to_end(pair)
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)
        return known


class AnswerLengthStage:
    """`models` has the settings of the models whose answers are bounded."""

    def __init__(self, models: Mapping[str, AnswerLengthSettings], clock: Clock) -> None:
        self._models = models
        self._clock = clock
        self._lengths = AnswerLengths()

    @property
    def name(self) -> str:
        return "answer_length"

    async def enter(self, exchange: Exchange) -> Continue:
        """Set `max_tokens` where the caller did not and enough is known."""
        request = exchange.request
        settings = self._models.get(request.model)
        if settings is None or not isinstance(request, ChatRequest):
            return CONTINUE
        bound = None
        if request.max_tokens is None and request.reasoning is None:  # who asks for thinking asks for what it takes
            bound = self._lengths.bound((request.model, exchange.principal.tenant), settings)
        at_s = self._clock.monotonic()
        if bound is not None:
            exchange.request = msgspec.structs.replace(request, max_tokens=bound)
            exchange.facts.append(AnswerBounded(at_s=at_s - exchange.began_s, max_tokens=bound))
        return CONTINUE

    def filter(self, exchange: Exchange) -> "_Watch | None":
        """Sees whether the answer was cut off."""
        request = exchange.request
        settings = self._models.get(request.model)
        if settings is None or not isinstance(request, ChatRequest):
            return None
        is_ours = any(isinstance(fact, AnswerBounded) for fact in exchange.facts)
        watch = _Watch(self._lengths, settings, (request.model, exchange.principal.tenant), is_ours=is_ours)
        exchange.take(watch, at_s=self._clock.monotonic())
        return watch


class _Watch:
    """Of one answer: its events as they pass, and its length once it is settled."""

    __slots__ = ("_is_cut", "_is_ours", "_lengths", "_pair", "_settings", "name")

    def __init__(
        self, lengths: AnswerLengths, settings: AnswerLengthSettings, pair: tuple[str, str], *, is_ours: bool
    ) -> None:
        self.name = "answer_length"
        self._lengths = lengths
        self._settings = settings
        self._pair = pair
        self._is_ours = is_ours
        self._is_cut = False

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        if any(isinstance(event, Finish) and event.reason == "length" for event in events):
            self._is_cut = True
        return events

    def finish(self) -> Sequence[Event]:
        return ()

    def settle(self, exchange: Exchange) -> None:
        """Learn from an answer that is whole.  One that the caller's own bound cut off says nothing."""
        if exchange.end != "completed" or not exchange.attempts or exchange.is_canned:
            return
        if self._is_cut:
            if self._is_ours:
                self._lengths.was_cut(self._pair)
        elif exchange.usage.accuracy != "unknown":
            request = exchange.request
            choices = request.choices if isinstance(request, ChatRequest) else 1
            others = sum(each.usage.output_tokens for each in exchange.extra_calls if each.usage is not None)
            tokens = max(0, exchange.usage.output_tokens - others) // max(1, choices)
            self._lengths.learn(self._pair, tokens, self._settings)
