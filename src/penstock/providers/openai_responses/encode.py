"""A request of any client dialect as the body of a Responses call.

Fields that the Responses API does not have are refused under the name that the caller's dialect gives them.  To a
caller of the same dialect nothing is added; for any other the provider is told to store nothing.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from penstock.core.chat import ChatRequest, Dialect, OpaqueTool, ReasoningPart, Tool, ToolChoice
from penstock.core.errors import UnsupportedField
from penstock.core.json import JsonObject, JsonValue
from penstock.providers.advisory import advisory_extras, refuse_opaque, refuse_unknown_extras
from penstock.providers.openai_responses.input import input_of, instructions_of, is_returned
from penstock.providers.openai_responses.items import DIALECT, SIGNATURE_PREFIX

LOGPROBS: Final = "message.output_text.logprobs"
ENCRYPTED: Final = "reasoning.encrypted_content"
_STOP_NAMES: Final[Mapping[Dialect, str]] = MappingProxyType({"anthropic": "stop_sequences"})
_SAME_NAME: Final = (
    "moderation",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "store",
    "stream_options",
)
"""Fields of chat completions that the Responses API has under the same name and with the same meaning."""
_FROM_CHAT: Final = frozenset({*_SAME_NAME, "verbosity", "modalities", "format"})
_EFFORTS: Final = ((1024, "low"), (8192, "medium"))


def body_of(request: ChatRequest, model: str) -> JsonObject:
    """Raises `UnsupportedField`."""
    is_same = request.dialect == DIALECT
    refuse_opaque(request, DIALECT)
    _refuse_unknown(request)
    instructions = instructions_of(request)
    items = input_of(request, has_instructions=instructions is not None)
    body: JsonObject = {"model": model}
    if items or not is_same or not _has_input_elsewhere(request):
        body["input"] = items
    if instructions is not None:
        body["instructions"] = instructions
    _put_tools(request, body)
    _put_text(request, body)
    _put_reasoning(request, body)
    _put_settings(request, body)
    if is_same:
        body.update({name: value for name, value in request.extras.items() if name not in ("text", "verbosity")})
        if request.logprobs:
            include = request.extras.get("include")
            body["include"] = [*(include if isinstance(include, list) else []), LOGPROBS]
        return body
    if request.dialect == "openai-chat":
        body.update({name: value for name in _SAME_NAME if (value := request.extras.get(name)) is not None})
    body.setdefault("store", False)
    include = [ENCRYPTED] if _uses_reasoning(request) else []
    if request.logprobs:
        include.append(LOGPROBS)
    if include:
        body["include"] = [*include]
    return body


def advisory_of(request: ChatRequest) -> list[str]:
    """What `body_of` leaves out because it cannot change the answer."""
    if request.dialect == DIALECT:
        return []
    kept = _SAME_NAME if request.dialect == "openai-chat" else ()
    left_out = [name for name in advisory_extras(request) if name not in kept]
    for at, message in enumerate(request.messages):
        for place, part in enumerate(message.parts):
            if isinstance(part, ReasoningPart) and not is_returned(part, request):
                left_out.append(f"messages[{at}].content[{place}]")
    return left_out


def _refuse_unknown(request: ChatRequest) -> None:
    stop = _STOP_NAMES.get(request.dialect, "stop")
    given = (
        (request.choices != 1, "n"),
        (bool(request.stop), stop),
        (request.seed is not None, "seed"),
        (bool(request.presence_penalty), "presence_penalty"),
        (bool(request.frequency_penalty), "frequency_penalty"),
        (request.top_k is not None, "top_k"),
    )
    for is_given, field in given:
        if is_given:
            raise UnsupportedField(f"`{field}` cannot be sent to an OpenAI Responses model.", field=field)
    if request.dialect == DIALECT:
        return
    modalities = request.extras.get("modalities")
    if modalities is not None and modalities != ["text"]:
        raise UnsupportedField(
            "`modalities` other than text cannot be sent to an OpenAI Responses model.", field="modalities"
        )
    known = _FROM_CHAT if request.dialect == "openai-chat" else frozenset[str]()
    refuse_unknown_extras(request, "OpenAI Responses", known=known)


def _has_input_elsewhere(request: ChatRequest) -> bool:
    return any(name in request.extras for name in ("prompt", "previous_response_id", "conversation"))


def _uses_reasoning(request: ChatRequest) -> bool:
    if request.reasoning is not None and request.reasoning.is_enabled:
        return True
    return any(
        isinstance(part, ReasoningPart) and (part.signature or "").startswith(SIGNATURE_PREFIX)
        for message in request.messages
        for part in message.parts
    )


def _put_settings(request: ChatRequest, body: JsonObject) -> None:
    settings: tuple[tuple[str, JsonValue], ...] = (
        ("max_output_tokens", request.max_tokens),
        ("temperature", request.temperature),
        ("top_p", request.top_p),
        ("top_logprobs", request.top_logprobs),
        ("parallel_tool_calls", request.parallel_tool_calls),
        ("user", request.user),
    )
    for name, value in settings:
        if value is not None:
            body[name] = value
    if request.metadata:
        body["metadata"] = {**request.metadata}
    if request.stream:
        body["stream"] = True


def _put_tools(request: ChatRequest, body: JsonObject) -> None:
    if request.tools:
        is_same = request.dialect == DIALECT
        body["tools"] = [_tool(tool, is_same=is_same) for tool in request.tools]
    choice = request.tool_choice
    if choice is not None:
        body["tool_choice"] = _tool_choice(choice, request)


def _tool(tool: Tool | OpaqueTool, *, is_same: bool) -> JsonObject:
    if isinstance(tool, OpaqueTool):
        return tool.data
    written: JsonObject = {"type": tool.kind, "name": tool.name}
    if tool.description is not None:
        written["description"] = tool.description
    if tool.kind == "function":
        if is_same:
            written["parameters"] = tool.parameters
            if tool.strict is not None:
                written["strict"] = tool.strict
        else:
            # Elsewhere a schema is taken as it is unless the caller says `strict`; here it would be made strict.
            written["parameters"] = tool.parameters or {"type": "object", "properties": {}}
            written["strict"] = bool(tool.strict)
    if is_same:
        written.update(tool.extras)
    elif "format" in tool.extras:
        written["format"] = _flat_format(tool.extras["format"])
    return written


def _flat_format(given: JsonValue) -> JsonValue:
    """A custom tool's grammar stands one level higher here than in chat completions."""
    match given:
        case {"type": "grammar", "grammar": dict() as grammar}:
            return {"type": "grammar", **grammar}
        case _:
            return given


