"""Messages and their content parts, as chat completions write them."""

from typing import Final

from penstock.core.chat import (
    AudioPart,
    FilePart,
    ImagePart,
    Message,
    OpaquePart,
    Part,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
    ToolKind,
    ToolResultPart,
)
from penstock.core.json import JsonObject, JsonValue
from penstock.wire.document import (
    as_array,
    as_name,
    as_object,
    as_text,
    invalid,
    missing,
    take,
    wrong_type,
)

_PLAIN_ROLES: Final = frozenset({"system", "developer", "user", "assistant"})


def read_messages(value: JsonValue) -> tuple[Message, ...]:
    given = as_array(value, "messages")
    if not given:
        raise invalid("messages", "must hold at least one message")
    messages: list[Message] = []
    kinds: dict[str, ToolKind] = {}
    for at, message in enumerate(given):
        if type(message) is not dict:
            raise wrong_type(message, f"messages[{at}]", "an object")
        content, role = message.get("content"), message.get("role")
        if type(content) is str and len(message) == 2 and type(role) is str and role in _PLAIN_ROLES:
            messages.append(Message(role, (TextPart(content),)))  # pyright: ignore[reportArgumentType] - a plain role
        else:
            messages.append(_read_message(message, f"messages[{at}]", kinds))
    return tuple(messages)


def _read_message(message: JsonObject, path: str, kinds: dict[str, ToolKind]) -> Message:
    role = as_text(take(message, "role", path), f"{path}.role")
    name = message.pop("name", None)
    name = None if name is None else as_name(name, f"{path}.name")
    match role:
        case "system" | "developer" | "user":
            return Message(role, _read_content(message, path), name, message)
        case "assistant":
            return Message(role, _read_assistant(message, path, kinds), name, message)
        case "tool":
            call_id = message.pop("tool_call_id", None)
            call_id = "" if call_id is None else as_name(call_id, f"{path}.tool_call_id")
            result = ToolResultPart(call_id, _read_content(message, path), name, kind=kinds.get(call_id, "function"))
            return Message(role, (result,), name, message)
        case "function":
            if name is None:
                raise missing(f"{path}.name")
            return Message(
                "tool", (ToolResultPart(legacy_id(name), _read_content(message, path), name),), None, message
            )
        case _:
            raise invalid(f"{path}.role", "must be one of `system`, `developer`, `user`, `assistant`, `tool`")


def legacy_id(name: str) -> str:
    """The call id that stands for a call in the deprecated form, which has none: it is matched by name."""
    return f"call_{name}"


def _read_assistant(message: JsonObject, path: str, kinds: dict[str, ToolKind]) -> tuple[Part, ...]:
    parts: list[Part] = []
    thought = "reasoning_content" if message.get("reasoning_content") is not None else "reasoning"
    if type(message.get(thought)) is str:
        text = message.pop(thought)
        parts.append(ReasoningPart(as_text(text, path)))
    if message.get("content") == []:  # Mistral's own client writes a message of calls alone so
        message["content"] = None
    if message.get("content") is not None:
        parts += _read_content(message, path)
    if message.get("refusal") is not None:
        parts.append(RefusalPart(as_text(message.pop("refusal"), f"{path}.refusal")))
    calls = message.get("tool_calls")
    if calls is not None:
        del message["tool_calls"]
        for at, call in enumerate(as_array(calls, f"{path}.tool_calls")):
            part = _read_call(as_object(call, f"{path}.tool_calls[{at}]"), f"{path}.tool_calls[{at}]")
            kinds[part.id] = part.kind
            parts.append(part)
    if message.get("function_call") is not None:
        call = as_object(message.pop("function_call"), f"{path}.function_call")
        name, arguments = _read_named(call, "arguments", f"{path}.function_call")
        parts.append(ToolCallPart(legacy_id(name), name, arguments))
    return tuple(parts)


def _read_call(call: JsonObject, path: str) -> ToolCallPart:
    kind = call.pop("type", "function")
    call_id = call.pop("id", None)
    call_id = "" if call_id is None else as_name(call_id, f"{path}.id")
    if kind == "function":
        inner = as_object(take(call, "function", path), f"{path}.function")
        name, arguments = _read_named(inner, "arguments", f"{path}.function")
    elif kind == "custom":
        inner = as_object(take(call, "custom", path), f"{path}.custom")
        name, arguments = _read_named(inner, "input", f"{path}.custom")
    else:
        raise invalid(f"{path}.type", "must be `function` or `custom`")
    return ToolCallPart(
        call_id,
        name,
        arguments,
        kind="custom" if kind == "custom" else "function",
        signature=_take_signature(call),
        extras=call,
    )


