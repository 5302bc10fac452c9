"""A request in the common form, written as a chat-completions call.

A request that came in this dialect goes out as it came, but for the model, `stream_options` (usage is always asked for)
and what the vendor's quirks say.  From another dialect, what has no place here is an `UnsupportedField`.
"""

from typing import Final

from penstock.core.chat import (
    ChatRequest,
    OpaqueTool,
    Reasoning,
    ReasoningPart,
    ResponseFormat,
    Tool,
    ToolChoice,
)
from penstock.core.errors import UnsupportedField
from penstock.core.json import JsonObject, JsonValue
from penstock.providers.advisory import advisory_extras, refuse_unknown_extras
from penstock.providers.dialect import Endpoint, HttpCall
from penstock.providers.openai_chat.call import AZURE, build_call
from penstock.providers.openai_chat.messages import write_messages
from penstock.providers.prompt_cache_key import add_key
from penstock.providers.vendors import Quirk

_OWN: Final = "openai-chat"
_TRANSLATED: Final = frozenset({"verbosity"})
"""Extras of the Responses dialect that are spelled the same here."""

_EFFORT_OF_BUDGET: Final = ((2048, "low"), (8192, "medium"))


def encode_chat(request: ChatRequest, model: str, endpoint: Endpoint) -> HttpCall:
    return build_call(
        endpoint, "chat/completions", model, chat_document(request, model, endpoint), is_streamed=request.stream
    )


def chat_document(request: ChatRequest, model: str, endpoint: Endpoint) -> JsonObject:
    """The body of the call.  Raises `UnsupportedField`."""
    quirks = endpoint.quirks
    document: JsonObject = {"model": model, "messages": write_messages(request, quirks)}
    if request.dialect == _OWN:
        _pass_extras(document, request.extras)
    else:
        refuse_unknown_extras(request, _OWN, known=_TRANSLATED)
        document |= {name: value for name, value in request.extras.items() if name in _TRANSLATED}
    _write_sampling(document, request, quirks)
    _write_output(document, request, endpoint)
    if request.tools:
        document["tools"] = [_tool(tool) for tool in request.tools]
    if request.tool_choice is not None:
        document["tool_choice"] = _tool_choice(request.tool_choice, request)
    _write_parallel(document, request, quirks)
    _write_identity(document, request, quirks)
    add_key(document, request, quirks)
    if request.stream:
        _write_stream(document, quirks)
    return document


def chat_advisory(request: ChatRequest, endpoint: Endpoint) -> list[str]:
    """The fields that `chat_document` leaves out, none of which can change the answer."""
    left_out: list[str] = []
    if request.dialect != _OWN:
        left_out += advisory_extras(request)
        if request.reasoning is not None and request.reasoning.summary is not None:
            left_out.append("reasoning.summary")
    if request.user is not None and "no_user" in endpoint.quirks:
        left_out.append("user")
    if request.metadata and "no_metadata" in endpoint.quirks:
        left_out.append("metadata")
    if request.parallel_tool_calls and "no_parallel_tool_calls" in endpoint.quirks:
        left_out.append("parallel_tool_calls")
    if request.dialect != _OWN or "no_reasoning_input" in endpoint.quirks:
        for at, message in enumerate(request.messages):
            for part in message.parts:
                if type(part) is ReasoningPart:
                    left_out.append(f"messages[{at}].reasoning")
                    break
    return left_out


def _pass_extras(document: JsonObject, extras: JsonObject) -> None:
    document |= extras
    if extras.get("functions", 0) is None:  # the mark of a caller that speaks the deprecated form
        del document["functions"]


def _write_sampling(document: JsonObject, request: ChatRequest, quirks: frozenset[str]) -> None:
    if request.temperature is not None:
        document["temperature"] = request.temperature
    if request.top_p is not None:
        document["top_p"] = request.top_p
    if request.top_k is not None:
        _require(quirks, "top_k", "top_k")
        document["top_k"] = request.top_k
    if request.presence_penalty:
        _refuse(quirks, "no_penalties", "presence_penalty")
    if request.frequency_penalty:
        _refuse(quirks, "no_penalties", "frequency_penalty")
    if request.presence_penalty is not None:
        document["presence_penalty"] = request.presence_penalty
    if request.frequency_penalty is not None:
        document["frequency_penalty"] = request.frequency_penalty
    if request.stop:
        document["stop"] = list(request.stop)
    if request.seed is not None:
        document["random_seed" if "random_seed" in quirks else "seed"] = request.seed
    if request.choices != 1:
        _refuse(quirks, "no_n", "n")
        document["n"] = request.choices
    if request.logprobs:
        _refuse(quirks, "no_logprobs", "logprobs")
        document["logprobs"] = True
    if request.top_logprobs is not None:
        _refuse(quirks, "no_logprobs", "top_logprobs")
        document["top_logprobs"] = request.top_logprobs


