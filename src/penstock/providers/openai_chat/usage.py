"""What a chat-completions server says it used, in the common convention."""

from penstock.core.json import JsonObject, JsonValue
from penstock.core.usage import Usage


def read_usage(given: JsonValue) -> Usage | None:
    """None where the server did not say: no object, no counts, or all of them zero, which no call can use.

    A total above the sum of its parts is reasoning that the server did not count as output (xAI, Gemini's compatible
    API): it is billed as output, so it is counted as such.  DeepSeek, Moonshot and Mistral have own names for what was
    read from a cache.
    """
    if not isinstance(given, dict):
        return None
    read, written = _count(given.get("prompt_tokens")), _count(given.get("completion_tokens"))
    if not read and not written:
        return None
    hidden = _count(given.get("total_tokens")) - read - written
    if len(given) == 3 and "total_tokens" in given:
        return Usage(
            input_tokens=read, output_tokens=written + max(0, hidden), native_dialect="openai-chat", native=given
        )
    into = _details(given, "prompt_tokens_details", "prompt_token_details")
    out = _details(given, "completion_tokens_details", "completion_token_details")
    cached = _count(into.get("cached_tokens"))
    for name in ("prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens"):
        cached = cached or _count(given.get(name))
    return Usage(
        input_tokens=read,
        output_tokens=written + max(0, hidden),
        cache_read_tokens=cached,
        cache_write_tokens=_count(into.get("cache_write_tokens")),
        reasoning_tokens=_count(out.get("reasoning_tokens")),
        input_audio_tokens=_count(into.get("audio_tokens")),
        output_audio_tokens=_count(out.get("audio_tokens")),
        native_dialect="openai-chat",
        native=given,
    )


def _details(given: JsonObject, *names: str) -> JsonObject:
    for name in names:
        found = given.get(name)
        if isinstance(found, dict):
            return found
    return {}


def _count(value: JsonValue) -> int:
    return value if type(value) is int and value > 0 else 0
