"""Which tier a request is given, and why: callers, rules, conversations, complexity, defaults."""

import asyncio
import random
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from tests.routing.tiers import EASY, HARD, Site, chat, configured

from penstock.core.errors import MalformedRequest
from penstock.core.exchange import Principal
from penstock.encoder.executor import Encoder, EncoderBusy
from penstock.encoder.model import Encoded

ROUTING = "    routing: "


class Reader:
    """An encoder as the stage sees it, with a line that may be full."""

    def __init__(self, *, is_full: bool = False) -> None:
        self.is_full = is_full
        self.read: list[str] = []

    async def encode(self, text: str) -> Encoded:
        if self.is_full:
            raise EncoderBusy
        self.read.append(text)
        vector = np.zeros(384, np.float32)
        return Encoded(vector, np.zeros((0, 384), np.float32), ())


def reader(*, is_full: bool = False) -> tuple[Encoder, Reader]:
    made = Reader(is_full=is_full)
    return cast("Encoder", made), made


def test_hard_questions_go_to_a_stronger_tier_than_easy_ones(tmp_path: Path) -> None:
    site = Site(configured(tmp_path, ROUTING + "{quality: 0.8}"))
    easy, hard = site.ask(EASY), site.ask(HARD)
    assert (easy.tier, hard.tier) == ("fast", "strong")
    assert easy.score is not None
    assert hard.score is not None
    assert easy.score < hard.score
    assert (hard.threshold or 9.0) <= hard.score
    assert hard.targets == ("sim/large@us",)


def test_the_route_is_that_of_the_tier_and_the_others_follow_where_it_fails(tmp_path: Path) -> None:
    exchange, _ = asyncio.run(Site(configured(tmp_path)).serve(chat(EASY)))
    route = exchange.route
    assert route is not None
    assert [target.model for target in route.targets] == ["small"]
    assert [[target.model for target in step.targets] for step in route.fallbacks] == [["middle"], ["large"]]


def test_without_spill_nothing_follows(tmp_path: Path) -> None:
    exchange, _ = asyncio.run(Site(configured(tmp_path, ROUTING + "{spill: false}")).serve(chat(EASY)))
    assert exchange.route is not None
    assert exchange.route.fallbacks == ()


@pytest.mark.parametrize(("quality", "tier"), [(0.0, "fast"), (1.0, "strong")])
def test_the_dial_ends_at_one_tier_for_everything(tmp_path: Path, quality: float, tier: str) -> None:
    site = Site(configured(tmp_path, ROUTING + f"{{quality: {quality}}}"))
    assert {site.ask(EASY).tier, site.ask(HARD).tier} == {tier}


@pytest.mark.parametrize(
    ("question", "why"),
    [
        ("hi", "too_short"),
        ("Wie kann ich meine Karte sperren, wenn sie gestohlen wurde und ich im Ausland bin?", "not_english"),
        ("我的卡被偷了,我该怎么办?请告诉我如何冻结它。 谢谢 您 的 帮助", "not_english"),
        ("🙂 🙂 🙂 🙂 🙂 🙂 🙂 🙂 🙂 🙂", "not_words"),
    ],
)
def test_of_what_the_head_was_not_trained_on_it_says_nothing(tmp_path: Path, question: str, why: str) -> None:
    encoder, seen = reader()
    fact = Site(configured(tmp_path, ROUTING + "{default: good}"), encoder=encoder).ask(question)
    assert (fact.tier, fact.by, fact.why, fact.score) == ("good", "default", why, None)
    assert seen.read == []


def test_the_question_is_read_and_a_missing_encoder_is_said(tmp_path: Path) -> None:
    config = configured(tmp_path)
    encoder, seen = reader()
    assert Site(config, encoder=encoder).ask(EASY).why is None
    assert seen.read == [EASY]
    assert Site(config, encoder=reader(is_full=True)[0]).ask(EASY).why == "encoder_busy"
    assert Site(config).ask(EASY).why == "encoder_absent"


def test_rules_decide_or_set_a_floor_before_the_head(tmp_path: Path) -> None:
    rules = """{rules: [
      {name: gold, when: {plans: [gold]}, at_least: good},
      {when: {languages: [de]}, tier: strong},
      {when: {chars_to: 15}, tier: fast},
    ]}"""
    config = configured(tmp_path, ROUTING + rules)
    site, gold = Site(config), Site(config, plan="gold")
    german = site.ask("Wie kann ich bitte meine Karte sperren?")
    assert (german.tier, german.by, german.why) == ("strong", "rule", "rule 2")
    assert (site.ask("hi there").tier, site.ask(EASY).tier) == ("fast", "fast")
    assert [gold.ask(text).tier for text in ("hi there", EASY, HARD)] == ["good", "good", "strong"]
    assert gold.ask(EASY).why == "gold"


def test_a_caller_may_name_a_tier_by_header_or_by_field(tmp_path: Path) -> None:
    site = Site(configured(tmp_path))
    assert (site.ask(EASY, tier="strong").tier, site.ask(EASY, tier="strong").by) == ("strong", "caller")
    _, fact = asyncio.run(site.serve(chat(EASY, metadata={"penstock_tier": "good"})))
    assert (fact.tier, fact.by) == ("good", "caller")
    with pytest.raises(MalformedRequest, match="no tier `best`; it has `fast`, `good`, `strong`"):
        site.ask(EASY, tier="best")


