"""A chat-completions request, read into the common form.

Every documented field is checked; a field without a name in the common form, and any that is null, is kept in `extras`.
The deprecated `functions` and `function_call` are read as tools; a null `functions` in `extras` remembers that the
caller speaks the old form, and the encoders then answer in it.
"""

from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final

from penstock.core.chat import ChatRequest, Reasoning, ResponseFormat
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
    kind_of,
    read_document,
    take,
    wrong_type,
)
from penstock.wire.openai_chat.messages import read_messages
from penstock.wire.openai_chat.plain import read_plain
from penstock.wire.openai_chat.tools import read_tool_choice, read_tools, upgrade_functions

_MAX_CHOICES: Final = 128
_MAX_TOKENS: Final = 2**31 - 1
_MAX_STOPS: Final = 16


def parse_request(body: bytes) -> ChatRequest:
    """Read a request body.  Raises `MalformedRequest` naming the field."""
    plain = read_plain(body)
    return plain if plain is not None else read_any(body)


def read_any(body: bytes) -> ChatRequest:
    """As `parse_request`, whatever the request holds: `read_plain` knows only the most common kind."""
    document = read_document(body)
    model = as_name(take(document, "model", ""), "model")
    messages = read_messages(take(document, "messages", ""))
    if "functions" in document or "function_call" in document:
        upgrade_functions(document)
    fields: dict[str, Any] = {}
    extras: JsonObject = {}
    for name, value in document.items():
        reader = _READERS.get(name) if value is not None else None
        read = None if reader is None else reader[1](value, name)
        if reader is None or read is None:
            extras[name] = value
        elif fields.setdefault(reader[0], read) != read:
            raise invalid(name, "`max_tokens` and `max_completion_tokens` cannot both be set")
    _read_stream_options(extras, fields)
    if fields.get("top_logprobs") is not None and not fields.get("logprobs"):
        raise invalid("top_logprobs", "needs `logprobs` to be true")
    return ChatRequest(dialect="openai-chat", model=model, messages=messages, extras=extras, **fields)


def _read_stream_options(extras: JsonObject, fields: dict[str, Any]) -> None:
    options = extras.get("stream_options")
    if options is None:
        return
    rest = as_object(options, "stream_options")
    if not fields.get("stream"):
        raise invalid("stream_options", "only allowed when `stream` is true")
    include = rest.pop("include_usage", None)
    if include is not None:
        fields["include_usage"] = as_bool(include, "stream_options.include_usage")
    if not rest:
        del extras["stream_options"]


def _read_stop(value: JsonValue, path: str) -> tuple[str, ...]:
    if type(value) is str:
        return (value,)
    if type(value) is not list:
        raise wrong_type(value, path, "a string or an array of strings")
    if len(value) > _MAX_STOPS:
        raise invalid(path, f"at most {_MAX_STOPS} stop sequences, got {len(value)}")
    return tuple(as_text(stop, f"{path}[{at}]") for at, stop in enumerate(value))


def _read_response_format(value: JsonValue, path: str) -> ResponseFormat | None:
    """None for a format that only its own server knows: it stays in `extras` as it is."""
    given = as_object(value, path)
    kind = as_text(given.get("type"), f"{path}.type")
    if kind == "json_schema" and "json_schema" in given:
        inner = as_object(given["json_schema"], f"{path}.json_schema")
        name = as_name(inner.get("name"), f"{path}.json_schema.name") if inner.get("name") is not None else None
        schema, strict, description = inner.get("schema"), inner.get("strict"), inner.get("description")
        read = ResponseFormat(
            "json_schema",
            name=name,
            schema=None if schema is None else as_object(schema, f"{path}.json_schema.schema"),
            strict=None if strict is None else as_bool(strict, f"{path}.json_schema.strict"),
            description=None if description is None else as_text(description, f"{path}.json_schema.description"),
        )
        is_known = len(given) == 2 and inner.keys() <= {"name", "schema", "strict", "description"}
        return read if is_known else None
    if kind == "json_schema":
        raise invalid(f"{path}.json_schema", "required, but missing")
    match kind:
        case "text" | "json_object" if len(given) == 1:
            return ResponseFormat(kind)
        case _:
            return None


def _read_metadata(value: JsonValue, path: str) -> dict[str, str]:
    given = as_object(value, path)
    return {name: as_text(text, f"{path}.{name[:64]}") for name, text in given.items()}


def _read_effort(value: JsonValue, path: str) -> Reasoning:
    return Reasoning(effort=as_name(value, path))


def _whole(least: int, most: int) -> Callable[[JsonValue, str], int]:
    return lambda value, path: as_int(value, path, least=least, most=most)


def _number(least: float, most: float) -> Callable[[JsonValue, str], float]:
    return lambda value, path: as_number(value, path, least=least, most=most)


def _check_logit_bias(value: JsonValue, path: str) -> None:
    for token, bias in as_object(value, path).items():
        as_number(bias, f"{path}.{token[:64]}", least=-100, most=100)


def _check_modalities(value: JsonValue, path: str) -> None:
    for at, modality in enumerate(as_array(value, path)):
        as_text(modality, f"{path}[{at}]")


def _check_object(value: JsonValue, path: str) -> None:
    as_object(value, path)


def _check_text(value: JsonValue, path: str) -> None:
    as_text(value, path)


def _check_bool(value: JsonValue, path: str) -> None:
    as_bool(value, path)


def _check_verbosity(value: JsonValue, path: str) -> None:
    as_choice(value, path, ("low", "medium", "high"))


def _check_prediction(value: JsonValue, path: str) -> None:
    content = as_object(value, path).get("content")
    if type(content) is not str and type(content) is not list:
        raise invalid(f"{path}.content", f"expected a string or an array, got {kind_of(content)}")


_Reader = tuple[str, Callable[[JsonValue, str], object]]

_READERS: Final = MappingProxyType[str, _Reader](
    {
        "stream": ("stream", as_bool),
        "max_tokens": ("max_tokens", _whole(1, _MAX_TOKENS)),
        "max_completion_tokens": ("max_tokens", _whole(1, _MAX_TOKENS)),
        "temperature": ("temperature", _number(0, 2)),
        "top_p": ("top_p", _number(0, 1)),
        "presence_penalty": ("presence_penalty", _number(-2, 2)),
        "frequency_penalty": ("frequency_penalty", _number(-2, 2)),
        "n": ("choices", _whole(1, _MAX_CHOICES)),
        "seed": ("seed", as_int),
        "stop": ("stop", _read_stop),
        "logprobs": ("logprobs", as_bool),
        "top_logprobs": ("top_logprobs", _whole(0, 20)),
        "tools": ("tools", read_tools),
        "tool_choice": ("tool_choice", read_tool_choice),
        "parallel_tool_calls": ("parallel_tool_calls", as_bool),
        "response_format": ("response_format", _read_response_format),
        "reasoning_effort": ("reasoning", _read_effort),
        "metadata": ("metadata", _read_metadata),
        "user": ("user", as_text),
        # kept in extras once checked
        "audio": ("", _check_object),
        "logit_bias": ("", _check_logit_bias),
        "modalities": ("", _check_modalities),
        "moderation": ("", _check_object),
        "prediction": ("", _check_prediction),
        "prompt_cache_key": ("", _check_text),
        "safety_identifier": ("", _check_text),
        "service_tier": ("", _check_text),
        "store": ("", _check_bool),
        "verbosity": ("", _check_verbosity),
        "web_search_options": ("", _check_object),
    }
)
"""The fields that are checked: their name in `ChatRequest` and what reads them (None: they stay in `extras`)."""
