# ruff: noqa: E501 - tables of words read best as lines of words, and sentences in one piece
"""Changes that leave a question's meaning, against a check that tells everything apart."""

import random
import re
from typing import Final


def _plain(text: str) -> str:
    return text.rstrip("?.! ")


def politely(text: str, chance: random.Random) -> str:
    """With a phrase around it."""
    frame = chance.choice(("hi, {}", "{}, please", "could you tell me: {}", "{} thanks!", "quick question: {}"))
    return frame.format(_plain(text))


def contracted(text: str, chance: random.Random) -> str:
    """With short forms written out, or the other way round."""
    del chance
    for long, short in (
        ("do not", "don't"),
        ("cannot", "can't"),
        ("what is", "what's"),
        ("i am", "i'm"),
        ("is not", "isn't"),
    ):
        for one, other in ((long, short), (short, long)):
            if re.search(rf"\b{one}\b", text):
                return re.sub(rf"\b{one}\b", other, text, count=1)
    return text


def reworded(text: str, chance: random.Random) -> str:
    """With a word by one that means the same."""
    for one, other in (
        ("buy", "purchase"), ("begin", "start"), ("help", "assist"), ("need", "require"), ("get", "obtain"), ("big", "large"),
        ("fix", "repair"), ("show", "display"), ("quickly", "fast"), ("movie", "film"), ("tell me", "let me know"), ("how do i", "how can i"),
    ):  # fmt: skip
        if re.search(rf"\b{one}\b", text):
            return re.sub(rf"\b{one}\b", other, text, count=1)
    del chance
    return text


def turned(text: str, chance: random.Random) -> str:
    """With its condition behind in place of before."""
    del chance
    match = re.fullmatch(r"((?:if|when|because) [^,?.]+), ([^,?.]+)", _plain(text))
    return f"{match.group(2)} {match.group(1)}" if match else text


HARMLESS: Final = (politely, contracted, reworded, turned)