def test_a_caller_may_be_kept_from_it(tmp_path: Path) -> None:
    down = Site(configured(tmp_path, ROUTING + "{override: down}"))
    assert (down.ask(EASY, tier="strong").tier, down.ask(HARD, tier="good").tier) == ("fast", "good")
    none = Site(configured(tmp_path, ROUTING + "{override: none}"))
    assert (none.ask(HARD, tier="fast").tier, none.ask(HARD, tier="nonsense").tier) == ("strong", "strong")


def test_a_conversation_keeps_its_tier_or_goes_up(tmp_path: Path) -> None:
    site = Site(configured(tmp_path))
    assert site.ask(HARD).tier == "strong"
    later = site.ask(HARD, "It is A.", EASY)
    assert (later.tier, later.by) == ("strong", "conversation")
    assert site.ask(EASY).tier == "fast"
    assert site.ask(EASY, "TCP keeps order.", HARD).tier == "strong"
    assert site.ask(EASY, "TCP keeps order.", HARD, "B.", EASY).tier == "strong"


def test_conversations_that_began_alike_share_nothing_once_they_part(tmp_path: Path) -> None:
    site = Site(configured(tmp_path))
    site.ask(EASY)
    site.ask(EASY, "TCP keeps order.", HARD)
    assert (
        site.ask(EASY, "TCP keeps order.", "Explain the difference between HTTP and FTP in two sentences.").tier
        == "fast"
    )
    other = Principal("acme", "key_2")
    site.ask(HARD)
    assert site.ask(HARD, "It is A.", EASY, caller=other).by == "complexity"


def test_what_is_not_sticky_is_chosen_anew(tmp_path: Path) -> None:
    site = Site(configured(tmp_path, ROUTING + "{sticky: false}"))
    assert (site.ask(HARD).tier, site.ask(HARD, "A.", EASY).tier) == ("strong", "fast")


def test_a_conversation_is_forgotten_after_its_time(tmp_path: Path) -> None:
    site = Site(configured(tmp_path, ROUTING + "{sticky_s: 60}"))
    site.ask(HARD)
    site.clock.advance(61)
    assert site.ask(HARD, "A.", EASY).tier == "fast"


def test_conversations_do_not_fill_the_memory(tmp_path: Path) -> None:
    site = Site(configured(tmp_path))
    site.choice._conversations._most = 10  # pyright: ignore[reportPrivateUsage]  # the bound is what is tested
    for number in range(50):
        site.ask(f"Explain the difference between {number} and UDP in two sentences.")
    assert len(site.choice._conversations) == 10  # pyright: ignore[reportPrivateUsage]  # same


def test_shadow_mode_records_and_changes_nothing(tmp_path: Path) -> None:
    config = configured(tmp_path, ROUTING + "{mode: shadow, default: good}")
    exchange, fact = asyncio.run(Site(config).serve(chat(HARD)))
    assert (fact.tier, fact.is_shadow) == ("strong", True)
    assert exchange.route is not None
    assert [target.model for target in exchange.route.targets] == ["middle"]


def test_what_was_chosen_is_counted_by_model_tier_and_reason(tmp_path: Path) -> None:
    site = Site(configured(tmp_path))
    for text in (EASY, HARD, "hi", HARD):
        site.ask(text)
    assert site.choice.counts == {
        ("support", "fast", "complexity"): 1,
        ("support", "strong", "complexity"): 2,
        ("support", "strong", "default"): 1,
    }


def test_a_question_asked_again_and_a_raised_tier_are_failures_and_going_on_is_not(tmp_path: Path) -> None:
    site = Site(configured(tmp_path))
    dial = site.choice.dial("support")
    site.ask(EASY)
    site.ask(EASY)  # the same first question: perhaps another person's
    assert (dial.outcomes, dial.failures) == (0, 0)
    site.ask(EASY, "TCP keeps order.", "And of Spain, what is the capital there?")
    assert (dial.outcomes, dial.failures) == (1, 0)
    site.ask(EASY, "TCP keeps order.", "And of Spain, what is the capital there?")
    assert (dial.outcomes, dial.failures) == (2, 1)
    site.ask("Which river does London lie at?")
    site.ask("Which river does London lie at?", "The Rhine.", "Are you sure of that?", tier="strong")
    assert (dial.outcomes, dial.failures) == (3, 2)


def test_outcomes_move_the_dial_within_its_bounds_and_towards_the_wanted_failures(tmp_path: Path) -> None:
    site = Site(configured(tmp_path, ROUTING + "{learn: {failures: 0.1, within: 0.2, step: 0.01}}"))
    dial = site.choice.dial("support")
    begun = dial.share()
    for _ in range(1_000):
        site.choice.outcome("support", "fast", failed=True)
    assert dial.share() == pytest.approx(min(1.0, begun + 0.2))
    for _ in range(1_000):
        site.choice.outcome("support", "fast", failed=False)
    assert dial.share() == pytest.approx(max(0.0, begun - 0.2))
    site.choice.outcome("support", "strong", failed=True)
    site.choice.outcome("nobody", "fast", failed=True)
    assert dial.outcomes == 2_000
    chance, failures = random.Random(1), 0  # noqa: S311 - a simulation
    for _ in range(5_000):  # a world in which more strong calls mean fewer failures
        failed = chance.random() < 0.1 - (dial.share() - begun)
        failures += failed
        site.choice.outcome("support", "good", failed=failed)
    assert failures / 5_000 == pytest.approx(0.1, abs=0.01)


def test_learning_can_be_turned_off(tmp_path: Path) -> None:
    site = Site(configured(tmp_path, ROUTING + "{learn: {enabled: false}}"))
    begun = site.choice.dial("support").share()
    site.choice.outcome("support", "fast", failed=True)
    assert site.choice.dial("support").share() == begun
