"""Anthropic's Messages, as the simulator speaks them.

Source: Anthropic's API reference, "Messages" and "Streaming messages"; event order as the service sends it.
"""

from collections.abc import Sequence

from penstock.core.events import Event, Finish, Start, Text, ToolCall
from penstock.core.json import JsonObject, JsonValue, dumps
from penstock.testing.script import Ask
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
    object_or_empty,
    string,
    text_of,
    usage_in,
    whole,
)
from penstock.testing.sim.http import Call

_SIGNATURE = "c2ltdWxhdGVkIHRoaW5raW5n"


def read_messages(call: Call) -> Asked:
    body = object_in(call)
    messages = dicts(body.get("messages"))
    model = string(body, "model")
    max_tokens = whole(body, "max_tokens")
    if not model or not messages:
        raise BadCallError("model: Field required")
    if max_tokens is None:
        raise BadCallError("max_tokens: Field required")
    texts = [text_of(body.get("system"))] if body.get("system") else []
    texts += [text_of(message.get("content")) for message in messages]
    results = [part for part in dicts(messages[-1].get("content")) if part.get("type") == "tool_result"]
    tools = tuple(asked_tool(tool, "input_schema") for tool in dicts(body.get("tools")))
    choice = child(body, "tool_choice")
    mode: ToolMode = "auto"
    match choice.get("type"):
        case "any":
            mode = "required"
        case "none":
            mode = "none"
        case "tool":
            mode = "required"
            tools = tuple(tool for tool in tools if tool.name == choice.get("name"))
        case _:
            pass
    stop = body.get("stop_sequences")
    return Asked(
        Ask(
            model=model,
            prompt=_prompt(messages),
            input_tokens=input_tokens(texts),
            is_streamed=body.get("stream") is True,
            tool_result="\n".join(text_of(part.get("content")) for part in results) if results else None,
            tools=tools,
            tool_mode=mode,
            is_parallel=choice.get("disable_parallel_tool_use") is not True,
            schema=_schema(body),
            max_tokens=max_tokens,
            stop=tuple(map(str, stop)) if isinstance(stop, list) else (),
        ),
    )


