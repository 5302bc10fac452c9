"""Reads the dialects that only providers speak: Gemini, Bedrock Converse and Cohere."""

from typing import Any, cast

from evaluation.conformance.frames import aws_events, entries, fields, json_object, sse_objects
from evaluation.conformance.reading import (
    Call,
    ChoiceReading,
    FailedMidStreamError,
    Reading,
    UnreadableError,
    UsageReading,
    arguments_of,
)


def read_gemini(body: bytes, *, is_streamed: bool) -> Reading:
    chunks = list(sse_objects(body)) if is_streamed else [json_object(body)]
    reading = Reading("gemini")
    if not chunks:
        raise UnreadableError("an empty stream")
    usage: dict[str, Any] = {}
    for chunk in cast("list[dict[str, Any]]", chunks):
        if "error" in chunk:
            raise FailedMidStreamError(str(chunk["error"]))
        reading.model = reading.model or str(chunk.get("modelVersion", ""))
        usage |= fields(chunk.get("usageMetadata"))
        for position, candidate in enumerate(entries(chunk.get("candidates"))):
            _read_candidate(reading.choice(candidate.get("index", position)), candidate)
        if fields(chunk.get("promptFeedback")).get("blockReason") and not chunk.get("candidates"):
            reading.choice(0).finish = "blocked prompt"
    if not reading.choices or not all(choice.finish for choice in reading.choices.values()):
        raise UnreadableError("the answer has no finish reason")
    for choice in reading.choices.values():
        if choice.calls and choice.finish == "STOP":
            choice.finish = "STOP with calls"
    if "promptTokenCount" in usage:
        thoughts = usage.get("thoughtsTokenCount") or 0
        reading.usage = UsageReading(
            input_tokens=(usage.get("promptTokenCount") or 0) + (usage.get("toolUsePromptTokenCount") or 0),
            output_tokens=(usage.get("candidatesTokenCount") or 0) + thoughts,
            cache_read_tokens=usage.get("cachedContentTokenCount") or 0,
            reasoning_tokens=thoughts,
        )
    return reading


def _read_candidate(choice: ChoiceReading, candidate: dict[str, Any]) -> None:
    choice.finish = candidate.get("finishReason") or choice.finish
    for part in entries(fields(candidate.get("content")).get("parts")):
        if "functionCall" in part:
            choice.calls.append(Call(part["functionCall"]["name"], part["functionCall"].get("args") or {}))
        elif part.get("thought"):
            choice.reasoning += part.get("text", "")
        else:
            choice.text += part.get("text", "")


def read_bedrock(body: bytes, *, is_streamed: bool) -> Reading:
    data = _joined(body) if is_streamed else cast("dict[str, Any]", json_object(body))
    if "output" not in data or "stopReason" not in data:
        raise UnreadableError("not an answer of Converse")
    reading = Reading("bedrock")
    choice = reading.choice(0)
    choice.finish = data["stopReason"]
    for block in entries(data["output"]["message"]["content"]):
        if "text" in block:
            choice.text += block["text"]
        elif "reasoningContent" in block:
            choice.reasoning += fields(block["reasoningContent"].get("reasoningText")).get("text", "")
        elif "toolUse" in block and block["toolUse"].get("type") != "server_tool_use":
            choice.calls.append(Call(block["toolUse"]["name"], block["toolUse"]["input"]))
    usage = cast("dict[str, Any]", data["usage"])
    cache_read, cache_write = usage.get("cacheReadInputTokens") or 0, usage.get("cacheWriteInputTokens") or 0
    reading.usage = UsageReading(
        input_tokens=usage["inputTokens"] + cache_read + cache_write,
        output_tokens=usage["outputTokens"],
        cache_read_tokens=cache_read,
        cache_write_tokens=cache_write,
    )
    return reading


