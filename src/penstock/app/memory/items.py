"""Items into messages and back: what the memory keeps, in the words of the dialects."""

from collections.abc import Mapping, Sequence

import msgspec

from penstock.core.chat import ChatRequest, Message
from penstock.core.errors import MalformedRequest
from penstock.core.events import Event
from penstock.core.exchange import Exchange
from penstock.core.json import JsonObject, JsonValue
from penstock.flow.fold import Fold
from penstock.guard.personal.restore import Slots
from penstock.guard.personal.vault.book import kind_of
from penstock.guard.stage import guarded
from penstock.providers.openai_responses.input import input_of
from penstock.wire.openai_responses.encode import whole_response
from penstock.wire.openai_responses.input import read_input

_RESPONSES = "openai-responses"


def messages_of(items: Sequence[JsonObject]) -> Sequence[Message]:
    """What was kept, as it joins a request."""
    return read_input([*items], has_instructions=False) if items else ()


def items_of(request: ChatRequest, first: int) -> Sequence[JsonObject]:
    """The request's messages from `first` on.  Raises `UnsupportedField` for what no item can say."""
    new = msgspec.structs.replace(request, messages=request.messages[first:])
    return [_whole(item) for item in input_of(new, has_instructions=False) if isinstance(item, dict)]


def given_items(items: Sequence[JsonValue], model: str) -> ChatRequest:
    """Items that are added without a question, as a request of that model.  Raises `MalformedRequest`."""
    messages = read_input([*items], has_instructions=False)
    if not messages:
        raise MalformedRequest("`items` holds nothing.", field="items")
    return ChatRequest(dialect=_RESPONSES, model=model, messages=tuple(messages))


def answered(
    exchange: Exchange, request: ChatRequest, events: Sequence[Event]
) -> tuple[JsonObject | None, Sequence[JsonObject]]:
    """The response object without its output (None for other dialects), and the output's items."""
    fold = Fold()
    fold.feed(events)
    response = whole_response(fold.answer(), exchange, request)
    output = response.pop("output")
    items = [each for each in output if isinstance(each, dict)] if isinstance(output, list) else []
    return (response if request.dialect == _RESPONSES else None), items


def values_of(exchange: Exchange) -> tuple[Mapping[str, str], Sequence[str]]:
    """What the exchange's tokens stand for, and those whose values its caller must not see."""
    left = guarded(exchange)
    if left is None or not len(left.tokens):
        return {}, ()
    may = left.guards.may_restore
    issued = dict(left.tokens.issued)
    return issued, [token for token in issued if not may(exchange, kind_of(token))]


def restored(text: str, values: Mapping[str, str], is_json: bool) -> str:  # noqa: FBT001 - a `memory.items.Shown`
    """A text with its values."""
    slots = Slots(values, is_json=is_json)
    return slots.feed(text) + slots.finish()


def _whole(item: JsonObject) -> JsonObject:
    """As the API shows items: messages say that they are some, and their content is a list."""
    if item.get("type", "message") != "message":
        return item
    content = item.get("content")
    if isinstance(content, str):
        kind = "output_text" if item.get("role") == "assistant" else "input_text"
        part: JsonObject = {"type": kind, "text": content}
        whole: list[JsonValue] = [{**part, "annotations": []} if kind == "output_text" else part]
        content = whole
    return {**item, "type": "message", "content": content}
