"""Review in the life of a request: an answer that a rule or a guard keeps for a person is written down, and its caller
is told at once that somebody will see to it.

Stands behind the guards and before the caches; its filter sees what guards and citations made of the answer, and holds
all of it until it is whole, where any rule depends on it.  A hold is on this machine's disk before the hand-over is
said.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

import msgspec

from penstock.config.review import HoldConditions, HoldRule, ReviewSettings
from penstock.core.chat import ChatRequest, TextPart, ToolCallPart, ToolResultPart
from penstock.core.clock import Clock
from penstock.core.events import Event, Finish, Start, Text, ToolCall
from penstock.core.exchange import Exchange, HoldReason
from penstock.core.facts import AnswerHeld, GuardJudged
from penstock.core.ports import CONTINUE, Continue, Filter, Reply
from penstock.core.sources import Passage
from penstock.review.hold import Found, Hold, Turn, new_hold_id
from penstock.review.rules import Ruling, Seen, judge
from penstock.review.second import is_sampled

_ANY = HoldConditions()
BY_GUARD = "guard"
"""The rule that is named where a guard asked for a person and no rule of the configuration says more."""

Write = Callable[[Hold], Awaitable[None]]
LanguageOf = Callable[[str], str | None]
CachePlace = Callable[[Exchange], tuple[str, str] | None]
"""Key and partition, in hexadecimal, under which a cache would keep the answer."""
Seal = Callable[[Exchange, str], str | None]
"""What the tokens of an exchange stand for, sealed for the hold of this id; None where there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the stage works with; `app` makes it."""

    write: Write
    language_of: LanguageOf
    cache_place: CachePlace
    seal: Seal
    clock: Clock


class _Asked:
    """What was asked, as it was before sources were put into it.  A lease, since a lease lives exactly so long."""

    __slots__ = ("is_asking", "request")

    def __init__(self, request: ChatRequest, *, is_asking: bool) -> None:
        self.request = request
        self.is_asking = is_asking

    @property
    def name(self) -> str:
        return "review"

    def settle(self, exchange: Exchange) -> None:
        """Nothing was reserved."""


class ReviewStage:
    """See the module.  `may_hold` says of a model whether its guards hold answers."""

    def __init__(self, settings: ReviewSettings, parts: Parts, may_hold: Callable[[str], bool]) -> None:
        self._settings = settings
        self._parts = parts
        self._may_hold = may_hold

    @property
    def name(self) -> str:
        return "review"

    def use(self, settings: ReviewSettings) -> None:
        """Take over other rules, for the exchanges that begin from now on."""
        self._settings = settings

    async def enter(self, exchange: Exchange) -> Continue | Reply:
        """Hand over at once where a guard holds the question, or its caller wants a person.

        Raises `LedgerUnavailable` where that cannot be written down.
        """
        request = exchange.request
        if not isinstance(request, ChatRequest):
            return CONTINUE
        rules = self._rules_for(exchange)
        if not rules and not exchange.hold_reasons and not self._may_hold(request.model):
            return CONTINUE
        asked = _Asked(request, is_asking=exchange.wishes.person)
        exchange.take(asked, at_s=self._parts.clock.monotonic())
        at_once = tuple(rule for rule in rules if exchange.hold_reasons or _is_of_question(rule))
        ruling = self._ruling(exchange, asked, at_once, answer="", is_whole=False)
        if ruling is None and exchange.hold_reasons:
            ruling = self._by_guard(exchange, asked, answer="")
        if ruling is None:
            return CONTINUE
        return Reply(await self._held(exchange, asked, ruling, answer=""))

    def filter(self, exchange: Exchange) -> Filter | None:
        """Holds the answer until it is whole where a rule or a guard may keep it; else None."""
        if exchange.hold is not None or (exchange.cache is not None and exchange.cache.is_verified):
            return None
        asked = next((lease for lease in exchange.leases if type(lease) is _Asked), None)
        if asked is None:
            return None
        rules = tuple(rule for rule in self._rules_for(exchange) if not _is_of_question(rule))
        is_enforced = any(rule.mode == "enforce" for rule in rules) or self._may_hold(exchange.request.model)
        if is_enforced:
            return _Holding(self, exchange, asked, rules)
        return _Watching(self, exchange, asked, rules) if rules else None

    async def decided(
        self, exchange: Exchange, asked: _Asked, rules: Sequence[HoldRule], events: Sequence[Event]
    ) -> Sequence[Event]:
        """The answer, or the hand-over in its place."""
        answer = _said(events)
        ruling = self._ruling(exchange, asked, rules, answer=answer, is_whole=True)
        if ruling is None and exchange.hold_reasons:
            ruling = self._by_guard(exchange, asked, answer=answer)
        return events if ruling is None else await self._held(exchange, asked, ruling, answer=answer)

    def watched(self, exchange: Exchange, asked: _Asked, rules: Sequence[HoldRule], answer: str) -> None:
        """Note what rules in shadow would have done."""
        self._ruling(exchange, asked, rules, answer=answer, is_whole=True)

    def _rules_for(self, exchange: Exchange) -> tuple[HoldRule, ...]:
        """Those that may match for this tenant and model."""
        who, model = exchange.principal.tenant, exchange.request.model
        return tuple(rule for rule in self._settings.rules if rule.is_for(tenant=who, model=model))

    def _ruling(
        self, exchange: Exchange, asked: _Asked, rules: Sequence[HoldRule], *, answer: str, is_whole: bool
    ) -> Ruling | None:
        if not rules:
            return None
        settings = msgspec.structs.replace(self._settings, rules=tuple(rules))
        judged = judge(settings, self._seen(exchange, asked, answer, is_whole=is_whole), now=self._parts.clock.now())
        by_name = {rule.name: rule for rule in rules}
        for name, _ in judged.shadows:
            shadow = by_name[name]
            self._note(exchange, None, name, group=shadow.group, priority=shadow.priority)
        return judged.ruling

    def _by_guard(self, exchange: Exchange, asked: _Asked, *, answer: str) -> Ruling:
        """Who is asked where a guard wants a person: as a rule without conditions would have it."""
        reason = exchange.hold_reasons[0]
        rule = HoldRule(name=BY_GUARD, when=_ANY)
        settings = msgspec.structs.replace(self._settings, rules=(rule,))
        seen = self._seen(exchange, asked, answer, is_whole=True)
        ruling = judge(settings, seen, now=self._parts.clock.now()).ruling
        assert ruling is not None  # noqa: S101 - a rule without conditions matches
        return replace(ruling, reason=_because(reason))

    def _seen(self, exchange: Exchange, asked: _Asked, answer: str, *, is_whole: bool) -> Seen:
        question = _last_said(asked.request)
        # What is kept has been given to somebody before: it was held then, or sure enough.
        is_kept = exchange.cache is not None and exchange.cache.status in {"hit", "similar", "shared"}
        return Seen(
            tenant=exchange.principal.tenant,
            model=exchange.request.model,
            question=question,
            answer=answer,
            topic=exchange.topic,
            verdicts=_verdicts(exchange),
            confidence=1.0 if is_kept or not is_whole else exchange.confidence,
            is_asking=asked.is_asking,
            language=self._parts.language_of(question) or "",
        )

    async def _held(self, exchange: Exchange, asked: _Asked, ruling: Ruling, *, answer: str) -> tuple[Event, ...]:
        clock, who = self._parts.clock, exchange.principal
        place = self._parts.cache_place(exchange)
        hold_id = new_hold_id(clock)
        hand_over = ruling.hand_over.replace("{hold}", hold_id)
        hold = Hold(
            id=hold_id,
            exchange=exchange.id,
            tenant=who.tenant,
            model=exchange.request.model,
            key=who.key,
            user=who.user,
            conversation=exchange.wishes.conversation,
            question=_turns(asked.request),
            answer=answer,
            sources=_sources(exchange),
            verdicts=_verdicts(exchange),
            confidence=exchange.confidence,
            rule=ruling.rule,
            reason=ruling.reason,
            group=ruling.group,
            priority=ruling.priority,
            overdue=ruling.overdue,
            hand_over=hand_over,
            language=self._parts.language_of(_last_said(asked.request)) or "",
            created_at=clock.now(),
            due_at=ruling.due_at,
            cache_key=None if place is None else place[0],
            cache_partition=None if place is None else place[1],
            sealed=self._parts.seal(exchange, hold_id),
            is_sampled=is_sampled(hold_id, self._settings),
        )
        await self._parts.write(hold)
        exchange.hold = hold_id
        self._note(exchange, hold_id, ruling.rule, group=ruling.group, priority=ruling.priority)
        return (Start(exchange.id, exchange.request.model, int(clock.now())), Text(hand_over), Finish("stop"))

    def _note(self, exchange: Exchange, hold: str | None, rule: str, *, group: str, priority: int) -> None:
        """Of a hold, or without one of a rule in shadow."""
        reasons = exchange.hold_reasons
        exchange.facts.append(
            AnswerHeld(
                at_s=self._parts.clock.monotonic() - exchange.began_s,
                hold=hold,
                by=reasons[0].by if rule == BY_GUARD and reasons else "rule",
                rule=rule,
                group=group,
                priority=priority,
                mode="shadow" if hold is None else "enforce",
            )
        )


class _Holding:
    """`core.ports.WaitingFilter`: nothing passes before the whole answer was judged."""

    __slots__ = ("_asked", "_events", "_exchange", "_is_over", "_rules", "_stage")

    def __init__(self, stage: ReviewStage, exchange: Exchange, asked: _Asked, rules: Sequence[HoldRule]) -> None:
        self._stage = stage
        self._exchange = exchange
        self._asked = asked
        self._rules = rules
        self._events: list[Event] = []
        self._is_over = False

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        self._events += events
        return ()

    def finish(self) -> Sequence[Event]:
        self._is_over = True
        return ()

    async def judged(self) -> Sequence[Event]:
        """Raises `LedgerUnavailable` where a hold cannot be written down: then nothing of the answer leaves."""
        if not self._is_over:
            return ()
        events, self._events = self._events, []
        return await self._stage.decided(self._exchange, self._asked, self._rules, events)


class _Watching:
    """`core.ports.Filter` for rules in shadow: everything passes at once."""

    __slots__ = ("_asked", "_events", "_exchange", "_rules", "_stage")

    def __init__(self, stage: ReviewStage, exchange: Exchange, asked: _Asked, rules: Sequence[HoldRule]) -> None:
        self._stage = stage
        self._exchange = exchange
        self._asked = asked
        self._rules = rules
        self._events: list[Event] = []

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        self._events += events
        return events

    def finish(self) -> Sequence[Event]:
        self._stage.watched(self._exchange, self._asked, self._rules, _said(self._events))
        return ()


def _is_of_question(rule: HoldRule) -> bool:
    """Whether it is decided by the question alone: a person is wanted, and no answer would change that."""
    when = rule.when
    return when.asks_for_person is True and when.confidence_below is None and when.verdicts is None


def _sources(exchange: Exchange) -> tuple[Passage, ...]:
    """What the answer was made from; of one that was kept the documents alone, since their texts were not."""
    if exchange.passages or exchange.cache is None:
        return exchange.passages
    found = (each.rpartition(":") for each in exchange.cache.made_from)
    return tuple(
        Passage(label="", document=document, version=int(version), title="", text="", start=0, end=0)
        for document, _, version in found
    )


def _because(reason: HoldReason) -> str:
    rule = "" if reason.rule is None else f" ({reason.rule})"
    return f"the guard {reason.by} asks for a person{rule}"


def _verdicts(exchange: Exchange) -> tuple[Found, ...]:
    """What guards have said, and for what they want a person."""
    said = [
        Found(rule=fact.rule, action=fact.action, score=fact.score, note=fact.direction)
        for fact in exchange.facts
        if isinstance(fact, GuardJudged) and fact.rule is not None
    ]
    known = {each.rule for each in said}
    said += (
        Found(rule=each.rule, action="hold", score=each.score, note=each.by)
        for each in exchange.hold_reasons
        if each.rule is not None and each.rule not in known
    )
    return tuple(said)


def _last_said(request: ChatRequest) -> str:
    for message in reversed(request.messages):
        if message.role == "user":
            return "\n".join(part.text for part in message.parts if isinstance(part, TextPart))
    return ""


def _turns(request: ChatRequest) -> tuple[Turn, ...]:
    found: list[Turn] = []
    for message in request.messages:
        said: list[str] = []
        for part in message.parts:
            match part:
                case TextPart():
                    said.append(part.text)
                case ToolCallPart():
                    said.append(f"[calls {part.name}({part.arguments})]")
                case ToolResultPart():
                    said += [each.text for each in part.parts if isinstance(each, TextPart)]
                case _:
                    said.append(f"[{type(part).__name__.removesuffix('Part').lower()}]")
        found.append(Turn(message.role, "\n".join(said)))
    return tuple(found)


def _said(events: Sequence[Event]) -> str:
    """The first choice, as a person reads it."""
    said: list[str] = []
    for event in events:
        if isinstance(event, Text) and event.choice == 0 and event.channel != "reasoning":
            said.append(event.text)
        elif isinstance(event, ToolCall) and event.choice == 0:
            said.append(f"\n[calls {event.name}] {event.arguments}" if event.name else event.arguments)
    return "".join(said)
