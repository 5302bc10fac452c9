"""OpenAI's chat completions and embeddings, as the simulator speaks them.

Source: OpenAI's API description, `CreateChatCompletionResponse`, `CreateChatCompletionStreamResponse` and
`CreateEmbeddingResponse`; error bodies as seen from the service.
"""

from collections.abc import Sequence

from penstock.core.events import Event, Finish, Start, Text, ToolCall, UsageReport, Vector
from penstock.core.json import JsonObject, JsonValue, dumps
from penstock.core.usage import Usage
from penstock.testing.script import Ask, AskedTool, count_tokens
from penstock.testing.sim.dialect import (
    Asked,
    BadCallError,
    SimDialect,
    ToolMode,
    asked_tool,
    child,
    dicts,
    input_tokens,
    object_in,
    string,
    text_of,
    usage_in,
    whole,
)
from penstock.testing.sim.http import Call

_ERROR_TYPES = ((429, "rate_limit_exceeded"), (401, "invalid_request_error"), (500, "server_error"))


def read_chat(call: Call) -> Asked:
    body = object_in(call)
    messages = dicts(body.get("messages"))
    model = string(body, "model")
    if not model or not messages:
        raise BadCallError("you must provide a model parameter and messages")
    tools, mode = _tools(body)
    texts = [text_of(message.get("content")) for message in messages]
    users = [text for text, message in zip(texts, messages, strict=True) if message.get("role") == "user"]
    last = messages[-1]
    return Asked(
        Ask(
            model=model,
            prompt=users[-1] if users else "",
            input_tokens=input_tokens(texts),
            is_streamed=body.get("stream") is True,
            tool_result=texts[-1] if last.get("role") == "tool" else None,
            tools=tools,
            tool_mode=mode,
            is_parallel=body.get("parallel_tool_calls") is not False,
            schema=_schema(child(body, "response_format")),
            choices=whole(body, "n") or 1,
            max_tokens=whole(body, "max_completion_tokens") or whole(body, "max_tokens"),
            stop=_stop(body.get("stop")),
            top_logprobs=(whole(body, "top_logprobs") or 0) if body.get("logprobs") is True else None,
            seed=whole(body, "seed"),
        ),
        shows_usage=child(body, "stream_options").get("include_usage") is True,
    )


def read_embedding(call: Call) -> Asked:
    body = object_in(call)
    given = body.get("input")
    match given:
        case str(text):
            texts = [text]
        case [int(), *_]:
            texts = [" ".join(map(str, given))]
        case [*inputs] if inputs:
            texts = [" ".join(map(str, each)) if isinstance(each, list) else str(each) for each in inputs]
        case _:
            raise BadCallError("you must provide an input parameter")
    return Asked(
        Ask(
            model=string(body, "model"),
            prompt="\n".join(texts),
            input_tokens=sum(map(count_tokens, texts)),
            texts=tuple(texts),
            dimensions=whole(body, "dimensions"),
            is_base64=body.get("encoding_format") == "base64",
        ),
    )


class ChatSpeaker:
    def __init__(self, asked: Asked, events: Sequence[Event]) -> None:
        self._asked = asked
        self._events = events
        start = events[0]
        self._envelope: JsonObject = {}
        if isinstance(start, Start):
            self._envelope = {"id": f"chatcmpl-{start.id}", "created": start.created, "model": start.model}
        self._has_begun = False

    def frames(self, event: Event) -> bytes:
        match event:
            case Start():
                return b"".join(
                    self._delta(choice, {"role": "assistant", "content": "", "refusal": None})
                    for choice in range(self._asked.ask.choices)
                )
            case Text(text=text, choice=choice, channel="reasoning"):
                return self._delta(choice, {"reasoning_content": text})
            case Text(text=text, choice=choice, logprobs=logprobs):
                return self._delta(choice, {"content": text}, logprobs=logprobs)
            case ToolCall():
                return self._delta(event.choice, {"tool_calls": [_tool_delta(event)]})
            case Finish(reason=reason, choice=choice):
                return self._delta(choice, {}, finish=reason)
            case UsageReport(usage=usage) if self._asked.shows_usage:
                return self._frame({"choices": [], "usage": _usage(usage)})
            case _:
                return b""

    def tail(self) -> bytes:
        return b"data: [DONE]\n\n"

    def unary(self) -> bytes:
        usage = usage_in(self._events)
        body: JsonObject = {**self._envelope, "object": "chat.completion", "service_tier": "default"}
        body["choices"] = [self._choice(index) for index in range(self._asked.ask.choices)]
        if usage is not None:
            body["usage"] = _usage(usage)
        return dumps(body)

    def wrong(self, *, is_streamed: bool) -> bytes:
        body = dumps({**self._envelope, "choices": 7})
        return b"data: %b\n\n" % body if is_streamed else body

    def _delta(self, choice: int, delta: JsonObject, *, logprobs: JsonValue = None, finish: str | None = None) -> bytes:
        entry: JsonObject = {"index": choice, "delta": delta, "logprobs": None, "finish_reason": finish}
        if logprobs is not None:
            entry["logprobs"] = {"content": logprobs, "refusal": None}
        return self._frame({"choices": [entry]})

    def _frame(self, fields: JsonObject) -> bytes:
        chunk: JsonObject = {**self._envelope, "object": "chat.completion.chunk", **fields}
        if self._asked.shows_usage:
            chunk.setdefault("usage", None)
        return b"data: %b\n\n" % dumps(chunk)

    def _choice(self, index: int) -> JsonObject:
        texts = [event for event in self._events if isinstance(event, Text) and event.choice == index]
        answers = [event for event in texts if event.channel == "answer"]
        calls = [event for event in self._events if isinstance(event, ToolCall) and event.choice == index]
        message: JsonObject = {
            "role": "assistant",
            "content": "".join(event.text for event in answers),
            "refusal": None,
        }
        if len(answers) != len(texts):
            message["reasoning_content"] = "".join(event.text for event in texts if event.channel == "reasoning")
        if calls:
            message["content"] = None
            message["tool_calls"] = whole_calls(calls)
        logprobs: list[JsonValue] = []
        for event in answers:
            logprobs += event.logprobs if isinstance(event.logprobs, list) else []
        reasons = [event.reason for event in self._events if isinstance(event, Finish) and event.choice == index]
        return {
            "index": index,
            "message": message,
            "logprobs": {"content": logprobs, "refusal": None} if logprobs else None,
            "finish_reason": reasons[0],
        }


