"""Guards put together from settings: what cannot be had is said, with its place."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest
from tests.guard.hearings import CLOCK, exchange_of

from penstock.app.guards.judges import answer_judges
from penstock.app.guards.making import alike
from penstock.app.guards.own import Own
from penstock.app.guards.policy import Policy
from penstock.config.guards import Mode, OwnGuardSettings, PolicySettings, ScoredSettings
from penstock.core.errors import ConfigError, PolicyBlocked
from penstock.core.events import Event, Finish, Text
from penstock.core.facts import GuardJudged
from penstock.guard.answer import Answers, AskingGuards
from penstock.guard.judging import Judging
from penstock.guard.own.opinion import Opinion, Questions
from penstock.guard.pieces import sentences
from penstock.guard.verdict import Segment

MODES: tuple[Mode, ...] = ("shadow", "enforce")


class Counting:
    """A plugin that knows how often it was made."""

    made = 0

    def __init__(self) -> None:
        type(self).made += 1

    def judge(self, questions: Questions) -> Sequence[Opinion]:
        return [Opinion() for _ in questions.texts]


def test_a_plugin_is_made_once_for_all_models_and_both_directions(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str) -> Counting:
        assert name == "counting"
        return Counting()

    monkeypatch.setattr("penstock.app.guards.own.load_plugin", load)
    own = Own(CLOCK)
    for name in ("one", "other"):
        guards = {name: OwnGuardSettings(fail="closed", plugin="counting")}
        assert [len(own.wards(guards, "input")), len(own.wards(guards, "output"))] == [1, 1]
    assert Counting.made == 1


class Another:
    """An encoder that nothing was trained on."""

    weights_sha256 = "another"


def test_the_harm_head_takes_no_other_encoder_and_not_none() -> None:
    settings = PolicySettings(fail="closed", harms=("malware",), meaning=ScoredSettings())
    with pytest.raises(ConfigError, match="trained on another encoder") as refused:
        list(answer_judges(settings, cast("Any", Another())))
    assert refused.value.path == "meaning"
    with pytest.raises(ConfigError, match="needs the encoder"):
        list(answer_judges(settings, None))


def test_a_providers_own_words_for_why_there_is_no_answer_are_a_refusal_and_reasoning_is_none() -> None:
    settings = PolicySettings(fail="closed", refusals=ScoredSettings())
    (ward,) = answer_judges(settings, None)
    assert ward.ask is not None
    text = "This goes against what we offer."
    places = {each: Segment(text, "model", f"choices.0.{each}.0") for each in ("answer", "refusal", "reasoning")}
    assert [name for name, each in places.items() if ward.asks_for(each)] == ["answer", "refusal"]
    told, of_provider = asyncio.run(cast("Any", ward.ask(exchange_of("x"), [places["answer"], places["refusal"]])))
    assert (list(told), [each.rule for each in of_provider]) == ([], ["policy.refusal"])


LONG = "Here is what you asked for. It has several parts, and each of them is long. " * 12
DECLINED = "I cannot help you with that. "


def streamed(settings: PolicySettings, *texts: str) -> tuple[list[Event], list[GuardJudged], bool]:
    """What goes on of an answer that comes sentence by sentence, the facts, and whether it was stopped."""

    async def run() -> tuple[list[Event], bool]:
        policy = Policy(settings)
        judging = Judging(CLOCK, None, most_chars=10_000)
        answers = Answers(list(policy.windows()), alike(list(policy.asked())), judging, CLOCK)
        answer = answers.open(exchange)
        assert isinstance(answer, AskingGuards)
        passed: list[Event] = []
        try:
            for event in (*map(Text, texts), Finish("stop")):
                answer.feed((event,))
                passed += await answer.judged()
            answer.finish()
            passed += await answer.judged()
        except PolicyBlocked as error:
            return [*passed, *error.last], True
        return passed, False

    exchange = exchange_of("x", stream=True)
    passed, is_stopped = asyncio.run(run())
    return passed, [each for each in exchange.facts if isinstance(each, GuardJudged)], is_stopped


def test_whether_an_answer_declines_is_judged_of_all_of_it() -> None:
    for mode in MODES:
        either = PolicySettings(fail="closed", secrets=False, refusals=ScoredSettings(mode=mode))
        passed, (fact,), is_stopped = streamed(either, LONG, DECLINED)
        assert (len(passed), fact.findings, fact.texts, is_stopped) == (3, 0, 1, False)
    enforced = PolicySettings(fail="closed", secrets=False, refusals=ScoredSettings(mode="enforce"))
    passed, (fact,), is_stopped = streamed(enforced, DECLINED, "Call us. ")
    assert (passed, fact.action, is_stopped) == ([], "block", True)


def test_what_is_observed_is_seen_and_ends_as_stopped() -> None:
    judge = ScoredSettings(mode="enforce")
    settings = PolicySettings(fail="closed", secrets=False, stream="observe", refusals=judge)
    passed, (fact,), is_stopped = streamed(settings, DECLINED, "Call us. ")
    assert passed == [Text(DECLINED), Text("Call us. "), Finish("content_filter")]
    assert is_stopped
    assert fact.is_after_release


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("One. Two!\nThree", [(0, "One. "), (5, "Two!\n"), (10, "Three")]),
        ("It costs 3.50 today", [(0, "It costs 3.50 today")]),
        ("  \n\n", []),
        ("", []),
        ("これは。それは。", [(0, "これは。"), (4, "それは。")]),
        ("Ask Mr. J. R. Hill. Then go", [(0, "Ask Mr. J. R. Hill. "), (20, "Then go")]),
        ("Frau Dr. Ö. Ng. Hr. Lee", [(0, "Frau Dr. Ö. Ng. "), (16, "Hr. Lee")]),
        (
            "Plan B? Sure. It is C.\nIt is ADr. no",
            [(0, "Plan B? "), (8, "Sure. "), (14, "It is C.\n"), (23, "It is ADr. "), (34, "no")],
        ),
    ],
)
def test_a_text_is_cut_at_its_sentences(text: str, found: list[tuple[int, str]]) -> None:
    assert list(sentences(text)) == found


def test_a_sentence_without_an_end_comes_in_pieces() -> None:
    text = "word " * 500
    cut = list(sentences(text))
    assert "".join(piece for _, piece in cut) == text
    assert all(text[at : at + len(piece)] == piece for at, piece in cut)
    assert max(len(piece) for _, piece in cut) <= 800
