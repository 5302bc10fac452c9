"""The response object around the output items: who answered, how it ended, and an echo of the request's settings.

Where the provider speaks the same dialect the echo is its own, but for what the caller wrote: the provider may have got
that in other words.  Otherwise it is made from the request, as the official SDKs require most of its fields.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from penstock.core.chat import ChatRequest, Message, OpaqueTool, Request, TextPart, Tool, ToolChoice
from penstock.core.errors import RateLimited, UpstreamThrottled
from penstock.core.events import Finish, FinishReason, Start
from penstock.core.exchange import Exchange, Remembered
from penstock.core.json import JsonObject, JsonValue, loads
from penstock.core.usage import Usage
from penstock.wire.openai_chat.errors import error_body, error_of
from penstock.wire.openai_responses.assembly import DIALECT

_BY_NATIVE: Final[Mapping[str, tuple[str, str | None]]] = MappingProxyType(
    {
        "max_output_tokens": ("incomplete", "max_output_tokens"),
        "max_messages": ("incomplete", "max_messages"),
        "steered": ("incomplete", "steered"),
        "content_filter": ("incomplete", "content_filter"),
        "incomplete": ("incomplete", None),
    }
)
_WRITTEN: Final = ("instructions", "metadata", "prompt_cache_key", "safety_identifier", "text", "tools", "user")
"""What of the echo is in the caller's words."""
_BY_REASON: Final[Mapping[FinishReason, tuple[str, str | None]]] = MappingProxyType(
    {
        "stop": ("completed", None),
        "tool_calls": ("completed", None),
        "refusal": ("completed", None),
        "length": ("incomplete", "max_output_tokens"),
        "content_filter": ("incomplete", "content_filter"),
        "pause": ("incomplete", None),
        "error": ("failed", None),
    }
)


def outcome(finish: Finish | None, *, is_own: bool) -> tuple[str, str | None]:
    """The status of a whole answer and, where it is incomplete, the reason.

    `is_own` says that a provider of this dialect gave the answer: then `native` is its word and wins.
    """
    if finish is None:
        return "completed", None
    if finish.native is not None and is_own:
        return _BY_NATIVE.get(finish.native, (finish.native, None))
    return _BY_REASON[finish.reason]


def response_object(
    exchange: Exchange,
    start: Start | None,
    provider: JsonObject | None,
    *,
    status: str,
    output: list[JsonValue],
    request: Request | None = None,
) -> JsonObject:
    """The object without its end: no usage, no error.  It repeats what the caller wrote, or `request` in its place."""
    is_changed = request is not None or (exchange.asked is not None and exchange.asked is not exchange.request)
    if request is None:
        request = exchange.request if exchange.asked is None else exchange.asked
    own = echo(request) if isinstance(request, ChatRequest) else {}
    settings = own
    if provider is not None:
        settings = {**provider, **{name: own[name] for name in _WRITTEN if name in own}} if is_changed else provider
    memory = exchange.memory
    if memory is not None:
        settings = {**settings, **_kept_here(exchange, memory)}
    return {
        "id": (memory.response if memory is not None else start.id if start is not None else "")
        or f"resp_{exchange.id}",
        "object": "response",
        "created_at": (start.created if start is not None else 0) or int(exchange.started_at),
        **{name: value for name, value in settings.items() if name not in ("id", "object", "created_at", "status")},
        "status": status,
        "error": None,
        "incomplete_details": None,
        "model": (start.model if start is not None else "") or request.model,
        "output": output,
        "usage": None,
    }


def _kept_here(exchange: Exchange, memory: Remembered) -> JsonObject:
    """What was asked of our memory, in place of what a provider was asked of its own."""
    given = exchange.asked.extras if exchange.asked is not None else {}
    conversation = memory.conversation
    return {
        "previous_response_id": given.get("previous_response_id"),
        "conversation": None if conversation is None else {"id": conversation},
        "store": memory.keeps and not exchange.is_refused,
    }


