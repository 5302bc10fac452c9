"""Reads OpenAI's two dialects: chat completions and responses."""

from typing import Any, cast

from evaluation.conformance.frames import entries, fields, json_object, sse_objects
from evaluation.conformance.reading import (
    Call,
    FailedMidStreamError,
    Reading,
    UnreadableError,
    UsageReading,
    arguments_of,
)


def read_chat(body: bytes, *, is_streamed: bool) -> Reading:
    return _chat_stream(body) if is_streamed else _chat(body)


def read_responses(body: bytes, *, is_streamed: bool) -> Reading:
    if not is_streamed:
        return _response(json_object(body))
    for event in sse_objects(body):
        match event.get("type"):
            case "response.completed" | "response.incomplete" | "response.failed":
                return _response(cast("dict[str, Any]", event["response"]))
            case "error":
                raise FailedMidStreamError(str(event))
            case _:
                continue
    raise UnreadableError("the stream ends before its terminal event")


def streamed_text_of_responses(body: bytes) -> tuple[str, str]:
    """Text and call arguments as the deltas of a responses stream tell them, to hold against its terminal event."""
    text: list[str] = []
    arguments: list[str] = []
    for event in sse_objects(body):
        match event.get("type"):
            case "response.output_text.delta" | "response.refusal.delta":
                text.append(str(event["delta"]))
            case "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta":
                arguments.append(str(event["delta"]))
            case _:
                continue
    return "".join(text), "".join(arguments)


def _chat(body: bytes) -> Reading:
    data = cast("dict[str, Any]", json_object(body))
    if not isinstance(data.get("choices"), list):
        raise UnreadableError("no choices")
    reading = Reading("openai-chat", str(data.get("model", "")))
    for position, entry in enumerate(data["choices"]):
        choice = reading.choice(entry.get("index", position))
        message: dict[str, Any] = fields(entry.get("message"))
        choice.text, thinking = content_of(message.get("content"))
        choice.reasoning = thinking or _reasoning(message)
        choice.refusal = message.get("refusal") or ""
        choice.finish = entry.get("finish_reason")
        for call in entries(message.get("tool_calls")):
            spec: dict[str, Any] = call.get("function") or fields(call.get("custom"))
            choice.calls.append(Call(spec["name"], arguments_of(_text_arguments(spec))))
        legacy = message.get("function_call")
        if legacy:
            choice.calls.append(Call(legacy["name"], arguments_of(legacy["arguments"])))
    reading.usage = _chat_usage(data)
    return reading


def _chat_stream(body: bytes) -> Reading:
    reading = Reading("openai-chat")
    calls: dict[tuple[int, int], list[str]] = {}
    is_over = False
    for event in sse_objects(body):
        data = cast("dict[str, Any]", event)
        if data.get("done") is True:
            is_over = True
            break
        if data.get("error"):
            raise FailedMidStreamError(str(data["error"]))
        reading.model = reading.model or str(data.get("model", ""))
        reading.usage = _chat_usage(data) or reading.usage
        for entry in entries(data.get("choices")):
            choice = reading.choice(entry.get("index", 0))
            choice.finish = entry.get("finish_reason") or choice.finish
            delta: dict[str, Any] = fields(entry.get("delta"))
            text, thinking = content_of(delta.get("content"))
            choice.text += text
            choice.reasoning += thinking or _reasoning(delta)
            choice.refusal += delta.get("refusal") or ""
            _add_call_pieces(calls, entry.get("index", 0), delta)
    if not is_over and not all(choice.finish for choice in reading.choices.values()):
        raise UnreadableError("the stream ends without its end")
    for (index, _), (name, arguments) in sorted(calls.items()):
        reading.choice(index).calls.append(Call(name, arguments_of(arguments)))
    return reading


