"""What Converse and ConverseStream answers have in common: stop reasons and usage.

Notices of this dialect, which no client speaks, are made of what has no common meaning so that a journal or a filter
may still see it: `block` (a server tool's call or result, an image, citations) and `trace` (a guardrail's report).
"""

from types import MappingProxyType
from typing import Final

from penstock.core.errors import UpstreamProtocolError
from penstock.core.events import Finish, FinishReason, UsageReport
from penstock.core.json import JsonObject
from penstock.core.usage import Usage

_FINISH_REASONS: Final = MappingProxyType[str, FinishReason](
    {
        "end_turn": "stop",
        "stop_sequence": "stop",
        "max_tokens": "length",
        "model_context_window_exceeded": "length",
        "tool_use": "tool_calls",
        "guardrail_intervened": "content_filter",
        "content_filtered": "content_filter",
        "malformed_model_output": "error",
        "malformed_tool_use": "error",
    }
)


def protocol_error(detail: str) -> UpstreamProtocolError:
    return UpstreamProtocolError("The provider sent an answer that cannot be read.", detail=detail)


def finish(reason: str, more: JsonObject | None) -> Finish:
    """`more` is `additionalModelResponseFields`, where Claude says which stop sequence hit if it was asked to."""
    sequence = None if more is None else more.get("stop_sequence")
    return Finish(_FINISH_REASONS.get(reason, "stop"), 0, reason, sequence if isinstance(sequence, str) else None)


def usage_report(native: JsonObject) -> UsageReport | None:
    """Usage as everybody counts it: `input_tokens` with what was read from and written to the cache."""
    if "inputTokens" not in native and "outputTokens" not in native:
        return None
    read = _count(native, "cacheReadInputTokens")
    written = _count(native, "cacheWriteInputTokens")
    return UsageReport(
        Usage(
            input_tokens=_count(native, "inputTokens") + read + written,
            output_tokens=_count(native, "outputTokens"),
            cache_read_tokens=read,
            cache_write_tokens=written,
            native_dialect="bedrock",
            native=native,
        )
    )


def _count(fields: JsonObject, name: str) -> int:
    value = fields.get(name)
    return value if type(value) is int and value > 0 else 0