def _joined(body: bytes) -> dict[str, Any]:
    """The unary answer that the messages of a converse stream add up to."""
    blocks: dict[int, dict[str, Any]] = {}
    whole: dict[str, Any] = {}
    for name, event in aws_events(body):
        data = cast("dict[str, Any]", event)
        match name:
            case "contentBlockStart":
                blocks[data["contentBlockIndex"]] = {
                    kind: {**start, "input": ""} if kind == "toolUse" else start
                    for kind, start in data["start"].items()
                }
            case "contentBlockDelta":
                _add_delta(blocks.setdefault(data["contentBlockIndex"], {}), data["delta"])
            case "messageStop":
                whole["stopReason"] = data["stopReason"]
            case "metadata":
                whole["usage"] = data["usage"]
            case "messageStart" | "contentBlockStop":
                continue
            case _:
                raise FailedMidStreamError(f"{name}: {data}")
    for block in blocks.values():
        if "toolUse" in block:
            block["toolUse"]["input"] = arguments_of(block["toolUse"]["input"])
    whole["output"] = {"message": {"content": [blocks[index] for index in sorted(blocks)]}}
    return whole


def _add_delta(block: dict[str, Any], delta: dict[str, Any]) -> None:
    if "text" in delta:
        block["text"] = block.get("text", "") + delta["text"]
    elif "toolUse" in delta:
        block["toolUse"]["input"] += delta["toolUse"]["input"]
    elif "text" in fields(delta.get("reasoningContent")):
        reasoning = block.setdefault("reasoningContent", {}).setdefault("reasoningText", {"text": ""})
        reasoning["text"] += delta["reasoningContent"]["text"]


def read_cohere(body: bytes, *, is_streamed: bool) -> Reading:
    reading = Reading("cohere")
    choice = reading.choice(0)
    if not is_streamed:
        data = cast("dict[str, Any]", json_object(body))
        if "message" not in data or "finish_reason" not in data:
            raise UnreadableError("not an answer of Cohere's chat")
        message = cast("dict[str, Any]", data["message"])
        for part in entries(message.get("content")):
            choice.text += part.get("text", "")
            choice.reasoning += part.get("thinking", "")
        choice.reasoning = (message.get("tool_plan") or "") + choice.reasoning
        for call in entries(message.get("tool_calls")):
            choice.calls.append(Call(call["function"]["name"], arguments_of(call["function"]["arguments"])))
        choice.finish = data["finish_reason"]
        reading.usage = _cohere_usage(data.get("usage"))
        return reading
    calls: dict[int, list[str]] = {}
    for event in sse_objects(body):
        _read_cohere_event(reading, calls, cast("dict[str, Any]", event))
    if choice.finish is None:
        raise UnreadableError("the stream ends before message-end")
    choice.calls = [Call(name, arguments_of(arguments)) for _, (name, arguments) in sorted(calls.items())]
    return reading


def _read_cohere_event(reading: Reading, calls: dict[int, list[str]], event: dict[str, Any]) -> None:
    choice = reading.choice(0)
    delta = fields(event.get("delta"))
    message = fields(delta.get("message"))
    match event.get("type"):
        case "content-start" | "content-delta":
            choice.text += message["content"].get("text") or ""
            choice.reasoning += message["content"].get("thinking") or ""
        case "tool-plan-delta":
            choice.reasoning += message["tool_plan"]
        case "tool-call-start":
            function = message["tool_calls"]["function"]
            calls[event["index"]] = [function["name"], function.get("arguments") or ""]
        case "tool-call-delta":
            calls[event["index"]][1] += message["tool_calls"]["function"]["arguments"]
        case "message-end":
            choice.finish = delta["finish_reason"]
            reading.usage = _cohere_usage(delta.get("usage"))
        case _:
            return


def _cohere_usage(usage: dict[str, Any] | None) -> UsageReading | None:
    """What is billed, where Cohere says so; `tokens` also counts its own prompt around the caller's."""
    counts = fields(usage).get("billed_units") or fields(usage).get("tokens")
    if usage is None or not counts:
        return None
    return UsageReading(
        input_tokens=int(counts.get("input_tokens") or 0),
        output_tokens=int(counts.get("output_tokens") or 0),
        cache_read_tokens=int(usage.get("cached_tokens") or 0),
    )