def _add_call_pieces(calls: dict[tuple[int, int], list[str]], choice: int, delta: dict[str, Any]) -> None:
    for position, piece in enumerate(entries(delta.get("tool_calls"))):
        spec: dict[str, Any] = piece.get("function") or fields(piece.get("custom"))
        ordinal = piece.get("index")
        call = calls.setdefault((choice, position if ordinal is None else ordinal), ["", ""])
        call[0] = call[0] or spec.get("name") or ""
        call[1] += _text_arguments(spec)


def _text_arguments(spec: dict[str, Any]) -> str:
    arguments = spec.get("arguments")
    return (spec.get("input") if arguments is None else arguments) or ""


def content_of(content: Any) -> tuple[str, str]:
    """Text and thinking of a message's content: a string, or parts as Mistral sends them."""
    if content is None:
        return "", ""
    if isinstance(content, str):
        return content, ""
    text = thinking = ""
    for part in cast("list[dict[str, Any]]", content):
        match part.get("type"):
            case "text":
                text += part["text"]
            case "thinking":
                thinking += "".join(piece.get("text", "") for piece in part["thinking"])
            case _:
                continue
    return text, thinking


def _reasoning(message: dict[str, Any]) -> str:
    """Reasoning text under the names that OpenAI-compatible vendors give it."""
    return message.get("reasoning_content") or message.get("reasoning") or ""


def shows_usage_in_stream(body: bytes) -> bool:
    return any(event.get("usage") for event in sse_objects(body))


def _chat_usage(data: dict[str, Any]) -> UsageReading | None:
    """Some vendors leave reasoning out of `completion_tokens`; the total tells."""
    usage = data.get("usage") or fields(data.get("x_groq")).get("usage")
    if not usage:
        return None
    prompt_details = fields(usage.get("prompt_tokens_details"))
    output_details = fields(usage.get("completion_tokens_details"))
    return UsageReading(
        input_tokens=usage["prompt_tokens"],
        output_tokens=max(
            usage.get("completion_tokens") or 0, (usage.get("total_tokens") or 0) - usage["prompt_tokens"]
        ),
        cache_read_tokens=prompt_details.get("cached_tokens") or usage.get("prompt_cache_hit_tokens") or 0,
        cache_write_tokens=prompt_details.get("cache_write_tokens"),
        reasoning_tokens=output_details.get("reasoning_tokens") or 0,
    )


def _response(data: dict[str, Any]) -> Reading:
    if data.get("object") != "response" or not isinstance(data.get("output"), list):
        raise UnreadableError("not a response")
    reading = Reading("openai-responses", str(data.get("model", "")))
    choice = reading.choice(0)
    for item in entries(data["output"]):
        match item.get("type"):
            case "message":
                choice.text += "".join(p["text"] for p in item["content"] if p["type"] == "output_text")
                choice.refusal += "".join(p["refusal"] for p in item["content"] if p["type"] == "refusal")
            case "reasoning":
                shown = entries(item.get("summary") or item.get("content"))
                choice.reasoning += "".join(part["text"] for part in shown)
            case "function_call":
                choice.calls.append(Call(item["name"], arguments_of(item["arguments"])))
            case "custom_tool_call":
                choice.calls.append(Call(item["name"], item["input"]))
            case _:
                continue
    choice.finish = _response_finish(data, has_calls=bool(choice.calls))
    usage = data.get("usage")
    if usage:
        reading.usage = UsageReading(
            input_tokens=usage["input_tokens"],
            output_tokens=usage["output_tokens"],
            cache_read_tokens=fields(usage.get("input_tokens_details")).get("cached_tokens") or 0,
            cache_write_tokens=fields(usage.get("input_tokens_details")).get("cache_write_tokens"),
            reasoning_tokens=fields(usage.get("output_tokens_details")).get("reasoning_tokens") or 0,
        )
    return reading


def _response_finish(data: dict[str, Any], *, has_calls: bool) -> str:
    status = str(data.get("status"))
    if status == "incomplete":
        return f"incomplete: {fields(data.get('incomplete_details')).get('reason')}"
    if status == "failed":
        raise FailedMidStreamError(str(data.get("error")))
    return "completed with calls" if status == "completed" and has_calls else status
