"""A prompt's guess is put right by what a target's answers report, in the long run and not by a single one."""

import pytest

from penstock.admission.targets.calibration import PromptRatio
from penstock.testing.chance import rng_for


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
