"""What whole and streamed answers share: names, finish reasons, usage and calls in OpenAI's shape."""

from typing import Final

from penstock.core.chat import ToolKind
from penstock.core.events import Finish, Start
from penstock.core.exchange import Exchange
from penstock.core.json import JsonObject
from penstock.core.usage import Usage

OWN_REASONS: Final = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
"""OpenAI's own finish reasons: a provider that says one of these is quoted."""

NOTICE_ANSWER: Final = "answer"
NOTICE_CHUNK: Final = "chunk"
NOTICE_CHOICE: Final = "choice"
NOTICE_MESSAGE: Final = "message"
"""The kinds of `Notice` of this dialect; the data of each is an object of fields.

`answer`: fields of the whole answer that every chunk repeats (`system_fingerprint`, `service_tier`).  `chunk`: other
fields at the top level.  `choice`: fields of a choice.  `message`: fields of a message or a delta.
"""


class Head:
    """The fields that every object of an answer begins with."""

    __slots__ = ("created", "id", "model")

    def __init__(self, start: Start | None, exchange: Exchange) -> None:
        self.id = (start.id if start else "") or f"chatcmpl-{exchange.id.removeprefix('ex_')}"
        self.model = (start.model if start else "") or exchange.request.model
        self.created = (start.created if start else 0) or int(exchange.started_at)


def speaks_functions(exchange: Exchange) -> bool:
    """Whether the caller asked in the deprecated form (see `parse`)."""
    extras = exchange.request.extras
    return bool(extras) and "functions" in extras


def reason_of(finish: Finish, exchange: Exchange, *, is_legacy: bool) -> str:
    """The finish reason in OpenAI's words, or in those of a provider that speaks the same dialect."""
    if is_legacy and finish.reason == "tool_calls":
        return "function_call"
    native = finish.native
    if native is not None:
        if native in OWN_REASONS:
            return native
        target = exchange.target
        if target is not None and target.provider.dialect == "openai-chat":
            return native
    match finish.reason:
        case "stop" | "length" | "tool_calls" | "content_filter" as same:
            return same
        case "refusal":
            return "content_filter"
        case "pause":
            return "stop"
        case "error":
            return "error"


def usage_of(usage: Usage) -> JsonObject | None:
    """Usage in OpenAI's shape; None where nobody knows it."""
    if usage.native_dialect == "openai-chat" and usage.native is not None:
        return usage.native
    if usage.accuracy == "unknown":
        return None
    into: JsonObject = {"cached_tokens": usage.cache_read_tokens}
    if usage.cache_write_tokens:
        into["cache_write_tokens"] = usage.cache_write_tokens
    if usage.input_audio_tokens:
        into["audio_tokens"] = usage.input_audio_tokens
    out: JsonObject = {"reasoning_tokens": usage.reasoning_tokens}
    if usage.output_audio_tokens:
        out["audio_tokens"] = usage.output_audio_tokens
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": into,
        "completion_tokens_details": out,
    }


def call_shape(call_id: str, name: str, arguments: str, kind: ToolKind) -> JsonObject:
    """A whole call, or the first piece of one."""
    if kind == "custom":
        return {"id": call_id, "type": "custom", "custom": {"name": name, "input": arguments}}
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def add_signature(shape: JsonObject, signature: str | None) -> None:
    """Show Google's signature where its own OpenAI-compatible clients look for it, so that it can come back."""
    if signature is not None and signature.startswith("gemini:"):
        shape["extra_content"] = {"google": {"thought_signature": signature.removeprefix("gemini:")}}


def join_fields(place: JsonObject, fields: JsonObject) -> None:
    """Add fields to what is there; lists that come in pieces are joined."""
    for name, value in fields.items():
        earlier = place.get(name)
        place[name] = [*earlier, *value] if isinstance(earlier, list) and isinstance(value, list) else value
