"""Writes a request as a v2/chat body (https://docs.cohere.com/reference/chat)."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from penstock.core.chat import (
    ChatRequest,
    FilePart,
    ImagePart,
    Message,
    OpaquePart,
    OpaqueTool,
    Part,
    Reasoning,
    ReasoningPart,
    RefusalPart,
    Request,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
)
from penstock.core.errors import UnsupportedField
from penstock.core.json import JsonObject, JsonValue
from penstock.providers.advisory import advisory_extras, refuse_opaque, refuse_unknown_extras

_REASONING_FIELDS: Final = MappingProxyType({"openai-responses": "reasoning.effort", "anthropic": "thinking"})


def body_of(request: ChatRequest, model: str) -> JsonObject:
    """The whole body.  Raises `UnsupportedField`, naming the caller's field."""
    if request.dialect != "cohere":
        refuse_unknown_extras(request, "cohere")
    refuse_opaque(request, "cohere")
    _refuse_foreign(request)
    body: JsonObject = {"model": model, "messages": _messages(request)}
    if request.stream:
        body["stream"] = True
    given: tuple[tuple[str, JsonValue], ...] = (
        ("max_tokens", request.max_tokens),
        ("temperature", request.temperature),
        ("p", request.top_p),
        ("k", request.top_k),
        ("seed", request.seed),
        ("presence_penalty", request.presence_penalty),
        ("frequency_penalty", request.frequency_penalty),
        ("stop_sequences", list(request.stop) if request.stop else None),
        ("logprobs", request.logprobs or None),
    )
    for name, value in given:
        if value is not None:
            body[name] = value
    _add_tools(body, request)
    if request.response_format is not None and request.response_format.kind != "text":
        body["response_format"] = _format(request.response_format)
    thinking = None if request.reasoning is None else _thinking(request.reasoning, request)
    if thinking is not None:
        body["thinking"] = thinking
    if request.dialect == "cohere":
        body.update(request.extras)
    return body


def advisory_fields(request: Request) -> list[str]:
    """What is left out because it cannot change the answer."""
    if request.dialect == "cohere":
        return []
    fields = advisory_extras(request)
    if request.user is not None:
        fields.append("user")
    if isinstance(request, ChatRequest) and request.metadata:
        fields.append("metadata")
    return fields


def _unsupported(field: str, why: str = "") -> UnsupportedField:
    return UnsupportedField(f"`{field}` cannot be sent to a cohere model{why}.", field=field)


def _refuse_foreign(request: ChatRequest) -> None:
    if request.choices != 1:
        raise _unsupported("n")
    if request.top_logprobs:
        raise _unsupported("top_logprobs", ", which shows only the tokens it chose")
    if request.parallel_tool_calls is False and request.tools:
        field = "tool_choice.disable_parallel_tool_use" if request.dialect == "anthropic" else "parallel_tool_calls"
        raise _unsupported(field, ", which may always call several tools")


def _messages(request: ChatRequest) -> list[JsonValue]:
    root = "input" if request.dialect == "openai-responses" else "messages"
    is_anthropic = request.dialect == "anthropic"
    first = 1 if is_anthropic and request.messages and request.messages[0].role == "system" else 0
    written: list[JsonValue] = []
    for at, message in enumerate(request.messages):
        path = f"{root}[{at - first}]" if at >= first else "system"
        if message.name is not None and message.role != "tool":
            raise _unsupported(f"{path}.name")
        if message.role == "assistant":
            written.append(_assistant(message, path))
        else:
            written += _others(message, path)
    return written


def _others(message: Message, path: str) -> list[JsonValue]:
    """One message, after one of the role `tool` for each tool result in it."""
    written: list[JsonValue] = []
    contents: list[Part] = []
    for at, part in enumerate(message.parts):
        if isinstance(part, ToolResultPart):
            content = _content(part.parts, f"{path}.content[{at}]")
            written.append({"role": "tool", "tool_call_id": part.call_id, "content": content})
        else:
            contents.append(part)
    if contents or not written:
        role = "system" if message.role == "developer" else message.role
        written.append({"role": role, "content": _content(contents, path)})
    return written


