"""Reads Anthropic's dialect."""

from typing import Any, cast

from evaluation.conformance.frames import entries, json_object, sse_objects
from evaluation.conformance.reading import (
    Call,
    FailedMidStreamError,
    Reading,
    UnreadableError,
    UsageReading,
    arguments_of,
)


def read_anthropic(body: bytes, *, is_streamed: bool) -> Reading:
    message = joined_message(body) if is_streamed else cast("dict[str, Any]", json_object(body))
    if message.get("type") != "message":
        raise UnreadableError("not a message")
    reading = Reading("anthropic", str(message.get("model", "")))
    choice = reading.choice(0)
    choice.finish = message.get("stop_reason")
    for block in entries(message["content"]):
        match block["type"]:
            case "text":
                choice.text += block["text"]
            case "thinking":
                choice.reasoning += block["thinking"]
            case "tool_use":
                choice.calls.append(Call(block["name"], block["input"]))
            case _:
                continue
    usage = cast("dict[str, Any]", message["usage"])
    cache_read = usage.get("cache_read_input_tokens") or 0
    cache_write = usage.get("cache_creation_input_tokens") or 0
    reading.usage = UsageReading(
        input_tokens=usage["input_tokens"] + cache_read + cache_write,
        output_tokens=usage["output_tokens"],
        cache_read_tokens=cache_read,
        cache_write_tokens=cache_write,
    )
    return reading


def joined_message(body: bytes) -> dict[str, Any]:
    """The message that the events of a stream add up to."""
    message: dict[str, Any] = {}
    blocks: dict[int, dict[str, Any]] = {}
    json_texts: dict[int, str] = {}
    for event in sse_objects(body):
        data = cast("dict[str, Any]", event)
        match data.get("type"):
            case "message_start":
                message = data["message"]
            case "content_block_start":
                blocks[data["index"]] = data["content_block"]
            case "content_block_delta":
                _add_delta(blocks[data["index"]], json_texts, data)
            case "message_delta":
                message.update(data["delta"])
                message["usage"] |= {k: v for k, v in data["usage"].items() if v is not None}
            case "message_stop":
                for index, text in json_texts.items():
                    blocks[index]["input"] = arguments_of(text)
                message["content"] = [blocks[index] for index in sorted(blocks)]
                return message
            case "error":
                raise FailedMidStreamError(str(data["error"]))
            case _:
                continue
    raise UnreadableError("the stream ends before message_stop")


def _add_delta(block: dict[str, Any], json_texts: dict[int, str], data: dict[str, Any]) -> None:
    delta = data["delta"]
    match delta["type"]:
        case "text_delta":
            block["text"] = block.get("text", "") + delta["text"]
        case "thinking_delta":
            block["thinking"] = block.get("thinking", "") + delta["thinking"]
        case "input_json_delta":
            json_texts[data["index"]] = json_texts.get(data["index"], "") + delta["partial_json"]
        case "signature_delta":
            block["signature"] = block.get("signature", "") + delta["signature"]
        case "citations_delta":
            block["citations"] = [*(block.get("citations") or []), delta["citation"]]
        case other:
            block.setdefault("other_deltas", []).append({other: delta})
