"""Reads `POST /v1/messages` (https://platform.claude.com/docs/en/api/messages) and `/v1/messages/count_tokens`.

The headers that belong to the question, `anthropic-beta` and `anthropic-version`, are kept in the request's extras
under their own names: Anthropic's provider sends them on.
"""

from typing import Final, Literal

from penstock.core.chat import (
    ChatRequest,
    Message,
    OpaqueTool,
    Reasoning,
    ResponseFormat,
    TextPart,
    Tool,
    ToolChoice,
)
from penstock.core.json import JsonObject, JsonValue
from penstock.core.ports import HeaderView
from penstock.wire.anthropic.blocks import read_content
from penstock.wire.document import (
    as_array,
    as_bool,
    as_int,
    as_name,
    as_number,
    as_object,
    as_text,
    invalid,
    read_document,
    take,
)

_HEADERS: Final = ("anthropic-beta", "anthropic-version")


def parse_messages(body: bytes, headers: HeaderView | None = None) -> ChatRequest:
    """Read a request for a message.  Raises `MalformedRequest`, naming the field.  Header names are in lower case."""
    return _parse(body, headers, has_limit=True)


def parse_count_tokens(body: bytes, headers: HeaderView | None = None) -> ChatRequest:
    """Read a request for a token count: the same body, where `max_tokens` need not be given."""
    return _parse(body, headers, has_limit=False)


def _parse(body: bytes, headers: HeaderView | None, *, has_limit: bool) -> ChatRequest:
    document = read_document(body)
    model = as_name(take(document, "model", ""), "model")
    max_tokens = take(document, "max_tokens", "") if has_limit else document.pop("max_tokens", None)
    messages = _messages(document)
    tools = _tools(document)
    tool_choice, parallel = _tool_choice(document)
    response_format, reasoning = _output(document)
    user = _user(document)
    temperature, top_p = document.pop("temperature", None), document.pop("top_p", None)
    top_k, stream = document.pop("top_k", None), document.pop("stream", None)
    stop = document.pop("stop_sequences", None)
    for name in _HEADERS:
        if name in document:  # it would be taken for the header, which has bounds that a text in JSON has not
            raise invalid(name, "this is a header, not a field of the body")
        value = headers.get(name) if headers else None
        if value:
            document[name] = value
    return ChatRequest(
        dialect="anthropic",
        model=model,
        messages=messages,
        tools=tools,
        tool_choice=tool_choice,
        parallel_tool_calls=parallel,
        response_format=response_format,
        reasoning=reasoning,
        max_tokens=None if max_tokens is None else as_int(max_tokens, "max_tokens", least=0),
        temperature=None if temperature is None else as_number(temperature, "temperature", least=0, most=1),
        top_p=None if top_p is None else as_number(top_p, "top_p", least=0, most=1),
        top_k=None if top_k is None else as_int(top_k, "top_k", least=0),
        stop=() if stop is None else _stop(stop),
        user=user,
        stream=False if stream is None else as_bool(stream, "stream"),
        include_usage=True,
        extras=document,
    )


def _messages(document: JsonObject) -> tuple[Message, ...]:
    messages: list[Message] = []
    system = document.pop("system", None)
    parts = () if system is None or system == "" else read_content(system, "system")
    if parts:
        messages.append(Message("system", parts))
    turns = as_array(take(document, "messages", ""), "messages")
    if not turns:
        raise invalid("messages", "must hold at least one message")
    for at, value in enumerate(turns):
        path = f"messages[{at}]"
        message = as_object(value, path)
        role = _role(take(message, "role", path), path)
        content = message.pop("content", None)
        parts = (TextPart(content),) if type(content) is str else read_content(content, f"{path}.content")
        messages.append(Message(role, parts, extras=message))
    return tuple(messages)


def _role(value: JsonValue, path: str) -> Literal["user", "assistant", "system"]:
    match value:
        case "user" | "assistant" | "system":
            return value
        case _:
            raise invalid(f"{path}.role", "must be one of `user`, `assistant`, `system`")


def _tools(document: JsonObject) -> tuple[Tool | OpaqueTool, ...]:
    value = document.pop("tools", None)
    if value is None:
        return ()
    return tuple([_tool(tool, f"tools[{at}]") for at, tool in enumerate(as_array(value, "tools"))])


