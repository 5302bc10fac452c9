# ruff: noqa: SIM905, E501 - tables of words read best as lines of words, and sentences in one piece
"""Twins of which one denies what the other says, and those that differ in what it is that is denied."""

import random
import re
from collections.abc import Iterator, Sequence
from typing import Final

from evaluation.cache.twins.twin import THIRD, Twin, said

_NEGATE: Final = (
    (r"\bcan I\b", "can't I"), (r"\bcan i\b", "can't i"), (r"\bis\b", "is not"), (r"\bare\b", "are not"),
    (r"\bdo I\b", "don't I"), (r"\bdoes\b", "does not"), (r"\bwas\b", "was not"), (r"\bwill\b", "will not"),
    (r"\bhave\b", "have not"), (r"\bshould\b", "should not"), (r"\bwith\b", "without"), (r"\bcan\b", "cannot"),
)  # fmt: skip
_SCOPE: Final = (
    ("Are not all {n} included?", "Are all {n} not included?"), ("Not every {n} is checked, right?", "No {n} is checked, right?"),
    ("why did not all of the {n} arrive", "why did all of the {n} not arrive"), ("Which {n} do not only work offline?", "Which {n} only do not work offline?"),
    ("Is it true that the {n} don't always fail?", "Is it true that the {n} always don't fail?"),
    ("Did the auditor not say that the {n} count?", "Did the auditor say that the {n} do not count?"),
    ("are you sure not to need the {n}", "are you not sure to need the {n}"),
    ("Can I avoid not paying for the {n}?", "Can I avoid paying for the {n}?"),
)  # fmt: skip
_PLURALS: Final = tuple("cables pallets vouchers samples badges permits sensors receipts parcels exhibits".split())


def negations(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """The same question denied."""
    for text in questions:
        found = [(pattern, with_not) for pattern, with_not in _NEGATE if re.search(pattern, text)]
        if found and not re.search(r"n't|\bnot?\b|never|without", text):
            pattern, with_not = chance.choice(found)
            yield Twin("negation", text, re.sub(pattern, with_not, text, count=1))


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


def scope_of_negation(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Not all, and all not."""
    del questions
    for one, other in _SCOPE:
        for noun in _PLURALS:
            yield said("scope of negation", one.format(n=noun), other.format(n=noun), chance, phrases=THIRD)
