"""One guard as one model has it: how it finds, what it makes of a finding, and what happens where it cannot."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from penstock.core.exchange import Exchange
from penstock.guard.verdict import Action, Finding, Segment

if TYPE_CHECKING:
    from penstock.encoder.model import Encoded


class CannotJudge(Exception):
    """Why a guard has not judged: one word, which is a label too."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


Mode = Literal["enforce", "shadow"]
Fail = Literal["closed", "open"]
Direction = Literal["input", "output"]
OnStream = Literal["window", "buffer", "observe"]

Detect = Callable[[Segment, "Encoded | None"], Sequence[Finding]]
"""Finds, on one text.  Computes and waits for nothing; called from several threads.  What it finds follows from the
text, its trust and `is_said` alone: for a while it is remembered (`guard.remembered`)."""
Ask = Callable[[Exchange, Sequence[Segment]], Awaitable[Sequence[Sequence[Finding]]]]
"""Finds, on all texts at once, and may wait: one list of findings a text.  Raises `CannotJudge` with its reason."""
ActionOf = Callable[[Finding], Action]


def everything(segment: Segment) -> bool:
    """Where a guard asks for every text."""
    del segment
    return True


def everybody(exchange: Exchange) -> bool:
    """Where a guard holds for all."""
    del exchange
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Ward:
    """See the module.  Exactly one of `detect`, `ask` and `ask_anew` is set.

    `ask_anew` makes what is asked for one answer: it hears the texts of that in their order, a stream's sentence by
    sentence, and may keep in mind what the sentences before have said.

    `reads` says that `detect` wants the encoder's pass over a text; short fields in which nobody speaks it judges
    without, and gets None.  `asks_for` chooses texts, `holds_for` exchanges.
    `sees_all` says that what no guard can read (a picture) must not pass unseen.  `timeout_s` bounds `ask`.
    `reads_on` says that what it looks for may begin in one text and end in the next (`guard.seams`).
    With `is_about_last` it is asked about the last thing that a user said, in one piece, and about nothing else; with
    `is_about_whole` about a text of an answer when it is over, and not about its sentences.
    """

    guard: str
    mode: Mode
    fail: Fail
    action: ActionOf
    detect: Detect | None = None
    ask: Ask | None = None
    ask_anew: Callable[[], Ask] | None = None
    reads: bool = False
    asks_for: Callable[[Segment], bool] = everything
    holds_for: Callable[[Exchange], bool] = everybody
    sees_all: bool = False
    reads_on: bool = False
    is_about_last: bool = False
    is_about_whole: bool = False
    timeout_s: float = 2.0
    stream: OnStream = "window"

    def for_answer(self) -> "Ward":
        """The guard as it hears one answer."""
        return self if self.ask_anew is None else replace(self, ask=self.ask_anew(), ask_anew=None)
