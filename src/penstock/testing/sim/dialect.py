"""What the simulator needs of one vendor's API: to read its requests and to write its answers, as JSON by hand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import msgspec

from penstock.core.chat import ToolKind
from penstock.core.events import Event, UsageReport
from penstock.core.json import JsonObject, JsonValue, loads
from penstock.core.usage import Usage
from penstock.testing.script import Ask, AskedTool, count_tokens
from penstock.testing.sim.http import Call

ToolMode = Literal["auto", "none", "required"]


class BadCallError(ValueError):
    """The request is not one of this dialect; the text goes into the vendor's 400."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, read.  `shows_usage` is OpenAI's `stream_options.include_usage`."""

    ask: Ask
    shows_usage: bool = True


class Speaker(Protocol):
    """Writes one answer whose events are known from the start.

    `frames` gives the server-sent events for one event, `tail` those that signal the end.  `unary` is the answer in one
    body.  `wrong` is JSON of the wrong shape, as a frame or as a body.
    """

    def frames(self, event: Event) -> bytes: ...
    def tail(self) -> bytes: ...
    def unary(self) -> bytes: ...
    def wrong(self, *, is_streamed: bool) -> bytes: ...


@dataclass(frozen=True, slots=True)
class SimDialect:
    """One API: `read` raises `BadCallError`; `refusal` is the body for a status, `error_frame` an error in a stream."""

    name: str
    read: Callable[[Call], Asked]
    speak: Callable[[Asked, Sequence[Event]], Speaker]
    refusal: Callable[[int, float | None], bytes]
    error_frame: bytes


def object_in(call: Call) -> JsonObject:
    """The body as a JSON object."""
    try:
        body = loads(call.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadCallError("The body of the request is not JSON.") from None
    if not isinstance(body, dict):
        raise BadCallError("The body of the request is not a JSON object.")
    return body


def text_of(content: JsonValue) -> str:
    """All text in a content field, whatever its depth; anything that is not text counts as an attachment."""
    match content:
        case None:
            return ""
        case str(text) | {"text": str(text)} | {"thinking": str(text)}:
            return text
        case list(parts):
            return "\n".join(text_of(part) for part in parts)
        case {"content": inner} | {"output": inner} | {"parts": inner}:
            return text_of(inner)
        case {"arguments": str(arguments)}:
            return arguments
        case _:
            return "[attachment]"


def dicts(value: JsonValue) -> list[JsonObject]:
    """The objects in a list; everything else, and no list at all, is left out."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def child(value: JsonObject, key: str) -> JsonObject:
    """The object under `key`, or an empty one."""
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def string(value: JsonObject, key: str) -> str:
    """The text under `key`, or an empty one."""
    found = value.get(key)
    return found if isinstance(found, str) else ""


def whole(value: JsonObject, key: str) -> int | None:
    """The whole number under `key`, if there is one."""
    found = value.get(key)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def asked_tool(value: JsonObject, schema_key: str, kind: ToolKind = "function") -> AskedTool:
    return AskedTool(string(value, "name"), child(value, schema_key), kind)


def input_tokens(texts: Sequence[str]) -> int:
    """What a request's messages count: their text, and three for the form of each."""
    return sum(map(count_tokens, texts)) + 3 * len(texts)


def usage_in(events: Sequence[Event]) -> Usage | None:
    """The usage that the answer reports, if it does."""
    return next((event.usage for event in events if isinstance(event, UsageReport)), None)


def object_or_empty(text: str) -> JsonValue:
    """Tool arguments as an object; where a token limit cut them short, an empty one."""
    try:
        return loads(text)
    except msgspec.DecodeError:
        return {}
