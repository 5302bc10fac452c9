# ruff: noqa: SIM905, E501 - tables of words read best as lines of words, and sentences in one piece
"""Twins that differ in an amount: a number in digits or words, its unit or money, and which one of a row it is."""

import random
import re
from collections.abc import Iterator, Sequence
from typing import Final

from evaluation.cache.twins.twin import FIFTH, THIRD, Twin, another, in_texts, said, swapped

_NUMBER: Final = re.compile(r"\b\d{1,4}\b(?![:.,]\d)")
_UNITS: Final = (
    ("miles", "kilometers"), ("pounds", "kilograms"), ("dollars", "euros"), ("hours", "days"), ("weeks", "months"),
    ("Celsius", "Fahrenheit"), ("inches", "centimeters"), ("gallons", "liters"), ("minutes", "seconds"), ("MB", "GB"),
)  # fmt: skip
_NUMBERED: Final = (
    "How do I split a bill between {n} people?", "What is the fee for {n} transfers a month?",
    "Can I book a table for {n} on the terrace?", "What is {n} percent of my salary?",
    "How long does it take to walk {n} steps?", "Remind me in {n} minutes to call back",
    "What happens if I miss {n} payments?", "Give me {n} ideas for a team event",
    "Is a laptop with {n} cores enough for video editing?", "What does error {n} mean?",
)  # fmt: skip
_WRITTEN: Final = tuple(
    "two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty fifty sixty ninety".split()
)
_COMPOUND: Final = (
    ("twenty-five", "twenty-six"), ("one hundred and ten", "one hundred and twenty"), ("two hundred", "three hundred"),
    ("thirty two", "forty two"), ("a dozen", "two dozen"), ("one and a half", "two and a half"), ("five thousand", "six thousand"),
    ("a quarter of", "a third of"), ("half a million", "a million"), ("twice", "three times"), ("sixty-four", "sixty-eight"),
)  # fmt: skip
_COUNTED: Final = (
    "How do I book seats for {} guests?", "May {} people share one licence?", "is {} grams of protein enough per meal",
    "what happens after {} failed attempts", "Does the lift carry {} kilos?", "Who sold {} copies of the record?",
    "how many pages are {} words", "Could a farmer feed {} cows on this land?",
)  # fmt: skip
_COMPOUND_UNITS: Final = (
    ("km/h", "m/s"), ("kWh", "kW"), ("square meters", "cubic meters"), ("mg/dL", "mmol/L"), ("per hour", "per day"),
    ("Mbit/s", "MB/s"), ("nautical miles", "miles"), ("metric tons", "short tons"), ("milliseconds", "microseconds"),
    ("mAh", "Wh"), ("dpi", "pixels"), ("psi", "bar"), ("light years", "parsecs"), ("fluid ounces", "ounces"),
    ("radians", "degrees"), ("per person", "per room"), ("per kilo", "per pound"), ("newtons", "joules"),
)  # fmt: skip
_MEASURED: Final = (
    "Is {n} {u} too much for this device?", "what does {n} {u} cost at the moment", "How did you arrive at {n} {u} in the report?",
    "convert {n} {u} into something I can picture", "The label says {n} {u}: is that the limit?", "Can the sensor tell {n} {u} from noise?",
)  # fmt: skip
_MONEY: Final = (
    ("Swedish krona", "Norwegian krone"), ("pesos", "reais"), ("zloty", "forint"), ("baht", "ringgit"), ("won", "yen"), ("rand", "naira"),
    ("SEK", "DKK"), ("bitcoin", "ether"), ("Canadian dollars", "Australian dollars"), ("shekels", "dirhams"), ("PLN", "CZK"), ("lira", "leu"),
)  # fmt: skip
_PAID: Final = (
    "How much is {n} {m} today?", "can the rent be paid in {m}", "Do you charge a fee on {n} {m}?", "Where do I get {m} in cash?",
    "why was I billed {n} {m} instead", "open a savings account in {m}",
)  # fmt: skip
_EACH: Final = 300
_FIGURE: Final = re.compile(r"(?<![\d.])\b\d{2,4}\b")
_PLACES: Final = (
    ("first", "last"),
    ("first", "third"),
    ("second", "seventh"),
    ("last", "next"),
    ("last", "second last"),
    ("previous", "following"),
)
_ORDERED: Final = (
    "What happens in the {x} chapter?", "who lives on the {x} floor of that tower", "Where is the {x} stop of bus 12?",
    "read me the {x} message once more", "Is the {x} instalment refundable?", "which runner fell in the {x} lap", "Play the {x} song of the album",
    "What was served as the {x} course?", "which word is the {x} one on page 9", "Who wrote the {x} act of that play?",
    "how much snow fell in the {x} week", "Is the {x} lesson held outdoors?",
)  # fmt: skip


