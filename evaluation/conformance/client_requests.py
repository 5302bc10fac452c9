"""What a client sends for a recording, and whether the provider got it whole."""

from typing import Any, cast

from evaluation.conformance.frames import entries
from evaluation.conformance.json_compare import json_differences, without_nulls
from evaluation.conformance.recordings import Recording
from penstock.core.chat import Dialect
from penstock.core.json import JsonObject, JsonValue

CLIENT_DIALECTS: tuple[Dialect, ...] = ("openai-chat", "openai-responses", "anthropic")

_QUESTION = "Say what you have to say."


def request_for(client: Dialect, recording: Recording, model: str, *, is_streamed: bool) -> JsonObject:
    """The recording's own request where `client` speaks its dialect, else a plain one; to be streamed or not."""
    if client == recording.dialect and recording.request is not None:
        request = {**recording.request, "model": model}
        if recording.is_streamed and not is_streamed:
            request.pop("stream", None)
            request.pop("stream_options", None)
        return request
    stream: JsonObject = {"stream": True} if is_streamed else {}
    match client:
        case "openai-chat":
            options: JsonObject = {"stream_options": {"include_usage": True}} if is_streamed else {}
            return {"model": model, "messages": [{"role": "user", "content": _QUESTION}], **stream, **options}
        case "openai-responses":
            return {"model": model, "input": _QUESTION, **stream}
        case _:
            question: JsonValue = [{"role": "user", "content": _QUESTION}]
            return {"model": model, "max_tokens": 1024, "messages": question, **stream}


def shows_usage(client: Dialect, request: JsonObject) -> bool:
    """Chat clients that stream see usage only where they asked for it; all others always do."""
    if client != "openai-chat" or request.get("stream") is not True:
        return True
    options = request.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def request_differences(client: Dialect, sent: JsonObject, received: JsonObject) -> list[str]:
    """What of the client's request did not reach a provider of the same dialect as it was; at most five."""
    return [f"request: {line}" for line in json_differences(_normal(client, sent), _normal(client, received))][:5]


def _normal(client: Dialect, request: JsonObject) -> JsonObject:
    """Equivalent spellings made one: absent and null, a string and its one text part, the two names of a limit."""
    plain = cast("dict[str, Any]", without_nulls({k: v for k, v in request.items() if k != "model"}))
    if plain.get("stream") is False:
        del plain["stream"]
    options = plain.get("stream_options")
    if isinstance(options, dict):
        cast("dict[str, Any]", options).pop("include_usage", None)
    if not plain.get("stream_options"):
        plain.pop("stream_options", None)
    if "max_completion_tokens" in plain:
        plain["max_tokens"] = plain.pop("max_completion_tokens")
    if plain.get("n") == 1:
        del plain["n"]
    if isinstance(plain.get("functions"), list):
        _modernise(plain)
    if isinstance(plain.get("stop"), str):
        plain["stop"] = [plain["stop"]]
    if client == "anthropic" and isinstance(plain.get("system"), str):
        plain["system"] = [{"type": "text", "text": plain["system"]}]
    if client == "openai-responses" and isinstance(plain.get("input"), str):
        plain["input"] = [{"role": "user", "content": plain["input"]}]
    text_type = "text"
    if plain.get("stop_sequences") == []:
        del plain["stop_sequences"]
    for tool in entries(plain.get("tools")) if client == "openai-chat" else []:
        tool.setdefault("type", "function")
    for message in entries(plain.get("messages") or plain.get("input")):
        for empty in [key for key in ("tool_calls", "content") if message.get(key) == []]:
            del message[empty]
        if client == "openai-responses":
            text_type = "output_text" if message.get("role") == "assistant" else "input_text"
            if message.get("type") == "message":
                del message["type"]
        _spread_text(message, "content", text_type)
        if client == "anthropic" and isinstance(message.get("content"), list):
            for block in message["content"]:
                if block.get("type") == "tool_result":
                    if block.get("is_error") is False:
                        del block["is_error"]
                    _spread_text(block, "content", "text")
    return cast("JsonObject", plain)


def _spread_text(holder: dict[str, Any], key: str, text_type: str) -> None:
    if isinstance(holder.get(key), str):
        holder[key] = [{"type": text_type, "text": holder[key]}]


def _modernise(plain: dict[str, Any]) -> None:
    """OpenAI's first way of calling functions, as Penstock sends it on: the same as tools, one call at a time."""
    plain["tools"] = [{"type": "function", "function": each} for each in plain.pop("functions")]
    plain["parallel_tool_calls"] = False
    choice = plain.pop("function_call", None)
    if choice is not None:
        plain["tool_choice"] = {"type": "function", "function": choice} if isinstance(choice, dict) else choice
