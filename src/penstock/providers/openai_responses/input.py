"""Messages as the items of a Responses request.

A message of several kinds of part is taken apart: its content, its calls and its reasoning are items of their own, in
their order.  What a message of this dialect kept in `extras` (`id`, `status`, `phase`) goes back to where it stood.
"""

from base64 import b64encode
from typing import Final

from penstock.core.chat import (
    AudioPart,
    ChatRequest,
    FilePart,
    ImagePart,
    Message,
    OpaquePart,
    Part,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from penstock.core.errors import UnsupportedField
from penstock.core.json import JsonObject, JsonValue
from penstock.providers.openai_responses.items import DIALECT, SIGNATURE_PREFIX

_NO_EXTRAS: Final[JsonObject] = {}
_EXTENSIONS: Final = (("application/pdf", "pdf"), ("text/plain", "txt"), ("text/csv", "csv"), ("text/html", "html"))


def instructions_of(request: ChatRequest) -> str | None:
    """The leading system message, where it is plain text and no input item of its own."""
    if not request.messages:
        return None
    first = request.messages[0]
    if first.role != "system" or first.name is not None or len(first.parts) != 1:
        return None
    part = first.parts[0]
    if not isinstance(part, TextPart) or (request.dialect == DIALECT and (first.extras or part.extras)):
        return None
    return part.text


def is_returned(part: ReasoningPart, request: ChatRequest) -> bool:
    """Reasoning goes back only to where it came from: with its proof, or to the same dialect."""
    return request.dialect == DIALECT or (part.signature or "").startswith(SIGNATURE_PREFIX)


def input_of(request: ChatRequest, *, has_instructions: bool) -> list[JsonValue]:
    """The input items of every message but the one that is sent as `instructions`."""
    writer = _Writer(request)
    for at, message in enumerate(request.messages):
        if at > 0 or not has_instructions:
            writer.message(message, f"messages[{at}]")
    return writer.items


class _Writer:
    __slots__ = ("_is_same", "_reasoning", "_request", "items")

    def __init__(self, request: ChatRequest) -> None:
        self._request = request
        self._is_same = request.dialect == DIALECT
        self._reasoning: JsonObject | None = None
        self.items: list[JsonValue] = []

    def message(self, message: Message, path: str) -> None:
        if message.name is not None and message.role != "tool":
            raise UnsupportedField(f"`{path}.name` cannot be sent to an OpenAI Responses model.", field=f"{path}.name")
        content: list[tuple[str, Part]] = []
        extras = _kept(message.extras) if self._is_same else _NO_EXTRAS
        is_written = False
        for at, part in enumerate(message.parts):
            match part:
                case ToolCallPart() | ToolResultPart() | ReasoningPart():
                    self._content(message, content, extras)
                    self._item(part, f"{path}.content[{at}]")
                    is_written = True
                case OpaquePart() if ".content[" not in part.field and ".output[" not in part.field:
                    self._content(message, content, extras)
                    self._reasoning = None
                    self.items.append(part.data)
                    is_written = True
                case _:
                    content.append((f"{path}.content[{at}]", part))
        if content or not is_written:
            self._content(message, content, extras, is_last=True)
        self._reasoning = None

    def _content(
        self, message: Message, content: list[tuple[str, Part]], extras: JsonObject, *, is_last: bool = False
    ) -> None:
        """Write the content that has come together as one message item, if there is any."""
        if not content and not is_last:
            return
        self._reasoning = None
        is_assistant = message.role == "assistant"
        written: JsonValue
        match content:
            case [(_, TextPart(text=text) as only)] if not (self._is_same and (only.extras or "id" in extras)):
                written = text
            case _:
                written = [self._part(part, path, is_assistant=is_assistant) for path, part in content]
        item: JsonObject = {"role": message.role, "content": written, **extras}
        if "id" in extras:
            item["type"] = "message"
        self.items.append(item)
        content.clear()

    def _item(self, part: ToolCallPart | ToolResultPart | ReasoningPart, path: str) -> None:
        if isinstance(part, ReasoningPart):
            self._thought(part)
            return
        self._reasoning = None
        extras = part.extras if self._is_same else _NO_EXTRAS
        match part:
            case ToolCallPart(kind="function"):
                item: JsonObject = {"type": "function_call", "arguments": part.arguments}
                self.items.append({**item, "call_id": part.id, "name": part.name, **extras})
            case ToolCallPart():
                item = {"type": "custom_tool_call", "input": part.arguments}
                self.items.append({**item, "call_id": part.id, "name": part.name, **extras})
            case ToolResultPart():
                kind = "function_call_output" if part.kind == "function" else "custom_tool_call_output"
                item = {"type": kind, "call_id": part.call_id, "output": self._output(part, path), **extras}
                if self._is_same and part.name is not None:
                    item["name"] = part.name
                self.items.append(item)

    def _output(self, result: ToolResultPart, path: str) -> JsonValue:
        match result.parts:
            case ():
                return ""
            case (TextPart(text=text) as only,) if not (self._is_same and only.extras):
                return text
            case parts:
                return [self._part(p, f"{path}.content[{at}]", is_assistant=False) for at, p in enumerate(parts)]

    def _thought(self, part: ReasoningPart) -> None:
        """An item ends with its proof or where the next one's id begins."""
        if not is_returned(part, self._request):
            return
        extras = part.extras if self._is_same else _NO_EXTRAS
        item = self._reasoning
        if item is None or "id" in extras:
            item = self._reasoning = {**_kept(extras), "type": "reasoning", "summary": []}
            self.items.append(item)
        if part.text:
            is_raw = "content" in extras
            texts = item.setdefault("content" if is_raw else "summary", [])
            if isinstance(texts, list):
                texts.append({"type": "reasoning_text" if is_raw else "summary_text", "text": part.text})
        if part.signature is not None:
            if part.signature.startswith(SIGNATURE_PREFIX):
                item["encrypted_content"] = part.signature.removeprefix(SIGNATURE_PREFIX)
            self._reasoning = None

    def _part(self, part: Part, path: str, *, is_assistant: bool) -> JsonObject:
        match part:
            case TextPart():
                written: JsonObject = {"type": "output_text" if is_assistant else "input_text", "text": part.text}
                if is_assistant and self._is_same:
                    written["annotations"] = []
                extras = part.extras
            case RefusalPart():
                return {"type": "refusal", "refusal": part.text}
            case ImagePart():
                written, extras = self._image(part, path), part.extras
            case FilePart():
                written, extras = self._file(part, path), part.extras
            case AudioPart() if self._is_same:
                written = {"type": "input_audio", "input_audio": {"data": part.data, "format": part.format}}
                extras = part.extras
            case OpaquePart(dialect="openai-responses", data=dict() as data):
                return data
            case _:
                raise _unsupported(part.field if isinstance(part, OpaquePart) else path)
        return {**written, **extras} if self._is_same else written

    def _image(self, part: ImagePart, path: str) -> JsonObject:
        image: JsonObject = {"type": "input_image"}
        if part.data is not None:
            image["image_url"] = f"data:{part.media_type or 'image/png'};base64,{part.data}"
        elif part.url is not None:
            image["image_url"] = part.url
        elif self._is_same:
            image["file_id"] = part.file_id
        else:
            raise _unsupported(path)
        if part.detail is not None or not self._is_same:
            image["detail"] = part.detail or "auto"
        return image

    def _file(self, part: FilePart, path: str) -> JsonObject:
        file: JsonObject = {"type": "input_file"}
        data, media_type = part.data, part.media_type
        if part.text is not None:
            data, media_type = b64encode(part.text.encode()).decode("ascii"), media_type or "text/plain"
        if data is not None:
            file["file_data"] = data if media_type is None else f"data:{media_type};base64,{data}"
            if part.filename is None and not self._is_same:
                extension = next((ending for known, ending in _EXTENSIONS if known == media_type), "bin")
                file["filename"] = f"document.{extension}"
        elif part.url is not None:
            file["file_url"] = part.url
        elif part.file_id is not None:
            file["file_id"] = part.file_id
        else:
            raise _unsupported(path)
        if part.filename is not None:
            file["filename"] = part.filename
        return file


def _kept(extras: JsonObject) -> JsonObject:
    """Extras without the marks that the wire room left in them (see `wire.openai_responses.input`)."""
    return {name: value for name, value in extras.items() if value is not None}


def _unsupported(field: str) -> UnsupportedField:
    return UnsupportedField(f"`{field}` cannot be sent to an OpenAI Responses model.", field=field)
