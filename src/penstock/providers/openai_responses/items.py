"""The output items of an answer, as events: what the streamed and the unary decoder share.

Four kinds of item are common property and become events that every room understands: `message`, `reasoning`,
`function_call` and `custom_tool_call`.  Everything else (web search, MCP, code interpreter, …) only clients of the
same dialect understand; it travels whole in notices.  The kinds of notice, all read by `wire.openai_responses`:

* `response`: `{"event": <event type>, "response": {…}}`, the response object without output, usage, id and model.
* `item`, `item_done`: `{"n": <ordinal>, "item": {…}}`, an item has begun, has ended.  An item of the four common kinds
  comes without its text, arguments and proofs (they are in the events, where guards see them); of any other kind whole.
  For a tool call, `"call"` is the index of its `ToolCall` events; otherwise `part` is the first part it may own.
* `event`: `{"n": …, "event": {…}}`, progress of an item of another kind, as sent but for its numbering.
* `annotation`: one annotation of the text of `part`.
* `reasoning_text`: the text of `part` is raw reasoning and no summary.
"""

from typing import Final, TypeAlias

import msgspec

from penstock.core.chat import ToolKind
from penstock.core.events import Event, Notice, Text, ToolCall
from penstock.core.json import JsonObject, JsonValue

DIALECT: Final = "openai-responses"
SIGNATURE_PREFIX: Final = "openai-responses:"

PartKey: TypeAlias = tuple[str, int]
"""Where a part stands in its item: the name of the list (`content`, `summary`) and the place in it."""

_TEXT_OF_ITEM: Final = frozenset({"content", "summary", "encrypted_content", "arguments", "input", "call_id", "name"})
_COMMON_KINDS: Final = frozenset({"message", "reasoning", "function_call", "custom_tool_call"})


class OpenItem:
    """An item that has begun: its ordinal, its kind and how far its content went out."""

    __slots__ = ("annotations", "call", "has_arguments", "id", "is_done", "kind", "n", "parts")

    def __init__(self, n: int, kind: str, item_id: str) -> None:
        self.n = n
        self.kind = kind
        self.id = item_id
        self.parts: dict[PartKey, int] = {}
        self.annotations: dict[int, int] = {}
        self.call = -1
        self.has_arguments = False
        self.is_done = False