class EmbeddingSpeaker:
    def __init__(self, asked: Asked, events: Sequence[Event]) -> None:
        self._asked = asked
        self._events = events

    def frames(self, event: Event) -> bytes:
        del event
        return b""

    def tail(self) -> bytes:
        return b""

    def unary(self) -> bytes:
        usage = usage_in(self._events)
        body: JsonObject = {"object": "list", "model": self._asked.ask.model}
        body["data"] = [
            {
                "object": "embedding",
                "index": event.index,
                "embedding": list[JsonValue](event.values) if isinstance(event.values, list) else event.values,
            }
            for event in self._events
            if isinstance(event, Vector)
        ]
        if usage is not None:
            body["usage"] = {"prompt_tokens": usage.input_tokens, "total_tokens": usage.input_tokens}
        return dumps(body)

    def wrong(self, *, is_streamed: bool) -> bytes:
        del is_streamed
        return b'{"object":"list","data":7}'


def whole_calls(pieces: Sequence[ToolCall]) -> list[JsonValue]:
    """The pieces of tool calls of one choice, put together."""
    calls: dict[int, JsonObject] = {}
    for piece in pieces:
        if piece.id:
            named: JsonObject = {"name": piece.name, "arguments" if piece.kind == "function" else "input": ""}
            calls[piece.index] = {"id": piece.id, "type": piece.kind, piece.kind: named}
        key = "arguments" if piece.kind == "function" else "input"
        inner = child(calls[piece.index], piece.kind)
        inner[key] = string(inner, key) + piece.arguments
    return list(calls.values())


def openai_refusal(status: int, retry_after_s: float | None) -> bytes:
    """OpenAI's error body, for all of its APIs."""
    del retry_after_s
    kind = next((name for limit, name in _ERROR_TYPES if status == limit or (limit == 500 <= status)), "")
    code = "rate_limit_exceeded" if status == 429 else "invalid_api_key" if status == 401 else None
    error: JsonObject = {
        "message": f"The simulated provider answers {status}.",
        "type": kind or "invalid_request_error",
        "param": None,
        "code": code,
    }
    return dumps({"error": error})


def _tools(body: JsonObject) -> tuple[tuple[AskedTool, ...], ToolMode]:
    tools: list[AskedTool] = []
    for tool in dicts(body.get("tools")):
        if tool.get("type") == "custom":
            tools.append(asked_tool(child(tool, "custom"), "", "custom"))
        else:
            tools.append(asked_tool(child(tool, "function"), "parameters"))
    match body.get("tool_choice"):
        case "none" | "required" as mode:
            return tuple(tools), mode
        case {"type": "function", "function": {"name": name}} | {"type": "custom", "custom": {"name": name}}:
            return tuple(tool for tool in tools if tool.name == name), "required"
        case {"type": "allowed_tools", "allowed_tools": {"tools": list(allowed), "mode": str(mode)}}:
            names = {string(child(each, str(each.get("type"))), "name") for each in dicts(allowed)}
            return tuple(tool for tool in tools if tool.name in names), "required" if mode == "required" else "auto"
        case _:
            return tuple(tools), "auto"


def _schema(response_format: JsonObject) -> JsonObject | None:
    match response_format.get("type"):
        case "json_object":
            return {}
        case "json_schema":
            return child(child(response_format, "json_schema"), "schema")
        case _:
            return None


def _stop(value: JsonValue) -> tuple[str, ...]:
    match value:
        case str(text):
            return (text,)
        case list(texts):
            return tuple(map(str, texts))
        case _:
            return ()


def _tool_delta(event: ToolCall) -> JsonObject:
    key = "arguments" if event.kind == "function" else "input"
    if event.id:
        named: JsonObject = {"name": event.name, key: event.arguments}
        return {"index": event.index, "id": event.id, "type": event.kind, event.kind: named}
    return {"index": event.index, event.kind: {key: event.arguments}}


def _usage(usage: Usage) -> JsonObject:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


_ERROR_FRAME = (
    b'data: {"error":{"message":"The server had an error while processing your request.",'
    b'"type":"server_error","param":null,"code":null}}\n\n'
)

CHAT = SimDialect("openai-chat", read_chat, ChatSpeaker, openai_refusal, _ERROR_FRAME)
EMBEDDINGS = SimDialect("openai-embeddings", read_embedding, EmbeddingSpeaker, openai_refusal, b"")
