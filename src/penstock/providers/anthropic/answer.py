"""What unary and streamed answers have in common: stop reasons, usage, and fields that only Anthropic's clients know.

Kinds of `Notice` of this dialect, made by the decoders here and written out by `wire.anthropic`:

* `message`: fields of the message object without a common meaning (`container`, `stop_details`, `diagnostics`, …).  Of
  a stream, the first also holds `usage` as the provider first reported it; the last stands right before `Finish`.
* `citation`: one citation of the text with the notice's `part`.
* `tool_use`: further fields of the tool call whose `index` is in the data (`caller`, …); stands before the call.
* `block`: a whole content block that the provider made itself (a server tool's call or result, a compaction, …).
"""

from types import MappingProxyType
from typing import Final

import msgspec

from penstock.core.errors import UpstreamProtocolError
from penstock.core.events import Event, Finish, FinishReason, Notice, UsageReport
from penstock.core.json import JsonObject, JsonValue, loads
from penstock.core.usage import Usage

CANNOT_READ: Final = "The provider sent an answer that cannot be read."

FINISH_REASONS: Final = MappingProxyType[str, FinishReason](
    {
        "end_turn": "stop",
        "stop_sequence": "stop",
        "max_tokens": "length",
        "model_context_window_exceeded": "length",
        "tool_use": "tool_calls",
        "pause_turn": "pause",
        "compaction": "pause",
        "refusal": "refusal",
    }
)
_LATE_FIELDS: Final = frozenset({"container", "stop_details", "context_management"})
"""Fields of a message that a stream tells in `message_delta`."""
_COMMON_FIELDS: Final = frozenset(
    {"id", "type", "role", "content", "model", "stop_reason", "stop_sequence", "usage"},
)


def protocol_error(detail: str) -> UpstreamProtocolError:
    return UpstreamProtocolError(CANNOT_READ, detail=detail)


def finish(reason: str | None, stop_sequence: str | None) -> Finish:
    """A reason that is not known yet ends the answer all the same: only its name reaches clients of this dialect."""
    return Finish(FINISH_REASONS.get(reason or "end_turn", "stop"), 0, reason, stop_sequence)


def usage_report(native: JsonObject) -> UsageReport | None:
    """Usage as everybody counts it: `input_tokens` with what was read from and written to the cache.

    None where the provider did not count.  Sub-calls of another kind (`iterations` of an advisor or a compaction)
    stand outside the totals and have prices of their own, so with them the totals are an estimate.
    """
    if "input_tokens" not in native and "output_tokens" not in native:
        return None
    read = _count(native, "cache_read_input_tokens")
    written = _count(native, "cache_creation_input_tokens")
    details = native.get("output_tokens_details")
    iterations = native.get("iterations")
    has_more = isinstance(iterations, list) and any(_is_sub_call(entry) for entry in iterations)
    return UsageReport(
        Usage(
            input_tokens=_count(native, "input_tokens") + read + written,
            output_tokens=_count(native, "output_tokens"),
            cache_read_tokens=read,
            cache_write_tokens=written,
            reasoning_tokens=_count(details, "thinking_tokens") if isinstance(details, dict) else 0,
            accuracy="estimated" if has_more else "exact",
            native_dialect="anthropic",
            native=native,
        )
    )


def early_notice(message: JsonObject, *, with_usage: bool) -> Notice | None:
    """The `message` notice that follows `Start`."""
    data: JsonObject = {
        name: value
        for name, value in message.items()
        if value is not None and name not in _COMMON_FIELDS and name not in _LATE_FIELDS
    }
    if with_usage and message.get("usage"):
        data["usage"] = message["usage"]
    return Notice("anthropic", "message", data) if data else None


def late_notice(fields: JsonObject) -> Notice | None:
    """The `message` notice that stands before `Finish`."""
    data: JsonObject = {name: value for name, value in fields.items() if value is not None and name in _LATE_FIELDS}
    return Notice("anthropic", "message", data) if data else None


def tool_notice(index: int, block: JsonObject, known: frozenset[str], part: int) -> Notice | None:
    """The `tool_use` notice, where the block says more than a common tool call."""
    data: JsonObject = {name: value for name, value in block.items() if value is not None and name not in known}
    if not data:
        return None
    return Notice("anthropic", "tool_use", {"index": index, **data}, 0, part)


def citation_notices(citations: JsonValue, part: int) -> list[Event]:
    if not isinstance(citations, list):
        return []
    return [Notice("anthropic", "citation", citation, 0, part) for citation in citations]


def object_of(raw: bytes, what: str) -> JsonObject:
    """Decode a JSON object or raise `UpstreamProtocolError`."""
    try:
        value = loads(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise protocol_error(f"{what}: {error}") from None
    if not isinstance(value, dict):
        raise protocol_error(f"{what}: not an object")
    return value


def _count(fields: JsonObject, name: str) -> int:
    value = fields.get(name)
    return value if type(value) is int and value > 0 else 0


def _is_sub_call(entry: JsonValue) -> bool:
    return isinstance(entry, dict) and entry.get("type") != "message"
