# ruff: noqa: E501 - tables of words read best as lines of words, and sentences in one piece
"""Twins that differ in how many of them are meant: all, some or none, more or less, with or without some."""

import random
from collections.abc import Iterator, Sequence
from typing import Final

from evaluation.cache.twins.twin import FIFTH, SECOND, THIRD, Twin, replaced, said

_COMPARED: Final = (
    ("more than", "less than"), ("at least", "at most"), ("no fewer than", "no more than"), ("up to", "from"),
    ("a minimum of", "a maximum of"), ("exactly", "about half of"),
)  # fmt: skip
_AMOUNTS: Final = (
    "Do I get a discount for {c} {n} items?", "is a deposit due for stays of {c} {n} nights", "Which plans allow {c} {n} users?",
    "What if {c} {n} students sign up?", "who has to approve orders of {c} {n} units",
)  # fmt: skip
_DEGREES: Final = (
    ("more expensive", "less expensive"), ("more reliable", "less reliable"), ("stricter", "more lenient"), ("the most popular", "the least popular"),
    ("better paid", "worse paid"), ("the second best", "the best"), ("quieter", "louder"),
)  # fmt: skip
_THINGS: Final = (
    "Which of the offices is {d} this year?", "why are the trains here {d} in winter", "Is the new contract {d} than the old one?",
    "find me a hotel that is {d}, near the lake",
)  # fmt: skip
_EQUALS: Final = (("as heavy as", "heavier than"), ("as old as", "older than"))
_MEASURED_BY: Final = (
    "Is the new model {d} the last one?",
    "was the left box {d} the right one after all",
    "find me a bike that is {d} mine",
)
_REPLACED: Final = (
    ("all", "some"), ("every", "no"), ("each", "one"), ("always", "sometimes"), ("any", "all"), ("many", "few"), ("both", "neither"),
    ("most", "hardly any"), ("usually", "rarely"), ("only", "not only"),
)  # fmt: skip
_SHARES: Final = (
    ("one of", "all of"),
    ("none of", "some of"),
    ("any of", "none of"),
    ("each of", "half of"),
    ("most of", "one of"),
    ("all of", "a few of"),
)
_MEMBERS: Final = (
    "Can {x} the keepers open the cage?", "why did {x} the lamps flicker", "Do {x} your rooms face the sea?", "Please delete {x} these drafts",
    "have {x} the jurors been told", "What if {x} my seeds do not sprout?", "is it normal that {x} the eggs float",
    "Did {x} the pilots speak Danish?", "when may {x} the ponds be fished", "Are {x} those bridges open to lorries?",
    "must {x} the heirs agree to a sale", "Would {x} his statues fit in the lift?",
)  # fmt: skip
_LEFT_OUT: Final = (
    ("except", "including"), ("excluding", "including"), ("other than", "such as"), ("apart from", "in particular"),
    ("but not", "and also"), ("without counting", "counting"),
)  # fmt: skip
_GROUPS: Final = (
    "Is the entrance free for everybody {x} students?", "are all courses graded {x} music",
    "Does the warranty cover every part {x} the battery?", "which vaccines are paid for {x} rabies",
    "Show me all flights {x} those with a stop", "Are the animals fed every day {x} Sunday?",
    "what does the price contain {x} taxes", "Can guests use all rooms {x} the library?",
    "Do all shops close at noon {x} bakeries?", "who pays for all repairs {x} windows", "Are all languages taught here {x} Latin?",
    "name all planets with moons {x} the gas giants",
)  # fmt: skip


def quantifiers(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """All and none, at least and at most, only and also."""
    del questions
    pairs = (("all of", "none of"), ("at least half of", "at most half of"), ("only some of", "all of"),
             ("every one of", "one of"), ("most of", "few of"))  # fmt: skip
    templates = ("Do {} the tickets include a seat?", "Are {} my devices covered by the plan?",
                 "Which shops give {} the money back?", "Must {} the owners sign the contract?")  # fmt: skip
    for one, other in pairs:
        for template in templates:
            for _ in range(4):
                yield said("quantifier", template.format(one), template.format(other), chance, phrases=SECOND)


def comparatives(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """More and less, of numbers and of qualities."""
    del questions
    for one, other in _COMPARED:
        for text in _AMOUNTS:
            for _ in range(3):
                number = chance.randrange(3, 80)
                yield said(
                    "comparatives", text.format(c=one, n=number), text.format(c=other, n=number), chance, phrases=THIRD
                )
    for one, other in _DEGREES:
        for text in _THINGS:
            yield said("comparatives", text.format(d=one), text.format(d=other), chance, phrases=THIRD)
    for one, other in _EQUALS:
        for text in _MEASURED_BY:
            yield said("comparatives", text.format(d=one), text.format(d=other), chance, phrases=THIRD)


def quantity(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """All and some, always and sometimes, in real texts."""
    yield from replaced("quantity", questions, _REPLACED, chance)


def exceptions(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """All without some, and all with them."""
    del questions
    for one, other in _LEFT_OUT:
        for text in _GROUPS:
            yield said("exceptions", text.format(x=one), text.format(x=other), chance, phrases=FIFTH)


def members(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """One of them, and all."""
    del questions
    for one, other in _SHARES:
        for text in _MEMBERS:
            yield said("members", text.format(x=one), text.format(x=other), chance, phrases=FIFTH)
