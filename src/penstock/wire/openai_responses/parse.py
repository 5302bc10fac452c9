"""A `POST /v1/responses` body into a `ChatRequest`.

The format: https://platform.openai.com/docs/api-reference/responses/create.  A field without a name in the common
vocabulary stays in `extras` under its own name; one that says no more than its default is left out there, so that it
does not stand in the way of a provider of another dialect.
"""

from typing import Final

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
from penstock.wire.document import (
    as_array,
    as_bool,
    as_choice,
    as_int,
    as_name,
    as_number,
    as_object,
    as_text,
    invalid,
    read_document,
    take,
    wrong_type,
)
from penstock.wire.openai_responses.input import read_input

LOGPROBS: Final = "message.output_text.logprobs"
_MODES: Final = ("auto", "none", "required")
_MAX_TOKENS: Final = 2**31 - 1


def parse_request(body: bytes) -> ChatRequest:
    """Raises `MalformedRequest`, naming the field."""
    document = read_document(body)
    model = as_name(take(document, "model", ""), "model")
    messages: list[Message] = []
    instructions = _optional_text(document, "instructions")
    if instructions is not None:
        messages.append(Message("system", (TextPart(instructions),)))
    messages += read_input(document.pop("input", None), has_instructions=instructions is not None)
    include = _include(document)
    has_logprobs = LOGPROBS in include
    response_format = _text_settings(document)
    choice = _tool_choice(document)
    request = ChatRequest(
        dialect="openai-responses",
        model=model,
        messages=tuple(messages),
        tools=_tools(document.pop("tools", None)),
        tool_choice=choice,
        parallel_tool_calls=_optional_bool(document, "parallel_tool_calls"),
        response_format=response_format,
        reasoning=_reasoning(document.pop("reasoning", None)),
        max_tokens=_optional_int(document, "max_output_tokens", least=1, most=_MAX_TOKENS),
        temperature=_optional_number(document, "temperature", most=2),
        top_p=_optional_number(document, "top_p", most=1),
        logprobs=has_logprobs,
        top_logprobs=_optional_int(document, "top_logprobs", least=0, most=20),
        metadata=_metadata(document.pop("metadata", None)),
        user=_optional_text(document, "user"),
        stream=bool(_optional_bool(document, "stream")),
        extras=_extras(document, [each for each in include if each != LOGPROBS]),
    )
    _check_input(request)
    return request


def _check_input(request: ChatRequest) -> None:
    elsewhere = ("prompt", "previous_response_id", "conversation")
    if not request.messages and not any(name in request.extras for name in elsewhere):
        raise invalid(
            "input", "required, unless the input comes with `prompt`, `previous_response_id` or `conversation`"
        )


def _extras(document: JsonObject, include: list[JsonValue]) -> JsonObject:
    """What is left of the document, without nulls and without what only repeats a default."""
    if include:
        document["include"] = include
    for name in ("background", "store"):
        if name in document and document[name] is not None:
            as_bool(document[name], name)
    if document.get("background") is False:
        del document["background"]
    if document.get("truncation") == "disabled":
        del document["truncation"]
    return {name: value for name, value in document.items() if value is not None}


def _include(document: JsonObject) -> list[JsonValue]:
    value = document.pop("include", None)
    if value is None:
        return []
    given = as_array(value, "include")
    for at, each in enumerate(given):
        as_text(each, f"include[{at}]")
    return given


def _text_settings(document: JsonObject) -> ResponseFormat | None:
    """`text.format`; `text.verbosity` moves to the extras under the name it has in the chat dialect."""
    value = document.pop("text", None)
    if value is None:
        return None
    text = {**as_object(value, "text")}
    given = text.pop("format", None)
    verbosity = text.pop("verbosity", None)
    if verbosity is not None:
        document["verbosity"] = as_text(verbosity, "text.verbosity")
    if text:
        document["text"] = text
    if given is None:
        return None
    settings = as_object(given, "text.format")
    kind = as_choice(settings.get("type"), "text.format.type", ("text", "json_object", "json_schema"))
    if kind == "text":
        return ResponseFormat("text")
    if kind == "json_object":
        return ResponseFormat("json_object")
    strict = settings.get("strict")
    description = settings.get("description")
    return ResponseFormat(
        "json_schema",
        name=as_name(settings.get("name"), "text.format.name"),
        schema=as_object(settings.get("schema"), "text.format.schema"),
        strict=None if strict is None else as_bool(strict, "text.format.strict"),
        description=None if description is None else as_text(description, "text.format.description"),
    )


