r"""A request body as a JSON object, read strictly, and typed readers that say what is wrong and where.

Every client dialect begins here.  Strict means that a body is refused, with a message its sender can act on, where a
lenient reader would guess: duplicate keys, NaN, lone surrogates, numbers that no provider could be sent again, nesting
without end.  The readers take a value and its path and give it back typed (`messages[2].content: expected a string
or an array, got a number`); the path is only read when something is wrong.

The check for duplicate keys is exact and costs a count: every string in a document is written with two quotes, so a
body with more quotes than its decoded strings and `\"` account for holds a string that was dropped, which only a
repeated key can do.  Only then, or where `\\"` makes the count ambiguous, does the slow reader look again and name it.
"""

import json  # noqa: TID251 - the second look at a bad body: msgspec cannot name a repeated key or a lone surrogate
from typing import Any, Final, NoReturn, cast

import msgspec

from penstock.core.errors import MalformedRequest
from penstock.core.json import JsonObject, JsonValue

MAX_DEPTH: Final = 100
_MAX_INT: Final = 2**64 - 1
_MIN_INT: Final = -(2**63)
_decode: Final = msgspec.json.Decoder().decode


def read_document(body: bytes) -> JsonObject:
    """Decode a request body.  The result belongs to the caller.  Raises `MalformedRequest`."""
    try:
        document: Any = _decode(body)
    except RecursionError:
        raise _too_deep() from None
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, OverflowError) as error:
        _diagnose(body, error)
    if type(document) is not dict:
        raise MalformedRequest(f"The request body must be a JSON object, not {kind_of(document)}.")
    if may_repeat_keys(body, _survey(cast("JsonObject", document))):
        _refuse_repeated_keys(body)
    return cast("JsonObject", document)


def may_repeat_keys(body: bytes, strings: int) -> bool:
    """Whether a key may stand twice in one object of `body`, which holds so many strings as decoded, keys included.

    False says that none does.
    """
    excess = body.count(b'"') - 2 * strings
    return excess != 0 and (excess != body.count(b'\\"') or b'\\\\"' in body)


def _survey(document: JsonObject) -> int:
    """Count the strings, keys included; refuse what is nested too deep and integers of more than 64 bits."""
    strings = 0
    level: list[JsonObject | list[JsonValue]] = [document]
    for _ in range(MAX_DEPTH):
        below: list[JsonObject | list[JsonValue]] = []
        for container in level:
            if type(container) is dict:
                strings += len(container)
                values = container.values()
            else:
                values = container
            for value in values:
                if type(value) is str:
                    strings += 1
                elif type(value) is dict or type(value) is list:
                    below.append(value)
                elif type(value) is int and not _MIN_INT <= value <= _MAX_INT:
                    raise MalformedRequest("The request body holds an integer of more than 64 bits.")
        if not below:
            return strings
        level = below
    raise _too_deep()


def _too_deep() -> MalformedRequest:
    return MalformedRequest(f"The request body is nested too deep: more than {MAX_DEPTH} levels.")


def _diagnose(body: bytes, error: Exception) -> NoReturn:
    """Say why a body that msgspec refused is not JSON."""
    if not body.strip():
        raise MalformedRequest("The request body is empty.") from None
    try:
        text = body.decode()
    except UnicodeDecodeError as bad:
        raise MalformedRequest(f"The request body is not valid UTF-8 at byte {bad.start}.") from None
    if text.startswith("\ufeff"):
        raise MalformedRequest("The request body begins with a byte order mark, which JSON forbids.") from None
    try:
        json.loads(text, parse_constant=_refuse_constant, parse_int=_read_int, object_pairs_hook=_refuse_surrogates)
    except json.JSONDecodeError as bad:
        at = len(text[: bad.pos].encode())
        if bad.pos >= len(text.rstrip()) or bad.msg.startswith("Unterminated"):
            raise MalformedRequest(f"The request body is cut short: its JSON is incomplete at byte {at}.") from None
        raise MalformedRequest(f"The request body is not valid JSON at byte {at}: {_reason(bad.msg)}.") from None
    except RecursionError:
        raise _too_deep() from None
    if "out of range" in str(error):
        raise MalformedRequest("The request body holds a number out of range.") from None
    raise MalformedRequest("The request body is not valid JSON.") from None


