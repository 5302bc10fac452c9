"""`/v1/conversations` and what is below `/v1/responses/`: what is kept, shown to whose it is in OpenAI's shapes."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs, unquote

from penstock.core.errors import MalformedRequest, MethodNotAllowed, UnknownPath, UnsupportedField
from penstock.core.exchange import Principal
from penstock.core.json import JsonObject, JsonValue, dumps
from penstock.memory.desk import Desk
from penstock.memory.desk import Page as Part
from penstock.server.http.request import Request
from penstock.server.sink import Page
from penstock.wire.document import read_document

CONVERSATIONS: Final = "/v1/conversations"
RESPONSES: Final = "/v1/responses/"
_MOST_ITEMS: Final = 100


def is_of_memory(path: str) -> bool:
    """Whether a path is answered here, where anything is kept at all."""
    return path == CONVERSATIONS or path.startswith((CONVERSATIONS + "/", RESPONSES))


def takes_body(method: str) -> bool:
    return method == "POST"


async def memory_page(desk: Desk, who: Principal, request: Request, body: bytes) -> Page:
    """Raises what the desk raises, and `UnknownPath`, `MethodNotAllowed` and `MalformedRequest`."""
    try:
        asked = parse_qs(request.query, keep_blank_values=True, max_num_fields=100) if request.query else {}
    except ValueError:
        raise MalformedRequest("the query has too many fields") from None
    parts = tuple(unquote(part) for part in request.path.split("/")[2:])
    found = await _answered(desk, who, (request.method, *parts), asked, body)
    return 200, [("content-type", "application/json"), ("cache-control", "no-store")], dumps(found)


async def _answered(
    desk: Desk, who: Principal, asked: tuple[str, ...], query: Mapping[str, list[str]], body: bytes
) -> JsonObject:
    match asked:
        case ("POST", "conversations"):
            given = _object(body)
            return await desk.create(who, given.get("metadata"), _items(given.get("items")))
        case ("GET", "conversations", name):
            return await desk.conversation(who, name)
        case ("POST", "conversations", name):
            return await desk.update(who, name, _object(body).get("metadata"))
        case ("DELETE", "conversations", name):
            return await desk.delete(who, name)
        case ("GET", "conversations", name, "items"):
            return await desk.items(who, name, _part(query))
        case ("POST", "conversations", name, "items"):
            return await desk.add(who, name, _items(_object(body).get("items")))
        case ("GET", "conversations", name, "items", item):
            return await desk.item(who, name, item)
        case ("DELETE", "conversations", name, "items", item):
            return await desk.delete_item(who, name, item)
        case ("GET", "responses", name):
            if query.get("stream", ["false"])[-1] == "true":
                raise UnsupportedField("A response that is kept is not streamed again.", field="stream")
            return await desk.response(who, name)
        case ("DELETE", "responses", name):
            return await desk.delete_response(who, name)
        case ("GET", "responses", name, "input_items"):
            return await desk.input_items(who, name, _part(query))
        case _:
            raise _refusal(asked)


def _refusal(asked: tuple[str, ...]) -> UnknownPath | MethodNotAllowed:
    match asked[1:]:
        case ("conversations",):
            return MethodNotAllowed("use POST on /v1/conversations")
        case ("conversations" | "responses", _) | ("conversations", _, "items") | ("conversations", _, "items", _):
            return MethodNotAllowed("use GET here")
        case ("responses", _, "input_items"):
            return MethodNotAllowed("use GET here")
        case _:
            return UnknownPath("there is no such path here; the OpenAPI description is at /openapi.json")


def _object(body: bytes) -> JsonObject:
    return read_document(body) if body.strip() else {}


def _items(value: JsonValue) -> list[JsonValue]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise MalformedRequest("`items` must be an array.", field="items")
    return value


def _part(query: Mapping[str, list[str]]) -> Part:
    order = query.get("order", ["desc"])[-1]
    if order not in ("asc", "desc"):
        raise MalformedRequest("`order` is `asc` or `desc`.", field="order")
    limit = query.get("limit", ["20"])[-1]
    if not limit.isascii() or not limit.isdigit() or len(limit) > 3 or not 1 <= int(limit) <= _MOST_ITEMS:
        raise MalformedRequest(f"`limit` is a number from 1 to {_MOST_ITEMS}.", field="limit")
    return Part(after=query.get("after", [None])[-1], limit=int(limit), is_ascending=order == "asc")
