"""OpenAI's Responses, as the simulator speaks them.

Source: OpenAI's API description, `Response` and `ResponseStreamEvent`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from penstock.core.events import Event, Finish, Start, Text, ToolCall
from penstock.core.json import JsonObject, JsonValue, dumps
from penstock.core.usage import Usage
from penstock.testing.script import Ask, AskedTool
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
from penstock.testing.sim.openai_chat import openai_refusal


def read_response(call: Call) -> Asked:
    body = object_in(call)
    model = string(body, "model")
    given = body.get("input")
    if not model or not given:
        raise BadCallError("Missing required parameter: 'input'.")
    items: list[JsonObject] = [{"role": "user", "content": given}] if isinstance(given, str) else dicts(given)
    texts = [text_of(item) for item in items]
    if instructions := string(body, "instructions"):
        texts.insert(0, instructions)
    users = [item for item in items if item.get("role") == "user"]
    is_result = bool(items) and str(items[-1].get("type")).endswith("_call_output")
    tools, mode = _tools(body)
    wanted = child(child(body, "text"), "format")
    schema = child(wanted, "schema") if wanted.get("type") in {"json_schema", "json_object"} else None
    return Asked(
        Ask(
            model=model,
            prompt=text_of(users[-1].get("content")) if users else "",
            input_tokens=input_tokens(texts),
            is_streamed=body.get("stream") is True,
            tool_result=text_of(items[-1]) if is_result else None,
            tools=tools,
            tool_mode=mode,
            is_parallel=body.get("parallel_tool_calls") is not False,
            schema=schema,
            max_tokens=whole(body, "max_output_tokens"),
        ),
    )


@dataclass(slots=True)
class _Item:
    """One item of the output, as far as it has been said."""

    kind: str
    id: str
    call: ToolCall | None = None
    text: str = ""

    def shown(self, *, is_done: bool) -> JsonObject:
        status = "completed" if is_done else "in_progress"
        match self.kind, self.call:
            case "reasoning", _:
                summary: list[JsonValue] = [{"type": "summary_text", "text": self.text}] if is_done else []
                return {"id": self.id, "type": "reasoning", "summary": summary}
            case _, ToolCall(id=id_, name=name, kind="function"):
                called: JsonObject = {"id": self.id, "type": "function_call", "status": status, "call_id": id_}
                return {**called, "name": name, "arguments": self.text}
            case _, ToolCall(id=id_, name=name):
                called = {"id": self.id, "type": "custom_tool_call", "status": status, "call_id": id_}
                return {**called, "name": name, "input": self.text}
            case _:
                content: list[JsonValue] = [_output_text(self.text)] if is_done else []
                message: JsonObject = {"id": self.id, "type": "message", "status": status}
                return {**message, "role": "assistant", "content": content}


class ResponseSpeaker:
    def __init__(self, asked: Asked, events: Sequence[Event]) -> None:
        self._asked = asked
        self._events = events
        self._start = events[0] if isinstance(events[0], Start) else Start("", "")
        self._sequence = 0
        self._items: list[_Item] = []
        self._open: tuple[str, int] | None = None

    def frames(self, event: Event) -> bytes:
        match event:
            case Start():
                response = self._response("in_progress", [], None)
                created = self._frame("response.created", {"response": response})
                return created + self._frame("response.in_progress", {"response": response})
            case Text(text=text, channel="reasoning"):
                return self._within("reasoning", 0) + self._said("response.reasoning_summary_text.delta", text)
            case Text(text=text):
                return self._within("message", 0) + self._said("response.output_text.delta", text)
            case ToolCall(index=index, arguments=arguments, kind=kind):
                opened = self._within("call", index, event)
                name = "function_call_arguments" if kind == "function" else "custom_tool_call_input"
                return opened + (self._said(f"response.{name}.delta", arguments) if arguments else b"")
            case _:
                return b""

    def tail(self) -> bytes:
        closed = self._close()
        output: list[JsonValue] = [item.shown(is_done=True) for item in self._items]
        status, details = self._ending()
        kind = f"response.{status}"
        return closed + self._frame(kind, {"response": self._response(status, output, details)})

    def unary(self) -> bytes:
        for event in self._events:
            self.frames(event)
        output: list[JsonValue] = [item.shown(is_done=True) for item in self._items]
        return dumps(self._response(self._ending()[0], output, self._ending()[1]))

    def wrong(self, *, is_streamed: bool) -> bytes:
        if is_streamed:
            return self._frame("response.output_text.delta", {"output_index": "none", "delta": 7})
        return dumps({"id": self._start.id, "object": "response", "output": 7})

    def _ending(self) -> tuple[str, JsonObject | None]:
        finish = next(event for event in self._events if isinstance(event, Finish))
        match finish.reason:
            case "length":
                return "incomplete", {"reason": "max_output_tokens"}
            case "content_filter":
                return "incomplete", {"reason": "content_filter"}
            case _:
                return "completed", None

    def _response(self, status: str, output: list[JsonValue], details: JsonObject | None) -> JsonObject:
        usage = usage_in(self._events) if status != "in_progress" else None
        return {
            "id": f"resp_{self._start.id}",
            "object": "response",
            "created_at": self._start.created,
            "status": status,
            "error": None,
            "incomplete_details": details,
            "instructions": None,
            "metadata": {},
            "model": self._start.model,
            "output": output,
            "parallel_tool_calls": self._asked.ask.is_parallel,
            "temperature": 1.0,
            "tool_choice": "auto",
            "tools": [],
            "top_p": 1.0,
            "usage": _usage(usage) if usage is not None else None,
        }

    def _within(self, kind: str, index: int, call: ToolCall | None = None) -> bytes:
        if self._open == (kind, index):
            return b""
        closed = self._close()
        self._open = (kind, index)
        prefix = {"reasoning": "rs", "message": "msg"}.get(kind, "fc")
        item = _Item(kind, f"{prefix}_{self._start.id}{len(self._items)}", call)
        self._items.append(item)
        at = len(self._items) - 1
        shown = item.shown(is_done=False)
        opened = self._frame("response.output_item.added", {"output_index": at, "item": shown})
        match kind:
            case "message":
                opened += self._part("response.content_part.added", "content_index", _output_text(""))
            case "reasoning":
                empty: JsonObject = {"type": "summary_text", "text": ""}
                opened += self._part("response.reasoning_summary_part.added", "summary_index", empty)
            case _:
                pass
        return closed + opened

    def _said(self, name: str, text: str) -> bytes:
        item = self._items[-1]
        item.text += text
        fields: JsonObject = {"item_id": item.id, "output_index": len(self._items) - 1, "delta": text}
        if item.kind == "message":
            fields |= {"content_index": 0, "logprobs": []}
        elif item.kind == "reasoning":
            fields["summary_index"] = 0
        return self._frame(name, fields)

    def _close(self) -> bytes:
        if self._open is None:
            return b""
        self._open = None
        item = self._items[-1]
        at = len(self._items) - 1
        ending: JsonObject = {"item_id": item.id, "output_index": at}
        match item.kind, item.call:
            case "message", _:
                done: JsonObject = {**ending, "content_index": 0, "text": item.text, "logprobs": []}
                closed = self._frame("response.output_text.done", done)
                closed += self._part("response.content_part.done", "content_index", _output_text(item.text))
            case "reasoning", _:
                done = {**ending, "summary_index": 0, "text": item.text}
                closed = self._frame("response.reasoning_summary_text.done", done)
                part: JsonObject = {"type": "summary_text", "text": item.text}
                closed += self._part("response.reasoning_summary_part.done", "summary_index", part)
            case _, ToolCall(kind="function", name=name):
                done = {**ending, "name": name, "arguments": item.text}
                closed = self._frame("response.function_call_arguments.done", done)
            case _:
                closed = self._frame("response.custom_tool_call_input.done", {**ending, "input": item.text})
        shown = item.shown(is_done=True)
        return closed + self._frame("response.output_item.done", {"output_index": at, "item": shown})

    def _part(self, name: str, index_key: str, part: JsonObject) -> bytes:
        at = len(self._items) - 1
        return self._frame(name, {"item_id": self._items[at].id, "output_index": at, index_key: 0, "part": part})

    def _frame(self, kind: str, fields: JsonObject) -> bytes:
        body: JsonObject = {"type": kind, "sequence_number": self._sequence, **fields}
        self._sequence += 1
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), dumps(body))


def _tools(body: JsonObject) -> tuple[tuple[AskedTool, ...], ToolMode]:
    tools = [
        asked_tool(tool, "parameters", "custom" if tool.get("type") == "custom" else "function")
        for tool in dicts(body.get("tools"))
        if tool.get("type") in {"function", "custom"}
    ]
    match body.get("tool_choice"):
        case "none" | "required" as mode:
            return tuple(tools), mode
        case {"type": "function" | "custom", "name": name}:
            return tuple(tool for tool in tools if tool.name == name), "required"
        case {"type": "allowed_tools", "tools": list(allowed), "mode": str(mode)}:
            names = {string(each, "name") for each in dicts(allowed)}
            return tuple(tool for tool in tools if tool.name in names), "required" if mode == "required" else "auto"
        case _:
            return tuple(tools), "auto"


def _output_text(text: str) -> JsonObject:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _usage(usage: Usage) -> JsonObject:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


_ERROR_FRAME = (
    b'event: error\ndata: {"type":"error","sequence_number":0,"code":"server_error",'
    b'"message":"The server had an error while processing your request.","param":null}\n\n'
)

RESPONSES = SimDialect("openai-responses", read_response, ResponseSpeaker, openai_refusal, _ERROR_FRAME)
