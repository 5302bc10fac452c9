# ruff: noqa: E501 - sentences in one piece
"""Adversarial twins by generators that the verifier was not tuned on: other sentences, other words, other ways to differ.

They were written once the verifier was done and it was not changed for them; what it lets through is in the report.
"""

import random
from collections.abc import Iterator, Sequence
from typing import Final

from evaluation.cache.twins import Generator, Twin

_POLITE: Final = ("Hi, {}", "Could you tell me: {}", "Quick one - {}", "{} Thanks!", "{}")


def _said(text: str, chance: random.Random) -> str:
    """With a phrase around it, so that two texts differ in more than the one thing."""
    return chance.choice(_POLITE).format(text)


def _swapped(
    kind: str, templates: Sequence[str], values: Sequence[str], each: int, chance: random.Random
) -> Iterator[Twin]:
    for template in templates:
        for _ in range(each):
            one, other = chance.sample(values, 2)
            yield Twin(kind, _said(template.format(one), chance), _said(template.format(other), chance))


def versions(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Another version or model of the same product."""
    del questions
    products = ["3.11", "3.12", "2.7", "3.9", "4.0", "5.1"]
    templates = ("Which features came with Python {}?", "Is release {} still supported?", "How do I upgrade to v{}?",
                 "Does the plugin work with version {}?", "Where are the notes of Django {}?")  # fmt: skip
    yield from _swapped("version", templates, products, 12, chance)
    phones = ["iPhone 13", "iPhone 14", "Galaxy S22", "Galaxy S23", "Pixel 7", "Pixel 8"]
    yield from _swapped("version", ("How long is the battery of the {} guaranteed?", "Is a case for the {} in stock?",
                                    "What does a new screen for the {} cost?"), phones, 14, chance)  # fmt: skip


def written_numbers(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Numbers in words, and ordinals."""
    del questions
    words = ["two", "three", "four", "five", "six", "seven", "ten", "twelve", "twenty", "fifty"]
    templates = ("can a family of {} share one plan", "who won the {} world cups in a row",
                 "is it fine to take {} tablets at once", "do {} nights include breakfast",
                 "how do i feed {} guests on a budget", "what is the rule for {} players")  # fmt: skip
    yield from _swapped("written number", templates, words, 12, chance)
    ordinals = ["second", "third", "fourth", "fifth", "sixth", "seventh"]
    yield from _swapped("written number", ("who was the {} president", "what is the {} step of the process",
                                           "which is the {} longest river"), ordinals, 14, chance)  # fmt: skip


def small_names(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Names without capital letters, as people type them."""
    del questions
    places = ["spain", "norway", "brazil", "kenya", "vietnam", "canada", "egypt", "poland", "chile", "nepal"]
    templates = ("do i need a visa for {}", "what vaccines are needed for {}", "what is the capital of {}",
                 "which plug is used in {}", "is it safe to drive in {}", "what do people eat in {}")  # fmt: skip
    yield from _swapped("small name", templates, places, 14, chance)
    medicines = ["ibuprofen", "aspirin", "insulin", "warfarin", "amoxicillin", "metformin", "paracetamol"]
    yield from _swapped("small name", ("can i drink alcohol with {}", "what are the side effects of {}",
                                       "how is {} stored", "may children take {}"), medicines, 14, chance)  # fmt: skip


def opposites(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """One word turned around."""
    del questions
    pairs = (
        ("lock", "unlock"), ("mute", "unmute"), ("follow", "unfollow"), ("pin", "unpin"), ("hide", "reveal"),
        ("archive", "restore"), ("join", "quit"), ("enlarge", "shrink"), ("tighten", "loosen"), ("hire", "dismiss"),
        ("lend", "borrow"), ("import", "export"), ("merge", "split"), ("fill", "drain"), ("praise", "criticise"),
        ("accelerate", "brake"), ("encrypt", "decrypt"), ("publish", "retract"), ("charge", "discharge"),
        ("strengthen", "weaken"),
    )  # fmt: skip
    things = ("a team channel", "the shared folder", "my neighbour's account", "the front tyre", "a monthly report")
    for one, other in pairs:
        for thing in things:
            template = chance.choice(("How do I {} {}?", "Is there a way to {} {}?", "Why can anyone {} {}?"))
            yield Twin(
                "opposite", _said(template.format(one, thing), chance), _said(template.format(other, thing), chance)
            )


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
                yield Twin("quantifier", _said(template.format(one), chance), _said(template.format(other), chance))


def ranges(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Before and after, over and under, and the two ends of a way, in other sentences than those tuned on."""
    del questions
    sides = (("before", "after"), ("above", "below"), ("over", "under"), ("inside", "outside"), ("with", "without"))
    templates = ("May I eat {} the operation?", "Is parking {} the bridge allowed?", "Do I pay tax on income {} the limit?",
                 "Can the dog travel {} a cage?", "What happens {} the trial?")  # fmt: skip
    for one, other in sides:
        for template in templates:
            for _ in range(3):
                yield Twin("range", _said(template.format(one), chance), _said(template.format(other), chance))
    ports = ["rotterdam", "hamburg", "antwerp", "genoa", "piraeus", "valencia"]
    for _ in range(60):
        a, b = chance.sample(ports, 2)
        text = "how many days does a container take from {} to {}"
        yield Twin("range", _said(text.format(a, b), chance), _said(text.format(b, a), chance))


def who_to_whom(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Roles exchanged, with common nouns."""
    del questions
    pairs = (("tenant", "landlord"), ("teacher", "pupil"), ("driver", "cyclist"), ("nurse", "surgeon"), ("bank", "shop"),
             ("seller", "courier"), ("captain", "pilot"), ("editor", "author"))  # fmt: skip
    templates = ("Can the {} sue the {}?", "Does the {} have to warn the {}?", "Why did the {} report the {}?",
                 "When must the {} pay the {}?", "Should the {} wait for the {}?")  # fmt: skip
    for one, other in pairs:
        for template in templates:
            yield Twin(
                "who to whom", _said(template.format(one, other), chance), _said(template.format(other, one), chance)
            )


def denied(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Denied with words other than `not`, in real questions."""
    for text in chance.sample(list(questions), min(len(questions), 1_200)):
        words = text.split()
        for at, word in enumerate(words):
            if word.lower() in {"can", "will", "should", "does", "do", "is", "are", "am"} and at + 1 < len(words):
                new = chance.choice(("never", "no longer", "not"))
                place = at + 2 if words[at + 1].lower() in {"i", "you", "it", "we", "they", "my", "the"} else at + 1
                yield Twin("denied", text, " ".join([*words[:place], new, *words[place:]]))
                break


UNSEEN: Final[tuple[Generator, ...]] = (
    versions, written_numbers, small_names, opposites, quantifiers, ranges, who_to_whom, denied,
)  # fmt: skip
