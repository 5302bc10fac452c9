"""What is searched for: the last turn of a conversation, with what it leaves out taken from the turns before.

No model is asked.  A turn that is short and points back (`and for interns?`, `how long does it take?`) does not stand
alone: the words of earlier turns that carry meaning are added to it, the latest turn's first.  One that stands alone is
left as it is, since words of an earlier subject would find that again.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

from penstock.knowledge.index.words import words_of

_MOST_ADDED: Final = 8
_TURNS_BACK: Final = 4
_FEW_WORDS: Final = 3
_LONG_WORDS: Final = 9
_WORD: Final = re.compile(r"\w+(?:[.'\u2019\-_/]\w+)*")
_POINTS_BACK: Final = re.compile(
    r"\b(?:it|its|they|them|their|this|that|these|those|he|him|his|she|her|there|then|one|ones|same|other|else|former"
    r"|latter|es|sie|ihn|ihm|ihr|ihre|dies\w*|jene\w*|davon|dafür|damit|dazu|dort|darüber)\b",
    re.IGNORECASE,
)
_GOES_ON: Final = re.compile(
    r"\s*(?:and|but|or|also|so|then|what about|how about|what if|why|why not|und|aber|oder|auch|was ist mit|wie ist es"
    r"|warum)\b",
    re.IGNORECASE,
)


class Turn(NamedTuple):
    """What one side said."""

    role: Literal["user", "assistant"]
    text: str


def search_query(turns: Sequence[Turn]) -> str:
    """The query for the last turn of the user; empty where there is none.

    Only what the user said is added, and of the assistant's last answer what the user could point at: names and codes.
    """
    last = next((at for at in range(len(turns) - 1, -1, -1) if turns[at].role == "user"), None)
    if last is None:
        return ""
    query = turns[last].text.strip()
    if stands_alone(query):
        return query
    known = set(words_of(query))
    added: list[str] = []
    for turn in reversed(turns[max(0, last - _TURNS_BACK) : last]):
        for word in _salient(turn):
            stems = set(words_of(word))
            if not stems <= known:
                known |= stems
                added.append(word)
    return " ".join((query, *added[:_MOST_ADDED])) if added else query


def stands_alone(text: str) -> bool:
    """Whether the turn says itself what it is about."""
    words = len(set(words_of(text)))
    if words >= _LONG_WORDS:
        return True
    if words == 0 or _GOES_ON.match(text):
        return False
    return not _POINTS_BACK.search(text) and (words >= _FEW_WORDS or len(_WORD.findall(text)) >= 2 * _FEW_WORDS)


def _salient(turn: Turn) -> Iterator[str]:
    for at, match in enumerate(_WORD.finditer(turn.text)):
        word = match[0]
        is_name = (word[:1].isupper() and at > 0) or any(char.isdigit() for char in word)
        if words_of(word) and (turn.role == "user" or is_name):
            yield word
