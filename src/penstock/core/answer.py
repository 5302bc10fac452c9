"""A whole answer: what `flow.fold` makes of the events and a unary encoder writes out."""

import msgspec

from penstock.core.chat import ToolKind
from penstock.core.events import Channel, Citation, Finish, Notice, Start, Vector
from penstock.core.json import JsonValue
from penstock.core.usage import Usage


class TextBlock(msgspec.Struct):
    """All text of one content part.  `logprobs` joins the token entries of its pieces."""

    channel: Channel
    part: int
    text: str
    logprobs: list[JsonValue] | None = None
    signature: str | None = None


class ToolCallBlock(msgspec.Struct):
    index: int
    id: str
    name: str
    arguments: str
    kind: ToolKind = "function"
    signature: str | None = None


class Choice(msgspec.Struct):
    """One choice: its blocks, notices and citations in the order in which they began."""

    index: int
    blocks: list[TextBlock | ToolCallBlock | Notice | Citation] = []
    finish: Finish | None = None

    def text(self, channel: Channel = "answer") -> str:
        """All text of a channel, joined."""
        return "".join(b.text for b in self.blocks if isinstance(b, TextBlock) and b.channel == channel)

    def tool_calls(self) -> list[ToolCallBlock]:
        return [b for b in self.blocks if isinstance(b, ToolCallBlock)]


class Answer(msgspec.Struct):
    """Choices are in order of their index; `vectors` likewise (embeddings only)."""

    start: Start | None = None
    choices: list[Choice] = []
    vectors: list[Vector] = []
    usage: Usage | None = None