def _assistant(message: Message, path: str) -> JsonObject:
    """Reasoning goes back only as the plan of the calls that it led to."""
    calls: list[JsonValue] = []
    plan: list[str] = []
    contents: list[Part] = []
    for at, part in enumerate(message.parts):
        match part:
            case ToolCallPart(kind="custom"):
                raise _unsupported(f"{path}.content[{at}]", ", which has no custom tools")
            case ToolCallPart(id=call_id, name=name, arguments=arguments):
                function: JsonObject = {"name": name, "arguments": arguments or "{}"}
                calls.append({"id": call_id, "type": "function", "function": function})
            case ReasoningPart(text=text, signature=signature):
                if text and signature is None:
                    plan.append(text)
            case _:
                contents.append(part)
    written: JsonObject = {"role": "assistant"}
    if contents or not calls:
        written["content"] = _content(contents, path)
    if calls:
        if plan:
            written["tool_plan"] = "\n".join(plan)
        written["tool_calls"] = calls
    return written


def _content(parts: Sequence[Part], path: str) -> JsonValue:
    if not parts:
        return ""
    if len(parts) == 1 and isinstance(parts[0], TextPart):
        return parts[0].text
    return [_part(part, f"{path}.content[{at}]") for at, part in enumerate(parts)]


def _part(part: Part, path: str) -> JsonObject:
    match part:
        case TextPart(text=text) | RefusalPart(text=text) | FilePart(text=str(text)):
            return {"type": "text", "text": text}
        case ImagePart(url=str(url)):
            return _image(url, part.detail)
        case ImagePart(data=str(data)):
            return _image(f"data:{part.media_type or 'image/jpeg'};base64,{data}", part.detail)
        case OpaquePart(dialect="cohere", data=dict() as data):
            return data
        case _:
            raise _unsupported(path)


def _image(url: str, detail: str | None) -> JsonObject:
    image: JsonObject = {"url": url}
    if detail is not None:
        image["detail"] = detail
    return {"type": "image_url", "image_url": image}


def _add_tools(body: JsonObject, request: ChatRequest) -> None:
    choice = request.tool_choice
    allowed = None if choice is None else choice.allowed
    if choice is not None and choice.mode == "named":
        allowed = (choice.name or "",)  # Cohere knows no choice of one tool, but must call the only one it has
    tools: list[JsonValue] = []
    is_strict = False
    for at, tool in enumerate(request.tools):
        if isinstance(tool, OpaqueTool):
            tools.append(tool.data)
        elif allowed is None or tool.name in allowed:
            tools.append(_tool(tool, at))
            is_strict = is_strict or bool(tool.strict)
    if not tools:
        return
    body["tools"] = tools
    if is_strict:
        body["strict_tools"] = True
    if choice is not None and choice.mode != "auto":
        body["tool_choice"] = "NONE" if choice.mode == "none" else "REQUIRED"


def _tool(tool: Tool, at: int) -> JsonObject:
    if tool.kind == "custom":
        raise _unsupported(f"tools[{at}]", ", which has no custom tools")
    parameters: JsonObject = tool.parameters if tool.parameters is not None else {"type": "object", "properties": {}}
    function: JsonObject = {"name": tool.name, "parameters": parameters}
    if tool.description is not None:
        function["description"] = tool.description
    return {"type": "function", "function": function}


def _format(wanted: ResponseFormat) -> JsonObject:
    written: JsonObject = {"type": "json_object"}
    if wanted.kind == "json_schema":
        schema = wanted.schema if wanted.schema is not None else {}
        if wanted.description is not None and "description" not in schema:
            schema = {**schema, "description": wanted.description}
        written["json_schema"] = schema
    return written


def _thinking(reasoning: Reasoning, request: ChatRequest) -> JsonObject | None:
    """Cohere thinks or does not, within a budget; of OpenAI's efforts its own compatible API knows `none` and `high`
    (https://docs.cohere.com/docs/compatibility-api).
    """
    if not reasoning.is_enabled or reasoning.effort == "none":
        return {"type": "disabled"}
    if reasoning.budget_tokens is not None:
        return {"type": "enabled", "token_budget": reasoning.budget_tokens}
    if reasoning.effort is None:
        return {"type": "enabled"} if request.dialect == "anthropic" else None
    if reasoning.effort == "high":
        return {"type": "enabled"}
    field = _REASONING_FIELDS.get(request.dialect, "reasoning_effort")
    raise _unsupported(field, ", which knows the efforts none and high")