def _read_named(inner: JsonObject, text: str, path: str) -> tuple[str, str]:
    name = as_name(take(inner, "name", path), f"{path}.name")
    value = inner.pop(text, None)
    return name, "" if value is None else as_text(value, f"{path}.{text}")


def _take_signature(call: JsonObject) -> str | None:
    """Google's proof of its own thinking, which its clients carry in a field of their own."""
    match call.get("extra_content"):
        case {"google": {"thought_signature": str(signature), **more}, **others} if not more and not others:
            del call["extra_content"]
            return f"gemini:{signature}"
        case _:
            return None


def _read_content(message: JsonObject, path: str) -> tuple[Part, ...]:
    content = message.pop("content", None)
    if type(content) is str:
        return (TextPart(content),)
    if content is None:
        raise missing(f"{path}.content")
    if type(content) is not list:
        raise wrong_type(content, f"{path}.content", "a string or an array")
    if not content:
        raise invalid(f"{path}.content", "must not be an empty array")
    return tuple(
        _read_part(as_object(part, f"{path}.content[{at}]"), f"{path}.content[{at}]") for at, part in enumerate(content)
    )


def _read_part(part: JsonObject, path: str) -> Part:
    match as_text(take(part, "type", path), f"{path}.type"):
        case "text":
            return TextPart(as_text(part.pop("text", None), f"{path}.text"), part)
        case "image_url":
            return _read_image(part, path)
        case "input_audio":
            inner = as_object(take(part, "input_audio", path), f"{path}.input_audio")
            data = as_text(take(inner, "data", f"{path}.input_audio"), f"{path}.input_audio.data")
            audio_format = as_name(take(inner, "format", f"{path}.input_audio"), f"{path}.input_audio.format")
            return AudioPart(data, audio_format, _with_rest(part, "input_audio", inner))
        case "file":
            return _read_file(part, path)
        case "refusal":
            return RefusalPart(as_text(part.get("refusal"), f"{path}.refusal"))
        case unknown:
            return OpaquePart("openai-chat", f"{path}.{unknown}", {"type": unknown, **part})


def _read_image(part: JsonObject, path: str) -> ImagePart:
    given = take(part, "image_url", path)
    inner: JsonObject = (
        {"url": given} if type(given) is str else as_object(given, f"{path}.image_url")
    )  # Mistral's form
    url = as_text(take(inner, "url", f"{path}.image_url"), f"{path}.image_url.url")
    detail = inner.pop("detail", None)
    detail = None if detail is None else as_name(detail, f"{path}.image_url.detail")
    extras = _with_rest(part, "image_url", inner)
    split = split_data_url(url)
    if split is None:
        return ImagePart(url=url, detail=detail, extras=extras)
    return ImagePart(media_type=split[0], data=split[1], detail=detail, extras=extras)


def _read_file(part: JsonObject, path: str) -> FilePart:
    inner = as_object(take(part, "file", path), f"{path}.file")
    data, file_id, filename = inner.pop("file_data", None), inner.pop("file_id", None), inner.pop("filename", None)
    if (data is None) == (file_id is None):
        raise invalid(f"{path}.file", "needs exactly one of `file_data` and `file_id`")
    filename = None if filename is None else as_text(filename, f"{path}.file.filename")
    extras = _with_rest(part, "file", inner)
    if file_id is not None:
        return FilePart(file_id=as_name(file_id, f"{path}.file.file_id"), filename=filename, extras=extras)
    text = as_text(data, f"{path}.file.file_data")
    if text.startswith(("https://", "http://")):  # OpenRouter's form
        return FilePart(url=text, filename=filename, extras=extras)
    split = split_data_url(text) or (None, text)
    return FilePart(media_type=split[0], data=split[1], filename=filename, extras=extras)


def _with_rest(part: JsonObject, name: str, inner: JsonObject) -> JsonObject:
    """The extras of a part: what is left of it, and under its own name what is left of its inner object."""
    rest: JsonObject = {key: value for key, value in inner.items() if value is not None}
    if rest:
        part[name] = rest
    return part


def split_data_url(url: str) -> tuple[str, str] | None:
    """Media type and base64 text of `data:TYPE;base64,TEXT`; None for any other URL."""
    if not url.startswith("data:"):
        return None
    media_type, mark, data = url[5:].partition(";base64,")
    if not mark or not media_type or len(media_type) > 200 or ";" in media_type or "," in media_type:
        return None
    return media_type, data
