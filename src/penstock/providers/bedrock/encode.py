"""Writes a request as a Converse body.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

from collections.abc import Mapping, Sequence
from typing import Final

from penstock.core.chat import ChatRequest, OpaqueTool, Reasoning, ResponseFormat, Tool, ToolCallPart, ToolResultPart
from penstock.core.json import JsonObject, JsonValue, dumps
from penstock.providers.advisory import advisory_extras, refuse_opaque, refuse_unknown_extras
from penstock.providers.anthropic.encode import REASONING_NAMES, foreign_thinking, refuse_foreign
from penstock.providers.anthropic.models import max_output_tokens
from penstock.providers.anthropic.turns import Conversation, Placed, Turn, regroup
from penstock.providers.bedrock.blocks import TARGET, blocks_of, cache_point, unsupported
from penstock.providers.bedrock.models import (
    NOVA_EFFORTS,
    REASONING_FIELDS,
    WORD_EFFORTS,
    Family,
    family_of,
    takes_cache_points,
)

BODY_EXTRAS: Final = frozenset(
    {
        "additionalModelRequestFields",
        "additionalModelResponseFieldPaths",
        "guardrailConfig",
        "performanceConfig",
        "promptVariables",
        "requestMetadata",
    }
)
"""Converse's own fields, which a caller of any dialect may send along as extra ones."""
_HEADER_EXTRAS: Final = frozenset({"anthropic-beta", "anthropic-version"})
_KNOWN_EXTRAS: Final = BODY_EXTRAS | _HEADER_EXTRAS | {"cache_control"}


def body_of(request: ChatRequest, model: str, options: Mapping[str, str]) -> JsonObject:
    """The whole body.  Raises `UnsupportedField` or `MalformedRequest`, naming the caller's field."""
    refuse_foreign(request, TARGET)
    refuse_unknown_extras(request, TARGET, known=_KNOWN_EXTRAS)
    refuse_opaque(request, TARGET)
    family = family_of(model)
    conversation = regroup(request, is_native=False, target=TARGET)
    messages = [_message(turn, family) for turn in conversation.turns]
    body: JsonObject = {"messages": [m for m in messages if m["content"]]}  # a turn of thinking only may be empty
    if conversation.system:
        body["system"] = [block for placed in conversation.system for block in _cached(placed, family)]
    inference = _inference(request)
    if inference:
        body["inferenceConfig"] = inference
    more: JsonObject = {}
    _add_tools(body, more, request, family, conversation)
    if request.top_k is not None:
        _add_top_k(more, request.top_k, family)
    if request.reasoning is not None:
        _add_reasoning(more, request.reasoning, request, model, family)
    if request.response_format is not None:
        _add_format(body, request.response_format, request)
    for name in BODY_EXTRAS & request.extras.keys():
        body[name] = request.extras[name]
    _add_guardrail(body, options)
    asked = body.get("additionalModelRequestFields")
    if isinstance(asked, dict):
        more.update(asked)
    if more:
        body["additionalModelRequestFields"] = more
    return body


def advisory_fields(request: ChatRequest) -> Sequence[str]:
    """What `body_of` leaves out because it cannot change the answer."""
    fields = [field for field in advisory_extras(request) if not field.endswith("cache_control")]
    fields += sorted(_HEADER_EXTRAS.intersection(request.extras).difference(fields))
    if request.metadata:
        fields.append("metadata")
    if request.user is not None:
        fields.append("metadata.user_id" if request.dialect == "anthropic" else "user")
    return fields


def _message(turn: Turn, family: Family) -> JsonObject:
    return {"role": turn.role, "content": [block for placed in turn.parts for block in _cached(placed, family)]}


def _cached(placed: Placed, family: Family) -> list[JsonObject]:
    return blocks_of(placed, has_cache_points=takes_cache_points(family))


def _inference(request: ChatRequest) -> JsonObject:
    inference: JsonObject = {}
    if request.max_tokens is not None:
        inference["maxTokens"] = request.max_tokens
    if request.temperature is not None:
        inference["temperature"] = request.temperature
    if request.top_p is not None:
        inference["topP"] = request.top_p
    if request.stop:
        inference["stopSequences"] = list(request.stop)
    return inference


def _add_tools(
    body: JsonObject, more: JsonObject, request: ChatRequest, family: Family, conversation: Conversation
) -> None:
    choice = request.tool_choice
    if choice is not None and choice.mode == "none":
        if _speaks_of_tools(conversation):
            raise unsupported("tool_choice", " as `none` in a conversation that has used tools")
        return
    tools: list[JsonValue] = []
    for at, tool in enumerate(request.tools):
        if isinstance(tool, OpaqueTool):
            raise unsupported(tool.field)
        if choice is None or choice.allowed is None or tool.name in choice.allowed:
            tools.append({"toolSpec": _tool(tool, at)})
            if family == "anthropic" and "cache_control" in tool.extras:
                tools.append(cache_point(tool.extras["cache_control"]))
    if not tools:
        return
    config: JsonObject = {"tools": tools}
    if choice is not None:
        match choice.mode:
            case "required":
                config["toolChoice"] = {"any": {}}
            case "named":
                config["toolChoice"] = {"tool": {"name": choice.name}}
            case _:
                config["toolChoice"] = {"auto": {}}
    body["toolConfig"] = config
    if request.parallel_tool_calls is False:
        if family != "anthropic":
            raise unsupported("parallel_tool_calls", " other than Claude")
        more["tool_choice"] = _claude_choice(request)


