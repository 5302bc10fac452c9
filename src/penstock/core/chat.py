"""What a caller asks for, in words that belong to no vendor.

The wire rooms parse a client dialect into these types and the provider rooms encode a provider dialect out of them.
They are authoritative: a guard that masks a message changes the message here, and the provider sees the change.

Three rules keep a request whole on its way through:

* A field that Penstock has no name for is kept in `extras` beside the thing it belonged to, under its own name.  A
  provider of the same dialect gets it back untouched; any other provider answers `UnsupportedField`, unless the field
  is listed as advisory (it may change cost or speed but never the answer), in which case it is left out and said so.
* A content part that Penstock has no name for is an `OpaquePart`, under the same rule.
* The order of messages and parts is the caller's.
"""

from typing import Literal, TypeAlias, get_args

import msgspec

from penstock.core.json import JsonObject, JsonValue

Dialect = Literal["openai-chat", "openai-responses", "anthropic", "gemini", "bedrock", "cohere"]
"""A wire format.  The first three are spoken to clients; all are spoken to providers."""

DIALECTS: tuple[Dialect, ...] = get_args(Dialect)

Role = Literal["system", "developer", "user", "assistant", "tool"]
ToolKind = Literal["function", "custom"]


class TextPart(msgspec.Struct, frozen=True, tag="text"):
    text: str
    extras: JsonObject = {}


class ImagePart(msgspec.Struct, frozen=True, tag="image"):
    """An image: exactly one of `url`, `data` (base64 text, with `media_type`) and `file_id` is set."""

    url: str | None = None
    data: str | None = None
    file_id: str | None = None
    media_type: str | None = None
    detail: str | None = None
    extras: JsonObject = {}


class FilePart(msgspec.Struct, frozen=True, tag="file"):
    """A document or a video: exactly one of `url`, `data` (base64), `text` and `file_id` is set."""

    url: str | None = None
    data: str | None = None
    text: str | None = None
    file_id: str | None = None
    media_type: str | None = None
    filename: str | None = None
    extras: JsonObject = {}


class AudioPart(msgspec.Struct, frozen=True, tag="audio"):
    """Spoken input: base64 `data` in `format` (`wav`, `mp3`, …)."""

    data: str
    format: str
    extras: JsonObject = {}


class ReasoningPart(msgspec.Struct, frozen=True, tag="reasoning"):
    """The model's earlier thinking, handed back.  `signature` is the provider's opaque proof that it is its own."""

    text: str
    signature: str | None = None
    extras: JsonObject = {}


class RefusalPart(msgspec.Struct, frozen=True, tag="refusal"):
    text: str


class ToolCallPart(msgspec.Struct, frozen=True, tag="tool_call"):
    """A call the model asked for earlier.  `arguments` is the JSON text (or free text for a custom tool), as sent."""

    id: str
    name: str
    arguments: str
    kind: ToolKind = "function"
    signature: str | None = None
    extras: JsonObject = {}


class ToolResultPart(msgspec.Struct, frozen=True, tag="tool_result"):
    """What a tool answered.  `kind` is the kind of the call that it answers."""

    call_id: str
    parts: "tuple[Part, ...]"
    name: str | None = None
    is_error: bool = False
    kind: ToolKind = "function"
    extras: JsonObject = {}


class OpaquePart(msgspec.Struct, frozen=True, tag="opaque"):
    """A content part of `dialect` that has no common meaning; `field` is its path in the caller's request."""

    dialect: Dialect
    field: str
    data: JsonValue


Part: TypeAlias = (
    TextPart
    | ImagePart
    | FilePart
    | AudioPart
    | ReasoningPart
    | RefusalPart
    | ToolCallPart
    | ToolResultPart
    | OpaquePart
)


class Message(msgspec.Struct, frozen=True):
    """One turn.  A `tool` message holds only `ToolResultPart`s; a `user` message may hold some beside other parts."""

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None
    extras: JsonObject = {}


class Tool(msgspec.Struct, frozen=True):
    """A tool the model may call.  `parameters` is a JSON Schema; for a custom tool `extras` holds its format."""

    name: str
    description: str | None = None
    parameters: JsonObject | None = None
    strict: bool | None = None
    kind: ToolKind = "function"
    extras: JsonObject = {}


class OpaqueTool(msgspec.Struct, frozen=True):
    """A tool that the provider runs itself (web search, code execution, …): known to one dialect only."""

    dialect: Dialect
    field: str
    data: JsonObject


class ToolChoice(msgspec.Struct, frozen=True):
    """`mode` `named` asks for the tool `name`.  `allowed`, where set, names the only tools that may be called."""

    mode: Literal["auto", "none", "required", "named"]
    name: str | None = None
    kind: ToolKind = "function"
    allowed: tuple[str, ...] | None = None


class ResponseFormat(msgspec.Struct, frozen=True):
    kind: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    schema: JsonObject | None = None
    strict: bool | None = None
    description: str | None = None


class Reasoning(msgspec.Struct, frozen=True):
    """How much the model may think.  `effort` is OpenAI's scale; `budget_tokens` is Anthropic's and Gemini's."""

    effort: str | None = None
    budget_tokens: int | None = None
    summary: str | None = None
    is_enabled: bool = True
    extras: JsonObject = {}


class PromptCaching(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider is to keep of a prompt, in the hope that others begin with the same.

    `prefix` is what it begins with, tools and instructions; `turns` is all of it.  `key` is the same for prompts that
    begin alike, and differs from tenant to tenant.
    """

    key: str
    prefix: bool = False
    turns: bool = False


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request for an answer.

    `max_tokens` bounds the whole output, reasoning included, per choice.  `include_usage` says that a streaming client
    asked for the usage chunk (other dialects always show usage).  `caching` is ours, not the caller's.  `extras`
    holds top-level fields without a name here.
    """

    dialect: Dialect
    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool | OpaqueTool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    reasoning: Reasoning | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    choices: int = 1
    logprobs: bool = False
    top_logprobs: int | None = None
    metadata: dict[str, str] = {}
    user: str | None = None
    stream: bool = False
    include_usage: bool = False
    caching: PromptCaching | None = None
    extras: JsonObject = {}


class EmbeddingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request for one vector per input.  An input is a text or a list of token ids of the model's own tokenizer."""

    dialect: Dialect
    model: str
    inputs: tuple[str | tuple[int, ...], ...]
    dimensions: int | None = None
    encoding: Literal["float", "base64"] = "float"
    user: str | None = None
    extras: JsonObject = {}

    @property
    def stream(self) -> bool:
        """Embeddings are never streamed."""
        return False


Request: TypeAlias = ChatRequest | EmbeddingRequest