class MessageSpeaker:
    def __init__(self, asked: Asked, events: Sequence[Event]) -> None:
        del asked
        self._events = events
        self._usage = usage_in(events)
        start = events[0]
        self._id, self._model = (f"msg_{start.id}", start.model) if isinstance(start, Start) else ("", "")
        self._finish = next(event for event in events if isinstance(event, Finish))
        self._block = -1
        self._open: tuple[str, int] | None = None

    def frames(self, event: Event) -> bytes:
        match event:
            case Start():
                message = self._message([], None)
                if self._usage is not None:
                    message["usage"] = self._counts(1 if self._usage.output_tokens else 0)
                return _frame("message_start", {"message": message}) + _frame("ping", {})
            case Text(text=text, channel="reasoning"):
                return self._within("thinking", 0, {"type": "thinking", "thinking": "", "signature": ""}) + self._delta(
                    {"type": "thinking_delta", "thinking": text},
                )
            case Text(text=text):
                return self._within("text", 0, {"type": "text", "text": ""}) + self._delta(
                    {"type": "text_delta", "text": text},
                )
            case ToolCall(index=index, id=id_, name=name, arguments=arguments):
                block: JsonObject = {"type": "tool_use", "id": _tool_id(id_), "name": name, "input": {}}
                return self._within("tool_use", index, block) + self._delta(
                    {"type": "input_json_delta", "partial_json": arguments},
                )
            case _:
                return b""

    def tail(self) -> bytes:
        reason, sequence = _stop_reason(self._finish)
        ending: JsonObject = {"delta": {"stop_reason": reason, "stop_sequence": sequence}}
        if self._usage is not None:
            ending["usage"] = self._counts(self._usage.output_tokens)
        return self._close() + _frame("message_delta", ending) + _frame("message_stop", {})

    def unary(self) -> bytes:
        reason, sequence = _stop_reason(self._finish)
        message = self._message(self._blocks(), reason)
        message["stop_sequence"] = sequence
        if self._usage is not None:
            message["usage"] = self._counts(self._usage.output_tokens)
        return dumps(message)

    def wrong(self, *, is_streamed: bool) -> bytes:
        if is_streamed:
            return _frame("content_block_delta", {"index": "none", "delta": 7})
        return dumps({"id": self._id, "type": "message", "role": "assistant", "content": 7})

    def _message(self, content: list[JsonValue], reason: str | None) -> JsonObject:
        return {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": content,
            "stop_reason": reason,
            "stop_sequence": None,
        }

    def _counts(self, output_tokens: int) -> JsonObject:
        return {
            "input_tokens": self._usage.input_tokens if self._usage is not None else 0,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": output_tokens,
        }

    def _within(self, kind: str, index: int, block: JsonObject) -> bytes:
        """Close the block that is open and open this one, unless it is the same."""
        if self._open == (kind, index):
            return b""
        closed = self._close()
        self._open = (kind, index)
        self._block += 1
        return closed + _frame("content_block_start", {"index": self._block, "content_block": block})

    def _close(self) -> bytes:
        if self._open is None:
            return b""
        signed = b""
        if self._open[0] == "thinking":
            signed = self._delta({"type": "signature_delta", "signature": _SIGNATURE})
        self._open = None
        return signed + _frame("content_block_stop", {"index": self._block})

    def _delta(self, delta: JsonObject) -> bytes:
        return _frame("content_block_delta", {"index": self._block, "delta": delta})

    def _blocks(self) -> list[JsonValue]:
        texts = [event for event in self._events if isinstance(event, Text)]
        thoughts = "".join(event.text for event in texts if event.channel == "reasoning")
        answer = "".join(event.text for event in texts if event.channel == "answer")
        blocks: list[JsonValue] = []
        if thoughts:
            blocks.append({"type": "thinking", "thinking": thoughts, "signature": _SIGNATURE})
        if answer:
            blocks.append({"type": "text", "text": answer})
        pieces = [event for event in self._events if isinstance(event, ToolCall)]
        for call in (piece for piece in pieces if piece.id):
            arguments = "".join(piece.arguments for piece in pieces if piece.index == call.index)
            blocks.append(
                {"type": "tool_use", "id": _tool_id(call.id), "name": call.name, "input": object_or_empty(arguments)}
            )
        return blocks


def anthropic_refusal(status: int, retry_after_s: float | None) -> bytes:
    del retry_after_s
    match status:
        case 400 | 413:
            kind = "invalid_request_error"
        case 401:
            kind = "authentication_error"
        case 403:
            kind = "permission_error"
        case 404:
            kind = "not_found_error"
        case 429:
            kind = "rate_limit_error"
        case 503 | 529:
            kind = "overloaded_error"
        case _:
            kind = "api_error"
    error: JsonObject = {"type": kind, "message": f"The simulated provider answers {status}."}
    return dumps({"type": "error", "error": error, "request_id": "req_simulated"})


def _prompt(messages: list[JsonObject]) -> str:
    for message in reversed(messages):
        if message.get("role") != "user":
            continue
        match message.get("content"):
            case str(text):
                return text
            case list(parts):
                said: list[JsonValue] = [part for part in dicts(parts) if part.get("type") != "tool_result"]
                if said:
                    return text_of(said)
            case _:
                pass
    return ""


def _schema(body: JsonObject) -> JsonObject | None:
    output = child(body, "output_config").get("format") or body.get("output_format")
    return child(output, "schema") if isinstance(output, dict) else None


def _tool_id(id_: str) -> str:
    return id_.replace("call_", "toolu_", 1)


def _stop_reason(finish: Finish) -> tuple[str, str | None]:
    if finish.stop_sequence is not None:
        return "stop_sequence", finish.stop_sequence
    match finish.reason:
        case "length":
            return "max_tokens", None
        case "tool_calls":
            return "tool_use", None
        case "content_filter":
            return "refusal", None
        case _:
            return "end_turn", None


def _frame(kind: str, fields: JsonObject) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), dumps({"type": kind, **fields}))


_ERROR_FRAME = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'

MESSAGES = SimDialect("anthropic", read_messages, MessageSpeaker, anthropic_refusal, _ERROR_FRAME)
