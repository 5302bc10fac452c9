"""Tools and the choice among them, as chat completions write them."""

from typing import Any

from penstock.core.chat import OpaqueTool, Tool, ToolChoice
from penstock.core.json import JsonObject, JsonValue
from penstock.wire.document import (
    as_array,
    as_bool,
    as_name,
    as_object,
    as_text,
    invalid,
    take,
    wrong_type,
)


def read_tools(value: JsonValue, path: str) -> tuple[Tool | OpaqueTool, ...]:
    return tuple(
        _read_tool(as_object(tool, f"{path}[{at}]"), f"{path}[{at}]") for at, tool in enumerate(as_array(value, path))
    )


def _read_tool(tool: JsonObject, path: str) -> Tool | OpaqueTool:
    """An unknown type is a tool that the server runs itself.  A missing one is `function`, as servers agree."""
    kind = tool.get("type", "function")
    if kind == "function":
        return _read_function(tool, path)
    if kind == "custom":
        return _read_custom(tool, path)
    return OpaqueTool("openai-chat", f"{path}.{as_name(kind, f'{path}.type')}", tool)


def _read_function(tool: JsonObject, path: str) -> Tool:
    inner = as_object(take(tool, "function", path), f"{path}.function")
    tool.pop("type", None)
    parameters = inner.pop("parameters", None)
    strict = inner.pop("strict", None)
    named = _read_named(inner, f"{path}.function")
    rest: JsonObject = {name: value for name, value in inner.items() if value is not None}
    if rest:
        tool["function"] = rest
    return Tool(
        *named,
        parameters=None if parameters is None else as_object(parameters, f"{path}.function.parameters"),
        strict=None if strict is None else as_bool(strict, f"{path}.function.strict"),
        extras=tool,
    )


def _read_custom(tool: JsonObject, path: str) -> Tool:
    inner = as_object(take(tool, "custom", path), f"{path}.custom")
    del tool["type"]
    named = _read_named(inner, f"{path}.custom")
    return Tool(*named, kind="custom", extras={**tool, **inner})


def _read_named(inner: JsonObject, path: str) -> tuple[str, str | None]:
    name = as_name(take(inner, "name", path), f"{path}.name")
    description = inner.pop("description", None)
    return name, None if description is None else as_text(description, f"{path}.description")


def read_tool_choice(value: JsonValue, path: str) -> ToolChoice:
    if type(value) is str:
        match value:
            case "auto" | "none" | "required":
                return ToolChoice(value)
            case "any":  # Mistral's word
                return ToolChoice("required")
            case _:
                raise invalid(path, "must be `none`, `auto`, `required` or an object")
    if type(value) is not dict:
        raise wrong_type(value, path, "a string or an object")
    match value.get("type"):
        case "function":
            return ToolChoice("named", name=_read_name_in(value, "function", path))
        case "custom":
            return ToolChoice("named", name=_read_name_in(value, "custom", path), kind="custom")
        case "allowed_tools":
            return _read_allowed(
                as_object(value.get("allowed_tools"), f"{path}.allowed_tools"), f"{path}.allowed_tools"
            )
        case _:
            raise invalid(f"{path}.type", "must be `function`, `custom` or `allowed_tools`")


def _read_name_in(value: JsonObject, kind: str, path: str) -> str:
    inner = as_object(value.get(kind), f"{path}.{kind}")
    return as_name(take(inner, "name", f"{path}.{kind}"), f"{path}.{kind}.name")


def _read_allowed(allowed: JsonObject, path: str) -> ToolChoice:
    names: list[str] = []
    for at, entry in enumerate(as_array(allowed.get("tools"), f"{path}.tools")):
        where = f"{path}.tools[{at}]"
        tool = as_object(entry, where)
        names.append(_read_name_in(tool, as_name(tool.get("type"), f"{where}.type"), where))
    match allowed.get("mode"):
        case "auto" | "required" as mode:
            return ToolChoice(mode, allowed=tuple(names))
        case _:
            raise invalid(f"{path}.mode", "must be `auto` or `required`")


def upgrade_functions(document: JsonObject) -> None:
    """Rewrite the deprecated `functions` and `function_call` as tools, in place (see `parse`)."""
    functions, choice = document.pop("functions", None), document.pop("function_call", None)
    if functions is None and choice is None:
        return
    if "tools" in document or "tool_choice" in document:
        raise invalid("functions", "the deprecated `functions` cannot be combined with `tools`")
    if functions is None:
        raise invalid("function_call", "needs `functions`; better, use `tool_choice` and `tools`")
    document["tools"] = [{"type": "function", "function": f} for f in as_array(functions, "functions")]
    document["functions"] = None
    document["parallel_tool_calls"] = False
    match choice:
        case None:
            pass
        case "auto" | "none":
            document["tool_choice"] = choice
        case dict():
            named: Any = choice
            document["tool_choice"] = {"type": "function", "function": named}
        case _:
            raise invalid("function_call", "must be `none`, `auto` or an object with a name")