def numbers(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Another number, in real questions and in templates."""
    for text in questions:
        match = _NUMBER.search(text)
        if match:
            yield Twin(
                "number", text, f"{text[: match.start()]}{_other_number(match.group(), chance)}{text[match.end() :]}"
            )
    for template in _NUMBERED:
        for _ in range(8):
            one, other = chance.sample(range(2, 60), 2)
            yield Twin("number", template.format(n=one), template.format(n=other))


def units(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """The same amount of something else."""
    for one, other in _UNITS:
        for template in (
            "How much is {n} {u} for shipping?", "Convert {n} {u} for me", "Is {n} {u} a lot for a beginner?",
            "What can I get for {n} {u}?", "Why was I told {n} {u} is the limit?", "How many {u} are left on my plan?",
        ):  # fmt: skip
            amount = chance.randrange(2, 90)
            yield Twin("unit", template.format(n=amount, u=one), template.format(n=amount, u=other))
    del questions


def written_numbers(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Numbers in words, and ordinals."""
    del questions
    words = ["two", "three", "four", "five", "six", "seven", "ten", "twelve", "twenty", "fifty"]
    templates = ("can a family of {} share one plan", "who won the {} world cups in a row",
                 "is it fine to take {} tablets at once", "do {} nights include breakfast",
                 "how do i feed {} guests on a budget", "what is the rule for {} players")  # fmt: skip
    yield from swapped("written number", templates, words, 12, chance)
    ordinals = ["second", "third", "fourth", "fifth", "sixth", "seventh"]
    yield from swapped("written number", ("who was the {} president", "what is the {} step of the process",
                                           "which is the {} longest river"), ordinals, 14, chance)  # fmt: skip


def number_words(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Numbers in words, of real texts and compound ones."""
    words = re.compile(rf"\b({'|'.join(_WRITTEN)})\b")
    yield from in_texts("number words", questions, words, lambda found: another(_WRITTEN, found, chance))
    for one, other in _COMPOUND:
        for text in _COUNTED:
            yield said("number words", text.format(one), text.format(other), chance, phrases=THIRD)


def compound_units(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """The same number of another unit that is made of several."""
    del questions
    for one, other in _COMPOUND_UNITS:
        for text in _MEASURED:
            number = chance.randrange(2, 400)
            yield said(
                "compound units", text.format(n=number, u=one), text.format(n=number, u=other), chance, phrases=THIRD
            )


def currencies(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Other money."""
    del questions
    for one, other in _MONEY:
        for text in _PAID:
            number = chance.randrange(20, 900)
            yield said(
                "currencies", text.format(n=number, m=one), text.format(n=number, m=other), chance, phrases=THIRD
            )


def digits(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Two digits of a number exchanged, or one more."""
    made = 0
    for text in questions:
        match = _FIGURE.search(text)
        if not match or made >= _EACH:
            continue
        written = match.group()
        other = written[::-1] if written != written[::-1] and not written.endswith("0") else f"{written}0"
        made += 1
        yield Twin("digits", text, text[: match.start()] + other + text[match.end() :])
    del chance


def ordinals(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Which one of a row."""
    del questions
    for one, other in _PLACES:
        for text in _ORDERED:
            yield said("ordinals", text.format(x=one), text.format(x=other), chance, phrases=FIFTH)


def _other_number(written: str, chance: random.Random) -> str:
    while True:
        other = str(chance.randrange(2, 10 ** len(written)))
        if int(other) != int(written):
            return other