def _reason(message: str) -> str:
    message = message.removesuffix(" at").removesuffix(" starting")
    return message[:1].lower() + message[1:]


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedRequest(f"The request body holds {name}, which is not JSON.")


def _read_int(digits: str) -> int:
    return int(digits) if len(digits) < 30 else 0  # the value is not used


def _refuse_surrogates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for name, value in pairs:
        if _has_surrogate(name) or _has_surrogate(value):
            shown = name.encode("ascii", "backslashreplace").decode()
            raise MalformedRequest(
                f"The request body holds half of a surrogate pair at `{shown[:100]}`, which is not text."
            )
    return {}


def _has_surrogate(value: Any) -> bool:
    if isinstance(value, str):
        return any("\ud800" <= c <= "\udfff" for c in value)
    return isinstance(value, list) and any(map(_has_surrogate, cast("list[Any]", value)))


def _refuse_repeated_keys(body: bytes) -> None:
    def check(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        document = dict(pairs)
        if len(document) < len(pairs):
            seen: set[str] = set()
            for name, _ in pairs:
                if name in seen:
                    raise MalformedRequest(f"The request body holds the key `{name[:100]}` twice in one object.")
                seen.add(name)
        return document

    json.loads(body.decode(), object_pairs_hook=check)


# Readers.  `path` names the value for the message.


def kind_of(value: object) -> str:
    """What a JSON value is, in words."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"


def wrong_type(value: object, path: str, expected: str) -> MalformedRequest:
    """The error for a value of the wrong type; `expected` says what it should be, with its article."""
    return MalformedRequest(f"{path}: expected {expected}, got {kind_of(value)}", field=path)


def invalid(path: str, why: str) -> MalformedRequest:
    """The error for a value of the right type that cannot be; `why` follows the path and a colon."""
    return MalformedRequest(f"{path}: {why}", field=path)


def missing(path: str) -> MalformedRequest:
    return MalformedRequest(f"{path}: required, but missing", field=path)


def as_object(value: JsonValue, path: str) -> JsonObject:
    if type(value) is dict:
        return value
    raise wrong_type(value, path, "an object")


def as_array(value: JsonValue, path: str) -> list[JsonValue]:
    if type(value) is list:
        return value
    raise wrong_type(value, path, "an array")


def as_text(value: JsonValue, path: str) -> str:
    if type(value) is str:
        return value
    raise wrong_type(value, path, "a string")


def as_bool(value: JsonValue, path: str) -> bool:
    if type(value) is bool:
        return value
    raise wrong_type(value, path, "a boolean")


def as_int(value: JsonValue, path: str, *, least: int | None = None, most: int | None = None) -> int:
    if type(value) is not int:
        raise (
            wrong_type(value, path, "an integer")
            if type(value) is not float
            else invalid(path, f"expected an integer, got {value}")
        )
    _in_range(value, path, least, most)
    return value


def as_number(value: JsonValue, path: str, *, least: float | None = None, most: float | None = None) -> float:
    """A number, kept an `int` where it was written as one."""
    if type(value) is not int and type(value) is not float:
        raise wrong_type(value, path, "a number")
    _in_range(value, path, least, most)
    return value


def _in_range(value: float, path: str, least: float | None, most: float | None) -> None:
    if least is not None and value < least:
        raise invalid(path, f"must be at least {least}, got {value}")
    if most is not None and value > most:
        raise invalid(path, f"must be at most {most}, got {value}")


def as_name(value: JsonValue, path: str) -> str:
    """A model, tool or call name: a string that is not empty and holds no control characters."""
    text = as_text(value, path)
    if not text:
        raise invalid(path, "must not be empty")
    if not text.isprintable() and any(c < " " or c == "\x7f" for c in text):
        raise invalid(path, "must not hold control characters")
    return text


def as_choice(value: JsonValue, path: str, choices: tuple[str, ...]) -> str:
    text = as_text(value, path)
    if text in choices:
        return text
    shown = ", ".join(f"`{c}`" for c in choices)
    raise invalid(path, f"must be one of {shown}")


def take(document: JsonObject, name: str, path: str) -> JsonValue:
    """Remove and give back a field that must be there and not null.  `path` is that of the document."""
    value = document.pop(name, None)
    if value is None:
        raise missing(f"{path}.{name}" if path else name)
    return value
