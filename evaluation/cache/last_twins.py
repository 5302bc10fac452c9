# ruff: noqa: SIM905, E501 - tables of words read best as lines of words
"""Adversarial twins by generators that were written last: the check was not changed after it was run on them."""

import random
import re
from collections.abc import Iterator, Sequence
from typing import Final

from evaluation.cache.twins import Generator, Twin

_EACH: Final = 300
_SPICES: Final = tuple("saffron cumin turmeric nutmeg fennel paprika sumac cardamom cloves anise".split())
_METALS: Final = tuple("nickel zinc cobalt tungsten lithium titanium copper chromium silver lead".split())
_TRADES: Final = tuple("roofer glazier welder tiler mason joiner plasterer locksmith upholsterer".split())
_HOURS: Final = re.compile(r"\b(1[0-2]|[1-9]) ?(am|pm|o'clock)\b")
_FIGURE: Final = re.compile(r"(?<![\d.])\b\d{2,4}\b")


def materials(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """One kind of thing in the place of another of its kind, written small."""
    del questions
    for names, templates in (
        (_SPICES, ("how long does {} keep", "what can i cook with {}", "is {} safe during pregnancy", "where does {} grow")),
        (_METALS, ("what is the melting point of {}", "is {} magnetic", "who mines the most {}", "how is {} recycled")),
        (_TRADES, ("what does a {} charge for an hour", "find me a {} who works on sundays", "how does one become a {}")),
    ):  # fmt: skip
        for template in templates:
            for _ in range(12):
                one, other = chance.sample(names, 2)
                yield Twin("materials", template.format(one), f"{template.format(other)} please")


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


def hours(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Another hour of the day."""
    for text in questions:
        match = _HOURS.search(text)
        if match:
            hour = chance.choice([each for each in range(1, 13) if each != int(match.group(1))])
            yield Twin("hours", text, text[: match.start()] + f"{hour} {match.group(2)}" + text[match.end() :])


def owners(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Whose it is: of two people who are both named."""
    del questions
    names = "Ottilie Bjarne Xiomara Fergus Anselm Yevgenia Tariq Saoirse".split()
    things = "desk invoice apprentice password lawyer garden ticket report".split()
    verbs = "borrow inspect copy insure photograph".split()
    for _ in range(200):
        (one, other), thing, verb = chance.sample(names, 2), chance.choice(things), chance.choice(verbs)
        text = "did {} {} the {} of {} without asking"
        yield Twin("owners", text.format(one, verb, thing, other), text.format(other, verb, thing, one))


LAST: Final[tuple[Generator, ...]] = (materials, digits, hours, owners)


def _plain(text: str) -> str:
    return text.rstrip("?.! ")


def politely(text: str, chance: random.Random) -> str:
    """With a phrase around it."""
    frame = chance.choice(("hi, {}", "{}, please", "could you tell me: {}", "{} thanks!", "quick question: {}"))
    return frame.format(_plain(text))


def contracted(text: str, chance: random.Random) -> str:
    """With short forms written out, or the other way round."""
    del chance
    for long, short in (
        ("do not", "don't"),
        ("cannot", "can't"),
        ("what is", "what's"),
        ("i am", "i'm"),
        ("is not", "isn't"),
    ):
        for one, other in ((long, short), (short, long)):
            if re.search(rf"\b{one}\b", text):
                return re.sub(rf"\b{one}\b", other, text, count=1)
    return text


def reworded(text: str, chance: random.Random) -> str:
    """With a word by one that means the same."""
    for one, other in (
        ("buy", "purchase"), ("begin", "start"), ("help", "assist"), ("need", "require"), ("get", "obtain"), ("big", "large"),
        ("fix", "repair"), ("show", "display"), ("quickly", "fast"), ("movie", "film"), ("tell me", "let me know"), ("how do i", "how can i"),
    ):  # fmt: skip
        if re.search(rf"\b{one}\b", text):
            return re.sub(rf"\b{one}\b", other, text, count=1)
    del chance
    return text


def turned(text: str, chance: random.Random) -> str:
    """With its condition behind in place of before."""
    del chance
    match = re.fullmatch(r"((?:if|when|because) [^,?.]+), ([^,?.]+)", _plain(text))
    return f"{match.group(2)} {match.group(1)}" if match else text


HARMLESS: Final = (politely, contracted, reworded, turned)
