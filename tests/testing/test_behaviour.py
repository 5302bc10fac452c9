from dataclasses import fields

import pytest

from penstock.testing.behaviour import (
    Behaviour,
    Constant,
    Fault,
    Limit,
    LogNormal,
    OneOf,
    Outage,
)
from penstock.testing.chance import rng_for


def test_every_item_of_the_grammar_is_read() -> None:
    behaviour = Behaviour.parse(
        "first=lognormal(400ms/1500ms), gap=20ms, tokens=oneof(10/20), think=5, per_event=3, fault=cut@5|status@500,"
        "rate=6%, outage=60s/2s, limit=10/1s, token_limit=900/60s, bucket, retry_after=1.5s, announced,"
        "early_head, echo=line"
    )
    assert behaviour == Behaviour(
        first_s=LogNormal(0.4, 1.5),
        gap_s=Constant(0.02),
        tokens=OneOf((10, 20)),
        think=Constant(5),
        per_event=3,
        faults=(Fault("cut", 5), Fault("status", 500)),
        rate=0.06,
        outage=Outage(60, 2),
        limit=Limit(10, 1),
        token_limit=Limit(900, 60),
        is_bucket=True,
        retry_after_s=1.5,
        is_announced=True,
        is_head_early=True,
        is_echo=True,
        is_line=True,
    )
    assert all(getattr(behaviour, each.name) != getattr(Behaviour(), each.name) for each in fields(Behaviour))


def test_what_is_not_said_stays_as_it_was() -> None:
    base = Behaviour.parse("first=1s,gap=10ms")
    assert Behaviour.parse("gap=20ms", base) == Behaviour(first_s=Constant(1), gap_s=Constant(0.02))


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("sim", Behaviour()),
        ("sim:tokens=7", Behaviour(tokens=Constant(7))),
        ("sim-reasoning", Behaviour(think=Constant(24))),
        ("sim-reasoning:think=3", Behaviour(think=Constant(3))),
        ("gpt-5-mini", Behaviour()),
    ],
)
def test_a_model_name_says_how_it_behaves(model: str, expected: Behaviour) -> None:
    assert Behaviour.of_model(model) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("frist=300ms", "there is no `frist`"),
        ("first=300", "carries its unit"),
        ("first=-1s", "not negative"),
        ("first=nans", "not negative"),
        ("first=infs", "finite"),
        ("first=fasts", "no duration"),
        ("first=lognormal(2s/1s)", "median <= p95"),
        ("first=lognormal(1s)", "median/p95"),
        ("tokens=1.5", "no whole number"),
        ("tokens=²", "no whole number"),
        ("per_event=0", "of 1 or more"),
        ("fault=explode", "there is no fault `explode`"),
        ("fault=cut@first", "no whole number"),
        ("fault=throttle@3", "takes no argument"),
        ("fault=status@200", "from 400 to 599"),
        ("rate=110%", "between 0 and 1"),
        ("rate=often", "no share"),
        ("outage=60s", "<period>/<down>"),
        ("outage=1s/2s", "longer than the period"),
        ("limit=3", "limit=<number>/<window>"),
        ("token_limit=3", "token_limit=<number>/<window>"),
        ("limit=3/0s", "window"),
        ("echo=maybe", "takes no value"),
        ("first", "expected `key=value`"),
    ],
)
def test_a_wrong_item_is_named_with_what_it_should_be(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match="`") as caught:
        Behaviour.parse(f"gap=1ms,{text}")
    assert reason in str(caught.value)
    assert f"`{text}`" in str(caught.value)


def test_a_misspelt_simulated_model_is_no_plain_one() -> None:
    with pytest.raises(ValueError, match="sim-reasoning"):
        Behaviour.of_model("sim-raesoning")


def test_a_lognormal_has_the_median_and_the_tail_it_was_given() -> None:
    rng = rng_for("draws")
    drawn = sorted(LogNormal(0.4, 1.5).draw(rng) for _ in range(20_000))
    assert drawn[10_000] == pytest.approx(0.4, rel=0.05)
    assert drawn[19_000] == pytest.approx(1.5, rel=0.05)


def test_an_outage_lasts_for_the_end_of_each_period() -> None:
    outage = Outage(10, 2)
    assert [outage.is_down(at) for at in (0, 7.9, 8, 9.9, 10, 18.5)] == [False, False, True, True, False, True]
