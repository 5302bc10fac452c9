"""Writes content parts as Messages API blocks.

Extras of a part go along where the caller speaks this dialect; `cache_control`, which some OpenAI clients send too,
goes along from anyone.  Thinking goes back only to the dialect that signed it; without a signature the API takes none.
"""

import re
from base64 import b64decode
from typing import Final

import msgspec

from penstock.core.chat import (
    AudioPart,
    FilePart,
    ImagePart,
    OpaquePart,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from penstock.core.errors import MalformedRequest, UnsupportedField
from penstock.core.json import JsonObject, JsonValue
from penstock.providers.anthropic.turns import Placed

TARGET: Final = "anthropic"
SIGNATURE_PREFIX: Final = "anthropic:"
REDACTED_PREFIX: Final = "anthropic:redacted:"
_NOT_IN_AN_ID: Final = re.compile(r"[^a-zA-Z0-9_-]")


def blocks_of(placed: Placed, *, is_native: bool) -> list[JsonObject]:
    """The blocks for one part: one, or none where there is nothing the API would take."""
    match placed.part:
        case TextPart(text=text, extras=extras):
            return [_with({"type": "text", "text": text}, extras, is_native=is_native)]
        case RefusalPart(text=text):
            return [{"type": "text", "text": text}]
        case ImagePart() as part:
            return [_with(_image(part, placed.path, is_native=is_native), part.extras, is_native=is_native)]
        case FilePart() as part:
            return [_with(_document(part, placed.path, is_native=is_native), part.extras, is_native=is_native)]
        case ReasoningPart() as part:
            return _thinking(part, is_native=is_native)
        case ToolCallPart() as part:
            return [_with(_tool_use(part, placed.path, is_native=is_native), part.extras, is_native=is_native)]
        case ToolResultPart() as part:
            return [_with(_tool_result(part, placed, is_native=is_native), part.extras, is_native=is_native)]
        case OpaquePart(data=dict() as data):
            return [data]
        case AudioPart() | OpaquePart():
            raise unsupported(placed.path)


def unsupported(field: str, why: str = "") -> UnsupportedField:
    return UnsupportedField(f"`{field}` cannot be sent to an {TARGET} model{why}.", field=field)


def arguments_of(part: ToolCallPart, path: str) -> msgspec.Raw:
    """The JSON text of a tool call's arguments, as an object.  Empty text, as some models write it, is `{}`."""
    if part.kind == "custom":
        raise unsupported(path, ", which has no custom tools")
    text = part.arguments.strip()
    if not text:
        return msgspec.Raw(b"{}")
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise MalformedRequest(f"{path}.arguments: not valid JSON", field=f"{path}.arguments") from None
    if type(value) is not dict:
        raise MalformedRequest(f"{path}.arguments: expected the text of a JSON object", field=f"{path}.arguments")
    return msgspec.Raw(text.encode())


def tool_id(call_id: str) -> str:
    """The API takes letters, digits, `_` and `-`: the same id always becomes the same other one."""
    return _NOT_IN_AN_ID.sub("_", call_id)


def text_of(data: str, path: str) -> str:
    """The text in base64 data."""
    try:
        return b64decode(data, validate=True).decode()
    except ValueError:  # UnicodeDecodeError and binascii.Error are both
        raise MalformedRequest(f"{path}: expected the base64 of UTF-8 text", field=path) from None


def _with(block: JsonObject, extras: JsonObject, *, is_native: bool) -> JsonObject:
    if extras:
        if is_native:
            block.update(extras)
        elif "cache_control" in extras:
            block["cache_control"] = extras["cache_control"]
    return block


def _image(part: ImagePart, path: str, *, is_native: bool) -> JsonObject:
    if part.data is not None:
        source: JsonObject = {"type": "base64", "media_type": part.media_type or "image/jpeg", "data": part.data}
    elif part.url is not None:
        source = {"type": "url", "url": part.url}
    elif is_native:
        source = {"type": "file", "file_id": part.file_id}
    else:
        raise unsupported(f"{path}.file_id", ", which cannot read another provider's files")
    return {"type": "image", "source": source}


def _document(part: FilePart, path: str, *, is_native: bool) -> JsonObject:
    media_type = part.media_type or ""
    if part.text is not None:
        source: JsonObject = {"type": "text", "media_type": media_type or "text/plain", "data": part.text}
    elif part.url is not None:
        source = {"type": "url", "url": part.url}
    elif part.data is not None:
        source = _document_data(part.data, media_type or "application/pdf", path, is_native=is_native)
    elif is_native:
        source = {"type": "file", "file_id": part.file_id}
    else:
        raise unsupported(f"{path}.file_id", ", which cannot read another provider's files")
    block: JsonObject = {"type": "document", "source": source}
    if part.filename is not None:
        block["title"] = part.filename
    return block


def _document_data(data: str, media_type: str, path: str, *, is_native: bool) -> JsonObject:
    if media_type == "application/pdf" or is_native:
        return {"type": "base64", "media_type": media_type, "data": data}
    if media_type.startswith("text/") or media_type == "application/json":
        return {"type": "text", "media_type": "text/plain", "data": text_of(data, path)}
    raise unsupported(path, f", which takes PDF and text, not {media_type}")


def _thinking(part: ReasoningPart, *, is_native: bool) -> list[JsonObject]:
    signature = part.signature
    if signature is None and is_native:
        return [_with({"type": "thinking", "thinking": part.text}, part.extras, is_native=True)]
    if signature is None or not signature.startswith(SIGNATURE_PREFIX):
        return []
    if signature.startswith(REDACTED_PREFIX):
        block: JsonObject = {"type": "redacted_thinking", "data": signature[len(REDACTED_PREFIX) :]}
    else:
        block = {"type": "thinking", "thinking": part.text, "signature": signature[len(SIGNATURE_PREFIX) :]}
    return [_with(block, part.extras, is_native=is_native)]


def _tool_use(part: ToolCallPart, path: str, *, is_native: bool) -> JsonObject:
    arguments: JsonValue = arguments_of(part, path)  # type: ignore[assignment]  # msgspec writes a Raw as it is
    call_id = part.id if is_native else tool_id(part.id)
    return {"type": "tool_use", "id": call_id, "name": part.name, "input": arguments}


def _tool_result(part: ToolResultPart, placed: Placed, *, is_native: bool) -> JsonObject:
    call_id = part.call_id if is_native else tool_id(part.call_id)
    block: JsonObject = {"type": "tool_result", "tool_use_id": call_id}
    match part.parts:
        case ():
            pass
        case (TextPart(text=text, extras=extras),) if not extras:
            block["content"] = text
        case parts:
            content: list[JsonValue] = []
            for ordinal, inner in enumerate(parts):
                content += blocks_of(Placed(placed.path, ordinal, inner), is_native=is_native)
            block["content"] = content
    if part.is_error:
        block["is_error"] = True
    return block
