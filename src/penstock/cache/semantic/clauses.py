"""How the parts of a text hang together: what a `not` denies, what may and what must be, and what depends on what.

A part of `reading`, which calls it.
"""

from collections.abc import Sequence
from typing import Final

from penstock.cache.semantic.word import Word
from penstock.cache.semantic.words import (
    FOCUSED,
    FUTURE,
    NEGATIONS,
    OBLIGING,
    OPEN_TO_MODES,
    PAST,
    PERMITTING,
    SUBORDINATING,
)

_BREAKS: Final = frozenset(",.!?;:\n")


def focus(lower: Sequence[str]) -> frozenset[str]:
    """What the negations stand right before: a word of quantity, or `to`."""
    found: set[str] = set()
    for at, token in enumerate(lower):
        if token not in NEGATIONS and not token.endswith("n't"):
            continue
        following = lower[at + 1] if at + 1 < len(lower) else ""
        if following in FOCUSED or following == "to":
            found.add(following)
    return frozenset(found)


def modes(lower: Sequence[str]) -> tuple[str, ...]:
    """Each `must`, `may`, `will` and `was`; what the one who is asked may do is only asked of him: `you`.

    Right behind `how`, `what` or `where` what one may and what one must is the same: neither is there.
    """
    found: list[str] = []
    for at, token in enumerate(lower):
        before = lower[at - 1] if at else ""
        following = lower[at + 1] if at + 1 < len(lower) else ""
        if following.startswith("wonder") and token in PAST:
            continue
        plain = token.removesuffix("'t").removesuffix("n") if token.endswith("n't") else token
        if before in OPEN_TO_MODES and (token in OBLIGING or plain in PERMITTING):
            continue
        if token in OBLIGING or (token in {"have", "has"} and following == "to"):
            found.append("must")
        elif token in PERMITTING or plain in PERMITTING:
            found.append("you" if following == "you" else "may")
        elif token in FUTURE or token.endswith("'ll") or f"{token} {following}" == "going to":
            found.append("you" if at == 0 and following == "you" else "will")
        elif token in PAST or (token in {"have", "has"} and following == "you"):
            found.append("you did" if following == "you" else "was")
        elif token in {"have", "has"}:
            found.append("was" if following.endswith("ed") or following == "been" else "has")
    return tuple(sorted(found))


def dependent(words: Sequence[Word], text: str) -> frozenset[str]:
    """The words of the first dependent clause: up to a comma, or where it stands last, to the end."""
    for at, word in enumerate(words):
        if word.stem not in SUBORDINATING or at + 1 == len(words):
            continue
        inside: list[Word] = []
        for each in words[at + 1 :]:
            if inside and not _BREAKS.isdisjoint(text[inside[-1].end : each.begin]):
                break
            inside.append(each)
        leads = at <= 1 and at + 1 + len(inside) == len(words)
        stems = frozenset(each.stem for each in inside)
        if not leads and stems:
            return stems
    return frozenset()
