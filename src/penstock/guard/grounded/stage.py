"""Grounding in the life of a request: each claim of an answer is traced to the passages in its prompt, before anything
of it is kept or seen.

The response half stands behind the other guards.  A model that has no sources is not looked at; an answer for which
none were found is, and whatever it states is then found nowhere.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from penstock.config.knowledge import GroundingSettings, asked_second
from penstock.core.chat import ChatRequest, Message, TextPart
from penstock.core.clock import Clock
from penstock.core.errors import GuardUnavailable
from penstock.core.events import Event, Finish, Text, ToolCall
from penstock.core.exchange import Exchange, HoldReason
from penstock.core.facts import ClaimsTraced, ConfidenceEstimated, GuardFailed
from penstock.core.ports import CONTINUE, AskAgain, Continue, Filter, KeepFirst, SetAside, Target
from penstock.guard.grounded.claims import Answer, split
from penstock.guard.grounded.confidence import Known, Weights, words_of
from penstock.guard.grounded.counted import Count, Likelihood
from penstock.guard.grounded.opinions import Outcome
from penstock.guard.grounded.shown import replaced, with_notices, without
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
"""With less time than this no second opinion is asked for."""
_OF_TIME_LEFT: Final = 0.9
"""What a second opinion may take of it: the first answer must be out before the deadline."""


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
        confidence = await self._confidence()
        level = self._level(confidence)
        others = self._others(action, confidence, events)
        self._note("second_opinion" if others else action, confidence, "second_opinion" if others else level)
        if self._is_shadow:
            exchange.confidence = confidence
            return ()
        if action == "ask_again":
            left.asked, left.has_asked_again = self._request, True
            raise AskAgain(self._again(), reason="not_grounded")
        outcome = self._outcome(events, action, level, confidence)
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

    def _level(self, confidence: float | None) -> str:
        """What the confidence asks for by itself."""
        settings = self._settings.confidence
        if settings is None or confidence is None:
            return "deliver"
        if settings.hold is not None and confidence < settings.hold:
            return "hold"
        is_doubtful = settings.notice is not None and (confidence < settings.notice or self._is_unlikely)
        return "notice" if is_doubtful else "deliver"

    @property
    def _is_unlikely(self) -> bool:
        """Whether the model itself was less sure of its words than it may be, where it said so."""
        settings, mean = self._settings.confidence, self._likelihood.mean
        if settings is None or settings.log_probability is None or mean is None:
            return False
        return mean < settings.log_probability

    def _others(self, action: str, confidence: float | None, events: Sequence[Event]) -> Sequence[Target]:
        """Who is to give a second opinion.

        Nobody on what a tool is to do, on what another guard has a person look at, or where it would come too late.
        """
        settings = asked_second(self._settings)
        if settings is None or settings.second_opinion is None or confidence is None or action == "ask_again":
            return ()
        exchange = self._exchange
        is_sure = confidence >= settings.second_opinion and not self._is_unlikely
        if is_sure or self._left.first is not None or exchange.budget_action is not None:
            return ()
        if exchange.hold_reasons or self._left_s < _LEAST_LEFT_S or any(isinstance(each, ToolCall) for each in events):
            return ()
        return self._parts.second(exchange)

    def _outcome(self, events: list[Event], action: str, level: str, confidence: float | None) -> Outcome:
        """What is to become of the answer."""
        settings = self._settings
        reasons: list[HoldReason] = []
        notices: list[str] = []
        is_empty = action == "strip" and not "".join(self._said).strip()
        if action == "hold":
            worst = "contradicted" if self._count.contradicted else "not_found"
            reasons.append(HoldReason(GUARD, f"grounding.{worst}"))
        elif action == "flag":
            notices.append(settings.notice)
        if level == "hold":
            reasons.append(HoldReason("confidence", "confidence.low", confidence))
        elif level == "notice" and settings.confidence is not None:
            notices.append(settings.confidence.text)
        is_refused = action == "refuse" or is_empty
        if is_refused:
            given = replaced(events, settings.refusal)
        else:
            given = with_notices(events, notices) if notices else events
        return Outcome(events=given, confidence=confidence, is_refused=is_refused, hold_reasons=reasons)

    def _note(self, action: str, confidence: float | None, level: str) -> None:
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
        if confidence is not None:
            mean = self._likelihood.mean
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

    def _again(self) -> ChatRequest:
        """The request with the answer and what is wrong with it."""
        request = self._request
        wrong = [each.claim.text for each in self._count.traced if each.verdict != "supported"]
        listed = "\n".join(f"- {each}" for each in wrong[:10])
        told = (
            f"The sources do not support these statements:\n{listed}\n"
            "Answer again from the sources alone, and leave out what they do not say."
        )
        repeated = (
            Message("assistant", (TextPart("".join(self._said)),)),
            Message("user", (TextPart(told),)),
        )
        return msgspec.structs.replace(request, messages=(*request.messages, *repeated))

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
