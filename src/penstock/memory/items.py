"""Items of turns: which of them go to a model again, what people have said since, and how they are shown."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from penstock.core.json import JsonObject, JsonValue
from penstock.memory.turn import Body, Kept

_CALLS: Final = frozenset({"function_call", "custom_tool_call"})
_RESULTS: Final = frozenset({"function_call_output", "custom_tool_call_output"})
_PREFIXES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "message": "msg",
        "reasoning": "rs",
        "function_call": "fc",
        "function_call_output": "fco",
        "custom_tool_call": "ctc",
        "custom_tool_call_output": "ctco",
    }
)
_ADDRESS: Final = ("id", "status")
"""What is an item's only here: to a provider it would be a reference to what it does not keep."""

Shown = Callable[[str, Mapping[str, str], bool], str]
"""A text with its values in place of their tokens; the flag says that the text is JSON."""


class Release(msgspec.Struct, frozen=True):
    """What people have said of a turn that was held, in masked space and in their order, each with when."""

    said: tuple[tuple[float, str], ...]


def replayed(turns: Sequence[Kept]) -> list[JsonObject]:
    """What goes to a model again, the oldest first.

    A tool's result whose call is gone with an older turn goes too: no provider takes one alone.  So does what a
    provider's own tools have done (their items mean something to it alone), and reasoning that is not sealed by it.
    """
    found: list[JsonObject] = []
    calls: set[JsonValue] = set()
    for turn in turns:
        for item in (*turn.body.given, *turn.body.said):
            kind = item.get("type", "message")
            if kind in _RESULTS and item.get("call_id") not in calls:
                continue
            if kind in _CALLS:
                calls.add(item.get("call_id"))
            elif kind == "reasoning":
                if not isinstance(item.get("encrypted_content"), str):
                    continue
            elif kind != "message" and kind not in _RESULTS:
                continue
            found.append(_without_address(item))
    return found


def addressed(item: JsonObject, turn: str, at: int) -> JsonObject:
    """What a caller said, under an id of ours: theirs may be another's, or twice the same."""
    kind = item.get("type")
    prefix = _PREFIXES.get(kind, "item") if isinstance(kind, str) else "msg"
    return {**item, "id": f"{prefix}_{turn}_i{at}", "status": "completed"}


def kept_output(items: Iterable[JsonObject]) -> tuple[JsonObject, ...]:
    """What of an answer is kept: all but reasoning in the open, which no provider takes back."""
    return tuple(
        each for each in items if each.get("type") != "reasoning" or isinstance(each.get("encrypted_content"), str)
    )


def with_release(turn: Kept, release: Release | None) -> Kept:
    """The turn with what people said in place of the hand-over text."""
    if release is None or not release.said:
        return turn
    name = next((each.get("id") for each in turn.body.said), None) or f"msg_{turn.id}"
    text: JsonObject = {
        "type": "output_text",
        "text": "\n\n".join(said for _, said in release.said),
        "annotations": [],
        "logprobs": [],
    }
    item: JsonObject = {
        "id": name,
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [text],
    }
    return msgspec.structs.replace(turn, body=msgspec.structs.replace(turn.body, said=(item,)))


def values_of(turns: Iterable[Kept]) -> dict[str, str]:
    """What tokens of these turns stand for; the latest wins, since names only grow fuller."""
    found: dict[str, str] = {}
    for turn in turns:
        found.update(turn.body.values)
    return found


def shown(items: Iterable[JsonObject], body: Body, restore: Shown) -> list[JsonObject]:
    """The items as the turn's caller may see them."""
    values = {token: value for token, value in body.values.items() if token not in body.withheld}
    if not values:
        return list(items)

    def walked(value: JsonValue, *, is_json: bool = False) -> JsonValue:
        match value:
            case str():
                return restore(value, values, is_json) if "<" in value or "\\" in value or "&" in value else value
            case list():
                return [walked(each) for each in value]
            case dict():
                return {name: walked(each, is_json=name == "arguments") for name, each in value.items()}
            case _:
                return value

    return [{name: walked(each, is_json=name == "arguments") for name, each in item.items()} for item in items]


def _without_address(item: JsonObject) -> JsonObject:
    plain = {name: value for name, value in item.items() if name not in _ADDRESS}
    content = plain.get("content")
    if plain.get("type", "message") == "message" and isinstance(content, list):
        plain["content"] = [_plain(part) for part in content]
    return plain


def _plain(part: JsonValue) -> JsonValue:
    """A text without what was said about it."""
    if isinstance(part, dict) and part.get("type") == "output_text":
        return {"type": "output_text", "text": part.get("text")}
    return part
