"""When a person must see an answer: each condition, their order, and what the caller is told."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.config.review import (
    AmountSettings,
    HoldConditions,
    HoldRule,
    HoursSettings,
    OverdueSettings,
    ReviewSettings,
    broken_review,
)
from penstock.review.amounts import amounts, most_of
from penstock.review.hold import Found, OverdueStep
from penstock.review.hours import due_at
from penstock.review.person import asks_for_person
from penstock.review.rules import HAND_OVER, Seen, judge, text_of

NOW = 1_800_000_000.0
BERLIN = "Europe/Berlin"


def seen(**more: Any) -> Seen:
    values: dict[str, Any] = {"tenant": "acme", "model": "desk-eu", "question": "May I return it?", "answer": "Yes."}
    return Seen(**{**values, **more})


def rule(name: str = "r", mode: Any = "enforce", **when: Any) -> HoldRule:
    return HoldRule(name=name, when=HoldConditions(**when), mode=mode)


def held(when: HoldRule, what: Seen) -> str | None:
    ruling = judge(ReviewSettings(rules=(when,)), what, now=NOW).ruling
    return None if ruling is None else ruling.reason


@pytest.mark.parametrize(
    ("when", "yes", "no"),
    [
        ({"confidence_below": 0.5}, {"confidence": 0.49}, {"confidence": 0.5}),
        ({"confidence_below": 0.5, "or_unknown": True}, {}, {"confidence": 0.9}),
        ({"confidence_below": 0.5}, {"confidence": 0.0}, {}),
        ({"topics": ("medical", "legal.*")}, {"topic": "legal.tax"}, {"topic": "weather"}),
        ({"topics": ("medical",)}, {"topic": "medical"}, {}),
        (
            {"verdicts": ("ground.*",)},
            {"verdicts": (Found(rule="pii.mail", action="mask"), Found(rule="ground.contradicted", action="flag"))},
            {"verdicts": (Found(rule="pii.mail", action="mask"),)},
        ),
        ({"asks_for_person": True}, {"question": "I want to talk to a person."}, {}),
        ({"asks_for_person": True}, {"is_asking": True}, {"answer": "I want to talk to a person."}),
        ({"amount": AmountSettings(above=500, currency="EUR")}, {"answer": "You get 500 €."}, {"answer": "499,99 €"}),
        ({"amount": AmountSettings(above=500, currency="EUR")}, {"question": "€ 1.200?"}, {"question": "$ 1,200?"}),
        ({"tenants": ("acme",)}, {}, {"tenant": "umbra"}),
        ({"models": ("desk-*",)}, {}, {"model": "help"}),
    ],
)
def test_each_condition_holds_back_what_it_is_for(when: Any, yes: Any, no: Any) -> None:
    assert held(rule(**when), seen(**yes)) is not None
    assert held(rule(**when), seen(**no)) is None


def test_all_conditions_of_a_rule_must_be_met_and_say_why() -> None:
    both = rule(confidence_below=0.5, models=("desk-*",), amount=AmountSettings(above=100, currency="EUR"))
    assert held(both, seen(confidence=0.4, answer="It is 1.250,50 EUR.")) == (
        "model desk-eu; confidence 0.40 is below 0.50; 1250.50 EUR is 100 EUR or more"
    )
    assert held(both, seen(confidence=0.4)) is None
    assert held(both, seen(answer="It is 1.250,50 EUR.")) is None


def test_the_first_that_enforces_decides_and_shadows_only_say_so() -> None:
    rules = (
        rule("one", "shadow", tenants=("acme",)),
        rule("two", tenants=("umbra",)),
        rule("three", tenants=("acme",)),
        rule("four", "shadow", tenants=("acme",)),
    )
    judged = judge(ReviewSettings(rules=rules), seen(), now=NOW)
    assert judged.ruling is not None
    assert (judged.ruling.rule, judged.shadows) == ("three", (("one", "tenant acme"),))
    judged = judge(ReviewSettings(rules=rules[:1]), seen(), now=NOW)
    assert (judged.ruling, judged.shadows) == (None, (("one", "tenant acme"),))


def test_what_a_rule_says_is_what_the_hold_gets() -> None:
    made = HoldRule(
        name="r",
        when=HoldConditions(tenants=("acme",)),
        group="support",
        priority=8,
        due_s=600.0,
        hand_over={"de": "Moment.", "": "A moment."},
        overdue=(
            OverdueSettings(action="escalate", group="leads", within_s=60.0),
            OverdueSettings(action="reject", text={"de": "Nein.", "": "No."}),
        ),
    )
    ruling = judge(ReviewSettings(rules=(made,)), seen(language="de-AT"), now=NOW).ruling
    assert ruling is not None
    assert (ruling.group, ruling.priority, ruling.due_at, ruling.hand_over) == ("support", 8, NOW + 600.0, "Moment.")
    assert ruling.overdue == (
        OverdueStep(action="escalate", group="leads", within_s=60.0),
        OverdueStep(action="reject", text="Nein."),
    )


@pytest.mark.parametrize(
    ("texts", "language", "found"),
    [
        ({}, "de", HAND_OVER["de"]),
        ({}, "xx", HAND_OVER[""]),
        ({"pt-BR": "a", "pt": "b", "": "c"}, "pt-BR", "a"),
        ({"pt-BR": "a", "pt": "b", "": "c"}, "pt-PT", "b"),
        ({"pt": "b", "": "c"}, "de", "c"),
        ({"pt": "b"}, "de-CH", HAND_OVER["de"]),
    ],
)
def test_a_text_is_told_in_the_callers_language(texts: dict[str, str], language: str, found: str) -> None:
    assert text_of(texts, language, HAND_OVER) == found


@pytest.mark.parametrize(
    "text",
    [
        "I want to talk to a person",
        "Can I speak with a real human being please?",
        "Please connect me to an agent.",
        "I need a human representative now",
        "Human please!",
        "let me speak to your supervisor",
        "Ich möchte mit einem Menschen sprechen.",
        "Kann ich bitte mit einem Mitarbeiter reden?",
        "Verbinden Sie mich mit dem Kundenservice",
        "Ich will einen echten Ansprechpartner",
        "Je voudrais parler à un conseiller",
        "Puis-je parler à quelqu\u2019un ?",
        "Quiero hablar con una persona",
        "Páseme con un agente, por favor",
        "Vorrei parlare con un operatore",
        "Quero falar com um atendente",
        "Ik wil met een medewerker spreken",
        "Chcę porozmawiać z konsultantem",
        "Müşteri temsilcisi ile görüşmek istiyorum",
    ],
)
def test_a_wish_for_a_person_is_heard_in_many_languages(text: str) -> None:
    assert asks_for_person(text)
    assert asks_for_person(text.upper())
    assert asks_for_person("x " * 5000 + "\n" + text)


@pytest.mark.parametrize(
    "text",
    [
        "How do I become a customer service representative?",
        "How many people work there?",
        "The agent said my claim was denied.",
        "I do not want to talk to a person, just tell me the price.",
        "Which human rights apply here?",
        "Wie viele Mitarbeiter hat die Firma?",
        "Bitte nicht mit einem Menschen verbinden.",
        "Was macht ein Versicherungsberater?",
        "Combien d'agents travaillent ici ?",
        "¿Cuántas personas viven en Madrid?",
        "Quanti operatori ci sono?",
        "",
    ],
)
def test_a_text_about_people_is_no_wish_for_one(text: str) -> None:
    assert not asks_for_person(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("€1.234,50", ("EUR", "1234.50")),
        ("1,234.50 USD", ("USD", "1234.50")),
        ("CHF 5'000", ("CHF", "5000")),
        ("1 250 000,00 zł", ("PLN", "1250000.00")),
        ("12,5 Mio. Euro", ("EUR", "12500000.0")),
        ("$2.5 million", ("USD", "2500000.0")),
        ("$3k", ("USD", "3000")),
        ("2.500 €", ("EUR", "2500")),
        ("2.50 €", ("EUR", "2.50")),
        ("1.234.567 EUR", ("EUR", "1234567")),
        ("eur 99", ("EUR", "99")),
        ("100 dollars", ("USD", "100")),
        ("1 million de francs", ("CHF", "1000000")),
    ],
)
def test_money_is_read_as_it_is_written_in_many_places(text: str, found: tuple[str, str]) -> None:
    currency, amount = found
    assert (currency, Decimal(amount)) in amounts(f"It costs {text}, he said.")


@pytest.mark.parametrize("text", ["EUROPE 2024", "page 500", "500 eurobonds", "version 1.2.3", "25 % of it", "neuro 5"])
def test_what_is_no_money_is_not_read_as_such(text: str) -> None:
    assert amounts(text) == []


def test_the_largest_in_the_asked_currency_counts() -> None:
    assert most_of("20 EUR now, 300 EUR later, 9000 USD never", "EUR") == 300
    assert most_of("9000 USD", "EUR") is None


@given(st.text(max_size=300))
def test_no_text_is_too_odd_to_be_looked_at(text: str) -> None:
    amounts(text)
    asks_for_person(text)


def moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(BERLIN)).timestamp()


@pytest.mark.parametrize(
    ("now", "hours", "due"),
    [
        ("2026-11-20 10:00", 4, "2026-11-20 14:00"),  # a Friday
        ("2026-11-20 15:00", 4, "2026-11-23 11:00"),
        ("2026-11-21 12:00", 1, "2026-11-23 10:00"),
        ("2026-11-20 17:00", 8, "2026-11-23 17:00"),
        ("2026-11-20 08:00", 16, "2026-11-23 17:00"),
        ("2026-10-23 16:00", 2, "2026-10-26 10:00"),  # clocks change in between
    ],
)
def test_only_hours_of_work_count(now: str, hours: float, due: str) -> None:
    assert due_at(moment(now), hours * 3600, HoursSettings(time_zone=BERLIN)) == moment(due)


def test_a_day_with_a_change_of_clocks_has_as_many_hours_as_pass() -> None:
    always = HoursSettings(time_zone=BERLIN, opens="00:00", closes="24:00", days=("sat", "sun"))
    # 24 and 25 hours.
    assert due_at(moment("2026-10-24 00:00"), 49 * 3600, always) == moment("2026-10-26 00:00")


@given(st.floats(min_value=1.5e9, max_value=2e9), st.floats(min_value=0, max_value=1e6))
def test_a_due_time_never_comes_before_its_time(now: float, seconds: float) -> None:
    hours = HoursSettings(time_zone=BERLIN)
    due = due_at(now, seconds, hours)
    assert due >= now + seconds - 1e-3
    assert due_at(now, seconds + 60, hours) >= due


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"rules": (rule("A"),)}, "review.rules.0.name"),
        ({"rules": (rule("a", tenants=("t",)), rule("a", tenants=("t",)))}, "review.rules.1.name"),
        ({"rules": (rule("a"),)}, "review.rules.0.when"),
        ({"rules": (rule("a", or_unknown=True),)}, "review.rules.0.when.or_unknown"),
        (
            {"rules": (rule("a", amount=AmountSettings(above=1, currency="Euro")),)},
            "review.rules.0.when.amount.currency",
        ),
        ({"rules": (HoldRule(name="a", when=HoldConditions(tenants=("t",)), hours="x"),)}, "review.rules.0.hours"),
        (
            {"rules": (HoldRule(name="a", when=HoldConditions(tenants=("t",)), hand_over={"German": ""}),)},
            "review.rules.0.hand_over.German",
        ),
        ({"hours": {"x": HoursSettings(time_zone="Nowhere/At_all")}}, "review.hours.x.time_zone"),
        ({"hours": {"x": HoursSettings(time_zone=BERLIN, opens="9")}}, "review.hours.x.opens"),
        ({"hours": {"x": HoursSettings(time_zone=BERLIN, opens="18:00")}}, "review.hours.x.closes"),
        ({"hours": {"x": HoursSettings(time_zone=BERLIN, days=())}}, "review.hours.x.days"),
    ],
)
def test_settings_that_cannot_work_are_named(settings: Any, path: str) -> None:
    assert path in [each for each, _ in broken_review(ReviewSettings(**settings))]


@pytest.mark.parametrize(
    ("steps", "path"),
    [
        ((OverdueSettings(action="escalate"),), "0.group"),
        ((OverdueSettings(action="reject"),), "0.text"),
        ((OverdueSettings(action="release"), OverdueSettings(action="raise")), "1"),
    ],
)
def test_steps_that_cannot_be_taken_are_named(steps: Any, path: str) -> None:
    settings = ReviewSettings(rules=(HoldRule(name="a", when=HoldConditions(tenants=("t",)), overdue=steps),))
    assert [each for each, _ in broken_review(settings)] == [f"review.rules.0.overdue.{path}"]


def test_sound_settings_are_not_complained_of() -> None:
    fine = ReviewSettings(rules=(rule("a", tenants=("t",)),), hours={"x": HoursSettings(time_zone=BERLIN)})
    assert list(broken_review(fine)) == []
