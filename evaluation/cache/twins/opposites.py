# ruff: noqa: E501 - tables of words read best as lines of words, and sentences in one piece
"""Twins with a word turned around: a verb, what one may or must, how sure it is, which of two is meant."""

import random
import re
from collections.abc import Iterator, Sequence
from typing import Final

from evaluation.cache.twins.twin import SECOND, SIXTH, Twin, replaced, said

_MODES: Final = (
    ("must", "may"), ("should", "cannot"), ("can", "must"), ("could", "should"), ("will", "did"), ("did", "will"), ("may", "has to"),
)  # fmt: skip
_SURE: Final = (
    ("is known to", "is said not to"), ("tends to", "refuses to"), ("has to", "wants to"), ("is allowed to", "is forced to"),
    ("is about to", "has ceased to"), ("plans to", "forgot to"), ("managed to", "failed to"),
)  # fmt: skip
_SOMEBODY: Final = (
    "What if the landlord {x} raise the rent?", "is it true that the committee {x} meet in May", "who says that this mushroom {x} glow",
    "Tell me why the airline {x} fly to Split", "our supplier {x} change the recipe, what now",
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
_EACH: Final = 40
_WHICH: Final = (
    (" another ", " the same "), (" here ", " elsewhere "), (" early ", " late "), (" own ", " rented "), (" more ", " less "),
    (" new ", " used "), (" first ", " last "),
)  # fmt: skip


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
            yield said("opposite", template.format(one, thing), template.format(other, thing), chance, phrases=SECOND)


def modality(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """What one must, may, did and will, in real texts.

    Not right behind `how`, `what` or `where`: `how can I` and `how must I` ask for the same.
    """
    yield from replaced(
        "modality", questions, _MODES, chance, behind=r"(?<!how )(?<!what )(?<!where )", ahead=r"(?!'| \d)"
    )


def certainties(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """How sure it is, and whether it is wished or done."""
    del questions
    for one, other in _SURE:
        for text in _SOMEBODY:
            yield said("certainties", text.format(x=one), text.format(x=other), chance, phrases=SIXTH)


def phases(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Whether it begins or ends."""
    del questions
    for one, other in _ENDS:
        for doing in _DOINGS:
            for text in _ASKED:
                yield said("phases", text.format(x=one, d=doing), text.format(x=other, d=doing), chance, phrases=SIXTH)


def which(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Which of two, in real texts."""
    for one, other in _WHICH:
        made = 0
        for text in chance.sample(list(questions), len(questions)):
            found = re.subn(one, other, text, count=1)
            if found[1] and made < _EACH:
                made += 1
                yield Twin("which", text, found[0])
