"""Which answers get a second opinion, what is asked, and what becomes of the two."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from tests.flow.scene import Change, Scene

from penstock.config.knowledge import ConfidenceSettings, GroundingSettings
from penstock.core.chat import ChatRequest, Message, TextPart
from penstock.core.errors import GuardUnavailable
from penstock.core.events import Event, Text
from penstock.core.exchange import Exchange, HoldReason
from penstock.core.facts import AskedAgain, ClaimsTraced, ConfidenceEstimated, SecondOpinion
from penstock.core.json import JsonValue
from penstock.core.ports import CONTINUE, Continue, Filter, Target
from penstock.core.record import Settled
from penstock.guard.grounded.claims import Answer
from penstock.guard.grounded.confidence import load_weights
from penstock.guard.grounded.stage import GroundingStage, Parts
from penstock.guard.grounded.sureness.opinions import Outcome
from penstock.guard.grounded.tracer import Traced
from penstock.guard.ward import CannotJudge
from penstock.testing.clock import FakeClock

WEAK, STRONG = "sim:tokens=9", "sim:echo"
RIGHT = "Everybody has 30 days of leave a year."
REFUSAL = "I could not find a reliable answer in the documents."
NOTICES = ("Some of this could not be found in the sources.", "Please check.")


class Telling:
    """A provider that says how sure it was of each token, as OpenAI's do."""

    name = "telling"

    def __init__(self, logprob: float) -> None:
        self.logprob = logprob

    async def enter(self, exchange: Exchange) -> Continue:
        return CONTINUE

    def filter(self, exchange: Exchange) -> Filter:
        return Told(self.logprob)


class Told:
    def __init__(self, logprob: float) -> None:
        self.logprob = logprob

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        said: JsonValue = [{"token": "x", "logprob": self.logprob}, {"token": "y", "logprob": self.logprob - 1.0}]
        return [msgspec.structs.replace(each, logprobs=said) if isinstance(each, Text) else each for each in events]

    def finish(self) -> Sequence[Event]:
        return ()


class Asked:
    """An assistant whose answers are supported where they repeat the question."""

    def __init__(
        self,
        weak: str = WEAK,
        strong: str = STRONG,
        *,
        change: Callable[[Exchange], object] = lambda _: None,
        fails_on: int = 0,
        logprob: float = 0.0,
        **more: Any,
    ) -> None:
        clock = FakeClock()
        confidence = ConfidenceSettings(
            second_opinion=0.9,
            tier="strong",
            notice=0.6,
            text="Please check.",
            hold=more.pop("hold", None),
            log_probability=-1.0,
        )
        settings = GroundingSettings(fail=more.pop("fail", "closed"), confidence=confidence, **more)
        parts = Parts(trace=self.trace, align=unknown, weights=load_weights(), clock=clock, second=self.second)
        stage = GroundingStage({"sim": settings}, parts)
        self.scene = Scene(targets=(weak,), guards=(Change(change), Telling(logprob), stage), clock=clock)
        self.strong = self.scene.target(strong)
        self.traced, self.fails_on = 0, fails_on
        request = self.scene.exchange.request
        assert isinstance(request, ChatRequest)
        self.scene.exchange.request = msgspec.structs.replace(request, messages=(Message("user", (TextPart(RIGHT),)),))

    def second(self, exchange: Exchange) -> Sequence[Target]:
        return (self.strong,)

    async def trace(self, exchange: Exchange, answer: Answer) -> tuple[Traced, ...]:
        self.traced += 1
        if self.traced == self.fails_on:
            raise CannotJudge("busy")
        return tuple(
            Traced(each, "supported", 0.99, 0.99) if RIGHT in answer.text else Traced(each, "not_found", 0.01, 0.01)
            for each in answer.claims
        )

    def play(self) -> Settled:
        return asyncio.run(self.scene.play())

    @property
    def said(self) -> str:
        return self.scene.sink.text()

    @property
    def prompts(self) -> list[list[str]]:
        """What was sent, call by call."""
        return [
            [part.text for message in source.request.messages for part in message.parts if isinstance(part, TextPart)]
            for source in self.scene.provider.sources
            if isinstance(source.request, ChatRequest)
        ]


async def unknown(*_: object) -> float | None:
    return None


def reasons(record: Settled) -> list[str]:
    return [fact.reason for fact in record.facts if isinstance(fact, AskedAgain)]


