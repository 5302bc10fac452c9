"""How large a request may be: messages, text, images, files, tools and more, for each assistant.

A stage of every plan, after identity and before anything that works on the request.  Nearly every request is far below
its limits, so it is first measured from above, by the lengths of its texts alone; only one that might be too large is
counted exactly.  Both take time in proportion to the request.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from penstock.admission.limits.estimate import prompt_tokens
from penstock.config.inputs import InputSettings
from penstock.core.chat import (
    AudioPart,
    ChatRequest,
    EmbeddingRequest,
    FilePart,
    ImagePart,
    Message,
    OpaquePart,
    OpaqueTool,
    Part,
    ReasoningPart,
    RefusalPart,
    Request,
    TextPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
)
from penstock.core.clock import Clock
from penstock.core.errors import InputTooLarge
from penstock.core.exchange import Exchange
from penstock.core.facts import InputRefused
from penstock.core.json import dumps
from penstock.core.ports import CONTINUE, Continue

# What a token estimate adds to the text, at most: see `limits.estimate`, which a property test compares with these.
_MOST_TOKENS_A_PIECE = 10
_MOST_TOKENS_A_MEDIUM = 2_000
_LEAST_BYTES_A_TOKEN = 30
_MOST_UTF8_BEYOND_ONE = 3

# Of the wire: no dialect has a shorter way to write a message or a part of one, and what is kept as JSON is not written
# in much more when it is written anew.
_LEAST_BYTES_A_PART = 16
_MOST_GROWTH = 4

_SAID: Mapping[str, str] = MappingProxyType(
    {
        "text_bytes": "holds {} bytes of text",
        "messages": "holds {} messages",
        "tokens": "holds about {} tokens",
        "images": "holds {} images",
        "image_bytes": "holds {} bytes of images",
        "files": "holds {} files and audio clips",
        "file_bytes": "holds {} bytes of files and audio clips",
        "tools": "defines {} tools",
        "tool_bytes": "holds {} bytes of tool definitions",
        "embedding_inputs": "holds {} inputs",
        "choices": "asks for {} answers",
        "max_tokens": "asks for up to {} tokens of answer",
    }
)


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """`config.inputs.InputSettings` as numbers to compare with: no limit is one that nothing reaches.

    A request of up to `smallest` bytes on the wire passes none of those that count what messages hold.
    """

    text_bytes: int
    messages: int
    tokens: int
    images: int
    image_bytes: int
    files: int
    file_bytes: int
    tools: int
    tool_bytes: int
    embedding_inputs: int
    choices: int
    max_tokens: int
    smallest: int = 0


def bounds_of(settings: InputSettings) -> Bounds:
    limits = msgspec.structs.asdict(settings)
    bounds = {name: sys.maxsize if most is None else most for name, most in limits.items()}
    parts = min(bounds["messages"], bounds["images"], bounds["files"])
    text = min(bounds["text_bytes"], bounds["image_bytes"], bounds["file_bytes"])
    tokens = bounds["tokens"] // (1 + _MOST_TOKENS_A_MEDIUM // _LEAST_BYTES_A_PART)
    return Bounds(**bounds, smallest=min(parts * _LEAST_BYTES_A_PART, text // _MOST_GROWTH, tokens))


class Excess(NamedTuple):
    """The first limit that a request passes, by its name in the configuration, and where it passes it."""

    limit: str
    most: int
    actual: int
    field: str | None


class InputStage:
    """Refuses what is too large.  `own` are the bounds of assistants that have others than the rest."""

    def __init__(self, bounds: Bounds, own: Mapping[str, Bounds], clock: Clock) -> None:
        self._bounds = bounds
        self._own = own
        self._clock = clock

    @property
    def name(self) -> str:
        return "inputs"

    async def enter(self, exchange: Exchange) -> Continue:
        """Raises `InputTooLarge`, naming the field, the limit and what the request has."""
        request = exchange.request
        bounds = self._own.get(request.model, self._bounds)
        found = None if is_small(request, exchange.body_bytes, bounds) else find_excess(request, bounds)
        if found is None:
            return CONTINUE
        limit, most, actual, field = found
        at_s = self._clock.monotonic() - exchange.began_s
        exchange.facts.append(InputRefused(at_s=at_s, limit=limit, most=most, actual=actual))
        raise InputTooLarge(f"The request {_SAID[limit].format(actual)}, and {most} is the most.", field=field)

    def filter(self, exchange: Exchange) -> None:
        """An answer's length is not the caller's doing."""


def is_small(request: Request, body_bytes: int, bounds: Bounds) -> bool:
    """Whether the request took so few bytes on the wire that it can pass no limit: nearly all do.

    A request without tools holds no more text than its JSON did, and no part of a message that is written in fewer
    bytes than `_LEAST_BYTES_A_PART`.  Where nobody counted the bytes (0) it is not known to be small.
    """
    if not 0 < body_bytes <= bounds.smallest or isinstance(request, EmbeddingRequest) or request.tools:
        return False
    return request.choices <= bounds.choices and (request.max_tokens or 0) <= bounds.max_tokens


def find_excess(request: Request, bounds: Bounds) -> Excess | None:
    """What of the request is more than it may be; None where nothing is."""
    if isinstance(request, EmbeddingRequest):
        return _excess_of_inputs(request, bounds)
    if len(request.messages) > bounds.messages:
        return Excess("messages", bounds.messages, len(request.messages), _field_of_all(request))
    if request.choices > bounds.choices:
        return Excess("choices", bounds.choices, request.choices, "n")
    if request.max_tokens is not None and request.max_tokens > bounds.max_tokens:
        field = "max_output_tokens" if request.dialect == "openai-responses" else "max_tokens"
        return Excess("max_tokens", bounds.max_tokens, request.max_tokens, field)
    tool_bytes = 0
    if request.tools:
        if len(request.tools) > bounds.tools:
            return Excess("tools", bounds.tools, len(request.tools), "tools")
        tool_bytes = len(dumps(request.tools))
        if tool_bytes > bounds.tool_bytes and (found := _excess_of_tools(request, bounds)) is not None:
            return found
    most = _measure(request)
    if (
        most.text_bytes > bounds.text_bytes
        or most.images > bounds.images
        or most.image_bytes > bounds.image_bytes
        or most.files > bounds.files
        or most.file_bytes > bounds.file_bytes
    ) and (found := _excess_of_messages(request, bounds)) is not None:
        return found
    media = most.images + most.files
    tokens = (
        most.text_bytes
        + most.file_bytes // _LEAST_BYTES_A_TOKEN
        + most.pieces * _MOST_TOKENS_A_PIECE
        + media * _MOST_TOKENS_A_MEDIUM
    )
    tokens += tool_bytes + len(request.tools) * _MOST_TOKENS_A_PIECE
    return _excess_of_tokens(request, bounds) if tokens > bounds.tokens else None


def _excess_of_inputs(request: EmbeddingRequest, bounds: Bounds) -> Excess | None:
    inputs = request.inputs
    if len(inputs) > bounds.embedding_inputs:
        return Excess("embedding_inputs", bounds.embedding_inputs, len(inputs), "input")
    length = sum(map(len, inputs))
    extras = _json_bytes(request.extras) + len(request.user or "") * (_MOST_UTF8_BEYOND_ONE + 1)
    if length * (_MOST_UTF8_BEYOND_ONE + 1) + extras > bounds.text_bytes:
        sizes = [_utf8(each) if isinstance(each, str) else 0 for each in inputs]
        rest = _json_bytes(request.extras) + _utf8(request.user or "")
        actual = sum(sizes) + rest
        if actual > bounds.text_bytes:
            at = _place(sizes, bounds.text_bytes)
            return Excess("text_bytes", bounds.text_bytes, actual, "input" if at is None else f"input[{at}]")
    return _excess_of_tokens(request, bounds) if length + 1 > bounds.tokens else None


def _excess_of_tokens(request: Request, bounds: Bounds) -> Excess | None:
    actual = prompt_tokens(request)
    return Excess("tokens", bounds.tokens, actual, _field_of_all(request)) if actual > bounds.tokens else None


def _excess_of_tools(request: ChatRequest, bounds: Bounds) -> Excess | None:
    sizes = [_tool_bytes(tool) for tool in request.tools]
    actual = sum(sizes)
    if actual <= bounds.tool_bytes:
        return None
    return Excess("tool_bytes", bounds.tool_bytes, actual, f"tools[{_place(sizes, bounds.tool_bytes)}]")


def _tool_bytes(tool: Tool | OpaqueTool) -> int:
    if isinstance(tool, OpaqueTool):
        return _json_bytes(tool.data)
    texts = _utf8(tool.name) + _utf8(tool.description or "")
    return texts + _json_bytes(tool.parameters) + _json_bytes(tool.extras)


class _Sizes:
    """What there is of each; `pieces` are messages and parts.  By the letter, or from above: see `_measure`."""

    __slots__ = ("file_bytes", "files", "image_bytes", "images", "pieces", "text_bytes")

    def __init__(self) -> None:
        self.text_bytes = self.images = self.image_bytes = self.files = self.file_bytes = self.pieces = 0


def _measure(request: ChatRequest) -> _Sizes:
    """Never less than `_count` finds: text that is not ASCII is taken for the widest there is."""
    chars = wide = pieces = json_bytes = 0
    others: list[Part] = []
    for message in request.messages:
        parts = message.parts
        pieces += 1 + len(parts)
        for part in parts:
            if type(part) is TextPart:
                text = part.text
                chars += len(text)
                if not text.isascii():
                    wide += len(text)
                if part.extras:
                    json_bytes += len(dumps(part.extras))
            else:
                others.append(part)
        if message.extras:
            json_bytes += len(dumps(message.extras))
        if message.name:
            wide += len(message.name)
            chars += len(message.name)
    sizes = _Sizes()
    if others:
        _count(others, sizes)
    sizes.pieces += pieces
    sizes.text_bytes += chars + wide * _MOST_UTF8_BEYOND_ONE + json_bytes
    if request.extras:
        sizes.text_bytes += len(dumps(request.extras))
    if request.response_format is not None or request.stop or request.metadata or request.user:
        sizes.text_bytes += sum(size for _, size in _settings(request))
    return sizes


def _excess_of_messages(request: ChatRequest, bounds: Bounds) -> Excess | None:
    """As `_measure`, by the letter, and for each message by itself: the answer can then say where."""
    each: list[_Sizes] = []
    for message in request.messages:
        sizes = _Sizes()
        _count(message.parts, sizes)
        sizes.text_bytes += _utf8(message.name or "") + _json_bytes(message.extras)
        each.append(sizes)
    settings = list(_settings(request))
    settings += [(name[:64], _utf8(name) + len(dumps(value))) for name, value in request.extras.items()]
    counted: tuple[tuple[str, int, list[int]], ...] = (
        ("images", bounds.images, [sizes.images for sizes in each]),
        ("image_bytes", bounds.image_bytes, [sizes.image_bytes for sizes in each]),
        ("files", bounds.files, [sizes.files for sizes in each]),
        ("file_bytes", bounds.file_bytes, [sizes.file_bytes for sizes in each]),
        ("text_bytes", bounds.text_bytes, [sizes.text_bytes for sizes in each] + [size for _, size in settings]),
    )
    for limit, most, amounts in counted:
        at = _place(amounts, most)
        if at is None:
            continue
        is_message = at < len(each)
        field = _field_of(request, at) if is_message else settings[at - len(each)][0]
        return Excess(limit, most, sum(amounts), field)
    return None


def _settings(request: ChatRequest) -> Iterator[tuple[str, int]]:
    """What is written out beside the messages, by its field, with its bytes."""
    wanted = request.response_format
    if wanted is not None:
        field = "text.format" if request.dialect == "openai-responses" else "response_format"
        yield field, _utf8(wanted.name or "") + _utf8(wanted.description or "") + _json_bytes(wanted.schema)
    yield "stop_sequences" if request.dialect == "anthropic" else "stop", sum(map(_utf8, request.stop))
    yield "metadata", _json_bytes(request.metadata)
    yield "metadata.user_id" if request.dialect == "anthropic" else "user", _utf8(request.user or "")


def _count(parts: Sequence[Part], sizes: _Sizes) -> None:
    """Add what `parts` hold, and the parts within them, however deep."""
    left = list(parts)
    for part in left:  # grows on the way: what is inside a tool's result is taken in its turn
        sizes.pieces += 1
        match part:
            case TextPart(text=text):
                sizes.text_bytes += _utf8(text)
            case ToolCallPart():
                sizes.text_bytes += _utf8(part.name) + _utf8(part.arguments) + _utf8(part.signature or "")
            case ToolResultPart(parts=inner):
                left += inner
            case ImagePart():
                sizes.images += 1
                sizes.image_bytes += _inline(part.data, part.url)
                sizes.text_bytes += _referred(part.url, part.file_id)
            case FilePart():
                sizes.files += 1
                sizes.file_bytes += _inline(part.data, part.url)
                sizes.text_bytes += _referred(part.url, part.file_id) + _utf8(part.text or "")
                sizes.text_bytes += _utf8(part.filename or "")
            case AudioPart(data=data):
                sizes.files += 1
                sizes.file_bytes += _utf8(data)
            case ReasoningPart():
                sizes.text_bytes += _utf8(part.text) + _utf8(part.signature or "")
            case RefusalPart(text=text):
                sizes.text_bytes += _utf8(text)
            case OpaquePart(data=data):
                sizes.text_bytes += len(dumps(data))
        if not isinstance(part, OpaquePart | RefusalPart):
            sizes.text_bytes += _json_bytes(part.extras)


def _inline(data: str | None, url: str | None) -> int:
    """Bytes that are sent with the request: base64 text, or a URL that holds what it points to."""
    inline = _utf8(data or "")
    return inline + _utf8(url) if url is not None and url.startswith("data:") else inline


def _referred(url: str | None, file_id: str | None) -> int:
    """Bytes of the reference to what is not."""
    known = _utf8(file_id or "")
    return known if url is None or url.startswith("data:") else known + _utf8(url)


def _json_bytes(value: Mapping[str, object] | None) -> int:
    return len(dumps(value)) if value else 0


def _utf8(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _place(amounts: Sequence[int], most: int) -> int | None:
    """Where the running sum passes `most`."""
    total = 0
    for at, amount in enumerate(amounts):
        total += amount
        if total > most:
            return at
    return None


def _field_of_all(request: Request) -> str:
    is_input = isinstance(request, EmbeddingRequest) or request.dialect == "openai-responses"
    return "input" if is_input else "messages"


def _field_of(request: ChatRequest, at: int) -> str:
    """The field that message `at` came from, as the client wrote it."""
    first = request.messages[0]
    match request.dialect:
        case "openai-responses":  # its items are grouped into messages: their numbers are not known any more
            return "instructions" if at == 0 and _is_instructions(first) else "input"
        case "anthropic" if first.role == "system":
            return "system" if at == 0 else f"messages[{at - 1}].content"
        case _:
            return f"messages[{at}].content"


def _is_instructions(first: Message) -> bool:
    return first.role == "system" and "type" not in first.extras
