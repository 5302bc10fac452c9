"""What the form and some words of an answer tell of its tone, and what they do not."""

import pytest

from penstock.watch.drift.tone import SIGNS, tone_of

SAID = {
    "exclamations": ("Done!", "\u00a1Claro! Aqu\u00ed est\u00e1.", "\u597d\u7684\uff01", 'He said "no!" and left.'),
    "emoji": ("Sure \U0001f600", "All set \u2705"),
    "apologies": (
        "I'm sorry to hear that.",
        "Unfortunately there is none.",
        "Das tut mir leid.",
        "Nous sommes d\u00e9sol\u00e9s.",
        "Lo siento mucho.",
        "Purtroppo non c'\u00e8.",
    ),
    "courtesies": ("Please try again.", "You\u2019re welcome.", "Gerne, hier ist es.", "Merci de votre patience."),
    "hedges": ("That might work.", "Vielleicht morgen.", "Peut-\u00eatre demain.", "Quiz\u00e1s s\u00ed."),
    "layout": ("- one\n- two", "1. First\n2. Second", "## Title\ntext", "This is **bold**.", "| a | b |\n| 1 | 2 |"),
}
CASES = [(sign, text) for sign, texts in SAID.items() for text in texts]


@pytest.mark.parametrize(("sign", "text"), CASES)
def test_each_sign_is_seen_and_no_other(sign: str, text: str) -> None:
    tone = tone_of(text)
    assert tone is not None
    assert {name for name, there in zip(SIGNS, tone.signs, strict=True) if there} == {sign}


@pytest.mark.parametrize(
    "text",
    [
        "The card is in your account.",
        "Use `a != b` there.",
        "See https://example.com/sorry!please",
        "```py\nprint('sorry!')\n```\nThat is it.",
        "Dear <NAME_1>, the total is 3.50.",
        "A mighty river; a likeness; thankless work.",
        "Die Karte liegt im Konto.",
    ],
)
def test_plain_words_have_none(text: str) -> None:
    tone = tone_of(text)
    assert tone is not None
    assert not any(tone.signs), tone


def test_a_sentence_is_as_long_as_its_characters_whatever_stood_where_something_was_masked() -> None:
    said = tone_of("It is 3.5 percent. Yes?!")
    assert said is not None
    assert said.sentence == (len("It is 3.5 percent") + len("Yes?")) / 2
    assert tone_of("Ask <NAME_1> there.") == tone_of("Ask <EMAIL_ADDRESS_12> there.")


@pytest.mark.parametrize("text", ["", "  \n ", "42", "https://example.com", "```\nx = 1\n```", "!!!"])
def test_what_has_no_sentence_has_no_tone(text: str) -> None:
    assert tone_of(text) is None


def test_a_long_text_is_read_in_time_that_grows_with_it() -> None:
    for text in ("a" * 10**6, "| " * 10**6, "`" * 10**6, "! " * 10**6, "* " * 10**6, "<A_" * 10**6, " \n" * 10**6):
        tone_of(text)  # what took longer than a test may would be noticed