class Items:
    """Turns the items of one answer into events, each piece once, whichever of the events of the dialect brings it."""

    __slots__ = ("_calls", "_open", "_parts")

    def __init__(self) -> None:
        self._open: dict[int, OpenItem] = {}
        self._parts = 0
        self._calls = 0

    @property
    def has_calls(self) -> bool:
        return self._calls > 0

    def get(self, output_index: int) -> OpenItem | None:
        return self._open.get(output_index)

    def begin(self, output_index: int, item: JsonObject, out: list[Event]) -> OpenItem:
        """An item has begun; an item that is known already begins no second time."""
        known = self._open.get(output_index)
        if known is not None:
            return known
        opened = OpenItem(len(self._open), _text(item, "type"), _text(item, "id"))
        self._open[output_index] = opened
        if opened.kind in ("function_call", "custom_tool_call"):
            opened.call = self._calls
            self._calls += 1
            out.append(_notice("item", {"n": opened.n, "call": opened.call, "item": _shell(item)}, self._parts))
            kind: ToolKind = "function" if opened.kind == "function_call" else "custom"
            arguments = _text(item, "arguments" if kind == "function" else "input")
            opened.has_arguments = bool(arguments)
            out.append(ToolCall(0, opened.call, _text(item, "call_id"), _text(item, "name"), arguments, kind))
        else:
            shell = _notice("item", {"n": opened.n, "item": _shell(item)}, self._parts)
            # A tool that the provider runs may take long, and its client waits for news of it.
            is_own_work = opened.kind not in ("message", "reasoning")
            out.append(msgspec.structs.replace(shell, is_content=True) if is_own_work else shell)
        return opened

    def part(self, item: OpenItem, key: PartKey, out: list[Event]) -> int:
        """The ordinal of a part within the choice."""
        part = item.parts.get(key)
        if part is None:
            part = item.parts[key] = self._parts
            self._parts += 1
            if item.kind == "reasoning" and key[0] == "content":
                out.append(_notice("reasoning_text", None, part))
        return part

    def arguments(self, item: OpenItem, piece: str, out: list[Event]) -> None:
        item.has_arguments = True
        out.append(ToolCall(0, item.call, arguments=piece))

    def annotation(self, item: OpenItem, content_index: int, annotation: JsonValue, out: list[Event]) -> None:
        part = self.part(item, ("content", content_index), out)
        item.annotations[content_index] = item.annotations.get(content_index, 0) + 1
        out.append(_notice("annotation", annotation, part))

    def end(self, output_index: int, item: JsonObject, out: list[Event]) -> None:
        """An item has ended.  Whatever of it has not gone out yet goes out now; an item ends once."""
        opened = self.begin(output_index, item, out)
        if opened.is_done:
            return
        opened.is_done = True
        match opened.kind:
            case "message":
                self._end_message(opened, item, out)
            case "reasoning":
                self._end_reasoning(opened, item, out)
            case "function_call" | "custom_tool_call":
                arguments = _text(item, "arguments" if opened.kind == "function_call" else "input")
                if arguments and not opened.has_arguments:
                    self.arguments(opened, arguments, out)
            case _:
                pass
        out.append(_notice("item_done", {"n": opened.n, "item": _shell(item)}))

    def end_all(self, output: list[JsonValue], out: list[Event]) -> None:
        """The answer is over and `output` are its items: end those that have not ended, begin those never seen."""
        by_id = {known.id: index for index, known in self._open.items() if known.id}
        for at, item in enumerate(output):
            if not isinstance(item, dict):
                continue
            index = by_id.get(_text(item, "id"), at)
            known = self._open.get(index)
            if known is not None and known.kind != item.get("type"):
                index = max(self._open) + 1
            self.end(index, item, out)

    def _end_message(self, opened: OpenItem, item: JsonObject, out: list[Event]) -> None:
        for at, part in enumerate(_objects(item, "content")):
            is_refusal = part.get("type") == "refusal"
            key = ("content", at)
            if key not in opened.parts:
                ordinal = self.part(opened, key, out)
                if is_refusal:
                    out.append(Text(_text(part, "refusal"), channel="refusal", part=ordinal))
                else:
                    out.append(Text(_text(part, "text"), part=ordinal, logprobs=part.get("logprobs") or None))
            annotations = part.get("annotations")
            if isinstance(annotations, list):
                for annotation in annotations[opened.annotations.get(at, 0) :]:
                    self.annotation(opened, at, annotation, out)

    def _end_reasoning(self, opened: OpenItem, item: JsonObject, out: list[Event]) -> None:
        for name in ("summary", "content"):
            for at, part in enumerate(_objects(item, name)):
                if (name, at) not in opened.parts:
                    ordinal = self.part(opened, (name, at), out)
                    out.append(Text(_text(part, "text"), channel="reasoning", part=ordinal))
        proof = item.get("encrypted_content")
        if isinstance(proof, str) and proof:
            last = max(opened.parts.values()) if opened.parts else self.part(opened, ("proof", 0), out)
            out.append(Text("", channel="reasoning", part=last, signature=SIGNATURE_PREFIX + proof))


def _notice(kind: str, data: JsonValue, part: int = 0) -> Notice:
    return Notice(DIALECT, kind, data, part=part)


def _shell(item: JsonObject) -> JsonObject:
    """The item as a notice may carry it.  An empty `content` and a null proof stay, as the item had them."""
    if item.get("type") not in _COMMON_KINDS:
        return item
    shell = {name: value for name, value in item.items() if name not in _TEXT_OF_ITEM}
    if item.get("type") == "reasoning":
        if "content" in item:
            shell["content"] = []
        if "encrypted_content" in item:
            shell["encrypted_content"] = None
    return shell


def _text(item: JsonObject, name: str) -> str:
    value = item.get(name)
    return value if isinstance(value, str) else ""


def _objects(item: JsonObject, name: str) -> list[JsonObject]:
    value = item.get(name)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
