"""Estimates, headers, and values that could not be enforced."""

from typing import Any

import pytest

from penstock.admission.limits.estimate import AnswerLengths, prompt_tokens, text_tokens
from penstock.admission.limits.headers import duration
from penstock.admission.limits.limit import Budget, Limit, Override
from penstock.core.chat import ChatRequest, EmbeddingRequest, ImagePart, Message, TextPart, Tool
from penstock.core.errors import ConfigError
from penstock.testing.chance import rng_for

TEXTS = {
    "English": ("The quick brown fox jumps over the lazy dog and asks what all the hurry was about.", 18),
    "German": ("Die Überprüfung der Verträge dürfte frühestens nächsten Donnerstag möglich sein.", 22),
    "Russian": ("Съешь же ещё этих мягких французских булок, да выпей чаю.", 19),
    "Chinese": ("我们需要在下周一之前完成这个项目的初步设计方案。", 14),
    "Japanese": ("来週の月曜日までにこのプロジェクトの初期設計を完了する必要があります。", 20),
}


@pytest.mark.parametrize("language", TEXTS)
def test_a_prompt_is_rather_estimated_too_long_and_never_three_times(language: str) -> None:
    text, counted = TEXTS[language]
    assert counted <= text_tokens(text) <= 3 * counted


def test_everything_that_goes_in_counts() -> None:
    bare = ChatRequest(dialect="openai-chat", model="m", messages=(Message("user", (TextPart("hello there"),)),))
    tool = Tool(name="look_up", description="Looks a thing up.", parameters={"type": "object"})
    more = ChatRequest(
        dialect="openai-chat",
        model="m",
        messages=(*bare.messages, Message("user", (ImagePart(url="https://x"),))),
        tools=(tool,),
    )
    assert prompt_tokens(bare) < 20
    assert prompt_tokens(more) > prompt_tokens(bare) + 1000
    assert prompt_tokens(EmbeddingRequest(dialect="openai-chat", model="m", inputs=("abc", (1, 2, 3)))) == 4


def test_the_length_of_answers_is_learned_for_each_assistant_and_tenant() -> None:
    rng = rng_for(3)
    lengths = AnswerLengths()
    for _ in range(2000):
        lengths.learn("m", "acme", int(rng.expovariate(1 / 200)))
    # The 95th percentile of that distribution is 599.
    assert 400 < lengths.expect("m", "acme") < 900
    assert lengths.expect("m", "other") == 1024
    for _ in range(5000):
        lengths.learn("m", "short", 3)
    assert lengths.expect("m", "short") == 64


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0174, "17ms"), (1.5, "1.5s"), (59, "59s"), (360, "6m0s"), (93784, "26h3m4s")]
)
def test_durations_are_written_as_openai_does(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"name": "bad name"}, "letters"),
        ({"amount": -1}, "amount"),
        ({"amount": 2**60}, "amount"),
        ({"per": None}, "period"),
        ({"unit": "concurrency"}, "period"),
        ({"scope": ("global", "tenant")}, "global"),
        ({"scope": ("planet",)}, "no such dimension"),
        ({"where": (("planet", "mars"),)}, "no such dimension"),
    ],
)
def test_a_limit_that_could_not_be_enforced_cannot_be_made(fields: dict[str, Any], reason: str) -> None:
    made: dict[str, Any] = {"name": "n", "unit": "requests", "amount": 1, "per": "day"}
    with pytest.raises(ConfigError, match=reason):
        Limit(**(made | fields))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"hard_nanousd": None}, "needs"),
        ({"thresholds": (90, 50)}, "rise"),
        ({"thresholds": (0,)}, "one per cent"),
        ({"overrides": (Override(raise_nanousd=1, expires_at=1, where=(("user", "u"),)),)}, "scope's own"),
        ({"hard_nanousd": None, "soft_nanousd": 1, "overrides": (Override(raise_nanousd=1, expires_at=1),)}, "no hard"),
    ],
)
def test_a_budget_that_could_not_be_enforced_cannot_be_made(fields: dict[str, Any], reason: str) -> None:
    made: dict[str, Any] = {"name": "n", "per": "day", "scope": ("tenant",), "hard_nanousd": 1}
    with pytest.raises(ConfigError, match=reason):
        Budget(**(made | fields))
