"""What the unary and the streamed form of an answer have in common: stop reason, usage, ids, and the fields that
Anthropic's provider hands over in notices (their kinds stand in `penstock.providers.anthropic.answer`).
"""

from types import MappingProxyType
from typing import Final

import msgspec

from penstock.core.events import Finish, FinishReason
from penstock.core.exchange import Exchange
from penstock.core.json import JsonObject, loads
from penstock.core.usage import Usage

_STOP_REASONS: Final = MappingProxyType[FinishReason, str](
    {
        "stop": "end_turn",
        "length": "max_tokens",
        "tool_calls": "tool_use",
        "content_filter": "refusal",
        "refusal": "refusal",
        "pause": "pause_turn",
        "error": "end_turn",
    }
)
_OWN_REASONS: Final = frozenset(
    {*_STOP_REASONS.values(), "stop_sequence", "model_context_window_exceeded", "compaction"}
)
DELTA_FIELDS: Final = frozenset({"container", "stop_details"})
"""Fields of a message that a stream tells inside the `delta` of `message_delta`."""


def is_native(exchange: Exchange) -> bool:
    """Whether the answer comes from a provider of this dialect."""
    return exchange.target is not None and exchange.target.provider.dialect == "anthropic"


def stop_reason(finish: Finish | None, exchange: Exchange, *, has_tools: bool, has_refusal: bool) -> str:
    """The `stop_reason`: the provider's own word where it is one of this dialect's."""
    if finish is None:
        return "end_turn"
    if finish.native is not None and (finish.native in _OWN_REASONS or is_native(exchange)):
        return finish.native
    if finish.reason == "stop":
        if has_refusal:
            return "refusal"
        if has_tools:  # OpenAI says `stop` where the caller named the tool
            return "tool_use"
        if finish.stop_sequence is not None:
            return "stop_sequence"
    return _STOP_REASONS[finish.reason]


def usage_object(usage: Usage | None, exchange: Exchange) -> JsonObject:
    """Usage as this dialect counts it: `input_tokens` without what was read from and written to the cache."""
    if usage is None:
        usage = exchange.usage
    if usage.native is not None and usage.native_dialect == "anthropic":
        return usage.native
    counted: JsonObject = {
        "input_tokens": max(0, usage.input_tokens - usage.cache_read_tokens - usage.cache_write_tokens),
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "output_tokens": usage.output_tokens,
    }
    if usage.reasoning_tokens:
        counted["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return counted


def message_id(provider_id: str, exchange: Exchange) -> str:
    return provider_id or "msg_" + exchange.id.removeprefix("ex_")


def tool_id(provider_id: str, index: int, exchange: Exchange) -> str:
    return provider_id or f"toolu_{exchange.id.removeprefix('ex_')}_{index}"


def is_object(text: str) -> bool:
    """Whether a JSON text is that of a whole object."""
    try:
        return isinstance(loads(text), dict)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
