"""Places `cache_control` in a Messages API body (https://platform.claude.com/docs/en/build-with-claude/prompt-caching).

At most four: behind the tools, behind the system prompt, behind the last turn of the user, and behind the turn before
it where the API would not look back that far by itself.  A body in which the caller placed its own is left as it is.
"""

from collections.abc import Sequence
from typing import Final, cast

from penstock.core.chat import PromptCaching
from penstock.core.json import JsonObject, JsonValue
from penstock.providers.anthropic.models import least_cached_tokens

_MARK: Final[JsonObject] = {"type": "ephemeral"}
_NAME: Final = "cache_control"
_LOOKS_BACK: Final = 20
"""Blocks before a mark in which the API finds what an earlier request wrote."""
_CHARS_A_TOKEN: Final = 3
"""On the low side: a mark on a prompt that is too short is ignored, and one that is missing costs the whole price."""
_UNMARKABLE: Final = frozenset({"thinking", "redacted_thinking"})


def add_marks(body: JsonObject, caching: PromptCaching | None, model: str) -> None:
    """Mark the blocks behind which the provider should keep the prompt."""
    if caching is None or not (caching.prefix or caching.turns) or _NAME in body:
        return
    tools = cast("list[JsonObject]", body.get("tools") or [])
    system = body.get("system")
    messages = cast("list[JsonObject]", body["messages"])
    if _is_marked(tools) or _is_marked(system) or any(_is_marked(message["content"]) for message in messages):
        return
    least = least_cached_tokens(model) * _CHARS_A_TOKEN
    of_tools = _chars(cast("JsonValue", tools))
    of_prefix = of_tools + _chars(system)
    if caching.prefix:
        if of_tools >= least:
            _mark_tools(tools)
        if system and of_prefix >= least:
            body["system"] = _marked(system)
    if caching.turns and of_prefix + _chars(cast("JsonValue", messages)) >= least:
        _mark_turns(messages)


def _mark_tools(tools: list[JsonObject]) -> None:
    for at in range(len(tools) - 1, -1, -1):
        if not tools[at].get("defer_loading"):
            tools[at] = {**tools[at], _NAME: _MARK}
            return


def _mark_turns(messages: Sequence[JsonObject]) -> None:
    users = [at for at, message in enumerate(messages) if message["role"] == "user"]
    if not users:
        return
    last = messages[users[-1]]
    last["content"] = _marked(last["content"])
    if len(users) > 1 and sum(_blocks(message["content"]) for message in messages[users[-2] + 1 :]) > _LOOKS_BACK:
        before = messages[users[-2]]
        before["content"] = _marked(before["content"])


def _marked(content: JsonValue) -> JsonValue:
    """The content with a mark on its last block that can bear one."""
    if isinstance(content, str):
        return [{"type": "text", "text": content, _NAME: _MARK}] if content else content
    if not isinstance(content, list):
        return content
    for at in range(len(content) - 1, -1, -1):
        block = content[at]
        if isinstance(block, dict) and block.get("type") not in _UNMARKABLE and block.get("text") != "":
            return [*content[:at], {**block, _NAME: _MARK}, *content[at + 1 :]]
    return content


def _is_marked(content: object) -> bool:
    """Whether a block has a mark, or one within it."""
    if not isinstance(content, list):
        return False
    return any(
        isinstance(block, dict) and (_NAME in block or _is_marked(cast("JsonObject", block).get("content")))
        for block in cast("list[object]", content)
    )


def _blocks(content: JsonValue) -> int:
    return len(content) if isinstance(content, list) else 1


def _chars(value: object) -> int:
    """The length of all texts in a value."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(len(name) + _chars(inner) for name, inner in cast("dict[str, object]", value).items())
    if isinstance(value, list):
        return sum(map(_chars, cast("list[object]", value)))
    return 0
