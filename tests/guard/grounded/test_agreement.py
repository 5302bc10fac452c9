"""When a model is asked the same again, and what becomes of an answer that it does not repeat."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from tests.flow.scene import Change, Scene

from penstock.config.knowledge import ConfidenceSettings, GroundingSettings, SampleSettings
from penstock.core.chat import ChatRequest, Message, OpaqueTool, TextPart, ToolCallPart
from penstock.core.events import Notice, Text, ToolCall
from penstock.core.exchange import Exchange, HoldReason
from penstock.core.facts import AnswersSampled, ConfidenceEstimated, SecondOpinion
from penstock.core.ports import Samples, Target
from penstock.core.record import Settled
from penstock.guard.grounded.claims import Answer, split
from penstock.guard.grounded.confidence import Known, load_weights
from penstock.guard.grounded.stage import GroundingStage, Parts
from penstock.guard.grounded.sureness.agreement import Again, agreement
from penstock.guard.grounded.sureness.asking import can_be_repeated
from penstock.guard.grounded.tracer import Traced
from penstock.guard.ward import CannotJudge
from penstock.testing.clock import FakeClock

RIGHT = "Everybody has 30 days of leave a year."
OTHER = "Nobody may ever leave."
SURE, UNSURE = 0.99, 0.01
NOTICE = "Please check."


class Asked:
    """An assistant that says what it is asked; asked again it says `repeats`, and sources say as much as `chance`."""

    def __init__(
        self,
        *repeats: str,
        chance: float = SURE,
        second: str | None = None,
        change: Callable[[Exchange], object] = id,
        fails: str | None = None,
        samples: SampleSettings | None = None,
        **more: Any,
    ) -> None:
        clock = FakeClock()
        self.repeats, self.chance, self.fails = repeats, chance, fails
        self.calls: list[tuple[int, float, float]] = []
        grounding: dict[str, Any] = {name: more.pop(name) for name in ("mode", "action") if name in more}
        confidence = ConfidenceSettings(
            samples=samples or SampleSettings(agreement=0.5, count=3), text=NOTICE, tier="strong", **more
        )
        settings = GroundingSettings(fail="closed", confidence=confidence, **grounding)
        parts = Parts(
            trace=self.trace,
            align=self.align,
            weights=load_weights(),
            clock=clock,
            second=lambda _: self.strong,
            again=Again(ask=self.ask, trace=self.trace_each, clock=clock),
        )
        stage = GroundingStage({"sim": settings}, parts)
        self.scene = Scene(targets=("sim:echo",), guards=(Change(change), stage), clock=clock)
        self.strong: tuple[Target, ...] = () if second is None else (self.scene.target(second),)
        request = self.scene.exchange.request
        assert isinstance(request, ChatRequest)
        self.scene.exchange.request = msgspec.structs.replace(request, messages=(Message("user", (TextPart(RIGHT),)),))

    async def ask(self, exchange: Exchange, *, count: int, temperature: float, within_s: float) -> Samples:
        self.calls.append((count, temperature, within_s))
        return Samples(self.repeats, asked=count)

    async def trace(self, exchange: Exchange, answer: Answer) -> tuple[Traced, ...]:
        return tuple(Traced(each, "supported", self.chance, self.chance) for each in answer.claims)

    async def trace_each(self, answer: Answer, texts: Any) -> tuple[tuple[Traced, ...], ...]:
        if self.fails is not None:
            raise CannotJudge(self.fails)
        return tuple(self.verdicts(answer, SURE if RIGHT in text else UNSURE) for text in texts)

    def verdicts(self, answer: Answer, chance: float) -> tuple[Traced, ...]:
        return tuple(Traced(each, "supported", chance, chance) for each in answer.claims)

    async def align(self, exchange: Exchange, said: str) -> float | None:
        return None

    def play(self) -> Settled:
        return asyncio.run(self.scene.play())

    @property
    def said(self) -> str:
        return self.scene.sink.text()


def told(record: Settled) -> list[AnswersSampled]:
    return [fact for fact in record.facts if isinstance(fact, AnswersSampled)]


def levels(record: Settled) -> list[str]:
    return [fact.action for fact in record.facts if isinstance(fact, ConfidenceEstimated)]


def test_what_the_model_does_not_say_again_counts_as_little_sure() -> None:
    held = Asked(OTHER, RIGHT, OTHER, hold=0.1, notice=0.1)
    record = held.play()
    [reason] = held.scene.exchange.hold_reasons
    [fact] = told(record)
    assert (fact.wanted, fact.asked, fact.answered, fact.why) == (3, 3, 3, None)
    assert fact.agreement == pytest.approx((2 * UNSURE + SURE) / 3)
    assert (reason.by, reason.rule, reason.score) == ("confidence", "agreement.low", fact.agreement)
    assert levels(record) == ["hold"]
    noted = Asked(OTHER, OTHER, notice=0.1)
    noted.play()
    assert noted.said == f"{RIGHT}\n\n{NOTICE}"


def test_what_it_says_again_goes_out_and_its_confidence_is_as_it_was() -> None:
    asked = Asked(RIGHT, RIGHT, OTHER, hold=0.1)
    record = asked.play()
    assert (asked.said, record.outcome, levels(record)) == (RIGHT, "completed", ["deliver"])
    assert asked.scene.exchange.confidence == load_weights().confidence(
        Known(coverage=1.0, support=SURE, hedging=0.0, unknowing=0.0)
    )
    assert asked.calls == [(3, 0.7, pytest.approx(0.5 * 60.0))]


@pytest.mark.parametrize(
    ("repeats", "fails", "why"), [((), None, None), ((OTHER,), "encoder_busy", "encoder_busy")], ids=["none", "busy"]
)
def test_where_nothing_is_known_of_it_the_confidence_alone_decides(
    repeats: tuple[str, ...], fails: str | None, why: str | None
) -> None:
    asked = Asked(*repeats, fails=fails, hold=0.1)
    [fact] = told(asked.play())
    assert (fact.agreement, fact.why, asked.said) == (None, why, RIGHT)


def test_a_second_opinion_is_asked_for_and_is_the_better_one() -> None:
    asked = Asked(OTHER, second="sim:tokens=9", second_opinion=0.1)
    record = asked.play()
    assert record.target == "sim/sim:tokens=9"
    assert [fact.is_given for fact in record.facts if isinstance(fact, SecondOpinion)] == [True]
    assert len(asked.calls) == 1, "nothing hangs on how often the second is said"


def test_a_second_opinion_that_is_not_said_again_either_is_held_too() -> None:
    asked = Asked(OTHER, second="sim:echo,think=1", second_opinion=0.1, hold=0.05)
    record = asked.play()
    assert [reason.rule for reason in asked.scene.exchange.hold_reasons] == ["agreement.low"]
    assert len(told(record)) == 2


SAMPLES = SampleSettings(agreement=0.5, below=0.9)


def is_held(exchange: Exchange) -> None:
    exchange.hold_reasons.append(HoldReason("policy"))


def is_capped(exchange: Exchange) -> None:
    exchange.budget_action = "cheaper_tier"


def is_late(exchange: Exchange) -> None:
    exchange.deadline_s = exchange.began_s + 1.0


@pytest.mark.parametrize(
    "more",
    [
        {"hold": 0.1, "samples": SAMPLES},
        {"hold": 0.99, "chance": 0.02},
        {"log_probability": -1.0},
        {"hold": 0.1, "mode": "shadow"},
        {"hold": 0.1, "change": is_held},
        {"hold": 0.1, "change": is_capped},
        {"hold": 0.1, "change": is_late},
    ],
    ids=["sure enough", "held anyway", "asks for nothing", "shadow", "held by another", "budget", "late"],
)
def test_nobody_is_asked_where_that_changes_nothing(more: dict[str, Any]) -> None:
    asked = Asked(OTHER, **more)
    assert (told(asked.play()), asked.calls) == ([], [])


def test_an_answer_that_is_not_sure_enough_is_asked_for_again() -> None:
    asked = Asked(RIGHT, samples=msgspec.structs.replace(SAMPLES, below=1.0), hold=0.1)
    assert len(told(asked.play())) == 1


def test_only_one_answer_in_text_of_nothing_but_its_prompt_can_be_repeated() -> None:
    plain = ChatRequest(dialect="openai-chat", model="m", messages=(Message("user", (TextPart("hi"),)),))
    called = Message("assistant", (ToolCallPart("1", "look", "{}"),))
    text = Text("It is.")
    assert can_be_repeated(plain, [text])
    assert can_be_repeated(msgspec.structs.replace(plain, extras={"modalities": ["text"], "store": True}), [text])
    changes: tuple[dict[str, Any], ...] = (
        {"choices": 2},
        {"extras": {"audio": {"voice": "x"}}},
        {"extras": {"modalities": ["text", "audio"]}},
        {"extras": {"web_search_options": {}}},
        {"tools": (OpaqueTool("anthropic", "tools", {}),)},
        {"messages": (*plain.messages, called)},
    )
    for changed in changes:
        assert not can_be_repeated(msgspec.structs.replace(plain, **changed), [text])
    for event in (ToolCall(0, 0, name="look"), Notice("openai-responses", "item", {}, is_content=True)):
        assert not can_be_repeated(plain, [text, event])


def test_agreement_is_the_mean_over_further_answers_of_the_mean_over_claims() -> None:
    one, other = split("It costs 5 euros. It is open on Sundays.").claims
    traced = [[Traced(one, "supported", chance, 0.3), Traced(other, "supported", 1.0, 0.3)] for chance in (0.0, 1.0)]
    assert agreement(traced) == 0.75
    assert agreement([]) is None
