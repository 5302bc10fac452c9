"""Judgements on whole answers: length, disclaimers, prices, refusals, and how sure they are of themselves."""

import pytest

from penstock.core.errors import ConfigError
from penstock.guard.policy.claims import claim_patterns
from penstock.guard.policy.confidence import overconfidence
from penstock.guard.policy.disclaimers import Disclaimer, Disclaimers
from penstock.guard.policy.length import Length
from penstock.guard.policy.prices import unquoted_prices
from penstock.guard.policy.refusals import refusal

ADVICE = "This is no financial advice."


def test_an_answer_may_be_too_long_or_too_short() -> None:
    assert Length(least_chars=5).find("abc")[0].rule == "policy.length.short"
    assert Length(least_chars=3).find("abc") == []
    found = Length(most_chars=3).find("abcdef")[0]
    assert (found.rule, found.begin, found.end) == ("policy.length.long", 3, 6)
    words = Length(most_words=2).find("one two  three four")[0]
    assert (words.begin, words.end) == (9, 19)
    assert Length(most_words=4).find(" one two  three four ") == []
    assert Length().find("") == []


def test_a_missing_disclaimer_is_added_once() -> None:
    rules = Disclaimers([Disclaimer(ADVICE), Disclaimer(ADVICE)])
    added = rules.added("Shares may fall.\n")
    assert added == f"Shares may fall.\n\n{ADVICE}"
    assert rules.added(added) == added


def test_a_disclaimer_that_is_there_is_not_added() -> None:
    rules = Disclaimers([Disclaimer(ADVICE, said=(r"not (?:an )?investment advice",))])
    assert rules.missing("Shares fall. this is\nNO financial   advice.") == []
    assert rules.missing("Shares fall. Note: not investment advice") == []
    assert rules.missing("This is financial advice.") == [ADVICE]


def test_a_disclaimer_can_depend_on_what_is_said() -> None:
    rules = Disclaimers([Disclaimer(ADVICE, when=claim_patterns(("financial",)))])
    assert rules.missing("Your parcel is on its way.") == []
    assert rules.missing("You should buy these shares.") == [ADVICE]


@pytest.mark.parametrize("disclaimer", [Disclaimer(" "), Disclaimer("x", said=("(",)), Disclaimer("x" * 3_000)])
def test_a_disclaimer_that_is_none_is_refused(disclaimer: Disclaimer) -> None:
    with pytest.raises(ConfigError):
        Disclaimers([disclaimer])


def prices(answer: str, *sources: str) -> list[str]:
    return [answer[each.begin : each.end] for each in unquoted_prices(answer, sources)]


def test_a_price_that_nobody_named_is_found() -> None:
    assert prices("It costs $49.", "The price is 59 USD.") == ["$49"]
    assert prices("Das macht 1.299,00 € im Jahr.") == ["1.299,00 €"]


def test_a_price_is_the_same_however_it_is_written() -> None:
    sources = ("1299 USD", "Preis: 1.299,50 EUR", "£5")
    assert prices("It is $1,299.00, US$ 1299 or 1,299.50 euros; 5 pounds.", *sources) == []


def test_the_same_number_in_another_currency_is_another_price() -> None:
    assert prices("€49", "$49") == ["€49"]


def test_numbers_that_are_no_prices_are_left_alone() -> None:
    assert prices("In 2024 there were 12 orders, 30 % of them by 5 people. Call 0123 456.") == []


REFUSALS = (
    "I'm sorry, but I can't help with that.",
    "I cannot assist you with this request.",
    "I’m not able to provide medical advice.",  # noqa: RUF001 - printed text
    "Unfortunately, we are unable to answer questions about other companies.",
    "As an AI language model, I cannot browse the internet.",
    "This goes against my guidelines.",
    "I'm sorry, as an assistant I don't have access to your account.",
    "Das kann ich leider nicht beantworten.",
    "Leider kann ich Ihnen dabei nicht helfen.",
    "Es tut mir leid, aber ich darf dazu keine Auskunft geben.",
    "Je suis désolé, je ne peux pas vous aider.",
    "Lo siento, no puedo ayudarle con eso.",
    "Mi dispiace, non posso aiutarla.",
)
ANSWERS = (
    "You can't divide by zero, so the result is undefined.",
    "I cannot recommend this book enough: it is wonderful.",
    "Sure! Here is the function you asked for.",
    "As an AI language model, I cannot draw. However, here are three ideas for a logo.",
    "Der Zug fährt leider erst um acht Uhr.",
    "The parcel could not be delivered because nobody was at home.",
    "Sorry for the wait. Your refund was sent on Monday.",
    "",
)


@pytest.mark.parametrize("text", REFUSALS)
def test_a_refusal_is_recognised(text: str) -> None:
    found = refusal(text)
    assert found.score >= 0.5
    assert all(text[each.begin : each.end].strip() for each in found.findings)


@pytest.mark.parametrize("text", ANSWERS)
def test_an_answer_is_no_refusal(text: str) -> None:
    assert refusal(text).score < 0.5


def test_a_sentence_of_refusal_before_a_long_answer_is_none() -> None:
    assert refusal(REFUSALS[0] + " But here is what I know. " + "The town has a long history. " * 120).score < 0.5


def test_claims_without_exception_are_overconfident() -> None:
    found = overconfidence("This is definitely the cause. It always works. Everyone knows that. Without a doubt.")
    assert found.score > 0.5
    assert len(found.findings) == 4


def test_hedged_answers_are_not_overconfident() -> None:
    assert overconfidence("This is probably the cause. It usually works, but it may not. It depends.").score == 0.0
    assert overconfidence("Das ist vermutlich nicht ganz sicher. Definitiv?").score == 0.0


def test_one_strong_word_in_a_long_answer_counts_little() -> None:
    assert overconfidence("It is certainly blue. " + "The sky looks grey. It may rain. " * 10).score < 0.2
