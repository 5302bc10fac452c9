"""Every text of a request, with who wrote it; and the request with some of them replaced.

One walk serves both, so that nothing can be judged in one place and sent from another: `visited` hands each text to
`change` and rebuilds what came back different.  What no guard can read (pictures, sound, files by reference) is named
by `unreadable`.
"""

from collections.abc import Callable, Iterator, Mapping
from operator import is_
from types import MappingProxyType
from typing import Final, TypeVar

import msgspec

from penstock.core.chat import (
    AudioPart,
    ChatRequest,
    EmbeddingRequest,
    FilePart,
    ImagePart,
    Message,
    OpaquePart,
    OpaqueTool,
    Part,
    ReasoningPart,
    RefusalPart,
    Request,
    Role,
    TextPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
)
from penstock.core.json import JsonObject, JsonValue, dumps, loads
from penstock.guard.verdict import Segment, Trust

Change = Callable[[Segment], str]

_TRUST: Final[Mapping[Role, Trust]] = MappingProxyType(
    {"system": "system", "developer": "developer", "user": "user", "assistant": "model", "tool": "tool_result"}
)
_OF_THE_ROLE: Final = frozenset({TextPart, ReasoningPart, RefusalPart, ToolCallPart})
"""Parts that were written by whom the message is of."""
_CREDENTIALS: Final = frozenset({"authorization", "authorization_token", "api_key", "headers"})
"""Fields with which the provider is to call others: masked, they would open nothing."""
_LEAST_DIGITS: Final = 6
"""A number with fewer is nobody's."""
_JsonT = TypeVar("_JsonT", bound=JsonValue)


def segments_of(request: Request) -> list[Segment]:
    """Every text that is not empty, in order."""
    found: list[Segment] = []

    def collect(segment: Segment) -> str:
        found.append(segment)
        return segment.text

    visited(request, collect)
    return found


def visited(request: Request, change: Change) -> Request:
    """The request with each text replaced by what `change` makes of it; the same object where nothing changed."""
    if isinstance(request, EmbeddingRequest):
        inputs = tuple(
            _text(each, "user", f"inputs.{at}", change) if isinstance(each, str) else each
            for at, each in enumerate(request.inputs)
        )
        fields: dict[str, object] = {
            "inputs": inputs,
            "user": _optional(request.user, "user", change),
            "extras": _beside(request.extras, "user", "extras", change),
        }
        return _with(request, fields)
    formatted = request.response_format
    if formatted is not None:
        formatted = _with(
            formatted,
            {
                "description": _optional(formatted.description, "response_format.description", change, "developer"),
                "schema": _beside(formatted.schema, "developer", "response_format.schema", change),
            },
        )
    fields = {
        "messages": _each(
            request.messages, [_message(each, f"messages.{at}", change) for at, each in enumerate(request.messages)]
        ),
        "tools": _each(request.tools, [_tool(each, f"tools.{at}", change) for at, each in enumerate(request.tools)]),
        "response_format": formatted,
        "stop": tuple(_field(each, "developer", f"stop.{at}", change) for at, each in enumerate(request.stop)),
        "metadata": {name: _field(each, "user", f"metadata.{name}", change) for name, each in request.metadata.items()},
        "user": _optional(request.user, "user", change),
        "extras": _beside(request.extras, "user", "extras", change),
    }
    return _with(request, fields)


def unreadable(request: Request) -> Iterator[str]:
    """The places of what no guard can read: it goes to the model unseen, or not at all."""
    if isinstance(request, EmbeddingRequest):
        for at, each in enumerate(request.inputs):
            if not isinstance(each, str):
                yield f"inputs.{at}"
        return
    for number, message in enumerate(request.messages):
        for at, part in enumerate(message.parts):
            yield from _unreadable(part, f"messages.{number}.parts.{at}")


def _unreadable(part: Part, place: str) -> Iterator[str]:
    match part:
        case ImagePart() | AudioPart():
            yield place
        case FilePart() if part.text is None:
            yield place
        case ToolResultPart():
            for at, inner in enumerate(part.parts):
                yield from _unreadable(inner, f"{place}.parts.{at}")
        case _:
            return


def may_hold_untrusted(request: ChatRequest) -> bool:
    """Whether somebody nobody here has asked may have written a part of it.  Never False where one has."""
    return any(
        message.role == "tool" or any(type(part) not in _OF_THE_ROLE for part in message.parts)
        for message in request.messages
    )


def _message(message: Message, place: str, change: Change) -> Message:
    trust = _TRUST[message.role]
    parts = message.parts
    if len(parts) == 1 and type(part := parts[0]) is TextPart and not part.extras and part.text:  # as nearly all are
        text = change(Segment(part.text, trust, f"{place}.parts.0"))
        if text is not part.text and text != part.text:
            parts = (msgspec.structs.replace(part, text=text),)
    else:
        parts = _parts(parts, trust, place, change)
    if parts is message.parts and message.name is None and not message.extras:  # as nearly all messages are
        return message
    fields: dict[str, object] = {
        "parts": parts,
        "name": _optional(message.name, f"{place}.name", change),
        "extras": _beside(message.extras, trust, f"{place}.extras", change),
    }
    return _with(message, fields)


def _parts(
    parts: tuple[Part, ...], trust: Trust, place: str, change: Change, source: str | None = None
) -> tuple[Part, ...]:
    return _each(parts, [_part(each, trust, f"{place}.parts.{at}", change, source) for at, each in enumerate(parts)])


