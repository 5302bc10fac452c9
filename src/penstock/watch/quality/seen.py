"""One answer as the checks see it: made of its kept contents, which are masked, and its row of the ledger."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from penstock.watch.contents.content import Content, Said

_ANSWER: Final = frozenset({"text", "refusal"})


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The exchange in the ledger: whose it was, and what its facts say of the answer's claims.

    `supported` and the two beside it are numbers of claims; None where nothing traced them.
    """

    exchange: str
    tenant: str
    assistant: str
    release: str
    target: str
    at: datetime
    outcome: str
    supported: int | None = None
    contradicted: int = 0
    not_found: int = 0
    confidence: float | None = None
    citations: int | None = None
    unknown_citations: int = 0


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """`text` is what the caller was told; `calls` says that tools were called beside it, or in its place."""

    text: str
    calls: bool
    finish: str | None


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """`question` is the caller's latest turn, `wishes` what else may say how to answer: instructions and that turn."""

    told: Told
    question: str
    wishes: str
    choices: tuple[Choice, ...]
    wants_json: bool
    is_cut: bool

    def __repr__(self) -> str:
        """Without what was said."""
        return f"Seen({self.told.exchange})"


def question_of(content: Content) -> str:
    """The caller's latest turn."""
    for turn in reversed(content.turns):
        if turn.role == "user":
            return _texts(turn.pieces)
    return ""


def seen_of(told: Told, content: Content) -> Seen:
    question = question_of(content)
    instructions = [_texts(turn.pieces) for turn in content.turns if turn.role in {"system", "developer"}]
    return Seen(
        told=told,
        question=question,
        wishes="\n".join([*instructions, question]),
        choices=tuple(_choice(each) for each in content.choices),
        wants_json=bool(content.response_format),
        is_cut=content.is_cut,
    )


def _choice(said: Said) -> Choice:
    calls = any(piece.kind == "tool_call" for piece in said.pieces)
    return Choice(text=_texts([each for each in said.pieces if each.kind in _ANSWER]), calls=calls, finish=said.finish)


def _texts(pieces: Sequence[object]) -> str:
    return "\n".join(text for each in pieces if (text := getattr(each, "text", "")))