def _tool_choice(choice: ToolChoice, request: ChatRequest) -> JsonValue:
    if choice.mode == "named":
        return {"type": choice.kind, "name": choice.name}
    if choice.allowed is None:
        return choice.mode
    kinds = {tool.name: tool.kind for tool in request.tools if isinstance(tool, Tool)}
    allowed: list[JsonValue] = [{"type": kinds.get(name, "function"), "name": name} for name in choice.allowed]
    return {"type": "allowed_tools", "mode": choice.mode, "tools": allowed}


def _put_text(request: ChatRequest, body: JsonObject) -> None:
    text: JsonObject = {}
    asked = request.response_format
    if asked is not None:
        text["format"] = {"type": asked.kind}
        if asked.kind == "json_schema":
            written: JsonObject = {"type": "json_schema", "name": asked.name or "answer", "schema": asked.schema or {}}
            if asked.strict is not None:
                written["strict"] = asked.strict
            if asked.description is not None:
                written["description"] = asked.description
            text["format"] = written
    verbosity = request.extras.get("verbosity")
    if verbosity is not None and request.dialect in ("openai-chat", DIALECT):
        text["verbosity"] = verbosity
    more = request.extras.get("text") if request.dialect == DIALECT else None
    if isinstance(more, dict):
        text.update(more)
    if text:
        body["text"] = text


def _put_reasoning(request: ChatRequest, body: JsonObject) -> None:
    """A budget of tokens has no place here: it becomes the effort that is nearest to it."""
    asked = request.reasoning
    if asked is None:
        return
    reasoning: JsonObject = {}
    effort = asked.effort
    if effort is None and asked.is_enabled and asked.budget_tokens is not None:
        effort = next((name for most, name in _EFFORTS if asked.budget_tokens <= most), "high")
    if effort is not None:
        reasoning["effort"] = effort
    if asked.summary is not None:
        reasoning["summary"] = asked.summary
    if request.dialect == DIALECT:
        reasoning.update(asked.extras)
    if reasoning:
        body["reasoning"] = reasoning
