"""The input of a Responses request: a string or a list of items, into messages.

Items that the assistant made in one turn (reasoning, one message, calls) become one assistant message, tool outputs in
a row one tool message: dialects that know only messages then get the turns they expect.  The encoder of this dialect
takes them apart again; what it needs for that stays in `extras`: `id`, `status` and `phase` of an item beside its
content.  Marks that say nothing to any other dialect are keys with a null, which encoders pass over: `type` on a
leading system message that is an input item and not `instructions`, `id` on the first part of a reasoning item without
one, `content` on a part of raw reasoning, which is no summary.
"""

from typing import Final, cast

from penstock.core.chat import (
    DIALECTS,
    AudioPart,
    FilePart,
    ImagePart,
    Message,
    OpaquePart,
    Part,
    ReasoningPart,
    RefusalPart,
    Role,
    TextPart,
    ToolCallPart,
    ToolKind,
    ToolResultPart,
)
from penstock.core.json import JsonObject, JsonValue
from penstock.wire.document import (
    as_array,
    as_choice,
    as_name,
    as_object,
    as_text,
    invalid,
    missing,
    take,
    wrong_type,
)

_ROLES: Final = ("user", "assistant", "system", "developer")
_SIGNATURE_PREFIXES: Final = tuple(f"{dialect}:" for dialect in DIALECTS)
_FROM_CLIENT: Final = ("_output", "_response", "_trigger", "_update")
_NO_EXTRAS: Final[JsonObject] = {}


def read_input(value: JsonValue, *, has_instructions: bool) -> list[Message]:
    """The messages of `input`, which may be missing where the provider finds it elsewhere."""
    if value is None:
        return []
    if isinstance(value, str):
        return [Message("user", (TextPart(value),))]
    if not isinstance(value, list):
        raise wrong_type(value, "input", "a string or an array")
    turns = _Turns()
    for at, item in enumerate(value):
        path = f"input[{at}]"
        _read_item(as_object(item, path), path, turns)
    messages = turns.messages()
    if messages and messages[0].role == "system" and not has_instructions:
        first = messages[0]
        messages[0] = Message("system", first.parts, first.name, {"type": None, **first.extras})
    return messages


class _Turns:
    """Joins items into messages.  An assistant turn holds one message item at most: its extras are the message's."""

    __slots__ = ("_done", "_extras", "_has_message", "_parts", "_role")

    def __init__(self) -> None:
        self._done: list[Message] = []
        self._role: Role | None = None
        self._parts: list[Part] = []
        self._extras = _NO_EXTRAS
        self._has_message = False

    def messages(self) -> list[Message]:
        self._flush()
        return self._done

    def message(self, role: Role, parts: tuple[Part, ...], extras: JsonObject) -> None:
        if role != "assistant":
            self._flush()
            self._done.append(Message(role, parts, None, extras))
            return
        self._turn("assistant", is_new=self._has_message)
        self._has_message = True
        self._extras = extras
        self._parts.extend(parts)

    def assistant(self, *parts: Part) -> None:
        self._turn("assistant")
        self._parts.extend(parts)

    def result(self, part: ToolResultPart) -> None:
        self._turn("tool")
        self._parts.append(part)

    def opaque(self, role: Role, part: OpaquePart) -> None:
        if role == "assistant":
            self.assistant(part)
            return
        self._flush()
        self._done.append(Message(role, (part,)))

    def _turn(self, role: Role, *, is_new: bool = False) -> None:
        if self._role != role or is_new:
            self._flush()
            self._role = role

    def _flush(self) -> None:
        if self._role is not None:
            self._done.append(Message(self._role, tuple(self._parts), None, self._extras))
        self._role = None
        self._parts = []
        self._extras = _NO_EXTRAS
        self._has_message = False


def _read_item(item: JsonObject, path: str, turns: _Turns) -> None:
    kind = item.get("type")
    if kind is None and "role" not in item:
        kind = "item_reference" if isinstance(item.get("id"), str) else None
        if kind is None:
            raise missing(f"{path}.type")
    match kind:
        case None | "message":
            _read_message(item, path, turns)
        case "function_call" | "custom_tool_call":
            turns.assistant(_read_call(item, path, "function" if kind == "function_call" else "custom"))
        case "function_call_output" | "custom_tool_call_output" if item.get("call_id") is not None:
            turns.result(_read_result(item, path, "function" if kind == "function_call_output" else "custom"))
        case "reasoning":
            turns.assistant(*_read_reasoning(item, path))
        case str():
            turns.opaque(
                "user" if kind.endswith(_FROM_CLIENT) else "assistant", OpaquePart("openai-responses", path, item)
            )
        case _:
            raise wrong_type(kind, f"{path}.type", "a string")


def _read_message(item: JsonObject, path: str, turns: _Turns) -> None:
    item = {**item}
    item.pop("type", None)
    role = cast("Role", as_choice(take(item, "role", path), f"{path}.role", _ROLES))
    content = item.pop("content", None)
    turns.message(role, read_content(content, f"{path}.content"), _kept(item))


def read_content(content: JsonValue, path: str) -> tuple[Part, ...]:
    """A string, or a list of parts."""
    if isinstance(content, str):
        return (TextPart(content),)
    if content is None:
        raise missing(path)
    if not isinstance(content, list):
        raise wrong_type(content, path, "a string or an array")
    return tuple(_read_part(as_object(part, f"{path}[{at}]"), f"{path}[{at}]") for at, part in enumerate(content))


