"""Holds an answer that a client got in its provider's own dialect against the provider's, field by field.

Beyond text, calls, end and usage: annotations, citations, server-side tools, fingerprints, log probabilities.
"""

from typing import Any, cast

from evaluation.conformance.frames import entries, json_object, sse_objects
from evaluation.conformance.json_compare import json_differences, without_nulls
from evaluation.conformance.read_anthropic import joined_message
from evaluation.conformance.read_openai import content_of
from evaluation.conformance.reading import VENDOR_WORDS
from penstock.core.chat import Dialect
from penstock.core.json import JsonObject, JsonValue


def verbatim_differences(dialect: Dialect, recorded: bytes, seen: bytes, *, is_streamed: bool) -> list[str]:
    """What of the provider's answer is missing, added or changed; at most five lines.  Chat streams are not joined."""
    if is_streamed and dialect == "openai-chat":
        return []
    want, got = (_whole(dialect, body, is_streamed=is_streamed) for body in (recorded, seen))
    return [f"answer: {line}" for line in json_differences(want, got)][:5]


def _whole(dialect: Dialect, body: bytes, *, is_streamed: bool) -> JsonValue:
    if not is_streamed:
        answer = without_nulls(json_object(body))
        if dialect == "openai-chat":
            return _normal_chat(cast("dict[str, Any]", answer))
        return _without_empty_logprobs(answer) if dialect == "openai-responses" else answer
    if dialect == "anthropic":
        return without_nulls(cast("JsonValue", joined_message(body)))
    return without_nulls(cast("JsonValue", _without_restated(_terminal_response(body))))


def _terminal_response(body: bytes) -> JsonObject:
    last: dict[str, Any] = {}
    for event in sse_objects(body):
        if event.get("type") in {"response.completed", "response.incomplete"}:
            last = cast("dict[str, Any]", event["response"])
    return last


def _without_restated(response: dict[str, Any]) -> dict[str, Any]:
    """Leaves out what OpenAI says once in an item's own event and again, in other words, in the terminal one.

    The two differ in encrypted content, in the last digits of log probabilities and, at OpenRouter, in ids.
    """
    response.pop("output_text", None)
    for item in entries(response.get("output")):
        item.pop("encrypted_content", None)
        if str(item.get("id")).startswith("rs_tmp_"):
            del item["id"]
        for part in entries(item.get("content")):
            part.pop("logprobs", None)
    return response


def _without_empty_logprobs(answer: JsonValue) -> JsonValue:
    for item in entries(cast("dict[str, Any]", answer).get("output")):
        for part in entries(item.get("content")):
            if part.get("logprobs") == []:
                del part["logprobs"]
    return answer


def _normal_chat(answer: dict[str, Any]) -> JsonValue:
    """Vendors' spellings as one, the way Penstock writes them: each of these is stated in docs/conformance.md."""
    answer["created"] = int(answer.get("created") or 0)
    for choice in entries(answer.get("choices")):
        if choice.get("finish_reason") in VENDOR_WORDS:
            choice["finish_reason"] = "stop"
        message = choice.setdefault("message", {"role": "assistant"})
        if "reasoning" in message:
            message["reasoning_content"] = message.pop("reasoning")
        if isinstance(message.get("content"), list):
            message["content"], message["reasoning_content"] = content_of(message["content"])
        calls = message.get("tool_calls")
        if calls == []:
            del message["tool_calls"]
        for call in entries(calls):
            call.setdefault("type", "function")
            call.pop("index", None)
            call.pop("id", None)
            if "function" in call:
                call["function"].setdefault("arguments", "")
    return cast("JsonValue", answer)
