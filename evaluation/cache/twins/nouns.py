# ruff: noqa: SIM905, E501 - tables of words read best as lines of words, and sentences in one piece
"""Twins with another plain noun: of another thing, product, room, part of the body, trade or part of a program."""

import random
import re
from collections.abc import Iterator, Sequence
from typing import Final

from evaluation.cache.twins.twin import SEVENTH, Twin, mined, said, swapped

_THINGS: Final = (
    "river bridge castle lighthouse volcano glacier canal cathedral harbour waterfall".split(),
    "What is the height of the {} in Norway?", "who named the {} near Bergen", "How old is the {} on the banknote?",
    "Why is the {} so famous among painters?", "tell me the story of the {} in chapter two",
)  # fmt: skip
_PRODUCTS: Final = (
    "kettle toaster blender drill mattress stroller tent bicycle lamp vacuum".split(),
    "Where can I return the {} I bought last week?", "my {} arrived damaged, can I have my money back",
    "How long is the warranty on the {}?", "Is the {} available in green?", "when will the {} be back in stock",
)  # fmt: skip
_ROOMS: Final = (
    "kitchen bathroom attic garage cellar balcony hallway bedroom nursery pantry".split(),
    "How do I get rid of the smell in the {}?", "which paint is best for the {}", "Is it allowed to sleep in the {} of a rented flat?",
    "What does it cost to put new tiles in the {}?", "why is it so cold in our {}",
)  # fmt: skip
_BODIES: Final = (
    "knee elbow shoulder throat ankle stomach wrist ear neck tooth".split(),
    "What helps against pain in the {}?", "my {} has been swollen since yesterday, should I see a doctor",
    "How long does an operation on the {} take?", "Which doctor treats the {}?",
)  # fmt: skip
_TRADES: Final = (
    "plumber dentist lawyer butcher pilot baker translator tailor architect nurse".split(),
    "How much does a {} earn in Belgium?", "what do I have to study to become a {}", "Can a {} deduct tools from the tax?",
    "How do I complain about a {}?", "find me a {} nearby who works on holidays",
)  # fmt: skip
_CODE: Final = (
    "table header index cursor trigger column queue callback cookie thread".split(),
    "How do I rename a {} with the client library?", "What happens to the {} when the connection is lost?",
    "where is the documentation of the {} object", "What is the largest size of a {}?", "why does my {} keep its old value after a restart",
)  # fmt: skip
_MEASURED: Final = "height length age price weight name colour history".split()
_TWO: Final = (
    "What is the {} of the {} in Norway?", "do you know the {} of the {} next to the station", "How can I find out the {} of a {}?",
    "Where is the {} of the {} written down?",
)  # fmt: skip
_EACH: Final = 12
_NOUN: Final = re.compile(
    r"(?:(?<=\bthe )|(?<=\bmy ))[a-z]{3,}(?= (?:in|of|on|for|to|at|from|with|is|was|and|by)\b|[?.]?$)"
)


def things(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Sights, in open questions."""
    del questions
    yield from swapped("things", _THINGS[1:], _THINGS[0], _EACH, chance, SEVENTH)


def wares(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """What a shop sells, in questions to it."""
    del questions
    yield from swapped("wares", _PRODUCTS[1:], _PRODUCTS[0], _EACH, chance, SEVENTH)


def rooms(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Places in the house."""
    del questions
    yield from swapped("rooms", _ROOMS[1:], _ROOMS[0], _EACH, chance, SEVENTH)


def bodies(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Parts of the body."""
    del questions
    yield from swapped("bodies", _BODIES[1:], _BODIES[0], _EACH, chance, SEVENTH)


def trades(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """What somebody works as."""
    del questions
    yield from swapped("trades", _TRADES[1:], _TRADES[0], _EACH, chance, SEVENTH)


def code(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """What a program is made of, in questions to a documentation."""
    del questions
    yield from swapped("code", _CODE[1:], _CODE[0], _EACH, chance, SEVENTH)


def two_nouns(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Another thing, and another that is asked of it."""
    del questions
    for text in _TWO:
        for _ in range(_EACH):
            (one, other), (a, b) = chance.sample(_MEASURED, 2), chance.sample(_THINGS[0], 2)
            yield said("two nouns", text.format(one, a), text.format(other, b), chance, phrases=SEVENTH)


def mined_nouns(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """In real texts, by another one of theirs."""
    yield from mined("mined nouns", _NOUN, questions, chance)