def _claude_choice(request: ChatRequest) -> JsonObject:
    """Claude's own words for one call at a time, which Converse has none for."""
    choice = request.tool_choice
    match None if choice is None else choice.mode:
        case "required":
            written: JsonObject = {"type": "any"}
        case "named":
            written = {"type": "tool", "name": None if choice is None else choice.name}
        case _:
            written = {"type": "auto"}
    return {**written, "disable_parallel_tool_use": True}


def _speaks_of_tools(conversation: Conversation) -> bool:
    return any(isinstance(p.part, ToolCallPart | ToolResultPart) for turn in conversation.turns for p in turn.parts)


def _tool(tool: Tool, at: int) -> JsonObject:
    if tool.kind == "custom":
        raise unsupported(f"tools[{at}]", ", which has no custom tools")
    spec: JsonObject = {"name": tool.name}
    if tool.description:
        spec["description"] = tool.description
    schema: JsonObject = {"type": "object", "properties": {}} if tool.parameters is None else tool.parameters
    spec["inputSchema"] = {"json": schema if "type" in schema else {"type": "object", **schema}}
    if tool.strict:
        spec["strict"] = True
    return spec


def _add_top_k(more: JsonObject, top_k: int, family: Family) -> None:
    match family:
        case "anthropic" | "mistral" | "qwen":
            more["top_k"] = top_k
        case "cohere":
            more["k"] = top_k
        case "nova":
            more["inferenceConfig"] = {"topK": top_k}
        case _:
            raise unsupported("top_k", " of this family")


def _add_reasoning(more: JsonObject, reasoning: Reasoning, request: ChatRequest, model: str, family: Family) -> None:
    if family == "anthropic":
        _add_claude_thinking(more, reasoning, request, model)
        return
    is_off = not reasoning.is_enabled or reasoning.effort == "none"
    if is_off or (reasoning.effort is None and reasoning.budget_tokens is None):
        return
    field = REASONING_NAMES.get(request.dialect, "reasoning_effort")
    if reasoning.effort is None:
        raise unsupported(field, " of this family as a number of tokens")
    effort = "low" if reasoning.effort == "minimal" else reasoning.effort
    if family == "nova":
        if effort not in NOVA_EFFORTS:
            raise unsupported(field, f", which knows the efforts {', '.join(NOVA_EFFORTS)}")
        more["reasoningConfig"] = {"type": "enabled", "maxReasoningEffort": effort}
        return
    name = next((name for known, name in REASONING_FIELDS if known == family), None)
    if name is None or effort not in WORD_EFFORTS:
        raise unsupported(field, " of this family" if name is None else f", which knows {', '.join(WORD_EFFORTS)}")
    more[name] = effort


def _add_claude_thinking(more: JsonObject, reasoning: Reasoning, request: ChatRequest, model: str) -> None:
    """As Claude itself takes it; a caller of Anthropic's dialect may set an effort and say nothing of thinking."""
    max_tokens = max_output_tokens(model) if request.max_tokens is None else request.max_tokens
    thinking = None
    if "thinking" not in reasoning.extras:
        thinking = foreign_thinking(reasoning, request, model, max_tokens)
    if thinking is not None:
        more["thinking"] = thinking
    by_budget = thinking is not None and "budget_tokens" in thinking
    if reasoning.effort is not None and reasoning.effort != "none" and not by_budget:
        more["output_config"] = {"effort": "low" if reasoning.effort == "minimal" else reasoning.effort}


def _add_format(body: JsonObject, wanted: ResponseFormat, request: ChatRequest) -> None:
    if wanted.kind == "text":
        return
    field = "text.format" if request.dialect == "openai-responses" else "response_format"
    if wanted.kind == "json_object":
        raise unsupported(field, ", which writes JSON only to a schema")
    schema: JsonObject = {"schema": dumps(wanted.schema or {}).decode()}
    if wanted.name is not None:
        schema["name"] = wanted.name
    if wanted.description is not None:
        schema["description"] = wanted.description
    body["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}


def _add_guardrail(body: JsonObject, options: Mapping[str, str]) -> None:
    """A guardrail that the deployment sets for every call: no caller's own takes its place."""
    if "guardrail_id" not in options:
        return
    guardrail: JsonObject = {
        "guardrailIdentifier": options["guardrail_id"],
        "guardrailVersion": options.get("guardrail_version", "DRAFT"),
    }
    if "guardrail_trace" in options:
        guardrail["trace"] = options["guardrail_trace"]
    body["guardrailConfig"] = guardrail
