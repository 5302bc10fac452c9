"""Reads content blocks into parts.  What stays of a block once its known fields are taken out are its extras."""

from penstock.core.chat import (
    FilePart,
    ImagePart,
    OpaquePart,
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from penstock.core.json import JsonObject, JsonValue, dumps
from penstock.wire.anthropic.signatures import marked, marked_redacted
from penstock.wire.document import as_bool, as_name, as_object, as_text, take, wrong_type


def read_content(value: JsonValue, path: str) -> tuple[Part, ...]:
    """Read `content`: a string, or an array of blocks."""
    if type(value) is str:
        return (TextPart(value),)
    if type(value) is not list:
        raise wrong_type(value, path, "a string or an array")
    return tuple([_read_block(block, f"{path}[{at}]") for at, block in enumerate(value)])


def _read_block(value: JsonValue, path: str) -> Part:
    block = as_object(value, path)
    kind = block.get("type")
    if type(kind) is not str:
        raise wrong_type(kind, f"{path}.type", "a string")
    match kind:
        case "text":
            del block["type"]
            text = as_text(block.pop("text", None), f"{path}.text")
            return TextPart(text, block) if block else TextPart(text)
        case "image":
            return _image(block, path)
        case "document":
            return _document(block, path)
        case "tool_use":
            return _tool_use(block, path)
        case "tool_result":
            return _tool_result(block, path)
        case "thinking":
            del block["type"]
            text = as_text(block.pop("thinking", None), f"{path}.thinking")
            signature = block.pop("signature", None)
            mark = None if signature is None else marked(as_text(signature, f"{path}.signature"))
            return ReasoningPart(text, mark, block)
        case "redacted_thinking":
            del block["type"]
            data = as_text(block.pop("data", None), f"{path}.data")
            return ReasoningPart("", marked_redacted(data), block)
        case _:
            return OpaquePart("anthropic", path, block)


def _image(block: JsonObject, path: str) -> Part:
    where = f"{path}.source"
    source = as_object(block.get("source"), where)
    match source.get("type"):
        case "base64":
            data = as_text(take(source, "data", where), f"{where}.data")
            media_type = as_text(take(source, "media_type", where), f"{where}.media_type")
            return ImagePart(data=data, media_type=media_type, extras=_rest(block))
        case "url":
            return ImagePart(url=as_text(take(source, "url", where), f"{where}.url"), extras=_rest(block))
        case "file":
            return ImagePart(file_id=as_text(take(source, "file_id", where), f"{where}.file_id"), extras=_rest(block))
        case _:
            return OpaquePart("anthropic", where, block)


def _document(block: JsonObject, path: str) -> Part:
    where = f"{path}.source"
    source = as_object(block.get("source"), where)
    kind = source.get("type")
    if kind not in {"base64", "text", "url", "file"}:
        return OpaquePart("anthropic", where, block)
    title = block.pop("title", None)
    filename = None if title is None else as_text(title, f"{path}.title")
    extras = _rest(block)
    match kind:
        case "url":
            url = as_text(take(source, "url", where), f"{where}.url")
            return FilePart(url=url, filename=filename, extras=extras)
        case "file":
            file_id = as_text(take(source, "file_id", where), f"{where}.file_id")
            return FilePart(file_id=file_id, filename=filename, extras=extras)
        case _:
            data = as_text(source.get("data"), f"{where}.data")
            media_type = as_text(take(source, "media_type", where), f"{where}.media_type")
            if kind == "text":
                return FilePart(text=data, media_type=media_type, filename=filename, extras=extras)
            return FilePart(data=data, media_type=media_type, filename=filename, extras=extras)


def _tool_use(block: JsonObject, path: str) -> ToolCallPart:
    del block["type"]
    call_id = as_name(take(block, "id", path), f"{path}.id")
    name = as_name(take(block, "name", path), f"{path}.name")
    arguments = as_object(block.pop("input", None), f"{path}.input")
    signature = block.pop("signature", None)
    if block.get("caller") == {"type": "direct"}:  # what is meant without it, too
        del block["caller"]
    return ToolCallPart(
        call_id,
        name,
        dumps(arguments).decode(),
        signature=None if signature is None else as_text(signature, f"{path}.signature"),
        extras=block,
    )


def _tool_result(block: JsonObject, path: str) -> ToolResultPart:
    del block["type"]
    call_id = as_name(take(block, "tool_use_id", path), f"{path}.tool_use_id")
    content = block.pop("content", None)
    is_error = block.pop("is_error", None)
    return ToolResultPart(
        call_id,
        () if content is None else read_content(content, f"{path}.content"),
        is_error=False if is_error is None else as_bool(is_error, f"{path}.is_error"),
        extras=block,
    )


def _rest(block: JsonObject) -> JsonObject:
    del block["type"], block["source"]
    return block