def _write_output(document: JsonObject, request: ChatRequest, endpoint: Endpoint) -> None:
    if request.max_tokens is not None:
        document[_max_tokens_name(endpoint)] = request.max_tokens
    if request.response_format is not None:
        document["response_format"] = _response_format(request.response_format)
    if request.reasoning is not None:
        effort = _effort(request.reasoning)
        if effort is not None:
            document["reasoning_effort"] = effort


def _max_tokens_name(endpoint: Endpoint) -> str:
    """Azure learnt the new name with its API version 2024-09-01."""
    if "max_tokens" in endpoint.quirks:
        return "max_tokens"
    version = endpoint.options.get("api_version", "v1")
    if AZURE in endpoint.quirks and version[:1] == "2" and version < "2024-09":
        return "max_tokens"
    return "max_completion_tokens"


def _effort(reasoning: Reasoning) -> str | None:
    if reasoning.effort is not None:
        return reasoning.effort
    if not reasoning.is_enabled or reasoning.budget_tokens is None:
        return None
    for most, effort in _EFFORT_OF_BUDGET:
        if reasoning.budget_tokens <= most:
            return effort
    return "high"


def _response_format(wanted: ResponseFormat) -> JsonObject:
    if wanted.kind != "json_schema":
        return {"type": wanted.kind}
    inner: JsonObject = {"name": wanted.name or "answer"}
    if wanted.schema is not None:
        inner["schema"] = wanted.schema
    if wanted.strict is not None:
        inner["strict"] = wanted.strict
    if wanted.description is not None:
        inner["description"] = wanted.description
    return {"type": "json_schema", "json_schema": inner}


def _tool(tool: Tool | OpaqueTool) -> JsonObject:
    if isinstance(tool, OpaqueTool):
        if tool.dialect != _OWN:
            raise UnsupportedField(f"`{tool.field}` cannot be sent to a {_OWN} model.", field=tool.field)
        return tool.data
    inner: JsonObject = {"name": tool.name}
    if tool.description is not None:
        inner["description"] = tool.description
    if tool.kind == "custom":
        outer = dict(tool.extras)
        if "format" in outer:
            inner["format"] = outer.pop("format")
        return {"type": "custom", "custom": inner, **outer}
    if tool.parameters is not None:
        inner["parameters"] = tool.parameters
    if tool.strict is not None:
        inner["strict"] = tool.strict
    if not tool.extras:
        return {"type": "function", "function": inner}
    rest = tool.extras.get("function")
    return {"type": "function", **tool.extras, "function": {**rest, **inner} if isinstance(rest, dict) else inner}


def _tool_choice(choice: ToolChoice, request: ChatRequest) -> JsonValue:
    if choice.allowed is not None:
        kinds = {tool.name: tool.kind for tool in request.tools if isinstance(tool, Tool)}
        tools: list[JsonValue] = [_named(name, kinds.get(name, "function")) for name in choice.allowed]
        mode = "auto" if choice.mode == "auto" else "required"
        return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}
    if choice.mode == "named" and choice.name is not None:
        return _named(choice.name, choice.kind)
    return choice.mode


def _named(name: str, kind: str) -> JsonObject:
    return {"type": kind, kind: {"name": name}}


def _write_parallel(document: JsonObject, request: ChatRequest, quirks: frozenset[str]) -> None:
    if request.parallel_tool_calls is None:
        return
    if "no_parallel_tool_calls" not in quirks:
        document["parallel_tool_calls"] = request.parallel_tool_calls
    elif not request.parallel_tool_calls:
        _refuse(quirks, "no_parallel_tool_calls", "parallel_tool_calls")


def _write_identity(document: JsonObject, request: ChatRequest, quirks: frozenset[str]) -> None:
    if request.metadata and "no_metadata" not in quirks:
        document["metadata"] = dict[str, JsonValue](request.metadata)
    if request.user is not None and "no_user" not in quirks:
        document["user"] = request.user


def _write_stream(document: JsonObject, quirks: frozenset[str]) -> None:
    document["stream"] = True
    if "no_stream_options" in quirks:
        document.pop("stream_options", None)
        return
    given = document.get("stream_options")
    document["stream_options"] = {**(given if isinstance(given, dict) else {}), "include_usage": True}


def _refuse(quirks: frozenset[str], quirk: Quirk, field: str) -> None:
    if quirk in quirks:
        raise UnsupportedField(f"`{field}` is not supported by this model's provider.", field=field)


def _require(quirks: frozenset[str], quirk: Quirk, field: str) -> None:
    if quirk not in quirks:
        raise UnsupportedField(f"`{field}` is not supported by this model's provider.", field=field)
