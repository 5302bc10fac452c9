"""Places `cachePoint` blocks in a Converse body (https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html).

Behind the tools (Claude only), the system prompt, and the last turn of the user.  A body in which the caller placed its
own is left as it is; so is one for a model that does not know them, which would refuse the whole request.
"""

from typing import Final, cast

from penstock.core.chat import PromptCaching
from penstock.core.json import JsonObject, JsonValue
from penstock.providers.anthropic.models import least_cached_tokens
from penstock.providers.bedrock.models import family_of, keeps_prompts

_POINT: Final[JsonObject] = {"cachePoint": {"type": "default"}}
_CHARS_A_TOKEN: Final = 3


def add_cache_points(body: JsonObject, caching: PromptCaching | None, model: str) -> None:
    """Mark what the provider should keep of the prompt."""
    if caching is None or not (caching.prefix or caching.turns) or not keeps_prompts(model):
        return
    config = cast("JsonObject", body.get("toolConfig") or {})
    tools = cast("list[JsonValue]", config.get("tools") or [])
    system = cast("list[JsonValue]", body.get("system") or [])
    messages = cast("list[JsonObject]", body["messages"])
    contents = [cast("list[JsonValue]", message["content"]) for message in messages]
    if any(
        isinstance(block, dict) and "cachePoint" in block for blocks in (tools, system, *contents) for block in blocks
    ):
        return
    least = least_cached_tokens(model) * _CHARS_A_TOKEN
    of_tools = _chars(tools)
    of_prefix = of_tools + _chars(system)
    if caching.prefix:
        if of_tools >= least and family_of(model) == "anthropic":
            tools.append(_POINT)
        if system and of_prefix >= least:
            system.append(_POINT)
    if caching.turns and of_prefix + sum(map(_chars, contents)) >= least:
        last = next((at for at in range(len(messages) - 1, -1, -1) if messages[at]["role"] == "user"), None)
        if last is not None:
            contents[last].append(_POINT)


def _chars(value: object) -> int:
    """The length of all texts in a value."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(len(name) + _chars(inner) for name, inner in cast("dict[str, object]", value).items())
    if isinstance(value, list):
        return sum(map(_chars, cast("list[object]", value)))
    return 0
