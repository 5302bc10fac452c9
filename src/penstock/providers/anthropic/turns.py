"""Regroups a conversation into what the Messages API and Converse accept: a system prompt and turns.

A caller of the same dialect gets its turns back as they were.  For any other, as Anthropic's own OpenAI-compatible
endpoint does it: every system and developer message moves to the front, tool results become user turns, neighbours
of one role become one turn, and in a user turn the tool results come first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from penstock.core.chat import ChatRequest, Part, TextPart, ToolResultPart
from penstock.core.errors import UnsupportedField
from penstock.core.json import JsonObject, JsonValue

TurnRole = Literal["user", "assistant", "system"]


@dataclass(frozen=True, slots=True)
class Placed:
    """A part with its place in the caller's request: that of its message, and its ordinal there."""

    message: str
    ordinal: int
    part: Part

    @property
    def path(self) -> str:
        return f"{self.message}.content[{self.ordinal}]"


@dataclass(slots=True)
class Turn:
    """`extras` are those of its message, and only where the caller speaks the target's dialect."""

    role: TurnRole
    parts: list[Placed]
    extras: JsonObject = field(default_factory=dict[str, JsonValue])


@dataclass(frozen=True, slots=True)
class Conversation:
    system: Sequence[Placed]
    turns: Sequence[Turn]


def regroup(request: ChatRequest, *, is_native: bool, target: str) -> Conversation:
    """Split `request.messages`.  `is_native`: the caller speaks the target's dialect, so its turns stay as they are."""
    system: list[Placed] = []
    turns: list[Turn] = []
    root = "input" if request.dialect == "openai-responses" else "messages"
    first = 1 if request.dialect == "anthropic" and request.messages and request.messages[0].role == "system" else 0
    for at, message in enumerate(request.messages):
        path = f"{root}[{at - first}]" if at >= first else "system"
        placed = [Placed(path, ordinal, part) for ordinal, part in enumerate(message.parts)]
        if message.name is not None and message.role != "tool":
            name = f"{path}.name"
            raise UnsupportedField(f"`{name}` cannot be sent to a {target} model.", field=name)
        match message.role:
            case "system" | "developer":
                if is_native and turns:
                    turns.append(Turn("system", placed, message.extras))
                else:
                    system += placed
            case "user" | "tool":
                turns.append(Turn("user", placed, message.extras))
            case "assistant":
                turns.append(Turn("assistant", placed, message.extras))
    if is_native:
        return Conversation(system, turns)
    return Conversation([p for p in system if not _is_empty(p.part)], _merged(turns))


def _merged(turns: Sequence[Turn]) -> list[Turn]:
    merged: list[Turn] = []
    for turn in turns:
        parts = [p for p in turn.parts if not _is_empty(p.part)]
        if merged and merged[-1].role == turn.role:
            merged[-1].parts += parts
        elif parts:
            merged.append(Turn(turn.role, parts))
    for turn in merged:
        if turn.role == "user" and len(turn.parts) > 1:
            turn.parts.sort(key=lambda placed: not isinstance(placed.part, ToolResultPart))  # stable
    return merged


def _is_empty(part: Part) -> bool:
    """Both APIs refuse an empty text, which OpenAI's clients send beside tool calls."""
    return isinstance(part, TextPart) and not part.text
