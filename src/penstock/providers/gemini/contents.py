"""Writes a conversation as Gemini contents: a system instruction, and turns of the roles `user` and `model`.

Each message stays a turn of its own, except that neighbouring tool results become one, since the API wants as many
answers in one turn as the turn before had calls.  Thoughts go back only with Gemini's own signature.
"""

from base64 import b64encode
from collections.abc import Sequence
from mimetypes import guess_type
from typing import Final

import msgspec

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
from penstock.core.errors import MalformedRequest, UnsupportedField
from penstock.core.json import JsonObject, JsonValue, loads
from penstock.providers.gemini.decode import SIGNATURE_PREFIX

_OWN_FILES: Final = ("https://generativelanguage.googleapis.com/", "gs://", "https://www.youtube.com/", "files/")
UNSIGNED_CALL: Final = b64encode(b"context_engineering_is_the_way_to_go").decode("ascii")
"""What Google documents to be sent in place of a signature, for a call that another model made: Gemini 3 takes no
unsigned first call of a turn (https://ai.google.dev/gemini-api/docs/thought-signatures)."""


def unsupported(field: str, why: str = "") -> UnsupportedField:
    return UnsupportedField(f"`{field}` cannot be sent to a gemini model{why}.", field=field)


class Conversation:
    """The contents of one request.  `needs_signatures`: the model takes no unsigned calls."""

    def __init__(self, request: ChatRequest, *, needs_signatures: bool) -> None:
        self.system: list[JsonValue] = []
        self.contents: list[JsonValue] = []
        self._needs_signatures = needs_signatures
        self._call_names: dict[str, str] = {}
        self._open_results: list[JsonValue] | None = None
        root = "input" if request.dialect == "openai-responses" else "messages"
        is_anthropic = request.dialect == "anthropic"
        first = 1 if is_anthropic and request.messages and request.messages[0].role == "system" else 0
        for at, message in enumerate(request.messages):
            self._add(message, f"{root}[{at - first}]" if at >= first else "system")
        if not self.contents:  # the API takes no conversation without a turn
            self.contents.append({"role": "user", "parts": [{"text": ""}]})

    def _add(self, message: Message, path: str) -> None:
        if message.name is not None and message.role != "tool":
            raise unsupported(f"{path}.name")
        match message.role:
            case "system" | "developer":
                for at, part in enumerate(message.parts):
                    if not isinstance(part, TextPart):
                        raise unsupported(f"{path}.content[{at}]", ", which takes only text from the system")
                    self.system.append({"text": part.text})
            case "assistant":
                self._add_turn("model", self._model_parts(message.parts, path))
            case "user" | "tool":
                self._add_user_turn(message.parts, path)

    def _add_turn(self, role: str, parts: list[JsonValue]) -> None:
        self._open_results = None
        if parts:
            self.contents.append({"role": role, "parts": parts})

    def _add_user_turn(self, parts: Sequence[Part], path: str) -> None:
        results: list[JsonValue] = []
        others: list[JsonValue] = []
        for at, part in enumerate(parts):
            where = f"{path}.content[{at}]"
            if isinstance(part, ToolResultPart):
                results.append(self._result(part, path if len(parts) == 1 else where))
            else:
                others += part_of(part, where)
        if results and self._open_results is not None:
            self._open_results += results
        elif results:
            self._add_turn("user", results)
            self._open_results = results
        if others:
            self._add_turn("user", others)

    def _model_parts(self, parts: Sequence[Part], path: str) -> list[JsonValue]:
        written: list[JsonValue] = []
        needs_signature = self._needs_signatures
        for at, part in enumerate(parts):
            where = f"{path}.content[{at}]"
            if isinstance(part, ToolCallPart):
                written.append(self._call(part, where, needs_signature=needs_signature))
                needs_signature = False
            else:
                written += part_of(part, where)
        return written

    def _call(self, part: ToolCallPart, path: str, *, needs_signature: bool) -> JsonObject:
        self._call_names[part.id] = part.name
        written: JsonObject = {"functionCall": {"id": part.id, "name": part.name, "args": _arguments(part, path)}}
        signature = own_signature(part.signature)
        if signature is None and needs_signature:
            signature = UNSIGNED_CALL
        if signature is not None:
            written["thoughtSignature"] = signature
        return written

    def _result(self, part: ToolResultPart, path: str) -> JsonObject:
        name = part.name or self._call_names.get(part.call_id)
        if name is None:
            raise MalformedRequest(f"{path}: answers a tool call that is not in the conversation", field=path)
        texts: list[str] = []
        media: list[JsonValue] = []
        for at, inner in enumerate(part.parts):
            match inner:
                case TextPart(text=text):
                    texts.append(text)
                case ImagePart() | FilePart() | AudioPart():
                    media += part_of(inner, f"{path}.content[{at}]")
                case _:
                    raise unsupported(f"{path}.content[{at}]")
        answer: JsonObject = {"id": part.call_id, "name": name, "response": _response(texts, is_error=part.is_error)}
        if media:
            answer["parts"] = media
        return {"functionResponse": answer}