def _reasoning(value: JsonValue) -> Reasoning | None:
    if value is None:
        return None
    settings = {**as_object(value, "reasoning")}
    effort = _optional_text(settings, "effort", "reasoning.")
    summary = _optional_text(settings, "summary", "reasoning.")
    extras: JsonObject = {name: each for name, each in settings.items() if each is not None}
    return Reasoning(effort=effort, summary=summary, is_enabled=effort != "none", extras=extras)


def _tools(value: JsonValue) -> tuple[Tool | OpaqueTool, ...]:
    if value is None:
        return ()
    return tuple(
        _tool(as_object(tool, f"tools[{at}]"), f"tools[{at}]") for at, tool in enumerate(as_array(value, "tools"))
    )


def _tool(given: JsonObject, path: str) -> Tool | OpaqueTool:
    tool = {**given}
    kind = take(tool, "type", path)
    if kind not in ("function", "custom"):
        as_text(kind, f"{path}.type")
        return OpaqueTool("openai-responses", path, given)
    name = as_name(take(tool, "name", path), f"{path}.name")
    description = _optional_text(tool, "description", f"{path}.")
    parameters: JsonObject | None = None
    strict: bool | None = None
    if kind == "function":
        schema = tool.pop("parameters", None)
        parameters = None if schema is None else as_object(schema, f"{path}.parameters")
        strict = _optional_bool(tool, "strict", f"{path}.")
    extras: JsonObject = {field: each for field, each in tool.items() if each is not None}
    return Tool(name, description, parameters, strict, kind, extras)


def _tool_choice(document: JsonObject) -> ToolChoice | None:
    """A choice of a tool that the provider runs itself has no common name: it stays in the extras."""
    value = document.pop("tool_choice", None)
    if value is None:
        return None
    if isinstance(value, str):
        mode = as_choice(value, "tool_choice", _MODES)
        return ToolChoice("none" if mode == "none" else "required" if mode == "required" else "auto")
    if not isinstance(value, dict):
        raise wrong_type(value, "tool_choice", "a string or an object")
    kind = as_text(value.get("type"), "tool_choice.type")
    match kind:
        case "function":
            return ToolChoice("named", as_name(value.get("name"), "tool_choice.name"))
        case "custom":
            return ToolChoice("named", as_name(value.get("name"), "tool_choice.name"), "custom")
        case "allowed_tools":
            choice = _allowed(value)
            if choice is not None:
                return choice
        case _:
            pass
    document["tool_choice"] = value
    return None


def _allowed(value: JsonObject) -> ToolChoice | None:
    """None where a tool that the provider runs itself is among the allowed ones."""
    mode = as_choice(value.get("mode"), "tool_choice.mode", ("auto", "required"))
    names: list[str] = []
    for at, each in enumerate(as_array(value.get("tools"), "tool_choice.tools")):
        path = f"tool_choice.tools[{at}]"
        tool = as_object(each, path)
        if tool.get("type") not in ("function", "custom") or tool.keys() != {"type", "name"}:
            return None
        names.append(as_name(tool["name"], f"{path}.name"))
    return ToolChoice("required" if mode == "required" else "auto", allowed=tuple(names))


def _metadata(value: JsonValue) -> dict[str, str]:
    if value is None:
        return {}
    return {name: as_text(each, f"metadata.{name}") for name, each in as_object(value, "metadata").items()}


def _optional_text(document: JsonObject, name: str, prefix: str = "") -> str | None:
    value = document.pop(name, None)
    return None if value is None else as_text(value, prefix + name)


def _optional_bool(document: JsonObject, name: str, prefix: str = "") -> bool | None:
    value = document.pop(name, None)
    return None if value is None else as_bool(value, prefix + name)


def _optional_int(document: JsonObject, name: str, *, least: int, most: int) -> int | None:
    value = document.pop(name, None)
    return None if value is None else as_int(value, name, least=least, most=most)


def _optional_number(document: JsonObject, name: str, *, most: float) -> float | None:
    value = document.pop(name, None)
    return None if value is None else as_number(value, name, least=0, most=most)
