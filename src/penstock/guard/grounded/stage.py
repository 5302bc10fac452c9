"""Grounding in the life of a request: each claim of an answer is traced to the passages in its prompt, before anything
of it is kept or seen.

The response half stands behind the other guards.  A model that has no sources is not looked at; an answer for which
none were found is, and whatever it states is then found nowhere.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from penstock.config.knowledge import GroundingSettings, asked_same, asked_second
from penstock.core.chat import ChatRequest
from penstock.core.clock import Clock
from penstock.core.errors import GuardUnavailable
from penstock.core.events import Event, Finish, Text, ToolCall
from penstock.core.exchange import Exchange, HoldReason
from penstock.core.facts import ClaimsTraced, ConfidenceEstimated, GuardFailed
from penstock.core.ports import CONTINUE, AskAgain, Continue, Filter, KeepFirst, SetAside, Target
from penstock.guard.grounded.claims import Answer, split
from penstock.guard.grounded.confidence import Known, Weights, words_of
from penstock.guard.grounded.counted import Count, Likelihood
from penstock.guard.grounded.shown import replaced, with_notices, without
from penstock.guard.grounded.sureness.agreement import Again
from penstock.guard.grounded.sureness.asking import can_be_repeated, corrected
from penstock.guard.grounded.sureness.levels import Levels, Sureness
from penstock.guard.grounded.sureness.opinions import Outcome
from penstock.guard.grounded.tracer import Traced, coverage, support
from penstock.guard.ward import CannotJudge

GUARD: Final = "grounding"
_SENTENCE_ENDS: Final = (". ", "! ", "? ", ".\n", "!\n", "?\n", "\n")

Trace = Callable[[Exchange, Answer], Awaitable[tuple[Traced, ...]]]
"""A verdict for each claim, of the exchange's passages.  Raises `CannotJudge`."""
Align = Callable[[Exchange, str], Awaitable[float | None]]
"""How near the answer is to what was asked."""
Second = Callable[[Exchange], Sequence[Target]]
"""Who is asked for a second opinion on the answer, if anybody."""
_LEAST_LEFT_S: Final = 2.0
"""With less time than this nobody is asked for anything more."""
_OF_TIME_LEFT: Final = 0.9
"""What a second opinion may take of it: the first answer must be out before the deadline."""
_TO_REPEAT: Final = 0.5
"""What the model may take of it to say the same again: a second opinion may have to follow."""


