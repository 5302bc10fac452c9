"""Grounding in the life of a request: each claim of an answer is traced to the passages in its prompt, before anything
of it is kept or seen.

The response half stands behind the other guards.  A model that has no sources is not looked at; an answer for which
none were found is, and whatever it states is then found nowhere.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from penstock.config.knowledge import GroundingSettings
from penstock.core.chat import ChatRequest, Message, TextPart
from penstock.core.clock import Clock
from penstock.core.errors import GuardUnavailable
from penstock.core.events import Event, Finish, Text
from penstock.core.exchange import Exchange, HoldReason
from penstock.core.facts import ClaimsTraced, ConfidenceEstimated, GuardFailed
from penstock.core.ports import CONTINUE, AskAgain, Continue, Filter
from penstock.guard.grounded.claims import Answer, split
from penstock.guard.grounded.confidence import Known, Weights, words_of
from penstock.guard.grounded.tracer import Traced, coverage, support
from penstock.guard.ward import CannotJudge

GUARD: Final = "grounding"
_SENTENCE_ENDS: Final = (". ", "! ", "? ", ".\n", "!\n", "?\n", "\n")

Trace = Callable[[Exchange, Answer], Awaitable[tuple[Traced, ...]]]
"""A verdict for each claim, of the exchange's passages.  Raises `CannotJudge`."""
Align = Callable[[Exchange, str], Awaitable[float | None]]
"""How near the answer is to what was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the stage works with; `app` makes it."""

    trace: Trace
    align: Align
    weights: Weights
    clock: Clock


@dataclass(slots=True)
class _Grounding:
    """What one exchange carries from answer to answer.  A lease, since a lease lives exactly so long."""

    has_asked_again: bool = False

    @property
    def name(self) -> str:
        return GUARD

    def settle(self, exchange: Exchange) -> None:
        """Nothing was reserved."""


@dataclass(slots=True)
class _Count:
    claims: int = 0
    supported: int = 0
    contradicted: int = 0
    not_found: int = 0
    took_s: float = 0.0
    traced: list[Traced] = field(default_factory=list[Traced])

    @property
    def is_clean(self) -> bool:
        return self.claims == self.supported

    def add(self, traced: Sequence[Traced], took_s: float) -> None:
        self.traced += traced
        self.claims += len(traced)
        self.took_s += took_s
        for each in traced:
            match each.verdict:
                case "supported":
                    self.supported += 1
                case "contradicted":
                    self.contradicted += 1
                case "not_found":
                    self.not_found += 1


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
        self._count = _Count()
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
        """Raises `GuardUnavailable` or `AskAgain`."""
        out: list[Event] = []
        queue, self._queue = self._queue, []
        for event in queue:
            if isinstance(event, Text) and event.channel == "answer":
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
        return _without(piece, [(said.begin, said.end) for at, said in enumerate(answer.sentences) if at in gone])

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
        settings, count = self._settings, self._count
        action = "none" if count.is_clean else settings.action
        if action == "ask_again" and not self._is_shadow:
            action = "refuse" if self._left.has_asked_again or self._exchange.attempts == 0 else "ask_again"
        self._exchange.facts.append(
            ClaimsTraced(
                at_s=self._at_s,
                claims=count.claims,
                supported=count.supported,
                contradicted=count.contradicted,
                not_found=count.not_found,
                action=action,
                mode=settings.mode,
                latency_s=count.took_s,
            )
        )
        notices = await self._confidence()
        if self._is_shadow:
            return ()
        match action:
            case "ask_again":
                self._left.has_asked_again = True
                raise AskAgain(self._again(), reason="not_grounded")
            case "refuse":
                return self._refused(events)
            case "hold":
                worst = "contradicted" if count.contradicted else "not_found"
                self._exchange.hold_reasons.append(HoldReason(GUARD, f"grounding.{worst}"))
            case "flag":
                notices = [settings.notice, *notices]
            case "strip" if not "".join(self._said).strip():
                return self._refused(events)
            case _:
                pass
        return _with_notices(events, notices) if notices else events

    def _refused(self, events: Sequence[Event]) -> Sequence[Event]:
        self._exchange.is_refused = True
        return _replaced(events, self._settings.refusal)

    async def _confidence(self) -> list[str]:
        """Estimate it where it is asked for; the notice that it calls for, if any."""
        settings = self._settings.confidence
        if settings is None or self._has_failed:
            return []
        said = "".join(self._said)
        hedging, unknowing = words_of(said)
        known = Known(
            coverage=coverage(self._count.traced),
            support=support(self._count.traced),
            alignment=await self._parts.align(self._exchange, said),
            hedging=hedging,
            unknowing=unknowing,
        )
        confidence = self._exchange.confidence = self._parts.weights.confidence(known)
        action = "deliver"
        if settings.hold is not None and confidence < settings.hold:
            action = "hold"
        elif settings.notice is not None and confidence < settings.notice:
            action = "notice"
        self._exchange.facts.append(ConfidenceEstimated(at_s=self._at_s, confidence=confidence, action=action))
        if self._is_shadow:
            return []
        if action == "hold":
            self._exchange.hold_reasons.append(HoldReason("confidence", "confidence.low", confidence))
        return [settings.text] if action == "notice" else []

    def _again(self) -> ChatRequest:
        """The request with the answer and what is wrong with it."""
        request = self._exchange.request
        assert isinstance(request, ChatRequest)  # noqa: S101 - `filter` looks at no other
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
    def _at_s(self) -> float:
        return self._parts.clock.monotonic() - self._exchange.began_s


def _without(text: str, places: Sequence[tuple[int, int]]) -> str:
    """The text without these places, and without the blanks that would stand twice."""
    said: list[str] = []
    at = 0
    for begin, end in places:
        said.append(text[at:begin])
        at = end
        while at < len(text) and text[at] in " \t":
            at += 1
    said.append(text[at:])
    return "".join(said)


def _replaced(events: Sequence[Event], text: str) -> Sequence[Event]:
    """The answer with `text` in place of all it says."""
    out: list[Event] = []
    has_said = False
    for event in events:
        if isinstance(event, Text):
            if has_said or event.channel != "answer":
                continue
            has_said = True
            out.append(Text(text, event.choice, "answer", event.part))
        elif isinstance(event, Finish):
            if not has_said:
                has_said = True
                out.append(Text(text, event.choice))
            out.append(msgspec.structs.replace(event, reason="content_filter", native=None))
        else:
            out.append(event)
    return out


def _with_notices(events: Sequence[Event], notices: Sequence[str]) -> Sequence[Event]:
    """The answer with the notices behind its text."""
    out: list[Event] = []
    last: Text | None = None
    told = "".join(f"\n\n{each}" for each in notices)
    for event in events:
        if isinstance(event, Text) and event.channel == "answer":
            last = event
        elif isinstance(event, Finish):
            out.append(Text(told, event.choice, "answer", 0 if last is None else last.part))
        out.append(event)
    return out
