# ruff: noqa: SIM905, E501 - tables of words read best as lines of words, and sentences in one piece
"""Twins that differ in who does it to whom, from where to where, and whose it is."""

import random
import re
from collections.abc import Iterator, Sequence
from typing import Final

from evaluation.cache.twins.fillings import DIRECTED, ROLES, drawn
from evaluation.cache.twins.twin import FIFTH, SECOND, THIRD, Twin, said

_SMALL: Final = frozenset("a b my the one his her your another me you it".split())
_PASSIVE: Final = (
    "Was the {a} sued by the {b}?", "why was the {a} dismissed by the {b}", "Had the {a} been warned by the {b} before?",
    "Is the {a} paid by the {b} or by somebody else?", "When is the {a} replaced by the {b}?", "can a {a} be reported by a {b}",
    "The {a} was followed by the {b}, is that allowed?",
)  # fmt: skip
_NOUNS: Final = tuple(
    "plumber senator dentist auditor trustee goalkeeper violinist beekeeper chemist janitor notary referee broker minister "
    "gardener translator warden nanny sailor architect".split()
)
_WHOSE: Final = (("my", "his"), ("my", "their"), ("his", "her"), ("your", "their"), ("our", "her"), ("my", "your"))
_OWNED: Final = (
    "Who may see {o} medical records?", "where did the driver leave {o} parcel", "Is {o} passport still valid for a year?",
    "what happens to {o} shares after the merger", "Can the neighbours cut {o} hedge?", "how is {o} pension taxed abroad",
    "please forward {o} mail to the new address", "Has anyone found {o} umbrella?",
)  # fmt: skip
_RIVALS: Final = (
    ("a heat pump", "a gas boiler"), ("the tram", "the metro"), ("oak", "walnut"), ("the old tariff", "the new tariff"), ("a lease", "a loan"),
    ("goat milk", "oat milk"), ("the blue pass", "the green pass"), ("a surgeon", "a dentist"),
)  # fmt: skip
_RIVALLED: Final = (
    "is {a} cheaper in the long run than {b}", "Why does {a} cost more than {b}?", "Should I swap {a} for {b}?", "Does {a} replace {b} by law?",
    "can {a} be turned into {b} later", "how much does one lose going from {a} to {b}", "Would you rather give up {a} than {b}?",
)  # fmt: skip
_PARTS: Final = (
    ("lid", "box"), ("handle", "door"), ("chapter", "book"), ("wheel", "cart"), ("roof", "tower"), ("engine", "boat"), ("sleeve", "coat"),
)  # fmt: skip
_PARTED: Final = (
    "how heavy is the {a} without the {b}", "Can I order the {a} but not the {b}?", "Did the {a} scratch the {b}?",
    "can the {a} be painted before the {b}",
)  # fmt: skip


def directions(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """From A to B, and from B to A."""
    for template in DIRECTED:
        for _ in range(14):
            values = drawn(chance)
            pairs = (("a", "b"), ("c", "e"), ("l", "k"), ("x", "y"), ("s", "t"), ("p", "q"))
            one, other = next(pair for pair in pairs if f"{{{pair[0]}}}" in template)
            swapped = {**values, one: values[other], other: values[one]}
            yield Twin("direction", template.format(**values), template.format(**swapped))
    for text in questions:
        match = re.search(r"\bfrom (\w+) to (\w+)\b", text)
        if match and _SMALL.isdisjoint(match.groups()):
            swapped_text = f"from {match.group(2)} to {match.group(1)}"
            yield Twin("direction", text, text[: match.start()] + swapped_text + text[match.end() :])


def roles(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Who does it to whom, exchanged."""
    for template in ROLES:
        for _ in range(14):
            values = drawn(chance)
            one, other = next(pair for pair in (("p", "q"), ("f", "g"), ("c", "e")) if f"{{{pair[0]}}}" in template)
            swapped = {**values, one: values[other], other: values[one]}
            yield Twin("roles", template.format(**values), template.format(**swapped))
    del questions


def who_to_whom(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Roles exchanged, with common nouns."""
    del questions
    pairs = (("tenant", "landlord"), ("teacher", "pupil"), ("driver", "cyclist"), ("nurse", "surgeon"), ("bank", "shop"),
             ("seller", "courier"), ("captain", "pilot"), ("editor", "author"))  # fmt: skip
    templates = ("Can the {} sue the {}?", "Does the {} have to warn the {}?", "Why did the {} report the {}?",
                 "When must the {} pay the {}?", "Should the {} wait for the {}?")  # fmt: skip
    for one, other in pairs:
        for template in templates:
            yield said("who to whom", template.format(one, other), template.format(other, one), chance, phrases=SECOND)


def passive_roles(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Who it is done to, and by whom."""
    del questions
    for text in _PASSIVE:
        for _ in range(25):
            one, other = chance.sample(_NOUNS, 2)
            yield said("passive roles", text.format(a=one, b=other), text.format(a=other, b=one), chance, phrases=THIRD)


def who_whom(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Who did it, and to whom it was done."""
    del questions
    verbs = (
        ("call", "called"),
        ("invite", "invited"),
        ("beat", "beat"),
        ("vote out", "voted out"),
        ("pay", "paid"),
        ("hire", "hired"),
    )
    for plain, past in verbs:
        for noun in _NOUNS:
            tail = chance.choice(("", " last week", " in the end", " at the fair"))
            yield said(
                "who whom", f"who did the {noun} {plain}{tail}?", f"who {past} the {noun}{tail}?", chance, phrases=THIRD
            )


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


def possessives(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Whose it is, in sentences and in real texts."""
    for one, other in _WHOSE:
        for text in _OWNED:
            yield said("possessives", text.format(o=one), text.format(o=other), chance, phrases=FIFTH)
    for text in chance.sample(list(questions), len(questions)):
        # His own thing in the place of mine: only where nothing else in the text says whose it is.
        if len(re.findall(r"\b(?:i|me|my|we|our|us)\b", text, re.IGNORECASE)) == 1 and " my " in text:
            yield Twin("possessives", text, text.replace(" my ", chance.choice((" his ", " her ", " their ")), 1))


def rivals(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """One beside another, and the other beside it."""
    del questions
    for text in _RIVALLED:
        for one, other in _RIVALS:
            yield said("rivals", text.format(a=one, b=other), text.format(a=other, b=one), chance, phrases=FIFTH)


def parts(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """A thing and what it is a part of, exchanged."""
    del questions
    for text in _PARTED:
        for one, other in _PARTS:
            yield said("parts", text.format(a=one, b=other), text.format(a=other, b=one), chance, phrases=FIFTH)