def _nobody(exchange: Exchange) -> Sequence[Target]:
    del exchange
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the stage works with; `app` makes it."""

    trace: Trace
    align: Align
    weights: Weights
    clock: Clock
    second: Second = _nobody
    again: Again | None = None


@dataclass(slots=True)
class _Grounding:
    """What one exchange carries from answer to answer.  A lease, since a lease lives exactly so long.

    `asked` is the request before another answer was asked for, `first` what is to become of the one on which a second
    opinion was.
    """

    has_asked_again: bool = False
    asked: ChatRequest | None = None
    first: Outcome | None = None

    @property
    def name(self) -> str:
        return GUARD

    def settle(self, exchange: Exchange) -> None:
        """Nothing was reserved."""


class GroundingStage:
    """See the module.  `policies` are by model name; a model without one is not looked at."""

    def __init__(self, policies: Mapping[str, GroundingSettings], parts: Parts) -> None:
        self._policies = policies
        self._parts = parts

    @property
    def name(self) -> str:
        return GUARD

    async def enter(self, exchange: Exchange) -> Continue:
        """It only marks the exchange as one whose answer is to be traced."""
        if exchange.request.model in self._policies and isinstance(exchange.request, ChatRequest):
            exchange.take(_Grounding(), at_s=self._parts.clock.monotonic())
        return CONTINUE

    def filter(self, exchange: Exchange) -> Filter | None:
        """None for an answer that was kept (it was judged when it was made), or that nobody made."""
        left = next((lease for lease in exchange.leases if type(lease) is _Grounding), None)
        if left is None or exchange.attempts == 0 or exchange.is_canned:
            return None
        request = exchange.request
        form = request.response_format if isinstance(request, ChatRequest) else None
        if form is not None and form.kind != "text":
            return None
        settings = self._policies[exchange.request.model]
        return _Grounded(settings, self._parts, exchange, left)


class _Grounded:
    """`core.ports.WaitingFilter` for one answer; text of the first choice and of every other is judged alike."""

    def __init__(self, settings: GroundingSettings, parts: Parts, exchange: Exchange, left: _Grounding) -> None:
        self._settings = settings
        self._parts = parts
        self._exchange = exchange
        self._left = left
        self._queue: list[Event] = []
        self._held: dict[tuple[int, int], tuple[Text, str]] = {}
        self._whole: list[Event] = []
        """What is complete of an answer that goes out as one."""
        self._ending: list[Event] = []
        """From the first `Finish` on: what follows from all verdicts together comes before it."""
        self._said: list[str] = []
        self._count = Count()
        self._likelihood = Likelihood()
        self._has_failed = False
        self._is_over = False

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        """In shadow everything passes at once."""
        self._queue += events
        return events if self._is_shadow else ()

    def finish(self) -> Sequence[Event]:
        self._is_over = True
        return ()

    async def judged(self) -> Sequence[Event]:
        """Raises `GuardUnavailable`, `AskAgain` or `KeepFirst`."""
        out: list[Event] = []
        queue, self._queue = self._queue, []
        for event in queue:
            if isinstance(event, Text) and event.channel == "answer":
                self._likelihood.add(event.logprobs)
                key = (event.choice, event.part)
                text = self._held[key][1] + event.text if key in self._held else event.text
                self._held[key] = (event, text)
                if self._settings.stream == "window":
                    await self._let_go(key, out, is_whole=False)
            elif isinstance(event, Finish) or self._ending:
                for key in [key for key in self._held if isinstance(event, Finish) and key[0] == event.choice]:
                    await self._let_go(key, out, is_whole=True)
                self._ending.append(event)
            else:
                out.append(event)
        if self._is_over:
            for key in tuple(self._held):
                await self._let_go(key, out, is_whole=True)
            return await self._ended([*self._whole, *out, *self._ending])
        if self._settings.stream == "window" and not self._is_shadow:
            return out
        self._whole += out
        return ()

    @property
    def _is_shadow(self) -> bool:
        return self._settings.mode == "shadow"

    async def _let_go(self, key: tuple[int, int], out: list[Event], *, is_whole: bool) -> None:
        """Judge what is complete of a text, and let go what may stay."""
        event, text = self._held[key]
        at = (
            len(text)
            if is_whole
            else max((text.rfind(end) + len(end) for end in _SENTENCE_ENDS if end in text), default=0)
        )
        piece, rest = text[:at], text[at:]
        if is_whole:
            del self._held[key]
        else:
            self._held[key] = (event, rest)
        if not piece:
            return
        shown = await self._traced(piece)
        self._said.append(shown)
        if shown:
            out.append(msgspec.structs.replace(event, text=shown, logprobs=None))

    async def _traced(self, piece: str) -> str:
        """The text, without what is to be left out of it."""
        if self._has_failed:
            return piece
        answer = split(piece)
        if not answer.claims:
            return piece
        began_s = self._parts.clock.monotonic()
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                traced = await self._parts.trace(self._exchange, answer)
        except TimeoutError:
            self._failed("late")
            return piece
        except CannotJudge as failure:
            self._failed(failure.reason)
            return piece
        self._count.add(traced, self._parts.clock.monotonic() - began_s)
        if self._settings.action != "strip" or self._is_shadow:
            return piece
        gone = {each.claim.sentence for each in traced if each.verdict != "supported"}
        return without(piece, [(said.begin, said.end) for at, said in enumerate(answer.sentences) if at in gone])

    def _failed(self, reason: str) -> None:
        """Raises `GuardUnavailable` where nothing passes untraced."""
        self._has_failed = True
        is_let_through = self._settings.fail == "open" or self._is_shadow
        self._exchange.facts.append(
            GuardFailed(
                at_s=self._at_s,
                guard=GUARD,
                direction="output",
                mode=self._settings.mode,
                reason=reason,
                is_let_through=is_let_through,
            )
        )
        if not is_let_through:
            text = "The answer cannot be held against its sources now, and nothing passes untraced; try again."
            raise GuardUnavailable(text, retry_after_s=1.0, detail=reason)

    async def _ended(self, events: list[Event]) -> Sequence[Event]:
        """What follows from all verdicts together."""
        left, exchange = self._left, self._exchange
        action = self._action()
        others = self._others(action, events)
        sure = await self._sureness(action, events, has_others=bool(others))
        levels = Levels(self._settings.confidence, sure)
        if not levels.needs_second or not self._may_ask_more:
            others = ()
        self._note("second_opinion" if others else action, sure, "second_opinion" if others else levels.level)
        if self._is_shadow:
            exchange.confidence = sure.confidence
            return ()
        if action == "ask_again":
            left.asked, left.has_asked_again = self._request, True
            wrong = [each.claim.text for each in self._count.traced if each.verdict != "supported"]
            raise AskAgain(corrected(self._request, "".join(self._said), wrong), reason="not_grounded")
        outcome = self._outcome(events, action, sure)
        if left.first is not None:
            if not outcome.is_better_than(left.first):
                raise KeepFirst
        elif others:
            left.first = outcome
            within_s = _OF_TIME_LEFT * self._left_s
            aside = SetAside(GUARD, lambda: outcome.carry_out(exchange), within_s)
            raise AskAgain(left.asked or self._request, reason="second_opinion", targets=others, aside=aside)
        return outcome.carry_out(exchange)

    def _action(self) -> str:
        """What the verdicts ask for."""
        if self._count.is_clean:
            return "none"
        action = self._settings.action
        if action != "ask_again" or self._is_shadow:
            return action
        is_last = self._left.has_asked_again or self._left.first is not None or self._exchange.attempts == 0
        return "refuse" if is_last else action

    def _others(self, action: str, events: Sequence[Event]) -> Sequence[Target]:
        """Who could give a second opinion.

        Nobody on what a tool is to do, on what another guard has a person look at, or where it would come too late.
        """
        exchange = self._exchange
        if asked_second(self._settings) is None or action == "ask_again" or self._left.first is not None:
            return ()
        if not self._may_ask_more or any(isinstance(each, ToolCall) for each in events):
            return ()
        return self._parts.second(exchange)

    @property
    def _may_ask_more(self) -> bool:
        exchange = self._exchange
        return exchange.budget_action is None and not exchange.hold_reasons and self._left_s >= _LEAST_LEFT_S

    async def _sureness(self, action: str, events: Sequence[Event], *, has_others: bool) -> Sureness:
        """What is known of the answer; the model is asked again where that may change what becomes of it."""
        sure = Sureness(confidence=await self._confidence(), log_probability=self._likelihood.mean)
        settings, again = asked_same(self._settings), self._parts.again
        if settings is None or again is None:
            return sure
        answer = split("".join(self._said))
        if action not in {"none", "flag", "strip"} or not answer.claims or not self._may_ask_more:
            return sure
        if not can_be_repeated(self._request, events):
            return sure
        levels = Levels(self._settings.confidence, sure)
        if not levels.needs_samples(has_others=has_others) or not self._may_be_given(sure):
            return sure
        within_s = _TO_REPEAT * self._left_s
        found = await again.agreement(
            self._exchange, answer, settings, within_s=within_s, timeout_s=self._settings.timeout_s
        )
        return replace(sure, agreement=found)

    def _may_be_given(self, sure: Sureness) -> bool:
        """Whether it is not a second opinion that is no better however often it is said."""
        first = self._left.first
        return first is None or Outcome(events=(), confidence=sure.confidence).is_better_than(first)

    def _outcome(self, events: list[Event], action: str, sure: Sureness) -> Outcome:
        """What is to become of the answer."""
        settings = self._settings
        levels = Levels(settings.confidence, sure)
        level = levels.level
        reasons: list[HoldReason] = []
        notices: list[str] = []
        is_empty = action == "strip" and not "".join(self._said).strip()
        if action == "hold":
            worst = "contradicted" if self._count.contradicted else "not_found"
            reasons.append(HoldReason(GUARD, f"grounding.{worst}"))
        elif action == "flag":
            notices.append(settings.notice)
        if level == "hold":
            reasons.append(
                HoldReason("confidence", "agreement.low", sure.agreement)
                if levels.is_unsteady
                else HoldReason("confidence", "confidence.low", sure.confidence)
            )
        elif level == "notice" and settings.confidence is not None:
            notices.append(settings.confidence.text)
        is_refused = action == "refuse" or is_empty
        if is_refused:
            given = replaced(events, settings.refusal)
        else:
            given = with_notices(events, notices) if notices else events
        return Outcome(
            events=given,
            confidence=sure.confidence,
            is_refused=is_refused,
            hold_reasons=reasons,
            is_unsteady=levels.is_unsteady,
        )

    def _note(self, action: str, sure: Sureness, level: str) -> None:
        count = self._count
        self._exchange.facts.append(
            ClaimsTraced(
                at_s=self._at_s,
                claims=count.claims,
                supported=count.supported,
                contradicted=count.contradicted,
                not_found=count.not_found,
                action=action,
                mode=self._settings.mode,
                latency_s=count.took_s,
            )
        )
        confidence, mean = sure.confidence, sure.log_probability
        if confidence is not None:
            fact = ConfidenceEstimated(at_s=self._at_s, confidence=confidence, action=level, log_probability=mean)
            self._exchange.facts.append(fact)

    async def _confidence(self) -> float | None:
        """None where it is not asked for, or nothing was traced."""
        if self._settings.confidence is None or self._has_failed:
            return None
        said = "".join(self._said)
        hedging, unknowing = words_of(said)
        known = Known(
            coverage=coverage(self._count.traced),
            support=support(self._count.traced),
            alignment=await self._parts.align(self._exchange, said),
            hedging=hedging,
            unknowing=unknowing,
        )
        return self._parts.weights.confidence(known)

    @property
    def _request(self) -> ChatRequest:
        request = self._exchange.request
        assert isinstance(request, ChatRequest)  # noqa: S101 - `filter` looks at no other
        return request

    @property
    def _left_s(self) -> float:
        return self._exchange.deadline_s - self._parts.clock.monotonic()

    @property
    def _at_s(self) -> float:
        return self._parts.clock.monotonic() - self._exchange.began_s
