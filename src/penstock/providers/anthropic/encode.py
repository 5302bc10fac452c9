"""Writes a request as a Messages API body (https://platform.claude.com/docs/en/api/messages)."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from penstock.core.chat import ChatRequest, OpaqueTool, Reasoning, ResponseFormat, TextPart, Tool, ToolChoice
from penstock.core.errors import UnsupportedField
from penstock.core.json import JsonObject, JsonValue
from penstock.providers.advisory import advisory_extras, refuse_opaque, refuse_unknown_extras
from penstock.providers.anthropic.blocks import TARGET, blocks_of, unsupported
from penstock.providers.anthropic.models import (
    EFFORTS,
    MIN_BUDGET_TOKENS,
    budget_of,
    max_output_tokens,
    thinking_style,
)
from penstock.providers.anthropic.turns import Placed, Turn, regroup

HEADER_EXTRAS: Final = frozenset({"anthropic-beta", "anthropic-version"})
"""Extras of a request that were the caller's headers, and are sent as headers again."""
REASONING_NAMES: Final = MappingProxyType({"openai-responses": "reasoning.effort", "anthropic": "thinking"})


def body_of(request: ChatRequest, model: str) -> JsonObject:
    """The whole body.  Raises `UnsupportedField` or `MalformedRequest`, naming the caller's field."""
    is_native = request.dialect == TARGET
    if not is_native:
        refuse_foreign(request, TARGET)
        refuse_unknown_extras(request, TARGET, known=frozenset({"cache_control"}))
    refuse_opaque(request, TARGET)
    conversation = regroup(request, is_native=is_native, target=TARGET)
    max_tokens = max_output_tokens(model) if request.max_tokens is None else request.max_tokens
    body: JsonObject = {"model": model, "max_tokens": max_tokens}
    if conversation.system:
        body["system"] = _content(conversation.system, is_native=is_native)
    messages = [_message(turn, is_native=is_native) for turn in conversation.turns]
    body["messages"] = [m for m in messages if is_native or m["content"]]  # a turn of thinking only may be left empty
    if request.stream:
        body["stream"] = True
    _add_sampling(body, request)
    _add_tools(body, request, is_native=is_native)
    output_config: JsonObject = {}
    if request.response_format is not None:
        _add_format(output_config, request.response_format, request)
    if request.reasoning is not None:
        thinking = _thinking(request.reasoning, request, model, max_tokens, output_config)
        if thinking is not None:
            body["thinking"] = thinking
    if request.user is not None:
        body["metadata"] = {"user_id": request.user}
    if is_native:
        _add_extras(body, output_config, request.extras)
    elif "cache_control" in request.extras:
        body["cache_control"] = request.extras["cache_control"]
    if output_config:
        body["output_config"] = output_config
    return body


def advisory_fields(request: ChatRequest) -> Sequence[str]:
    """What `body_of` leaves out because it cannot change the answer."""
    if request.dialect == TARGET:
        return ()
    fields = [field for field in advisory_extras(request) if not field.endswith("cache_control")]
    if request.metadata:
        fields.append("metadata")
    return fields


def refuse_foreign(request: ChatRequest, target: str) -> None:
    """Raise for what neither the Messages API nor Converse can do.  A value that asks for nothing is no wish."""
    field = (
        ("n" if request.choices != 1 else None)
        or ("logprobs" if request.logprobs else None)
        or ("top_logprobs" if request.top_logprobs else None)
        or ("seed" if request.seed is not None else None)
        or ("presence_penalty" if request.presence_penalty else None)
        or ("frequency_penalty" if request.frequency_penalty else None)
        or ("temperature" if request.temperature is not None and request.temperature > 1 else None)
    )
    if field is None:
        return
    why = ", where it is at most 1" if field == "temperature" else ""
    raise UnsupportedField(f"`{field}` cannot be sent to a {target} model{why}.", field=field)


def _message(turn: Turn, *, is_native: bool) -> JsonObject:
    message: JsonObject = {"role": turn.role, "content": _content(turn.parts, is_native=is_native)}
    return {**message, **turn.extras} if is_native and turn.extras else message


def _content(parts: Sequence[Placed], *, is_native: bool) -> JsonValue:
    if len(parts) == 1:
        part = parts[0].part
        if isinstance(part, TextPart) and not part.extras:
            return part.text
    blocks: list[JsonValue] = []
    for placed in parts:
        blocks += blocks_of(placed, is_native=is_native)
    return blocks


def _add_sampling(body: JsonObject, request: ChatRequest) -> None:
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.top_p is not None:
        body["top_p"] = request.top_p
    if request.top_k is not None:
        body["top_k"] = request.top_k
    if request.stop:
        body["stop_sequences"] = list(request.stop)


def _add_tools(body: JsonObject, request: ChatRequest, *, is_native: bool) -> None:
    choice = request.tool_choice
    allowed = None if choice is None else choice.allowed
    tools: list[JsonValue] = []
    for at, tool in enumerate(request.tools):
        if isinstance(tool, OpaqueTool):
            tools.append(tool.data)
        elif allowed is None or tool.name in allowed:
            tools.append(_tool(tool, at, is_native=is_native))
    if tools:
        body["tools"] = tools
    if choice is None and (request.parallel_tool_calls is not False or not tools):
        return
    body["tool_choice"] = _tool_choice(
        choice or ToolChoice("auto"), parallel=request.parallel_tool_calls, is_native=is_native
    )


