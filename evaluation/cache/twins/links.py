# ruff: noqa: E501 - tables of words read best as lines of words, and sentences in one piece
"""Twins that differ in how two things hang together: before or after, because or although, for or against."""

import random
import re
from collections.abc import Iterator, Sequence
from typing import Final

from evaluation.cache.twins.twin import FIFTH, SECOND, SIXTH, THIRD, Twin, replaced, said

_CAUSES: Final = (
    ("the alarm rang", "the door was opened"), ("the price fell", "customers left"), ("she resigned", "the merger failed"),
    ("the server restarted", "the update was installed"), ("he was fined", "he refused to pay"), ("the river rose", "the bridge was shut"),
    ("the patient slept", "the fever dropped"), ("taxes were raised", "the shops closed"),
)  # fmt: skip
_JOINED: Final = (
    ("Is it right that {a} because {b}?", False), ("did it happen that {a} only if {b}", False), ("I heard that {a} so that {b}. True?", False),
    ("Could it be that {a} before {b}?", False), ("Suppose {a} unless {b}. What follows?", False),
    ("What if {a} even though {b}?", False), ("What follows from this: if {a}, then {b}?", False),
)  # fmt: skip
_SUBJECT: Final = r"(?:the|a|an|this|that|these|my|your|his|her|our|their|i|you|he|she|it|we|they) (?!mean\b)"
_HALVES: Final = re.compile(
    rf"(?:^|(?<=[.?!] ))(if|because|when|whenever|unless|although) ({_SUBJECT}[^,.?!:_{{}}]+?) ?, ({_SUBJECT}[^,.?!:_{{}}]+?)(?= ?[.?!]|$)",
    re.IGNORECASE,
)
"""A sentence of two statements, each with its subject first: turned around it is still a sentence."""
_SIDES: Final = (
    ("before", "after"), ("until", "since"), ("above", "below"), ("during", "after"), ("within", "outside"), ("toward", "away from"),
    ("inside", "outside"), ("without", "with"), ("under", "over"),
)  # fmt: skip
_REASONS: Final = (
    ("the engine overheated", "the fan stopped"), ("the court adjourned", "the witness fainted"), ("the river flooded", "the dam broke"),
    ("the band split up", "the singer drank"), ("the roof leaked", "the tiles cracked"), ("the vote was repeated", "the minister stepped down"),
    ("the herd moved north", "the grass dried out"), ("the website crashed", "the newspaper reported on it"),
)  # fmt: skip
_LINKED: Final = (
    ("Did {a} because {b}?", "Did {b} because {a}?"), ("is it known whether {a} because {b}", "is it known whether {a} so {b}"),
    ("It is said that {a}, therefore {b}. Correct?", "It is said that {b}, therefore {a}. Correct?"),
    ("Was it that {a} until {b}?", "Was it that {a} because {b}?"), ("Please confirm: {a} after {b}", "Please confirm: {b} after {a}"),
    ("does the report say {a} although {b}", "does the report say {a} because {b}"),
)  # fmt: skip
_FOR_WHOM: Final = (
    ("for my daughter", "by my daughter"), ("on behalf of the owner", "against the owner"), ("to the heirs", "from the heirs"),
    ("with the guide", "without the guide"), ("in front of the hotel", "behind the hotel"), ("at my own cost", "at your cost"),
    ("for free", "for a fee"), ("before the deadline", "past the deadline"), ("instead of the manager", "together with the manager"),
    ("in person", "by proxy"), ("through the tunnel", "around the tunnel"), ("in favour of the plan", "in spite of the plan"),
)  # fmt: skip
_DEALT: Final = (
    "Can the application be signed {x}?", "how do I hand in the painting {x}", "what are the rules for parking {x}", "Was the letter sent {x}?",
    "may one travel {x}",
)  # fmt: skip


def ranges(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Before and after, over and under, and the two ends of a way, in other sentences than those tuned on."""
    del questions
    sides = (("before", "after"), ("above", "below"), ("over", "under"), ("inside", "outside"), ("with", "without"))
    templates = ("May I eat {} the operation?", "Is parking {} the bridge allowed?", "Do I pay tax on income {} the limit?",
                 "Can the dog travel {} a cage?", "What happens {} the trial?")  # fmt: skip
    for one, other in sides:
        for template in templates:
            for _ in range(3):
                yield said("range", template.format(one), template.format(other), chance, phrases=SECOND)
    ports = ["rotterdam", "hamburg", "antwerp", "genoa", "piraeus", "valencia"]
    for _ in range(60):
        a, b = chance.sample(ports, 2)
        text = "how many days does a container take from {} to {}"
        yield said("range", text.format(a, b), text.format(b, a), chance, phrases=SECOND)


def sides(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Before and after, within and outside, in real texts."""
    yield from replaced("sides", questions, _SIDES, chance)


def conditions(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """What depends on what, turned around."""
    for text in chance.sample(list(questions), len(questions)):
        match = _HALVES.search(text)
        if match and 3 <= len(match.group(2).split()) <= 12 and 3 <= len(match.group(3).split()) <= 12:
            turned = f"{match.group(1)} {match.group(3)}, {match.group(2)}"
            yield Twin("conditions", text, text[: match.start()] + turned + text[match.end() :])
    for text, _ in _JOINED:
        for one, other in _CAUSES:
            yield said("conditions", text.format(a=one, b=other), text.format(a=other, b=one), chance, phrases=THIRD)


def reasons(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """What brought about what."""
    del questions
    for one, other in _LINKED:
        for a, b in _REASONS:
            yield said("reasons", one.format(a=a, b=b), other.format(a=a, b=b), chance, phrases=FIFTH)


def relations(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """For whom, with whom and where."""
    del questions
    for one, other in _FOR_WHOM:
        for text in _DEALT:
            yield said("relations", text.format(x=one), text.format(x=other), chance, phrases=SIXTH)
