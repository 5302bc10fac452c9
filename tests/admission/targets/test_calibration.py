"""A prompt's guess is put right by what a target's answers report, in the long run and not by a single one."""

import pytest
from tests.admission.targets.scenes import gate

from penstock.admission.targets.calibration import PromptRatio
from penstock.admission.targets.gates import PromptGuess
from penstock.core.chat import ChatRequest
from penstock.core.exchange import Exchange, ExtraCall, Principal
from penstock.core.ids import ExchangeId
from penstock.core.ports import Target
from penstock.core.usage import Usage
from penstock.testing.chance import rng_for
from penstock.testing.clock import FakeClock
from penstock.testing.scripted import ScriptedProvider


def test_before_enough_answers_a_guess_counts_as_it_is() -> None:
    ratio = PromptRatio()
    for _ in range(7):
        ratio.learn(guessed=100, reported=10)
    assert ratio.value == 1.0


@pytest.mark.parametrize("true", [0.4, 0.9, 1.7])
def test_it_comes_to_what_the_target_counts_a_little_on_the_high_side(true: float) -> None:
    ratio = PromptRatio()
    rng = rng_for("prompts")
    for _ in range(1_000):
        guessed = round(rng.lognormvariate(5.0, 1.0)) + 10
        ratio.learn(guessed=guessed, reported=round(guessed * true * rng.uniform(0.8, 1.2)))
    assert true * 0.98 <= ratio.value <= true * 1.05


def test_long_prompts_weigh_as_they_use_the_limit_up() -> None:
    ratio = PromptRatio()
    for _ in range(64):
        ratio.learn(guessed=10, reported=5)
        ratio.learn(guessed=10_000, reported=9_000)
    assert ratio.value == pytest.approx(0.9, rel=0.02)  # type: ignore[reportUnknownMemberType]  # pytest's own gap


def test_it_follows_a_change_of_what_is_asked() -> None:
    ratio = PromptRatio()
    for _ in range(5_000):
        ratio.learn(guessed=100, reported=60)
    for _ in range(500):
        ratio.learn(guessed=100, reported=140)
    assert ratio.value >= 1.35


def test_reports_that_cannot_be_true_move_it_within_bounds_only() -> None:
    ratio = PromptRatio()
    for _ in range(100):
        ratio.learn(guessed=100, reported=0)
        ratio.learn(guessed=0, reported=50)
    assert ratio.value == 1.0
    for _ in range(100):
        ratio.learn(guessed=10, reported=10**9)
    assert ratio.value == 5.0


def answered(target: str, usage: Usage) -> Exchange:
    exchange = Exchange(
        id=ExchangeId("ex_1"),
        principal=Principal("acme", "key_1"),
        request=ChatRequest(dialect="openai-chat", model="m", messages=()),
        dialect="openai-chat",
        started_at=0.0,
        began_s=0.0,
        deadline_s=60.0,
        gone_policy="abort",
    )
    exchange.target = Target(target, ScriptedProvider(name=target), "sim")
    exchange.usage = usage
    return exchange


def settled(exchange: Exchange) -> float:
    """What a hundred such ends make of the ratio at a target named `t`, where a prompt was taken for 100 tokens."""
    at = gate(FakeClock())
    for _ in range(100):
        PromptGuess(at, 100).settle(exchange)
    return at.prompts.value


def test_the_report_of_a_complete_answer_is_learned() -> None:
    assert 0.8 <= settled(answered("t", Usage(input_tokens=80))) <= 0.81


def test_what_another_target_reported_or_we_counted_ourselves_or_several_calls_used_is_not() -> None:
    assert settled(answered("other", Usage(input_tokens=80))) == 1.0
    assert settled(answered("t", Usage(input_tokens=80, accuracy="estimated"))) == 1.0
    several = answered("t", Usage(input_tokens=160))
    assert several.target is not None
    several.extra_calls.append(ExtraCall(several.target, "hedge"))
    assert settled(several) == 1.0
