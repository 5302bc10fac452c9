"""Google's generateContent, as the simulator speaks it.

Source: the Gemini API reference, `GenerateContentResponse`.  A tool call comes whole, never in pieces.
"""

from collections.abc import Sequence
from urllib.parse import unquote

from penstock.core.events import Event, Finish, Start, Text, ToolCall
from penstock.core.json import JsonObject, JsonValue, dumps
from penstock.testing.script import Ask, AskedTool
from penstock.testing.sim.dialect import (
    Asked,
    BadCallError,
    SimDialect,
    ToolMode,
    child,
    dicts,
    input_tokens,
    object_in,
    object_or_empty,
    string,
    text_of,
    usage_in,
    whole,
)
from penstock.testing.sim.http import Call

_STATUSES = (
    (400, "INVALID_ARGUMENT"),
    (401, "UNAUTHENTICATED"),
    (403, "PERMISSION_DENIED"),
    (404, "NOT_FOUND"),
    (429, "RESOURCE_EXHAUSTED"),
    (503, "UNAVAILABLE"),
    (504, "DEADLINE_EXCEEDED"),
)


def read_contents(call: Call) -> Asked:
    """Read a call of `/v1beta/models/{model}:generateContent` or `:streamGenerateContent`."""
    name, _, method = unquote(call.path.rpartition("/")[2]).rpartition(":")
    body = object_in(call)
    contents = dicts(body.get("contents"))
    if not contents:
        raise BadCallError("* GenerateContentRequest.contents: contents is not specified")
    config = child(body, "generationConfig")
    texts = [_text(message) for message in contents]
    if system := child(body, "systemInstruction"):
        texts.insert(0, _text(system))
    users = [message for message in contents if message.get("role", "user") == "user" and _said(message)]
    results = [
        child(part, "functionResponse") for part in dicts(contents[-1].get("parts")) if "functionResponse" in part
    ]
    mode, allowed = _mode(child(child(body, "toolConfig"), "functionCallingConfig"))
    tools = [tool for group in dicts(body.get("tools")) for tool in dicts(group.get("functionDeclarations"))]
    asked_tools = [
        AskedTool(string(tool, "name"), child(tool, "parametersJsonSchema") or _lowered(child(tool, "parameters")))
        for tool in tools
    ]
    stop = config.get("stopSequences")
    return Asked(
        Ask(
            model=name,
            prompt=_said(users[-1]) if users else "",
            input_tokens=input_tokens(texts),
            is_streamed=method == "streamGenerateContent",
            tool_result="\n".join(dumps(each.get("response")).decode() for each in results) if results else None,
            tools=tuple(tool for tool in asked_tools if allowed is None or tool.name in allowed),
            tool_mode=mode,
            schema=_schema(config),
            choices=whole(config, "candidateCount") or 1,
            max_tokens=whole(config, "maxOutputTokens"),
            stop=tuple(map(str, stop)) if isinstance(stop, list) else (),
            seed=whole(config, "seed"),
        ),
    )


