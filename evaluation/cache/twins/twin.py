"""What a twin is, and how the generators of this package make one: of two sentences, or of a real text.

The phrases around a sentence are those of the set that a generator was written in: see `written`.
"""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

SECOND: Final = ("Hi, {}", "Could you tell me: {}", "Quick one - {}", "{} Thanks!", "{}")
THIRD: Final = (
    "{}",
    "{}",
    "Hello there, {}",
    "I was wondering, {}",
    "{} Many thanks in advance",
    "{} I could not find it anywhere",
)
FIFTH: Final = ("{}", "{}", "{}", "Good morning! {}", "{} I am in a hurry.", "Sorry to bother you, {}", "{} Cheers")
SIXTH: Final = ("{}", "{}", "{}", "Dear team, {}", "{} This is urgent.", "One more thing: {}", "{} Thx")
SEVENTH: Final = ("{}", "{}", "{}", "{}", "Hi team, {}", "{} Kind regards")
EIGHTH: Final = (
    "{}",
    "{}",
    "{}",
    "{}",
    "Good evening, {}",
    "{} Best wishes, Ann",
    "A short question. {}",
    "{} Looking forward to hearing from you",
)
_EACH: Final = 300


@dataclass(frozen=True, slots=True)
class Twin:
    """A question, and one that differs from it in a single thing that changes the answer: in its `kind`."""

    kind: str
    question: str
    twin: str


Generator = Callable[[Sequence[str], random.Random], Iterator[Twin]]
"""Takes real questions, which many have no need of; the same ones and the same chance give the same twins."""


def said(kind: str, one: str, other: str, chance: random.Random, *, phrases: Sequence[str]) -> Twin:
    """Each with a phrase around it, so that the two differ in more than the one thing."""
    return Twin(kind, chance.choice(phrases).format(one), chance.choice(phrases).format(other))


def swapped(  # noqa: PLR0917 - in the order in which they are read
    kind: str,
    templates: Sequence[str],
    values: Sequence[str],
    each: int,
    chance: random.Random,
    phrases: Sequence[str] = SECOND,
) -> Iterator[Twin]:
    """One of the values, and another, `each` times in each template."""
    for template in templates:
        for _ in range(each):
            one, other = chance.sample(values, 2)
            yield said(kind, template.format(one), template.format(other), chance, phrases=phrases)


def mined(kind: str, word: re.Pattern[str], questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """In real texts, what `word` matches first by what it matches in another of them."""
    found = sorted({each for text in questions for each in word.findall(text)})
    for text in chance.sample(list(questions), len(questions)):
        match = word.search(text)
        if match:
            other = chance.choice(found)
            if other not in text:
                yield Twin(kind, text, text[: match.start()] + other + text[match.end() :])


def another(names: Sequence[str], than: str, chance: random.Random) -> str:
    return chance.choice([name for name in names if name != than])


def in_texts(
    kind: str, questions: Sequence[str], pattern: re.Pattern[str], other: Callable[[str], str]
) -> Iterator[Twin]:
    """In as many real texts as there are, the first place that the pattern finds."""
    made = 0
    for text in questions:
        match = pattern.search(text)
        if match and made < _EACH:
            made += 1
            yield Twin(kind, text, text[: match.start()] + other(match.group()) + text[match.end() :])


def replaced(
    kind: str,
    questions: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    chance: random.Random,
    *,
    behind: str = "",
    ahead: str = "",
) -> Iterator[Twin]:
    """One word of a real text by its counterpart, as often for each pair of words as for the others."""
    for one, other in pairs:
        made = 0
        for text in chance.sample(list(questions), len(questions)):
            found = re.subn(rf"{behind}\b{one}\b{ahead}", other, text, count=1)
            if found[1] and made < _EACH // 8:
                made += 1
                yield Twin(kind, text, found[0])