def echo(request: ChatRequest) -> JsonObject:
    """The request's settings as the response object repeats them."""
    tools: list[JsonValue] = [_tool(tool) for tool in request.tools]
    extras = request.extras
    return {
        "background": False,
        "instructions": _instructions(request.messages),
        "max_output_tokens": request.max_tokens,
        "max_tool_calls": None,
        "metadata": {**request.metadata},
        "parallel_tool_calls": request.parallel_tool_calls is not False,
        "previous_response_id": None,
        "prompt_cache_key": extras.get("prompt_cache_key"),
        "reasoning": _reasoning(request),
        "safety_identifier": extras.get("safety_identifier"),
        "service_tier": "default",
        "store": False,
        "temperature": 1.0 if request.temperature is None else request.temperature,
        "text": {"format": _format(request)},
        "tool_choice": _tool_choice(request),
        "tools": tools,
        "top_logprobs": request.top_logprobs or 0,
        "top_p": 1.0 if request.top_p is None else request.top_p,
        "truncation": "disabled",
        "user": request.user,
    }


def usage_object(usage: Usage) -> JsonObject:
    if usage.native_dialect == DIALECT and usage.native is not None:
        return usage.native
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def failure_event(exchange: Exchange) -> JsonObject:
    """The fields of an `error` event: of an answer that failed before it began."""
    shown = _shown(exchange)
    return {name: shown.get(name) for name in ("code", "message", "param")}


def error_object(exchange: Exchange) -> JsonObject:
    """The error of a failed response.  The dialect's `code` is a closed set, so ours stands in `type`."""
    shown = _shown(exchange)
    is_limit = isinstance(exchange.error, (RateLimited, UpstreamThrottled))
    return {
        "code": "rate_limit_exceeded" if is_limit else "server_error",
        "message": shown.get("message"),
        "type": shown.get("code"),
        "param": shown.get("param"),
    }


def _shown(exchange: Exchange) -> JsonObject:
    """The vetted fields of the error, as the body of an HTTP error shows them."""
    body = loads(error_body(error_of(exchange), exchange.id))
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}


def _instructions(messages: tuple[Message, ...]) -> JsonValue:
    if not messages or messages[0].role != "system" or "type" in messages[0].extras:
        return None
    return "".join(part.text for part in messages[0].parts if isinstance(part, TextPart))


def _reasoning(request: ChatRequest) -> JsonObject:
    asked = request.reasoning
    if asked is None:
        return {"effort": None, "summary": None}
    return {"effort": asked.effort, "summary": asked.summary}


def _format(request: ChatRequest) -> JsonObject:
    asked = request.response_format
    if asked is None or asked.kind != "json_schema":
        return {"type": "text" if asked is None else asked.kind}
    shown: JsonObject = {"type": "json_schema", "name": asked.name, "schema": asked.schema, "strict": asked.strict}
    if asked.description is not None:
        shown["description"] = asked.description
    return shown


def _tool(tool: Tool | OpaqueTool) -> JsonObject:
    if isinstance(tool, OpaqueTool):
        return tool.data
    shown: JsonObject = {"type": tool.kind, "name": tool.name, "description": tool.description, **tool.extras}
    if tool.kind == "function":
        shown["parameters"] = tool.parameters
        shown["strict"] = tool.strict
    return shown


def _tool_choice(request: ChatRequest) -> JsonValue:
    choice = request.tool_choice or ToolChoice("auto")
    if choice.mode == "named":
        return {"type": choice.kind, "name": choice.name}
    if choice.allowed is None:
        return choice.mode
    kinds = {tool.name: tool.kind for tool in request.tools if isinstance(tool, Tool)}
    allowed: list[JsonValue] = [{"type": kinds.get(name, "function"), "name": name} for name in choice.allowed]
    return {"type": "allowed_tools", "mode": choice.mode, "tools": allowed}
