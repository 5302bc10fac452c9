"""Makes the output items of a Responses answer out of events, writing each step as the dialect's stream event.

One code path for both forms: the stream encoder hands it `SseFrames`, the unary encoder `NoFrames`, and both read
`output` at the end.  Which items there are is said by the provider's notices where it speaks the same dialect (see
`providers.openai_responses.items` for the kinds); for any other provider items are opened as the events need them.

What an item says always comes from the events, which guards may have changed, never from a notice.  Text that a filter
held back beyond the end of its item is not lost: it opens an item of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, assert_never

from penstock.core.events import Channel, Event, Notice, Text, ToolCall
from penstock.core.json import JsonObject, JsonValue
from penstock.wire.openai_responses.frames import Frames, delta_head

DIALECT: Final = "openai-responses"
SIGNATURE_PREFIX: Final = "openai-responses:"

PartKind = Literal["output_text", "refusal", "summary_text", "reasoning_text"]
_COMMON_KINDS: Final = frozenset({"message", "reasoning", "function_call", "custom_tool_call"})


@dataclass(slots=True)
class _Part:
    kind: PartKind
    index: int
    head: bytes
    place: JsonObject
    pieces: list[str] = field(default_factory=list[str])
    logprobs: list[JsonValue] = field(default_factory=list[JsonValue])
    annotations: list[JsonValue] = field(default_factory=list[JsonValue])
    is_open: bool = True

    def value(self) -> JsonObject:
        text = "".join(self.pieces)
        match self.kind:
            case "output_text":
                return {
                    "type": "output_text",
                    "annotations": [*self.annotations],
                    "logprobs": [*self.logprobs],
                    "text": text,
                }
            case "refusal":
                return {"type": "refusal", "refusal": text}
            case "summary_text" | "reasoning_text":
                return {"type": self.kind, "text": text}
            case _:
                assert_never(self.kind)


@dataclass(slots=True)
class _Item:
    """One output item.  `shell` is what is known of it beside its content; `announced` says the provider named it."""

    kind: str
    index: int
    shell: JsonObject
    is_announced: bool
    parts: list[_Part] = field(default_factory=list[_Part])
    arguments: list[str] = field(default_factory=list[str])
    head: bytes = b""
    proof: str | None = None
    is_open: bool = True

    def value(self) -> JsonObject:
        match self.kind:
            case "message":
                return {**self.shell, "content": [part.value() for part in self.parts]}
            case "reasoning":
                item: JsonObject = {
                    **self.shell,
                    "summary": [p.value() for p in self.parts if p.kind == "summary_text"],
                }
                content: list[JsonValue] = [p.value() for p in self.parts if p.kind == "reasoning_text"]
                if content or "content" in self.shell:
                    item["content"] = content
                if self.proof is not None:
                    item["encrypted_content"] = self.proof
                return item
            case "function_call":
                return {**self.shell, "arguments": "".join(self.arguments)}
            case "custom_tool_call":
                return {**self.shell, "input": "".join(self.arguments)}
            case _:
                return self.shell


@dataclass(slots=True)
class _Announced:
    """An item of a common kind that the provider has named and whose content is still to come."""

    n: int
    kind: str
    shell: JsonObject
    first_part: int
    call: int
    item: _Item | None = None
    is_done: bool = False


class Assembly:
    """See the module.  `feed` takes every event but `Start`, `Finish` and usage; `close` ends what is open."""

    __slots__ = ("_announced", "_calls", "_frames", "_items", "_opaque", "_parts", "_raw", "_suffix")

    def __init__(self, frames: Frames, suffix: str) -> None:
        self._frames = frames
        self._suffix = suffix
        self._items: list[_Item] = []
        self._announced: list[_Announced] = []
        self._parts: dict[tuple[Channel, int], tuple[_Item, _Part]] = {}
        self._calls: dict[int, _Item] = {}
        self._opaque: dict[int, _Item] = {}
        self._raw: set[int] = set()

    def output(self) -> list[JsonValue]:
        return [item.value() for item in self._items]

    def feed(self, events: Sequence[Event]) -> None:
        for event in events:
            match event:
                case Text():
                    self.text(event)
                case ToolCall():
                    self.tool_call(event)
                case Notice():
                    self.notice(event)
                case _:
                    pass

    def text(self, event: Text) -> None:
        found = self._parts.get((event.channel, event.part))
        if found is None or not found[1].is_open:
            if event.signature is not None and not event.text:
                self._sign(event, found)
                return
            found = self._open_part(event)
        item, part = found
        if event.text or event.logprobs:
            self._frames.delta(_DELTA_EVENTS[part.kind], part.head, event.text, event.logprobs)
            part.pieces.append(event.text)
        if isinstance(event.logprobs, list):
            part.logprobs.extend(event.logprobs)
        if event.signature is not None:
            item.proof = event.signature.removeprefix(SIGNATURE_PREFIX)

    def tool_call(self, event: ToolCall) -> None:
        item = self._calls.get(event.index)
        if item is None:
            item = self._calls[event.index] = self._open_call(event)
        if event.arguments:
            kind = (
                b"response.function_call_arguments.delta"
                if item.kind == "function_call"
                else b"response.custom_tool_call_input.delta"
            )
            self._frames.delta(kind, item.head, event.arguments)
            item.arguments.append(event.arguments)

    def notice(self, event: Notice) -> None:
        if event.dialect != DIALECT:
            return
        data = event.data
        match event.kind:
            case "item" if isinstance(data, dict):
                self._announce(data, event.part)
            case "item_done" if isinstance(data, dict):
                self._end(data)
            case "event" if isinstance(data, dict):
                self._progress(data)
            case "annotation":
                self._annotate(event.part, data)
            case "reasoning_text":
                self._raw.add(event.part)
            case _:
                pass

    def close(self, status: Literal["completed", "incomplete"] = "completed") -> None:
        """The answer is over: end every open item, in order; the last one as `status` says."""
        for known in self._announced:
            if known.item is None:
                known.item = self._open(known.kind, known.shell, is_announced=True)
        open_items = [item for item in self._items if item.is_open]
        for item in open_items:
            if "status" in item.shell and not self._has_last_word(item):
                item.shell = {**item.shell, "status": status if item is open_items[-1] else "completed"}
            self._close(item)

    def _has_last_word(self, item: _Item) -> bool:
        return any(known.item is item and known.is_done for known in self._announced)

    # Items

    def _open(self, kind: str, shell: JsonObject, *, is_announced: bool) -> _Item:
        item = _Item(kind, len(self._items), shell, is_announced)
        self._items.append(item)
        self._frames.event("response.output_item.added", {"output_index": item.index, "item": item.value()})
        return item

    def _open_own(self, kind: str, **more: JsonValue) -> _Item:
        """An item that no provider named: an id and a status of our own."""
        prefix = _ID_PREFIXES[kind]
        shell: JsonObject = {"id": f"{prefix}_{self._suffix}_{len(self._items)}", "type": kind, **more}
        return self._open(kind, shell, is_announced=False)

    def _close(self, item: _Item) -> None:
        if not item.is_open:
            return
        item.is_open = False
        place: JsonObject = {"item_id": item.shell.get("id"), "output_index": item.index}
        for part in item.parts:
            self._close_part(part)
        if item.kind == "function_call":
            self._frames.event(
                "response.function_call_arguments.done",
                {**place, "arguments": "".join(item.arguments), "name": item.shell.get("name")},
            )
        elif item.kind == "custom_tool_call":
            self._frames.event("response.custom_tool_call_input.done", {**place, "input": "".join(item.arguments)})
        self._frames.event("response.output_item.done", {"output_index": item.index, "item": item.value()})

    def _close_own_texts(self) -> None:
        """Something else begins: an item of our own that holds text is over.  Calls stay open: they may interleave."""
        for item in self._items:
            if item.is_open and not item.is_announced and item.kind in ("message", "reasoning"):
                item.shell = _with_status(item.shell, "completed")
                self._close(item)

    # Parts

    def _open_part(self, event: Text) -> tuple[_Item, _Part]:
        kind: PartKind
        match event.channel:
            case "answer":
                kind = "output_text"
            case "refusal":
                kind = "refusal"
            case "reasoning":
                kind = "reasoning_text" if event.part in self._raw else "summary_text"
            case _:
                assert_never(event.channel)
        item = self._item_for("reasoning" if event.channel == "reasoning" else "message", event.part)
        for earlier in item.parts:
            self._close_part(earlier)
        is_summary = kind == "summary_text"
        index = sum(1 for part in item.parts if (part.kind == "summary_text") == is_summary)
        place: JsonObject = {
            "item_id": item.shell.get("id"),
            "output_index": item.index,
            "summary_index" if is_summary else "content_index": index,
        }
        part = _Part(kind, index, delta_head(place), place)
        item.parts.append(part)
        self._parts[event.channel, event.part] = found = item, part
        name = "response.reasoning_summary_part.added" if is_summary else "response.content_part.added"
        self._frames.event(name, {**place, "part": part.value()})
        return found

    def _item_for(self, kind: str, part: int) -> _Item:
        """The open item that a new part of text belongs to."""
        known = next((k for k in reversed(self._announced) if k.kind == kind and k.first_part <= part), None)
        if known is not None:
            if known.item is None:
                known.item = self._open(kind, known.shell, is_announced=True)
            if known.item.is_open:
                return known.item
        last = self._items[-1] if self._items else None
        if last is not None and last.is_open and not last.is_announced and last.kind == kind and last.proof is None:
            return last
        self._close_own_texts()
        if kind == "message":
            return self._open_own(kind, status="in_progress", role="assistant", content=[])
        return self._open_own(kind, summary=[])

    def _close_part(self, part: _Part) -> None:
        if not part.is_open:
            return
        part.is_open = False
        value = part.value()
        done = _DONE_EVENTS[part.kind]
        match part.kind:
            case "output_text":
                self._frames.event(done, {**part.place, "text": value["text"], "logprobs": value["logprobs"]})
            case "refusal":
                self._frames.event(done, {**part.place, "refusal": value["refusal"]})
            case "summary_text" | "reasoning_text":
                self._frames.event(done, {**part.place, "text": value["text"]})
            case _:
                assert_never(part.kind)
        name = "reasoning_summary_part" if part.kind == "summary_text" else "content_part"
        self._frames.event(f"response.{name}.done", {**part.place, "part": value})

    def _sign(self, event: Text, found: tuple[_Item, _Part] | None) -> None:
        """A proof without text: of the item whose part it names, or of one that shows no text at all."""
        item = found[0] if found is not None else self._item_for("reasoning", event.part)
        item.proof = (event.signature or "").removeprefix(SIGNATURE_PREFIX)

    # Calls

    def _open_call(self, event: ToolCall) -> _Item:
        kind = "function_call" if event.kind == "function" else "custom_tool_call"
        known = next((k for k in self._announced if k.call == event.index), None)
        if known is not None:
            shell: JsonObject = {**known.shell, "call_id": event.id, "name": event.name}
            item = known.item = self._open(kind, shell, is_announced=True)
        else:
            self._close_own_texts()
            item = self._open_own(kind, status="in_progress", call_id=event.id, name=event.name)
        item.head = delta_head({"item_id": item.shell.get("id"), "output_index": item.index})
        return item

    # Notices

    def _announce(self, data: JsonObject, first_part: int) -> None:
        shell, n, call = data.get("item"), data.get("n"), data.get("call", -1)
        if not isinstance(shell, dict) or not isinstance(n, int) or not isinstance(call, int):
            return
        kind = str(shell.get("type"))
        self._close_own_texts()
        if kind not in _COMMON_KINDS:
            self._opaque[n] = self._open(kind, shell, is_announced=True)
            return
        known = _Announced(n, kind, shell, first_part, call)
        self._announced.append(known)
        if kind == "reasoning":
            known.item = self._open(kind, shell, is_announced=True)

    def _end(self, data: JsonObject) -> None:
        shell, n = data.get("item"), data.get("n")
        if not isinstance(shell, dict) or not isinstance(n, int):
            return
        opaque = self._opaque.get(n)
        if opaque is not None:
            opaque.shell = shell
            self._close(opaque)
            return
        known = next((k for k in self._announced if k.n == n), None)
        if known is None:
            return
        known.shell, known.is_done = shell, True
        item = known.item
        if item is None:
            return  # its content is still held back by a filter
        named = {name: item.shell[name] for name in ("call_id", "name") if name in item.shell}
        item.shell = {**shell, **named}
        self._close(item)

    def _progress(self, data: JsonObject) -> None:
        n, event = data.get("n"), data.get("event")
        item = self._opaque.get(n) if isinstance(n, int) else None
        if item is None or not isinstance(event, dict):
            return
        fields = {name: value for name, value in event.items() if name != "type"}
        self._frames.event(str(event.get("type")), {**fields, "output_index": item.index})

    def _annotate(self, part: int, annotation: JsonValue) -> None:
        found = self._parts.get(("answer", part))
        if found is None or not found[1].is_open:
            return
        at = len(found[1].annotations)
        found[1].annotations.append(annotation)
        self._frames.event(
            "response.output_text.annotation.added",
            {**found[1].place, "annotation_index": at, "annotation": annotation},
        )


def _with_status(shell: JsonObject, status: str) -> JsonObject:
    return {**shell, "status": status} if "status" in shell else shell


_ID_PREFIXES: Final = MappingProxyType(
    {"message": "msg", "reasoning": "rs", "function_call": "fc", "custom_tool_call": "ctc"}
)
_DELTA_EVENTS: Final[Mapping[PartKind, bytes]] = MappingProxyType(
    {
        "output_text": b"response.output_text.delta",
        "refusal": b"response.refusal.delta",
        "summary_text": b"response.reasoning_summary_text.delta",
        "reasoning_text": b"response.reasoning_text.delta",
    }
)
_DONE_EVENTS: Final[Mapping[PartKind, str]] = MappingProxyType(
    {
        "output_text": "response.output_text.done",
        "refusal": "response.refusal.done",
        "summary_text": "response.reasoning_summary_text.done",
        "reasoning_text": "response.reasoning_text.done",
    }
)