def _tool(tool: Tool, at: int, *, is_native: bool) -> JsonObject:
    if tool.kind == "custom":
        raise unsupported(f"tools[{at}]", ", which has no custom tools")
    written: JsonObject = {"name": tool.name}
    if tool.description is not None:
        written["description"] = tool.description
    schema: JsonObject = {"type": "object", "properties": {}} if tool.parameters is None else tool.parameters
    written["input_schema"] = schema if is_native or "type" in schema else {"type": "object", **schema}
    if tool.strict or (is_native and tool.strict is not None):
        written["strict"] = tool.strict
    if is_native:
        written.update(tool.extras)
    elif "cache_control" in tool.extras:
        written["cache_control"] = tool.extras["cache_control"]
    return written


def _tool_choice(choice: ToolChoice, *, parallel: bool | None, is_native: bool) -> JsonObject:
    match choice.mode:
        case "none":
            return {"type": "none"}
        case "auto":
            written: JsonObject = {"type": "auto"}
        case "required":
            written = {"type": "any"}
        case "named":
            written = {"type": "tool", "name": choice.name}
    if parallel is False or (is_native and parallel is not None):
        written["disable_parallel_tool_use"] = not parallel
    return written


def _add_format(output_config: JsonObject, wanted: ResponseFormat, request: ChatRequest) -> None:
    if wanted.kind == "text":
        return
    field = "text.format" if request.dialect == "openai-responses" else "response_format"
    if wanted.kind == "json_object":
        raise unsupported(field, ", which writes JSON only to a schema")
    schema = wanted.schema if wanted.schema is not None else {}
    if wanted.description is not None and "description" not in schema:
        schema = {**schema, "description": wanted.description}
    output_config["format"] = {"type": "json_schema", "schema": schema}


def _thinking(
    reasoning: Reasoning, request: ChatRequest, model: str, max_tokens: int, output_config: JsonObject
) -> JsonObject | None:
    """The `thinking` object; an effort goes into `output_config`."""
    if request.dialect != TARGET:
        thinking = foreign_thinking(reasoning, request, model, max_tokens)
        if thinking is not None and thinking["type"] == "adaptive" and reasoning.effort is not None:
            output_config["effort"] = "low" if reasoning.effort == "minimal" else reasoning.effort
        return thinking
    if reasoning.effort is not None:
        output_config["effort"] = reasoning.effort
    if "thinking" in reasoning.extras:  # the caller set an effort and said nothing of thinking
        return None
    if not reasoning.is_enabled:
        return {"type": "disabled", **reasoning.extras}
    if reasoning.budget_tokens is None:
        written: JsonObject = {"type": "adaptive"}
    else:
        written = {"type": "enabled", "budget_tokens": reasoning.budget_tokens}
    if reasoning.summary is not None:
        written["display"] = "summarized"
    return {**written, **reasoning.extras}


def foreign_thinking(reasoning: Reasoning, request: ChatRequest, model: str, max_tokens: int) -> JsonObject | None:
    """How a wish for thinking in another dialect's words is told to a Claude model; None for no thinking."""
    field = REASONING_NAMES.get(request.dialect, "reasoning_effort")
    effort = reasoning.effort
    is_anthropic = request.dialect == TARGET  # there, thinking without a budget is adaptive
    if effort is None and reasoning.budget_tokens is None and reasoning.is_enabled and not is_anthropic:
        return None
    if not reasoning.is_enabled or effort == "none":
        return {"type": "disabled"} if thinking_style(model) == "adaptive" else None
    if effort is not None and effort not in EFFORTS:
        raise unsupported(field, f", which knows the efforts none, {', '.join(EFFORTS)}")
    style = thinking_style(model)
    if style == "none":
        raise unsupported(field, f": {model} does not think")
    display: JsonObject = {} if reasoning.summary is None else {"display": "summarized"}
    if style == "adaptive" and reasoning.budget_tokens is None:
        return {"type": "adaptive", **display}
    budget = reasoning.budget_tokens
    if budget is None:
        budget = min(budget_of(effort or "medium"), max_tokens - 1)
        if budget < MIN_BUDGET_TOKENS:
            raise unsupported(field, f" with fewer than {MIN_BUDGET_TOKENS + 1} tokens of output")
    return {"type": "enabled", "budget_tokens": budget, **display}


def _add_extras(body: JsonObject, output_config: JsonObject, extras: JsonObject) -> None:
    """Put the caller's own fields back where they were."""
    for name, value in extras.items():
        if name in HEADER_EXTRAS:
            continue
        match name, value, body.get(name):
            case "output_config", dict(), _:
                output_config.update(value)
            case "metadata", dict(), dict() as written:
                body["metadata"] = {**written, **value}
            case "tool_choice", dict(), dict() as written:
                body["tool_choice"] = {**written, **value}
            case _:
                body[name] = value