def _tool(value: JsonValue, path: str) -> Tool | OpaqueTool:
    tool = as_object(value, path)
    kind = tool.get("type")
    if kind is not None and kind != "custom":
        return OpaqueTool("anthropic", f"{path}.type", tool)
    tool.pop("type", None)
    name = as_name(take(tool, "name", path), f"{path}.name")
    description, strict = tool.pop("description", None), tool.pop("strict", None)
    schema = as_object(take(tool, "input_schema", path), f"{path}.input_schema")
    if tool.get("defer_loading") is False:  # what is meant without it, too
        del tool["defer_loading"]
    return Tool(
        name,
        None if description is None else as_text(description, f"{path}.description"),
        schema,
        None if strict is None else as_bool(strict, f"{path}.strict"),
        extras=tool,
    )


def _tool_choice(document: JsonObject) -> tuple[ToolChoice | None, bool | None]:
    value = document.pop("tool_choice", None)
    if value is None:
        return None, None
    choice = as_object(value, "tool_choice")
    disabled = choice.pop("disable_parallel_tool_use", None)
    parallel = None if disabled is None else not as_bool(disabled, "tool_choice.disable_parallel_tool_use")
    match take(choice, "type", "tool_choice"):
        case "auto":
            chosen = ToolChoice("auto")
        case "any":
            chosen = ToolChoice("required")
        case "none":
            chosen = ToolChoice("none")
        case "tool":
            chosen = ToolChoice("named", as_name(take(choice, "name", "tool_choice"), "tool_choice.name"))
        case _:
            raise invalid("tool_choice.type", "must be one of `auto`, `any`, `tool`, `none`")
    if choice:
        document["tool_choice"] = choice
    return chosen, parallel


def _output(document: JsonObject) -> tuple[ResponseFormat | None, Reasoning | None]:
    """`thinking`, `output_config` and the older `output_format`; what has no common meaning goes back as an extra."""
    config = document.pop("output_config", None)
    config = {} if config is None else as_object(config, "output_config")
    if "output_format" in document and "format" not in config:
        config["format"] = document.pop("output_format")
    effort = config.pop("effort", None)
    effort = None if effort is None else as_text(effort, "output_config.effort")
    wanted: ResponseFormat | None = None
    match config.get("format"):
        case {"type": "json_schema", "schema": dict(schema), **rest} if not rest:
            del config["format"]
            wanted = ResponseFormat("json_schema", schema=schema)
        case None:
            config.pop("format", None)
        case _:
            pass
    if config:
        document["output_config"] = config
    thinking = document.pop("thinking", None)
    if thinking is not None:
        return wanted, _reasoning(as_object(thinking, "thinking"), effort)
    return wanted, None if effort is None else Reasoning(effort, extras={"thinking": None})


def _reasoning(thinking: JsonObject, effort: str | None) -> Reasoning:
    """Thinking without a budget is adaptive.  An effort alone is marked by a null `thinking` among the extras."""
    kind = as_text(take(thinking, "type", "thinking"), "thinking.type")
    summary: str | None = None
    if thinking.get("display") == "summarized":
        del thinking["display"]
        summary = "auto"
    match kind:
        case "enabled":
            budget = as_int(take(thinking, "budget_tokens", "thinking"), "thinking.budget_tokens", least=1)
            return Reasoning(effort, budget, summary, extras=thinking)
        case "disabled":
            return Reasoning(effort, is_enabled=False, extras=thinking)
        case "adaptive":
            return Reasoning(effort, summary=summary, extras=thinking)
        case _:
            return Reasoning(effort, summary=summary, extras={**thinking, "type": kind})


def _user(document: JsonObject) -> str | None:
    value = document.pop("metadata", None)
    if value is None:
        return None
    metadata = as_object(value, "metadata")
    user = metadata.pop("user_id", None)
    if metadata:
        document["metadata"] = metadata
    return None if user is None else as_text(user, "metadata.user_id")


def _stop(value: JsonValue) -> tuple[str, ...]:
    return tuple([as_text(s, f"stop_sequences[{at}]") for at, s in enumerate(as_array(value, "stop_sequences"))])
