# ruff: noqa: E501 - sentences in one piece
"""Adversarial twins by generators that nothing was mended for: the check is as it was when they were first run.

Who does it for whom, which of two is meant, how often, how sure, what is only wished, and what was stopped.
"""

import random
import re
from collections.abc import Iterator, Sequence
from typing import Final

from evaluation.cache.twins import Generator, Twin

_EACH: Final = 40
_AROUND: Final = ("{}", "{}", "{}", "Dear team, {}", "{} This is urgent.", "One more thing: {}", "{} Thx")

_OFTEN: Final = (
    ("daily", "weekly"), ("every hour", "every other hour"), ("once a month", "twice a month"), ("always", "never"), ("often", "seldom"),
    ("all year round", "in summer only"), ("from time to time", "all the time"),
)  # fmt: skip
_DONE_OFTEN: Final = (
    "Is the pool cleaned {x}?", "what does it cost to have the paper delivered {x}", "does the ferry to the island run {x}",
    "Should orchids be watered {x}?", "My heart skips a beat {x}: is that bad?", "why do the bells ring {x}",
)  # fmt: skip

_SURE: Final = (
    ("is known to", "is said not to"), ("tends to", "refuses to"), ("has to", "wants to"), ("is allowed to", "is forced to"),
    ("is about to", "has ceased to"), ("plans to", "forgot to"), ("managed to", "failed to"),
)  # fmt: skip
_SOMEBODY: Final = (
    "What if the landlord {x} raise the rent?", "is it true that the committee {x} meet in May", "who says that this mushroom {x} glow",
    "Tell me why the airline {x} fly to Split", "our supplier {x} change the recipe, what now",
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

_ENDS: Final = (
    ("begin", "stop"), ("keep", "quit"), ("start", "avoid"), ("allow", "prevent"), ("speed up", "delay"), ("recommend", "advise against"), ("admit to", "deny"),
)  # fmt: skip
_DOINGS: Final = (
    "smoking",
    "breeding rabbits",
    "billing for water",
    "burning wood",
    "mowing the meadow",
    "filming the rehearsals",
)
_ASKED: Final = ("When did they {x} {d}?", "is there a good reason to {x} {d}", "Who can make the council {x} {d}?")

_WHICH: Final = (
    (" another ", " the same "), (" here ", " elsewhere "), (" early ", " late "), (" own ", " rented "), (" more ", " less "),
    (" new ", " used "), (" first ", " last "),
)  # fmt: skip


def frequencies(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """How often."""
    del questions
    for one, other in _OFTEN:
        for text in _DONE_OFTEN:
            yield _said("frequencies", text.format(x=one), text.format(x=other), chance)


def certainties(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """How sure it is, and whether it is wished or done."""
    del questions
    for one, other in _SURE:
        for text in _SOMEBODY:
            yield _said("certainties", text.format(x=one), text.format(x=other), chance)


def relations(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """For whom, with whom and where."""
    del questions
    for one, other in _FOR_WHOM:
        for text in _DEALT:
            yield _said("relations", text.format(x=one), text.format(x=other), chance)


def phases(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Whether it begins or ends."""
    del questions
    for one, other in _ENDS:
        for doing in _DOINGS:
            for text in _ASKED:
                yield _said("phases", text.format(x=one, d=doing), text.format(x=other, d=doing), chance)


def which(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Which of two, in real texts."""
    for one, other in _WHICH:
        made = 0
        for text in chance.sample(list(questions), len(questions)):
            found = re.subn(one, other, text, count=1)
            if found[1] and made < _EACH:
                made += 1
                yield Twin("which", text, found[0])


CLOSING: Final[tuple[Generator, ...]] = (frequencies, certainties, relations, phases, which)


def _said(kind: str, one: str, other: str, chance: random.Random) -> Twin:
    return Twin(kind, chance.choice(_AROUND).format(one), chance.choice(_AROUND).format(other))