@pytest.mark.parametrize("action", ["flag", "strip", "refuse", "hold"])
def test_the_same_is_asked_of_others_and_the_surer_answer_is_given_without_a_word(action: str) -> None:
    asked = Asked(action=action)
    record = asked.play()
    assert asked.said == RIGHT
    assert asked.prompts == [[RIGHT], [RIGHT]]
    assert (record.outcome, record.target) == ("completed", f"sim/{STRONG}")
    assert asked.scene.exchange.hold_reasons == []
    levels = [(fact.confidence, fact.action) for fact in record.facts if isinstance(fact, ConfidenceEstimated)]
    assert [level for _, level in levels] == ["second_opinion", "deliver"]
    assert asked.scene.exchange.confidence == levels[1][0] > 0.9 > levels[0][0]
    assert [f.action for f in record.facts if isinstance(f, ClaimsTraced)] == ["second_opinion", "none"]


def test_where_it_is_no_better_the_first_goes_out_as_its_own_confidence_asks() -> None:
    asked = Asked(strong="sim:tokens=11")
    record = asked.play()
    assert asked.said.endswith("\n\n".join(NOTICES))
    assert record.target == f"sim/{WEAK}"
    assert asked.scene.exchange.confidence is not None
    held = Asked(strong="sim:tokens=11", hold=0.6)
    held.play()
    assert [each.by for each in held.scene.exchange.hold_reasons] == ["confidence"]


def test_an_answer_is_better_than_a_refusal_and_a_refusal_than_nothing() -> None:
    sure, unsure, refused, unknown = (
        Outcome(events=(), confidence=confidence, is_refused=is_refused)
        for confidence, is_refused in ((0.9, False), (0.2, False), (0.9, True), (None, False))
    )
    assert sure.is_better_than(unsure)
    assert unsure.is_better_than(refused)
    assert unsure.is_better_than(unknown)
    assert not sure.is_better_than(sure)
    asked = Asked(strong=f"{STRONG},fault=cut@2", action="refuse")
    record = asked.play()
    assert (asked.said, record.outcome) == (REFUSAL, "blocked")


@pytest.mark.parametrize("fail", ["closed", "open"])
def test_a_second_answer_that_cannot_be_traced_is_not_given(fail: str) -> None:
    asked = Asked(fails_on=2, fail=fail)
    record = asked.play()
    assert asked.said.endswith("\n\n".join(NOTICES))
    why = [fact.why for fact in record.facts if isinstance(fact, SecondOpinion)]
    assert why == [GuardUnavailable.code if fail == "closed" else "no_better"]


def test_an_answer_whose_words_were_unlikely_gets_a_second_opinion_and_a_notice() -> None:
    asked = Asked(weak=STRONG, logprob=-1.5)
    record = asked.play()
    assert reasons(record) == ["second_opinion"]
    assert asked.said == f"{RIGHT}\n\nPlease check."
    facts = [fact for fact in record.facts if isinstance(fact, ConfidenceEstimated)]
    assert [(fact.action, fact.log_probability) for fact in facts] == [("second_opinion", -2.0), ("notice", -2.0)]
    likely = Asked(weak=STRONG, logprob=-0.4)
    record = likely.play()
    assert (likely.said, reasons(record)) == (RIGHT, [])


def test_after_asking_again_with_the_reason_the_others_are_asked_what_was_asked_first() -> None:
    asked = Asked(action="ask_again")
    record = asked.play()
    assert reasons(record) == ["not_grounded", "second_opinion"]
    first, again, second = asked.prompts
    assert (first, len(again), second) == ([RIGHT], 3, [RIGHT])
    assert asked.said == RIGHT


def is_held(exchange: Exchange) -> None:
    exchange.hold_reasons.append(HoldReason("policy"))


def is_capped(exchange: Exchange) -> None:
    exchange.budget_action = "cheaper_tier"


def is_late(exchange: Exchange) -> None:
    exchange.deadline_s = exchange.began_s + 1.0


@pytest.mark.parametrize(
    "more",
    [
        {"weak": STRONG},
        {"mode": "shadow"},
        {"change": is_held},
        {"change": is_capped},
        {"change": is_late},
        {"fails_on": 1, "fail": "open"},
    ],
    ids=["sure", "shadow", "held", "budget", "late", "untraced"],
)
def test_nobody_is_asked_where_that_helps_nobody(more: dict[str, Any]) -> None:
    asked = Asked(**more)
    record = asked.play()
    assert (record.outcome, reasons(record)) == ("completed", [])