def _part(part: Part, trust: Trust, place: str, change: Change, source: str | None = None) -> Part:
    match part:
        case TextPart():
            text = _text(part.text, trust, place, change, source)
            if text is part.text and not part.extras:
                return part
            fields: dict[str, object] = {"text": text}
        case ReasoningPart() | RefusalPart():
            fields = {"text": _text(part.text, trust, place, change)}
        case ToolCallPart():
            fields = {"arguments": _arguments(part, trust, f"{place}.arguments", change)}
        case ToolResultPart():
            fields = {"parts": _parts(part.parts, "tool_result", place, change, part.name or part.call_id)}
        case FilePart():
            text = part.text
            if text is not None:
                text = _text(text, _of_document(trust), f"{place}.text", change, part.filename)
            fields = {
                "text": text,
                "url": _address(part.url, f"{place}.url", change),
                "filename": _optional(part.filename, f"{place}.filename", change),
            }
        case ImagePart():
            fields = {"url": _address(part.url, f"{place}.url", change)}
        case AudioPart():
            fields = {}
        case OpaquePart():
            # What a provider's own tools brought, or a document in a form that one dialect knows.
            return _with(part, {"data": _json(part.data, _of_document(trust), place, change)})
    if not isinstance(part, RefusalPart):
        fields["extras"] = _beside(part.extras, trust, f"{place}.extras", change)
    return _with(part, fields)


def _of_document(trust: Trust) -> Trust:
    """What stands in a document was not said by who handed it over."""
    return "tool_result" if trust in {"model", "tool_result"} else "retrieved"


def _arguments(part: ToolCallPart, trust: Trust, place: str, change: Change) -> str:
    if part.kind == "function":
        try:
            value = loads(part.arguments)
        except (msgspec.DecodeError, UnicodeDecodeError, UnicodeEncodeError, RecursionError):
            value = None  # a model's slip, or somebody's trick: then every character of it is text
        if isinstance(value, dict | list):
            changed = _json(value, trust, place, change)
            return part.arguments if changed is value else dumps(changed).decode()
    return _text(part.arguments, trust, place, change)


def _tool(tool: Tool | OpaqueTool, place: str, change: Change) -> Tool | OpaqueTool:
    if isinstance(tool, OpaqueTool):
        return _with(tool, {"data": _beside(tool.data, "developer", f"{place}.data", change)})
    fields: dict[str, object] = {
        "description": _optional(tool.description, f"{place}.description", change, "developer"),
        "parameters": _beside(tool.parameters, "developer", f"{place}.parameters", change),
        "extras": _beside(tool.extras, "developer", f"{place}.extras", change),
    }
    return _with(tool, fields)


def _text(text: str, trust: Trust, place: str, change: Change, source: str | None = None) -> str:
    return change(Segment(text, trust, place, source)) if text else text


def _field(text: str, trust: Trust, place: str, change: Change) -> str:
    return change(Segment(text, trust, place, is_said=False)) if text else text


def _optional(text: str | None, place: str, change: Change, trust: Trust = "user") -> str | None:
    return text if text is None else _field(text, trust, place, change)


def _address(url: str | None, place: str, change: Change) -> str | None:
    return url if url is None or url.startswith("data:") else _field(url, "user", place, change)


def _beside(value: _JsonT, trust: Trust, place: str, change: Change) -> _JsonT:
    """A JSON value of a field in which nobody speaks.  Its names are the dialect's, or a schema's: they stay."""
    return value if not value else _json(value, trust, place, change, is_said=False)


def _json(value: _JsonT, trust: Trust, place: str, change: Change, *, is_said: bool = True) -> _JsonT:
    """The value with each string, and each long number, replaced; the same object where none was."""
    found: JsonValue = value
    match value:
        case str():
            found = change(Segment(value, trust, place, is_said=is_said)) if value else value
        case bool() | None:
            pass
        case int() | float() if len(str(value)) >= _LEAST_DIGITS:
            written = str(value)
            changed = change(Segment(written, trust, place, is_said=False))
            found = value if changed == written else changed
        case list():
            items = [_json(each, trust, f"{place}.{at}", change, is_said=is_said) for at, each in enumerate(value)]
            found = value if all(new is old for new, old in zip(items, value, strict=True)) else items
        case dict():
            found = _json_object(value, trust, place, change, is_said=is_said)
        case _:
            pass
    return found  # pyright: ignore[reportReturnType]  # a string stays one, an object an object; a number may not


def _json_object(value: JsonObject, trust: Trust, place: str, change: Change, *, is_said: bool) -> JsonObject:
    fields: JsonObject = {}
    has_changed = False
    for name, each in value.items():
        if not is_said and name in _CREDENTIALS:
            fields[name] = each
            continue
        # Where somebody speaks the names are theirs too: {"ann@example.com": …}.
        said = change(Segment(name, trust, f"{place}.{name}", is_said=False)) if is_said and name else name
        fields[said] = _json(each, trust, f"{place}.{name}", change, is_said=is_said)
        has_changed = has_changed or said != name or fields[said] is not each
    return fields if has_changed else value


_StructT = TypeVar("_StructT", bound=msgspec.Struct)
_ItemT = TypeVar("_ItemT")


def _each(old: tuple[_ItemT, ...], new: list[_ItemT]) -> tuple[_ItemT, ...]:
    """The new items; the old tuple where they are its own."""
    return old if all(map(is_, old, new)) else tuple(new)


def _with(struct: _StructT, fields: dict[str, object]) -> _StructT:
    """The struct with those fields that are others now; itself where none is."""
    changed = {
        name: value for name, value in fields.items() if (old := getattr(struct, name)) is not value and old != value
    }
    return msgspec.structs.replace(struct, **changed) if changed else struct
