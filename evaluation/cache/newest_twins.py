# ruff: noqa: E501 - tables of words read best as lines of words, and sentences in one piece
"""Adversarial twins by the newest generators: time, exceptions, reasons, owners, ordinals, members.

They were written and committed before the check was run on them for the first time; docs/semantic-cache.md states that
first figure.  The real texts are BANKING77's.
"""

import random
import re
from collections.abc import Iterator, Sequence
from typing import Final

from evaluation.cache.twins import Generator, Twin

_FRAMES: Final = ("{}", "{}", "{}", "Good morning! {}", "{} I am in a hurry.", "Sorry to bother you, {}", "{} Cheers")

_ACTIONS: Final = (
    ("send", "sent"), ("ship", "shipped"), ("pay", "paid"), ("cancel", "cancelled"), ("write", "written"), ("build", "built"),
    ("choose", "chosen"), ("repair", "repaired"), ("inspect", "inspected"), ("draw", "drawn"),
)  # fmt: skip
_OBJECTS: Final = (
    "the contract", "my replacement", "that invoice", "the spare keys", "our tickets", "a second copy", "the boiler",
    "the quarterly figures",
)  # fmt: skip
_TENSES: Final = (
    ("have you {done} {thing}?", "will you {do} {thing}?"),
    ("has somebody {done} {thing} by now", "will somebody {do} {thing} by now"),
    ("when are you going to {do} {thing}?", "when did you {do} {thing}?"),
    ("Who has {done} {thing}?", "Who will {do} {thing}?"),
    ("I have {done} {thing}, is that all right?", "I will {do} {thing}, is that all right?"),
    ("were you able to {do} {thing}?", "will you be able to {do} {thing}?"),
)

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

_WHOSE: Final = (("my", "his"), ("my", "their"), ("his", "her"), ("your", "their"), ("our", "her"), ("my", "your"))
_OWNED: Final = (
    "Who may see {o} medical records?", "where did the driver leave {o} parcel", "Is {o} passport still valid for a year?",
    "what happens to {o} shares after the merger", "Can the neighbours cut {o} hedge?", "how is {o} pension taxed abroad",
    "please forward {o} mail to the new address", "Has anyone found {o} umbrella?",
)  # fmt: skip

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


def tenses(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """What was done, and what will be."""
    del questions
    for one, other in _TENSES:
        for do, done in _ACTIONS:
            for thing in chance.sample(_OBJECTS, 4):
                yield _said("tenses", one.format(do=do, done=done, thing=thing), other.format(do=do, done=done, thing=thing), chance)  # fmt: skip


def exceptions(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """All without some, and all with them."""
    del questions
    for one, other in _LEFT_OUT:
        for text in _GROUPS:
            yield _said("exceptions", text.format(x=one), text.format(x=other), chance)


def reasons(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """What brought about what."""
    del questions
    for one, other in _LINKED:
        for a, b in _REASONS:
            yield _said("reasons", one.format(a=a, b=b), other.format(a=a, b=b), chance)


def possessives(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Whose it is, in sentences and in real texts."""
    for one, other in _WHOSE:
        for text in _OWNED:
            yield _said("possessives", text.format(o=one), text.format(o=other), chance)
    for text in chance.sample(list(questions), len(questions)):
        # His own thing in the place of mine: only where nothing else in the text says whose it is.
        if len(re.findall(r"\b(?:i|me|my|we|our|us)\b", text, re.IGNORECASE)) == 1 and " my " in text:
            yield Twin("possessives", text, text.replace(" my ", chance.choice((" his ", " her ", " their ")), 1))


def ordinals(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Which one of a row."""
    del questions
    for one, other in _PLACES:
        for text in _ORDERED:
            yield _said("ordinals", text.format(x=one), text.format(x=other), chance)


def members(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """One of them, and all."""
    del questions
    for one, other in _SHARES:
        for text in _MEMBERS:
            yield _said("members", text.format(x=one), text.format(x=other), chance)


def rivals(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """One beside another, and the other beside it."""
    del questions
    for text in _RIVALLED:
        for one, other in _RIVALS:
            yield _said("rivals", text.format(a=one, b=other), text.format(a=other, b=one), chance)


def parts(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """A thing and what it is a part of, exchanged."""
    del questions
    for text in _PARTED:
        for one, other in _PARTS:
            yield _said("parts", text.format(a=one, b=other), text.format(a=other, b=one), chance)


NEWEST: Final[tuple[Generator, ...]] = (tenses, exceptions, reasons, possessives, ordinals, members, rivals, parts)  # fmt: skip


def _said(kind: str, one: str, other: str, chance: random.Random) -> Twin:
    return Twin(kind, chance.choice(_FRAMES).format(one), chance.choice(_FRAMES).format(other))
