"""Ways to shorten a meeting: ours, as the product does it, and plain ones to compare with.

Each says how many tokens it keeps of every turn.
"""

import re
from collections.abc import Callable, Sequence
from math import log
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from evaluation.compaction.meetings import Meeting, Question
from penstock.config.routing.compaction import CompactionSettings, ToolResultSettings
from penstock.core.chat import ChatRequest, Message, TextPart
from penstock.core.ports import TokenCounter
from penstock.routing.compaction.compactor import Compactor, Read

MODEL: Final = "gpt-4o"
Kept: TypeAlias = Sequence[float]
Method: TypeAlias = Callable[[Meeting, Question, float], Kept]
_NOTICE: Final = re.compile(r"\A\[… \d+ messages? left out …\]\n")
_WORD: Final = re.compile(r"[a-z0-9]+")
_K1: Final = 1.2
_B: Final = 0.75


def keep_last(meeting: Meeting, question: Question, share: float) -> Kept:
    _ = question
    return _greedy(meeting, np.arange(len(meeting.turns), dtype=np.float64), share)


def bm25(meeting: Meeting, question: Question, share: float) -> Kept:
    """Every turn is a document (Robertson and Zaragoza, 2009); words as they are."""
    documents = [_WORD.findall(turn.lower()) for turn in meeting.turns]
    lengths = np.array([len(document) for document in documents], np.float64)
    scores = np.zeros(len(documents))
    for word in set(_WORD.findall(question.text.lower())):
        counts = np.array([document.count(word) for document in documents], np.float64)
        holding = int((counts > 0).sum())
        rarity = log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))
        scores += rarity * counts * (_K1 + 1) / (counts + _K1 * (1 - _B + _B * lengths / lengths.mean()))
    return _greedy(meeting, scores, share)


class Ours:
    """`Compactor` on the meeting as a conversation, a message for each turn, with the question as the last message.

    `share` is of the whole prompt: the question and the marks count.  A new compactor for each question: nothing is
    remembered from one to the next.
    """

    def __init__(self, counter: TokenCounter, read: Read | None, encoder_tokens: int) -> None:
        self._counter = counter
        self._read = read
        self._encoder_tokens = encoder_tokens

    def __call__(self, meeting: Meeting, question: Question, share: float) -> Kept:
        asked = (*(_user(turn) for turn in meeting.turns), _user(question.text))
        request = ChatRequest(dialect="openai-chat", model=MODEL, messages=asked)
        settings = CompactionSettings(
            keep_share=share,
            after_tokens=1,
            keep_last=0,
            encoder_tokens=self._encoder_tokens,
            tool_results=ToolResultSettings(max_tokens=None),
        )
        made = Compactor(self._counter, self._read).compact(request, MODEL, settings)
        if made is None:
            return meeting.tokens
        before = self._counter.count_request(request, MODEL)
        if self._counter.count_request(made.request, MODEL) > share * before * 1.01:
            raise ValueError("the prompt is larger than it may be")
        return self._kept(meeting, made.request.messages[:-1])

    def _kept(self, meeting: Meeting, messages: Sequence[Message]) -> Kept:
        """Messages keep their order, so each is the next turn that has its words."""
        kept = [0.0] * len(meeting.turns)
        at = 0
        for message in messages:
            (part,) = message.parts
            text = _NOTICE.sub("", part.text) if isinstance(part, TextPart) else ""
            pieces = [piece.strip() for piece in text.split("[…]") if piece.strip()]
            is_whole = "[…]" not in text
            while not (meeting.turns[at] == text if is_whole else all(piece in meeting.turns[at] for piece in pieces)):
                at += 1
            kept[at] = (
                meeting.tokens[at] if is_whole else sum(self._counter.count_text(piece, MODEL) for piece in pieces)
            )
            at += 1
        return kept


def _user(text: str) -> Message:
    return Message("user", (TextPart(text),))


def _greedy(meeting: Meeting, scores: NDArray[np.float64], share: float) -> Kept:
    left: float = share * sum(meeting.tokens)
    kept = [0.0] * len(meeting.turns)
    order: list[int] = np.argsort(-scores, kind="stable").tolist()
    for at in order:
        if meeting.tokens[at] <= left:
            kept[at] = meeting.tokens[at]
            left -= meeting.tokens[at]
    return kept