class ContentSpeaker:
    def __init__(self, asked: Asked, events: Sequence[Event]) -> None:
        self._asked = asked
        self._events = events
        self._usage = usage_in(events)
        start = events[0]
        self._id = start.id if isinstance(start, Start) else ""

    def frames(self, event: Event) -> bytes:
        match event:
            case Text() | ToolCall() if part := self._part(event):
                return _frame(self._envelope([{"content": {"parts": [part], "role": "model"}, "index": event.choice}]))
            case _:
                return b""

    def tail(self) -> bytes:
        ends = [event for event in self._events if isinstance(event, Finish)]
        candidates: list[JsonValue] = [
            {
                "content": {"parts": [{"text": ""}], "role": "model"},
                "finishReason": _reason(end),
                "index": end.choice,
            }
            for end in ends
        ]
        return _frame(self._envelope(candidates, is_last=True))

    def unary(self) -> bytes:
        candidates: list[JsonValue] = []
        for end in (event for event in self._events if isinstance(event, Finish)):
            parts = self._parts(end.choice)
            content: JsonObject = {"parts": parts, "role": "model"} if parts else {"role": "model"}
            candidates.append({"content": content, "finishReason": _reason(end), "index": end.choice})
        return dumps(self._envelope(candidates, is_last=True))

    def wrong(self, *, is_streamed: bool) -> bytes:
        return b'data: {"candidates":7}\n\n' if is_streamed else b'{"candidates":7}'

    def _envelope(self, candidates: list[JsonValue], *, is_last: bool = False) -> JsonObject:
        body: JsonObject = {"candidates": candidates}
        if self._usage is not None:
            usage = self._usage
            answered = usage.output_tokens - usage.reasoning_tokens if is_last else 0
            counts: JsonObject = {"promptTokenCount": usage.input_tokens, "candidatesTokenCount": answered}
            if usage.reasoning_tokens and is_last:
                counts["thoughtsTokenCount"] = usage.reasoning_tokens
            counts["totalTokenCount"] = usage.input_tokens + (usage.output_tokens if is_last else 0)
            body["usageMetadata"] = counts
        body["modelVersion"] = self._asked.ask.model
        body["responseId"] = self._id
        return body

    def _part(self, event: Text | ToolCall) -> JsonObject | None:
        match event:
            case Text(text=text, channel="reasoning"):
                return {"text": text, "thought": True}
            case Text(text=text):
                return {"text": text}
            case ToolCall(id=""):
                return None
            case ToolCall(choice=choice, index=index, id=id_, name=name):
                pieces = (
                    each.arguments
                    for each in self._events
                    if isinstance(each, ToolCall) and (each.choice, each.index) == (choice, index)
                )
                return {"functionCall": {"id": id_, "name": name, "args": object_or_empty("".join(pieces))}}

    def _parts(self, choice: int) -> list[JsonValue]:
        spoken = [event for event in self._events if isinstance(event, Text | ToolCall) and event.choice == choice]
        parts: list[JsonValue] = []
        for part in filter(None, map(self._part, spoken)):
            last = parts[-1] if parts else None
            if isinstance(last, dict) and last.keys() == part.keys() and "text" in part:
                last["text"] = string(last, "text") + string(part, "text")
            else:
                parts.append(part)
        return parts


def gemini_refusal(status: int, retry_after_s: float | None) -> bytes:
    name = next((word for code, word in _STATUSES if code == status), "INTERNAL")
    error: JsonObject = {"code": status, "message": f"The simulated provider answers {status}.", "status": name}
    if retry_after_s is not None:
        kind = "type.googleapis.com/google.rpc.RetryInfo"
        error["details"] = [{"@type": kind, "retryDelay": f"{retry_after_s:g}s"}]
    return dumps({"error": error})


def _text(message: JsonObject) -> str:
    return text_of([part for part in dicts(message.get("parts")) if "functionResponse" not in part])


def _said(message: JsonObject) -> str:
    return text_of([part for part in dicts(message.get("parts")) if "text" in part])


def _mode(config: JsonObject) -> tuple[ToolMode, list[JsonValue] | None]:
    names = config.get("allowedFunctionNames")
    allowed = names if isinstance(names, list) and names else None
    match config.get("mode"):
        case "ANY":
            return "required", allowed
        case "NONE":
            return "none", None
        case _:
            return "auto", None


def _schema(config: JsonObject) -> JsonObject | None:
    if config.get("responseMimeType") != "application/json":
        return None
    json_schema = child(config, "responseJsonSchema")
    return json_schema or _lowered(child(config, "responseSchema"))


def _lowered(schema: JsonObject) -> JsonObject:
    """Gemini's own schemas write their types in capitals."""
    lowered: JsonObject = {}
    for key, value in schema.items():
        match key, value:
            case "type", str(name):
                lowered[key] = name.lower()
            case "properties", dict(parts):
                lowered[key] = {name: _lowered(part) for name, part in parts.items() if isinstance(part, dict)}
            case _, dict(part):
                lowered[key] = _lowered(part)
            case _:
                lowered[key] = value
    return lowered


def _reason(finish: Finish) -> str:
    match finish.reason:
        case "length":
            return "MAX_TOKENS"
        case "content_filter":
            return "SAFETY"
        case _:
            return "STOP"


def _frame(body: JsonObject) -> bytes:
    return b"data: %b\r\n\r\n" % dumps(body)


_ERROR_FRAME = b'data: {"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}\r\n\r\n'

CONTENTS = SimDialect("gemini", read_contents, ContentSpeaker, gemini_refusal, _ERROR_FRAME)
