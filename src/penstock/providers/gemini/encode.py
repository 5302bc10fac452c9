"""Writes a request as a generateContent body (https://ai.google.dev/api/generate-content)."""

from types import MappingProxyType
from typing import Final

from penstock.core.chat import (
    ChatRequest,
    FilePart,
    ImagePart,
    OpaqueTool,
    Reasoning,
    Request,
    ResponseFormat,
    Tool,
    ToolChoice,
)
from penstock.core.json import JsonObject, JsonValue
from penstock.providers.advisory import advisory_extras, refuse_opaque, refuse_unknown_extras
from penstock.providers.gemini.contents import Conversation, unsupported

_BUDGETS: Final = MappingProxyType({"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576})
"""Google's own mapping of `reasoning_effort` to token budgets (https://ai.google.dev/gemini-api/docs/openai)."""
_LEVELS: Final = frozenset({"minimal", "low", "medium", "high"})
_REASONING_FIELDS: Final = MappingProxyType({"openai-responses": "reasoning.effort", "anthropic": "thinking"})


def body_of(request: ChatRequest, model: str) -> JsonObject:
    """The whole body.  Raises `UnsupportedField` or `MalformedRequest`, naming the caller's field."""
    if request.dialect != "gemini":
        refuse_unknown_extras(request, "gemini")
    refuse_opaque(request, "gemini")
    if request.parallel_tool_calls is False and request.tools:
        field = "tool_choice.disable_parallel_tool_use" if request.dialect == "anthropic" else "parallel_tool_calls"
        raise unsupported(field, ", which may always call several tools")
    conversation = Conversation(request, needs_signatures=_has_levels(model))
    body: JsonObject = {"contents": conversation.contents}
    if conversation.system:
        body["systemInstruction"] = {"parts": conversation.system}
    _add_tools(body, request)
    config = _sampling(request)
    if request.response_format is not None:
        _add_format(config, request.response_format)
    if request.reasoning is not None:
        thinking = _thinking(request.reasoning, request, model)
        if thinking:
            config["thinkingConfig"] = thinking
    if config:
        body["generationConfig"] = config
    if request.dialect == "gemini":
        body.update(request.extras)
    return body


def advisory_fields(request: Request) -> list[str]:
    """What is left out because it cannot change the answer, and how closely to look at an image."""
    if request.dialect == "gemini":
        return []
    fields = advisory_extras(request)
    if request.user is not None:
        fields.append("user")
    if isinstance(request, ChatRequest):
        if request.metadata:
            fields.append("metadata")
        fields += [
            f"messages[{at}].content[{ordinal}].detail"
            for at, message in enumerate(request.messages)
            for ordinal, part in enumerate(message.parts)
            if isinstance(part, ImagePart) and part.detail not in {None, "auto"}
        ]
        fields += [
            f"messages[{at}].content[{ordinal}].filename"
            for at, message in enumerate(request.messages)
            for ordinal, part in enumerate(message.parts)
            if isinstance(part, FilePart) and part.filename is not None
        ]
    return fields


def _sampling(request: ChatRequest) -> JsonObject:
    config: JsonObject = {}
    given: tuple[tuple[str, JsonValue], ...] = (
        ("temperature", request.temperature),
        ("topP", request.top_p),
        ("topK", request.top_k),
        ("maxOutputTokens", request.max_tokens),
        ("presencePenalty", request.presence_penalty),
        ("frequencyPenalty", request.frequency_penalty),
        ("seed", request.seed),
        ("candidateCount", request.choices if request.choices != 1 else None),
        ("stopSequences", list(request.stop) if request.stop else None),
    )
    for name, value in given:
        if value is not None:
            config[name] = value
    if request.logprobs:
        config["responseLogprobs"] = True
        if request.top_logprobs:
            config["logprobs"] = request.top_logprobs
    return config


def _add_tools(body: JsonObject, request: ChatRequest) -> None:
    choice = request.tool_choice
    allowed = None if choice is None or choice.mode != "auto" else choice.allowed
    functions: list[JsonValue] = []
    tools: list[JsonValue] = []
    is_strict = False
    for at, tool in enumerate(request.tools):
        if isinstance(tool, OpaqueTool):
            tools.append(tool.data)
        elif allowed is None or tool.name in allowed:
            functions.append(_function(tool, at))
            is_strict = is_strict or bool(tool.strict)
    if functions:
        tools.append({"functionDeclarations": functions})
    if tools:
        body["tools"] = tools
    config = _calling(choice, is_strict=is_strict) if functions else None
    if config is not None:
        body["toolConfig"] = {"functionCallingConfig": config}


def _function(tool: Tool, at: int) -> JsonObject:
    if tool.kind == "custom":
        raise unsupported(f"tools[{at}]", ", which has no custom tools")
    written: JsonObject = {"name": tool.name}
    if tool.description is not None:
        written["description"] = tool.description
    if tool.parameters is not None:
        written["parametersJsonSchema"] = tool.parameters
    return written


def _calling(choice: ToolChoice | None, *, is_strict: bool) -> JsonObject | None:
    """A strict tool needs the mode in which calls keep to their schema; `ANY` implies it."""
    match choice:
        case None | ToolChoice(mode="auto"):
            if is_strict:
                return {"mode": "VALIDATED"}
            return None if choice is None else {"mode": "AUTO"}
        case ToolChoice(mode="none"):
            return {"mode": "NONE"}
        case ToolChoice(mode="named"):
            return {"mode": "ANY", "allowedFunctionNames": [choice.name]}
        case _:
            if choice.allowed is not None:
                return {"mode": "ANY", "allowedFunctionNames": list(choice.allowed)}
            return {"mode": "ANY"}


def _add_format(config: JsonObject, wanted: ResponseFormat) -> None:
    if wanted.kind == "text":
        return
    config["responseMimeType"] = "application/json"
    if wanted.kind == "json_object":
        return
    schema = wanted.schema if wanted.schema is not None else {}
    if wanted.description is not None and "description" not in schema:
        schema = {**schema, "description": wanted.description}
    config["responseJsonSchema"] = schema


def _thinking(reasoning: Reasoning, request: ChatRequest, model: str) -> JsonObject:
    """Gemini 3 thinks at a level, Gemini 2.5 within a budget, older models not at all."""
    field = _REASONING_FIELDS.get(request.dialect, "reasoning_effort")
    effort = "none" if not reasoning.is_enabled else reasoning.effort
    config: JsonObject = {}
    if reasoning.budget_tokens is not None and effort != "none":
        config["thinkingBudget"] = reasoning.budget_tokens
    elif effort is not None:
        if effort != "none" and effort not in _LEVELS:
            raise unsupported(field, f", which knows the efforts none, {', '.join(sorted(_LEVELS))}")
        if _has_levels(model):
            if effort == "none":
                raise unsupported(field, f": {model} always thinks")
            config["thinkingLevel"] = effort
        elif effort != "none" or _thinks(model):
            config["thinkingBudget"] = _BUDGETS[effort]
    if config and not _thinks(model):
        raise unsupported(field, f": {model} does not think")
    shows_thoughts = reasoning.summary is not None or request.dialect == "anthropic"
    if shows_thoughts and effort != "none" and _thinks(model):
        config["includeThoughts"] = True
    return config


def _thinks(model: str) -> bool:
    return not model.startswith(("gemini-1", "gemini-2.0", "gemma"))


def _has_levels(model: str) -> bool:
    """Gemini 3 and later (names are `gemini-<version>-…`); an alias such as `gemini-flash-latest` counts as earlier."""
    version = model.removeprefix("gemini-")[:1] if model.startswith("gemini-") else ""
    return version.isdigit() and int(version) >= 3
