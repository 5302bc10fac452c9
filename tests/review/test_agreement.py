"""How far reviewers agree, and who gives the second decision that shows it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.review.holds import (
    EVERYBODY,
    NOW,
    act,
    connected,
    decided,
    decision,
    hold,
    keep,
    reviewer,
)

from penstock.config.review import ReviewSettings
from penstock.review import queue
from penstock.review.agreement import cohens_kappa, krippendorffs_alpha
from penstock.review.hold import Outcome
from penstock.review.reviewer import (
    HoldTaken,
)
from penstock.review.second import agreement, claim_second, decide_second, is_sampled, taxonomy


def test_kappa_is_that_of_the_textbook() -> None:
    # Two judges on 50 things: 20 both yes, 15 both no, 5 yes/no, 10 no/yes; p_o 0.70, p_e 0.50.
    pairs = [("y", "y")] * 20 + [("n", "n")] * 15 + [("y", "n")] * 5 + [("n", "y")] * 10
    assert cohens_kappa(pairs) == pytest.approx(0.4)
    assert cohens_kappa([("a", "a"), ("b", "b")]) == 1.0
    assert cohens_kappa([("a", "b"), ("b", "a")]) == -1.0
    assert cohens_kappa([("a", "a")]) is None
    assert cohens_kappa([]) is None


def test_alpha_is_that_of_the_papers_example_with_gaps() -> None:
    # Krippendorff 2011, section C: four observers, twelve units; nominal alpha 0.743.
    observers = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
    units = [[values[unit] for values in observers if values[unit] != "."] for unit in range(12)]
    assert krippendorffs_alpha(units) == pytest.approx(0.743, abs=0.0005)
    assert krippendorffs_alpha([]) is None
    assert krippendorffs_alpha([("a",), ("b",)]) is None
    assert krippendorffs_alpha([("a", "a"), ("a", "a")]) is None
    assert krippendorffs_alpha([("a", "a"), ("b", "b")]) == 1.0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), max_size=40))
def test_agreement_is_never_above_one_and_the_same_from_both_sides(pairs: list[tuple[str, str]]) -> None:
    kappa, alpha = cohens_kappa(pairs), krippendorffs_alpha(pairs)
    other = [(second, first) for first, second in pairs]
    assert cohens_kappa(other) == pytest.approx(kappa)
    assert krippendorffs_alpha(other) == pytest.approx(alpha)
    for value in (kappa, alpha):
        assert value is None or -1.0 - 1e-9 <= value <= 1.0 + 1e-9


def test_a_share_is_sampled_and_always_the_same() -> None:
    names = [f"hold_{number:032x}" for number in range(5000)]
    none, some, every = (ReviewSettings(second_share=share) for share in (0.0, 0.2, 1.0))
    sampled = {name for name in names if is_sampled(name, some)}
    assert 0.17 < len(sampled) / len(names) < 0.23
    assert sampled == {name for name in names if is_sampled(name, some)}
    assert not any(is_sampled(name, none) for name in names)
    assert all(is_sampled(name, every) for name in names)


async def test_the_second_one_is_another_and_sees_nothing_of_the_first(database_url: str) -> None:
    keep(database_url, [hold(1, is_sampled=True), hold(2, is_sampled=False), hold(3, is_sampled=True)])
    async with connected(database_url) as connection:
        bob = act(reviewer("bob"))
        assert await claim_second(connection, bob, lease_s=600) is None
        for number in (1, 2):
            await decided(connection, number, "edited", comment="the first one's words", text="the first one's answer")
        assert await claim_second(connection, act(), lease_s=600) is None  # has decided it
        assert await claim_second(connection, act(reviewer("ada")), lease_s=600) is None  # has asked it
        assert await claim_second(connection, act(reviewer("zoe", "legal")), lease_s=600) is None
        assert await claim_second(connection, act(reviewer("zoe", tenant="umbra")), lease_s=600) is None
        blind = await claim_second(connection, bob, lease_s=600)
        assert blind is not None
        assert (blind.id, blind.answer) == ("hold_0001", "Yes, order 1 within 90 days.")
        shown = msgspec.json.encode(blind)
        assert b"first one" not in shown
        assert b"edited" not in shown
        assert b"eva" not in shown
        with pytest.raises(HoldTaken):
            await queue.show(connection, "hold_0001", bob.who)
        assert await claim_second(connection, act(reviewer("zoe")), lease_s=600) is None
        with pytest.raises(HoldTaken):
            await decide_second(connection, "hold_0001", act(reviewer("zoe")), decision("rejected"))
        with pytest.raises(HoldTaken):
            await decide_second(connection, "hold_0001", act(reviewer("bob"), now=NOW + 600), decision("rejected"))
        await decide_second(connection, "hold_0001", bob, decision("rejected"))
        with pytest.raises(HoldTaken):
            await decide_second(connection, "hold_0001", bob, decision("approved"))
        whole = await queue.show(connection, "hold_0001", bob.who)
    assert (whole.row.state, whole.content["released"]) == ("edited", "the first one's answer")


async def test_agreement_and_taxonomy_count_what_was_decided(database_url: str) -> None:
    keep(database_url, [hold(number, is_sampled=True, group="g") for number in range(8)])
    outcomes: list[tuple[Outcome, Outcome]] = [
        ("approved", "approved"),
        ("approved", "rejected"),
        ("rejected", "rejected"),
        ("rejected", "rejected"),
        ("edited", "approved"),
    ]
    async with connected(database_url) as connection:
        for number, (first, second) in enumerate(outcomes):
            name = f"hold_{number:04}"
            row = await queue.claim(connection, name, act(reviewer("eva", "g")), lease_s=600)
            made = decision(first, row.version, reasons=() if first == "approved" else ("tone", "policy"))
            await queue.decide(connection, name, act(reviewer("eva", "g"), now=NOW + number), made)
            blind = await claim_second(connection, act(reviewer("bob", "g"), now=NOW + number), lease_s=600)
            assert blind is not None
            reasons = () if second == "approved" else ("tone", "policy") if number == 2 else ("tone",)
            looked = decision(second, reasons=reasons)
            await decide_second(connection, name, act(reviewer("bob", "g"), now=NOW + number), looked)
        found = await agreement(connection, EVERYBODY, since=NOW)
        later = await agreement(connection, EVERYBODY, since=NOW + 4)
        others = await agreement(connection, reviewer("eva", "other"), since=0)
        counts = await taxonomy(connection, EVERYBODY, since=0)
    assert (found.holds, found.agreed, found.same_reasons) == (5, 0.6, 0.5)
    [pair] = found.pairs
    assert {pair.one, pair.other} == {"key/eva", "key/bob"}
    assert pair.kappa == cohens_kappa(outcomes)
    assert found.alpha == krippendorffs_alpha(outcomes)
    assert (later.holds, others.holds, others.alpha) == (1, 0, None)
    assert {(each.verdict, each.reason): each.holds for each in counts} == {
        ("approved", None): 2,
        ("rejected", "tone"): 2,
        ("rejected", "policy"): 2,
        ("edited", "tone"): 1,
        ("edited", "policy"): 1,
    }
