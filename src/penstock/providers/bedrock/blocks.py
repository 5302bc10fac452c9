"""Writes content parts as Converse content blocks.

Converse takes media as bytes (base64 in JSON) or from S3, never from the web.  `cache_control`, Anthropic's mark,
becomes a `cachePoint` behind its block where the model family knows them.
"""

import re
from base64 import b64encode
from types import MappingProxyType
from typing import Final

from penstock.core.chat import (
    AudioPart,
    FilePart,
    ImagePart,
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
from penstock.providers.anthropic.blocks import arguments_of, tool_id
from penstock.providers.anthropic.turns import Placed

TARGET: Final = "bedrock"
SIGNATURE_PREFIX: Final = "bedrock:"
REDACTED_PREFIX: Final = "bedrock:redacted:"
_IMAGES: Final = frozenset({"png", "jpeg", "gif", "webp"})
_DOCUMENTS: Final = MappingProxyType(
    {
        "application/pdf": "pdf",
        "text/csv": "csv",
        "application/msword": "doc",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
        "application/vnd.ms-excel": "xls",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
        "text/html": "html",
        "text/plain": "txt",
        "text/markdown": "md",
        "application/json": "txt",
    }
)
_VIDEOS: Final = MappingProxyType(
    {
        "video/x-matroska": "mkv",
        "video/quicktime": "mov",
        "video/mp4": "mp4",
        "video/webm": "webm",
        "video/x-flv": "flv",
        "video/mpeg": "mpeg",
        "video/x-ms-wmv": "wmv",
        "video/3gpp": "three_gp",
    }
)
_NOT_IN_A_NAME: Final = re.compile(r"[^a-zA-Z0-9\-()\[\]]+")


def blocks_of(placed: Placed, *, has_cache_points: bool) -> list[JsonObject]:
    """The blocks for one part, perhaps none; with a `cachePoint` behind it where the caller marked it."""
    blocks = _blocks(placed)
    extras: JsonObject = getattr(placed.part, "extras", {})
    if blocks and has_cache_points and "cache_control" in extras:
        blocks.append(cache_point(extras["cache_control"]))
    return blocks


def cache_point(control: JsonValue) -> JsonObject:
    """The `cachePoint` for an Anthropic `cache_control`."""
    point: JsonObject = {"type": "default"}
    if isinstance(control, dict) and isinstance(control.get("ttl"), str):
        point["ttl"] = control["ttl"]
    return {"cachePoint": point}


def unsupported(field: str, why: str = "") -> UnsupportedField:
    return UnsupportedField(f"`{field}` cannot be sent to a {TARGET} model{why}.", field=field)


def _blocks(placed: Placed) -> list[JsonObject]:
    part = placed.part
    match part:
        case TextPart(text=text) | RefusalPart(text=text):
            return [{"text": text}]
        case ImagePart():
            return [{"image": _image(part, placed.path)}]
        case FilePart():
            return [_file(part, placed)]
        case AudioPart(data=data, format=kind):
            return [{"audio": {"format": kind, "source": {"bytes": data}}}]
        case ReasoningPart():
            return _reasoning(part)
        case ToolCallPart():
            arguments: JsonValue = arguments_of(part, placed.path)  # type: ignore[assignment]  # written as it is
            return [{"toolUse": {"toolUseId": tool_id(part.id), "name": part.name, "input": arguments}}]
        case ToolResultPart():
            return [{"toolResult": _tool_result(part, placed)}]
        case OpaquePart():
            raise unsupported(placed.path)


def _image(part: ImagePart, path: str) -> JsonObject:
    kind = (part.media_type or _media_type_of(part.url)).removeprefix("image/")
    kind = "jpeg" if kind in {"jpg", ""} else kind
    if kind not in _IMAGES:
        raise unsupported(path, f", which reads {', '.join(sorted(_IMAGES))}, not {kind}")
    return {"format": kind, "source": _source(part, path)}


def _file(part: FilePart, placed: Placed) -> JsonObject:
    media_type = part.media_type or ("text/plain" if part.text is not None else _media_type_of(part.url))
    video = _VIDEOS.get(media_type)
    if video is not None:
        return {"video": {"format": video, "source": _source(part, placed.path)}}
    kind = _DOCUMENTS.get(media_type or "application/pdf")
    if kind is None and media_type.startswith("text/"):
        kind = "txt"
    if kind is None:
        raise unsupported(placed.path, f", which does not read {media_type}")
    return {"document": {"format": kind, "name": _name(part.filename, placed), "source": _source(part, placed.path)}}


def _name(filename: str | None, placed: Placed) -> str:
    """A document's name: letters, digits, single spaces, hyphens, brackets; its own within the conversation."""
    name = _NOT_IN_A_NAME.sub(" ", filename or "").strip()
    return name[:200] or _NOT_IN_A_NAME.sub(" ", f"document {placed.path}").strip()


def _source(part: ImagePart | FilePart, path: str) -> JsonObject:
    if part.data is not None:
        return {"bytes": part.data}
    if isinstance(part, FilePart) and part.text is not None:
        return {"bytes": b64encode(part.text.encode()).decode()}
    if part.url is not None and part.url.startswith("s3://"):
        return {"s3Location": {"uri": part.url}}
    if part.url is not None:
        raise unsupported(path, ", which reads bytes and s3:// addresses, not web addresses")
    raise unsupported(f"{path}.file_id", ", which cannot read another provider's files")


def _media_type_of(url: str | None) -> str:
    """What the end of an S3 address says of its content."""
    ending = "" if url is None else url.rpartition(".")[2].lower()
    if ending in _IMAGES or ending == "jpg":
        return f"image/{ending}"
    return next((media for table in (_DOCUMENTS, _VIDEOS) for media, kind in table.items() if kind == ending), "")


def _reasoning(part: ReasoningPart) -> list[JsonObject]:
    """Reasoning goes back only where Bedrock signed it: the models refuse it otherwise."""
    signature = part.signature
    if signature is None or not signature.startswith(SIGNATURE_PREFIX):
        return []
    if signature.startswith(REDACTED_PREFIX):
        return [{"reasoningContent": {"redactedContent": signature[len(REDACTED_PREFIX) :]}}]
    text: JsonObject = {"text": part.text, "signature": signature[len(SIGNATURE_PREFIX) :]}
    return [{"reasoningContent": {"reasoningText": text}}]


def _tool_result(part: ToolResultPart, placed: Placed) -> JsonObject:
    content: list[JsonValue] = []
    for ordinal, inner in enumerate(part.parts):
        content += _result_content(inner, Placed(f"{placed.path}.content", ordinal, inner))
    result: JsonObject = {"toolUseId": tool_id(part.call_id), "content": content or [{"text": ""}]}
    if part.is_error:
        result["status"] = "error"  # only some models know `success`, and all mean it
    return result


def _result_content(part: Part, placed: Placed) -> list[JsonObject]:
    match part:
        case TextPart() | ImagePart() | FilePart() | RefusalPart():
            return _blocks(placed)
        case _:
            raise unsupported(placed.message)
