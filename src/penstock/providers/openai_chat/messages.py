"""Messages in the common form, written as chat-completions messages.

Tool results that another dialect keeps inside a user message become `tool` messages of their own, before the rest of
that message.  A message that is one plain text is written as a string, which every server understands.
"""

from collections.abc import Sequence
from mimetypes import guess_extension

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


def write_messages(request: ChatRequest, quirks: frozenset[str]) -> list[JsonValue]:
    is_own = request.dialect == "openai-chat"
    written: list[JsonValue] = []
    for at, message in enumerate(request.messages):
        parts = message.parts
        if len(parts) == 1 and type(parts[0]) is TextPart and not message.extras and message.name is None:
            part = parts[0]
            if not part.extras:
                written.append({"role": _role(message, quirks), "content": part.text})
                continue
        _Writer(f"messages[{at}]", quirks, is_own=is_own).write(message, written)
    return written


def _role(message: Message, quirks: frozenset[str]) -> str:
    if message.role == "developer" and "no_developer_role" in quirks:
        return "system"
    return message.role


class _Writer:
    """Writes one message; `path` names it in errors."""

    __slots__ = ("_is_own", "_path", "_quirks")

    def __init__(self, path: str, quirks: frozenset[str], *, is_own: bool) -> None:
        self._path = path
        self._quirks = quirks
        self._is_own = is_own

    def write(self, message: Message, written: list[JsonValue]) -> None:
        rest: list[Part] = []
        for part in message.parts:
            if isinstance(part, ToolResultPart):
                written.append(self._result(part, message))
            else:
                rest.append(part)
        if not rest and message.parts:
            return
        document: JsonObject = {"role": _role(message, self._quirks)}
        if self._is_own:
            document |= message.extras
        if message.name is not None:
            document["name"] = message.name
        if message.role == "assistant":
            self._assistant(document, rest)
        elif rest:
            document["content"] = self._content(rest)
        written.append(document)

    def _result(self, part: ToolResultPart, message: Message) -> JsonObject:
        document: JsonObject = {"role": "tool"}
        if self._is_own:
            document |= message.extras
        if part.call_id:
            document["tool_call_id"] = part.call_id
        if message.name is not None:
            document["name"] = message.name
        content = self._content(part.parts) if part.parts else ""
        if part.is_error and isinstance(content, str) and not content.lower().startswith("error"):
            content = f"Error: {content}"  # this dialect has no flag for it, and the model must know
        if isinstance(content, list) and not self._is_own:
            self._refuse_non_text(part.parts)
        document["content"] = content
        return document

    def _refuse_non_text(self, parts: Sequence[Part]) -> None:
        for part in parts:
            if not isinstance(part, TextPart):
                raise self._unsupported("a tool result that is not text")

    def _assistant(self, document: JsonObject, parts: list[Part]) -> None:
        content: list[Part] = []
        calls: list[JsonValue] = []
        for part in parts:
            match part:
                case ToolCallPart():
                    calls.append(self._call(part))
                case ReasoningPart():
                    if self._is_own and "no_reasoning_input" not in self._quirks:
                        name = "reasoning" if "reasoning_field" in self._quirks else "reasoning_content"
                        document[name] = part.text
                case RefusalPart():
                    document["refusal"] = part.text
                case _:
                    content.append(part)
        if content:
            document["content"] = self._content(content)
        elif not self._is_own:
            document["content"] = None
        if calls:
            document["tool_calls"] = calls

    def _call(self, part: ToolCallPart) -> JsonObject:
        document: JsonObject = dict(part.extras) if self._is_own else {}
        if part.id:
            document["id"] = part.id
        document["type"] = part.kind
        if part.kind == "custom":
            document["custom"] = {"name": part.name, "input": part.arguments}
        else:
            document["function"] = {"name": part.name, "arguments": part.arguments or ("" if self._is_own else "{}")}
        if part.signature is not None and "google_signatures" in self._quirks and part.signature.startswith("gemini:"):
            signature = part.signature.removeprefix("gemini:")
            document["extra_content"] = {"google": {"thought_signature": signature}}
        return document

    def _content(self, parts: Sequence[Part]) -> JsonValue:
        first = parts[0]
        if len(parts) == 1 and isinstance(first, TextPart) and not (first.extras and self._is_own):
            return first.text
        written: list[JsonValue] = []
        for part in parts:
            if isinstance(part, ReasoningPart):
                continue
            written.append(self._part(part))
        return written

    def _part(self, part: Part) -> JsonObject:
        document: JsonObject
        match part:
            case TextPart():
                document = {"type": "text", "text": part.text}
            case ImagePart():
                document = {"type": "image_url", "image_url": self._image(part)}
            case AudioPart():
                document = {"type": "input_audio", "input_audio": {"data": part.data, "format": part.format}}
            case FilePart() if part.text is not None:
                return {"type": "text", "text": part.text}
            case FilePart():
                document = {"type": "file", "file": self._file(part)}
            case OpaquePart():
                if part.dialect != "openai-chat" or not isinstance(part.data, dict):
                    raise UnsupportedField(f"`{part.field}` cannot be sent to an openai-chat model.", field=part.field)
                return part.data
            case RefusalPart():
                return {"type": "refusal", "refusal": part.text}
            case ReasoningPart() | ToolCallPart() | ToolResultPart():
                raise self._unsupported(f"a part of type `{type(part).__name__}`")
        if self._is_own and part.extras:
            for name, value in part.extras.items():
                inner = document.get(name)
                document[name] = {**inner, **value} if isinstance(inner, dict) and isinstance(value, dict) else value
        return document

    def _image(self, part: ImagePart) -> JsonObject:
        if part.data is not None:
            url = f"data:{part.media_type or 'image/png'};base64,{part.data}"
        elif part.url is not None:
            url = part.url
        else:
            raise self._unsupported("an image by file id")
        return {"url": url} if part.detail is None else {"url": url, "detail": part.detail}

    def _file(self, part: FilePart) -> JsonObject:
        document: JsonObject = {} if part.filename is None else {"filename": part.filename}
        if part.file_id is not None:
            if not self._is_own:
                raise self._unsupported("a file by an id of another provider")
            document["file_id"] = part.file_id
        elif part.data is not None:
            has_type = part.media_type is not None
            document["file_data"] = f"data:{part.media_type};base64,{part.data}" if has_type else part.data
            if part.filename is None and not self._is_own:
                document["filename"] = "file" + (guess_extension(part.media_type or "") or "")
        elif self._is_own and part.url is not None:
            document["file_data"] = part.url
        else:
            raise self._unsupported("a file by URL")
        return document

    def _unsupported(self, what: str) -> UnsupportedField:
        field = f"{self._path}.content"
        return UnsupportedField(f"`{field}` holds {what}, which cannot be sent to an openai-chat model.", field=field)