def own_signature(signature: str | None) -> str | None:
    """The signature without its prefix if Gemini made it."""
    if signature is None or not signature.startswith(SIGNATURE_PREFIX):
        return None
    return signature.removeprefix(SIGNATURE_PREFIX)


def part_of(part: Part, path: str) -> list[JsonObject]:
    """One part, or none where there is nothing the API would take."""
    match part:
        case TextPart(text=text):
            return [{"text": text}] if text else []
        case RefusalPart(text=text):
            return [{"text": text}]
        case ReasoningPart(text=text):
            signature = own_signature(part.signature)
            return [] if signature is None else [{"text": text, "thought": True, "thoughtSignature": signature}]
        case ImagePart():
            return [_media(part, part.media_type, "image/jpeg", path)]
        case FilePart(text=str(text)):
            return [{"text": text}]
        case FilePart():
            guessed = part.media_type or (guess_type(part.filename)[0] if part.filename else None)
            return [_media(part, guessed, "application/pdf", path)]
        case AudioPart(data=data, format=kind):
            return [{"inlineData": {"mimeType": f"audio/{kind}", "data": data}}]
        case OpaquePart(dialect="gemini", data=dict() as data):
            return [data]
        case _:
            raise unsupported(path)


def _media(part: ImagePart | FilePart, media_type: str | None, otherwise: str, path: str) -> JsonObject:
    if part.data is not None:
        return {"inlineData": {"mimeType": media_type or otherwise, "data": part.data}}
    address = part.url
    if address is None:
        address = part.file_id or ""
        if not address.startswith(_OWN_FILES):
            raise unsupported(f"{path}.file_id", ", which cannot read another provider's files")
    media_type = media_type or guess_type(address.partition("?")[0])[0]
    file: JsonObject = {"fileUri": address}
    if media_type is not None:
        file["mimeType"] = media_type
    return {"fileData": file}


def _arguments(part: ToolCallPart, path: str) -> JsonObject:
    if part.kind == "custom":
        raise unsupported(path, ", which has no custom tools")
    try:
        value = loads(part.arguments) if part.arguments.strip() else {}
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise MalformedRequest(f"{path}.arguments: not valid JSON", field=f"{path}.arguments") from None
    if not isinstance(value, dict):
        raise MalformedRequest(f"{path}.arguments: expected the text of a JSON object", field=f"{path}.arguments")
    return value


def _response(texts: Sequence[str], *, is_error: bool) -> JsonObject:
    """The API takes an object only; `output` and `error` are the keys that it documents for anything else."""
    text = "\n".join(texts)
    if is_error:
        return {"error": text}
    if text[:1] == "{":
        try:
            value = loads(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            value = None
        if isinstance(value, dict):
            return value
    return {"output": text}
