"""Splits recorded streams into their frames, by the rules of each framing and with no help of Penstock's."""

from collections.abc import Iterator
from typing import Any

from botocore.eventstream import EventStreamBuffer

from evaluation.conformance.reading import UnreadableError
from penstock.core.json import JsonObject, loads


def sse_data(body: bytes) -> Iterator[str]:
    """The data of each server-sent event: lines joined, comments and other fields left out."""
    lines: list[str] = []
    for line in [*body.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n"), ""]:
        if line.startswith("data:"):
            lines.append(line[5:].removeprefix(" "))
        elif not line and lines:
            yield "\n".join(lines)
            lines = []


def sse_objects(body: bytes) -> Iterator[JsonObject]:
    """The same, as JSON objects; OpenAI's closing `[DONE]` is `{"done": True}`."""
    for data in sse_data(body):
        if data.strip() == "[DONE]":
            yield {"done": True}
            continue
        yield json_object(data)


def json_object(data: bytes | str) -> JsonObject:
    try:
        value = loads(data)
    except ValueError as error:
        raise UnreadableError(f"not JSON: {data[:60]!r}") from error
    if not isinstance(value, dict):
        raise UnreadableError(f"not a JSON object: {data[:60]!r}")
    return value


def fields(value: Any) -> dict[str, Any]:
    """A JSON object's fields; none where it is null or absent."""
    return value or {}


def entries(value: Any) -> list[dict[str, Any]]:
    """The objects of a JSON list; none where it is null or absent."""
    return value or []


def aws_events(body: bytes) -> Iterator[tuple[str, JsonObject]]:
    """Name and payload of each message of an AWS event stream, read by botocore."""
    buffer: Any = EventStreamBuffer()  # botocore has no types
    buffer.add_data(body)
    for message in buffer:
        headers = fields(message.headers)
        name = str(headers.get(":event-type") or headers.get(":exception-type") or "")
        yield name, json_object(message.payload)
