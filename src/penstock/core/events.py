"""What an answer is made of: a closed union of events, keyed by choice and channel.

A provider's decoder makes them, filters pass, change or hold them, and a client dialect's encoder writes them out.  A
unary answer is the same events folded (`flow.fold`).  Decoders promise, for each choice: text, reasoning and tool
calls in the order the provider sent them; at most one `Finish`; at most one `UsageReport` an answer, after the last
text (a provider that reports running totals is reduced to its last).  `Start` comes first and once.

`part` is the ordinal of the content part within its choice, rising; text of two parts never shares an ordinal, so an
encoder knows where one block ends and the next begins.  Tool calls are keyed by `index`, their ordinal in the choice.
"""

from typing import Literal, TypeAlias

import msgspec

from penstock.core.chat import Dialect, ToolKind
from penstock.core.json import JsonValue
from penstock.core.usage import Usage

Channel = Literal["answer", "reasoning", "refusal"]

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "refusal", "pause", "error"]
"""`stop` includes a stop sequence; `pause` is a provider that wants to be called again with what it has said."""


class Start(msgspec.Struct, frozen=True, tag="start"):
    """The answer has begun.  `model` is what the provider calls the model; `created` is Unix seconds, 0 if unsaid."""

    id: str
    model: str
    created: int = 0


class Text(msgspec.Struct, frozen=True, tag="text"):
    """A piece of text.  `logprobs` is OpenAI's list of token entries.  `signature` proves reasoning to its provider."""

    text: str
    choice: int = 0
    channel: Channel = "answer"
    part: int = 0
    logprobs: JsonValue = None
    signature: str | None = None


class ToolCall(msgspec.Struct, frozen=True, tag="tool_call"):
    """A piece of a tool call: the first of an `index` carries `id` and `name`, every one a piece of `arguments`."""

    choice: int
    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""
    kind: ToolKind = "function"
    signature: str | None = None


class Finish(msgspec.Struct, frozen=True, tag="finish"):
    """A choice has ended.  `native` is the provider's own word for the reason, `stop_sequence` the one that hit."""

    reason: FinishReason
    choice: int = 0
    native: str | None = None
    stop_sequence: str | None = None


class UsageReport(msgspec.Struct, frozen=True, tag="usage"):
    usage: Usage


class Vector(msgspec.Struct, frozen=True, tag="vector"):
    """One embedding: floats, or the base64 text of little-endian float32, as the caller asked."""

    index: int
    values: list[float] | str


class Notice(msgspec.Struct, frozen=True, tag="notice"):
    """Something that only clients of `dialect` understand (a server-side tool's block, annotations, a fingerprint).

    `kind` is that dialect's own; its wire encoder knows what to do with it.  Other clients never see it.
    `is_content` says that it is part of the answer itself, such as the item of a tool that the provider runs: then the
    answer has begun, and a client may see it before any text.
    """

    dialect: Dialect
    kind: str
    data: JsonValue
    choice: int = 0
    part: int = 0
    is_content: bool = False


class Citation(msgspec.Struct, frozen=True, kw_only=True, tag="citation"):
    """A source of what the answer's part says from `start` to `end`, in characters; it follows that text.

    `document` is the document's id; `source_start` and `source_end` are where `quote`, the cited words, stands in its
    whole text.  `number` counts the documents of an answer's sources, from 0.
    """

    document: str
    title: str
    quote: str
    start: int
    end: int
    source_start: int
    source_end: int
    number: int = 0
    uri: str | None = None
    page: int | None = None
    choice: int = 0
    part: int = 0


Event: TypeAlias = Start | Text | ToolCall | Finish | UsageReport | Vector | Notice | Citation