def _read_part(given: JsonObject, path: str) -> Part:
    part = {**given}
    match take(part, "type", path):
        case "input_text" | "output_text":
            text = as_text(take(part, "text", path), f"{path}.text")
            return TextPart(text, _kept(part))
        case "input_image":
            return _read_image(part, path)
        case "input_file":
            return _read_file(part, path)
        case "input_audio":
            audio = as_object(take(part, "input_audio", path), f"{path}.input_audio")
            data = as_text(audio.get("data"), f"{path}.input_audio.data")
            return AudioPart(data, as_text(audio.get("format"), f"{path}.input_audio.format"), _kept(part))
        case "refusal":
            return RefusalPart(as_text(take(part, "refusal", path), f"{path}.refusal"))
        case str():
            return OpaquePart("openai-responses", path, given)
        case kind:
            raise wrong_type(kind, f"{path}.type", "a string")


def _read_image(part: JsonObject, path: str) -> Part:
    url = _optional_text(part, "image_url", path)
    file_id = _optional_text(part, "file_id", path)
    detail = _optional_text(part, "detail", path)
    if (url is None) == (file_id is None):
        raise invalid(path, "needs either `image_url` or `file_id`")
    if url is not None:
        inline = split_data_url(url)
        if inline is not None:
            return ImagePart(data=inline[1], media_type=inline[0], detail=detail, extras=_kept(part))
    return ImagePart(url=url, file_id=file_id, detail=detail, extras=_kept(part))


def _read_file(part: JsonObject, path: str) -> Part:
    data = _optional_text(part, "file_data", path)
    url = _optional_text(part, "file_url", path)
    file_id = _optional_text(part, "file_id", path)
    filename = _optional_text(part, "filename", path)
    if sum(each is not None for each in (data, url, file_id)) != 1:
        raise invalid(path, "needs one of `file_data`, `file_url` and `file_id`")
    media_type: str | None = None
    if data is not None:
        inline = split_data_url(data)
        if inline is not None:
            media_type, data = inline
    return FilePart(url=url, data=data, file_id=file_id, media_type=media_type, filename=filename, extras=_kept(part))


def split_data_url(url: str) -> tuple[str, str] | None:
    """Media type and base64 text of a plain `data:<type>;base64,<data>`; None for anything else."""
    if not url.startswith("data:"):
        return None
    head, comma, data = url[5:].partition(",")
    media_type, semicolon, encoding = head.partition(";")
    if not comma or not semicolon or encoding != "base64" or not media_type:
        return None
    return media_type, data


def _read_call(given: JsonObject, path: str, kind: ToolKind) -> ToolCallPart:
    item = {**given}
    item.pop("type")
    call_id = as_name(take(item, "call_id", path), f"{path}.call_id")
    name = as_name(take(item, "name", path), f"{path}.name")
    field = "arguments" if kind == "function" else "input"
    arguments = as_text(take(item, field, path), f"{path}.{field}")
    return ToolCallPart(call_id, name, arguments, kind, extras=_kept(item))


def _read_result(given: JsonObject, path: str, kind: ToolKind) -> ToolResultPart:
    item = {**given}
    item.pop("type")
    call_id = as_name(take(item, "call_id", path), f"{path}.call_id")
    parts = read_content(item.pop("output", None), f"{path}.output")
    name = _optional_text(item, "name", path)
    return ToolResultPart(call_id, parts, name, kind=kind, extras=_kept(item))


def _read_reasoning(given: JsonObject, path: str) -> list[ReasoningPart]:
    """One part for each piece of text, at least one; the item's proof stands with the last, its id with the first.

    There it stands as null where the item has none: it also marks where an item begins.
    """
    item = {**given}
    item.pop("type")
    texts: list[tuple[str, JsonObject]] = []
    for name, kind in (("summary", "summary_text"), ("content", "reasoning_text")):
        for at, entry in enumerate(as_array(item.pop(name, None) or [], f"{path}.{name}")):
            where = f"{path}.{name}[{at}]"
            part = as_object(entry, where)
            as_choice(part.get("type"), f"{where}.type", (kind,))
            text = as_text(part.get("text"), f"{where}.text")
            texts.append((text, {"content": None} if name == "content" else _NO_EXTRAS))
    proof = _optional_text(item, "encrypted_content", path)
    if proof is not None and not proof.startswith(_SIGNATURE_PREFIXES):
        proof = f"openai-responses:{proof}"
    if not texts:
        texts.append(("", _NO_EXTRAS))
    first: JsonObject = {"id": None, **_kept(item)}
    last = len(texts) - 1
    return [
        ReasoningPart(text, proof if at == last else None, {**extras, **first} if at == 0 else extras)
        for at, (text, extras) in enumerate(texts)
    ]


def _optional_text(document: JsonObject, name: str, path: str) -> str | None:
    value = document.pop(name, None)
    return None if value is None else as_text(value, f"{path}.{name}")


def _kept(rest: JsonObject) -> JsonObject:
    """What has no name of its own here; a null or an empty list says nothing."""
    return {name: value for name, value in rest.items() if value is not None and value != []}
