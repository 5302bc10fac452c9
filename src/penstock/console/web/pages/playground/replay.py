"""A kept conversation, as the playground asks it again: in OpenAI's format, and saying what of it is not sent."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from penstock.core.json import loads

_INSTRUCTIONS = frozenset({"system", "developer"})
_SENT = ("top_p", "presence_penalty", "frequency_penalty", "seed")
"""Parameters that have no field of their own in the playground; temperature and most tokens have."""
_SHOWN = ("temperature", "max_tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """`earlier` are messages between the instructions and the question; `left_out` is for people.

    `user` is empty where the last turn is no question of a user: then `earlier` is the whole conversation.
    """

    exchange: str
    tenant: str
    model: str
    system: str
    user: str
    earlier: tuple[Mapping[str, Any], ...]
    parameters: Mapping[str, float | int]
    more: Mapping[str, Any]
    left_out: tuple[str, ...]

    @property
    def is_askable(self) -> bool:
        return bool(self.user or self.earlier)


def replay_of(content: Mapping[str, Any]) -> Replay:
    """Of what `/admin/v1/contents/{exchange}` says."""
    turns: list[Mapping[str, Any]] = list(content["turns"])
    system: list[str] = []
    while turns and turns[0]["role"] in _INSTRUCTIONS:
        system += _texts(turns.pop(0)["pieces"])
    user = ""
    if turns and turns[-1]["role"] == "user" and all(each["kind"] == "text" for each in turns[-1]["pieces"]):
        user = "\n\n".join(_texts(turns.pop()["pieces"]))
    parameters: Mapping[str, float | int] = content["parameters"]
    tools, other_tools = _tools(content["tools"])
    more: dict[str, Any] = {name: parameters[name] for name in _SENT if name in parameters}
    if tools:
        more["tools"] = tools
    wanted = _format(content["response_format"])
    if wanted is not None:
        more["response_format"] = wanted
    return Replay(
        exchange=content["exchange"],
        tenant=content["tenant"],
        model=content["model"],
        system="\n\n".join(system),
        user=user,
        earlier=tuple(message for turn in turns for message in _messages(turn)),
        parameters={name: parameters[name] for name in _SHOWN if name in parameters},
        more=more,
        left_out=tuple(_left_out(content, other_tools)),
    )


def _texts(pieces: Sequence[Mapping[str, Any]]) -> list[str]:
    return [each["text"] for each in pieces if each["kind"] in ("text", "file", "refusal") and each["text"]]


def _messages(turn: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Results of tools are messages of their own here, whoever's turn they stood in."""
    pieces = turn["pieces"]
    for each in pieces:
        if each["kind"] == "tool_result":
            yield {"role": "tool", "tool_call_id": each["id"], "content": each["text"]}
    text = "\n\n".join(_texts(pieces))
    calls = [
        {"id": each["id"], "type": "function", "function": {"name": each["name"], "arguments": each["text"]}}
        for each in pieces
        if each["kind"] == "tool_call"
    ]
    if calls:
        yield {"role": "assistant", "content": text or None, "tool_calls": calls}
    elif text and turn["role"] != "tool":
        yield {"role": "system" if turn["role"] in _INSTRUCTIONS else turn["role"], "content": text}


def _tools(given: Sequence[str]) -> tuple[list[dict[str, Any]], int]:
    """Functions as OpenAI has them, and how many tools are none."""
    found: list[dict[str, Any]] = []
    for each in given:
        try:
            tool: Any = loads(each)
        except msgspec.DecodeError:
            continue
        if tool.get("kind", "function") == "function":
            said = ("name", "description", "parameters", "strict")
            function = {name: tool[name] for name in said if tool.get(name) is not None}
            found.append({"type": "function", "function": function})
    return found, len(given) - len(found)


def _format(given: str) -> dict[str, Any] | None:
    """None where text was wanted, or nobody can tell."""
    if not given:
        return None
    try:
        wanted: Any = loads(given)
    except msgspec.DecodeError:
        return None
    if wanted["kind"] != "json_schema":
        return {"type": wanted["kind"]}
    said = ("name", "schema", "strict", "description")
    return {"type": "json_schema", "json_schema": {name: wanted[name] for name in said if wanted.get(name) is not None}}


def _left_out(content: Mapping[str, Any], other_tools: int) -> Iterator[str]:
    kinds = {each["kind"] for turn in content["turns"] for each in turn["pieces"] if not each["text"]}
    silent = kinds - {"text", "tool_call", "tool_result", "reasoning", "refusal"}
    if silent:
        yield f"of {', '.join(sorted(silent))} is kept only that there was one"
    if any(each["kind"] == "reasoning" for turn in content["turns"] for each in turn["pieces"]):
        yield "reasoning of earlier answers"
    if other_tools:
        yield f"{other_tools} tools that are no functions"
    if content["response_format"] and _format(content["response_format"]) is None:
        yield "the format that the answer was to have"
    given = content["parameters"].items()
    names = [name for name, value in given if name not in (*_SENT, *_SHOWN) and (name, value) != ("choices", 1)]
    if names:
        yield ", ".join(name.replace("_", " ") for name in names)
    if content["is_cut"]:
        yield "the earliest turns, which were too long to be kept"
