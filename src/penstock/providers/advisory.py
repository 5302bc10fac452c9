"""Fields that any target may leave out: they can change what a call costs, how fast it is or who it is booked to,
never what is answered.

Used by the encoders of all upstream dialects.  A field of a client dialect that an encoder has no place for is either
listed here, and then left out and reported as a fact, or it is an `UnsupportedField`: never dropped in silence.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from penstock.core.chat import (
    ChatRequest,
    Dialect,
    EmbeddingRequest,
    OpaquePart,
    OpaqueTool,
    Part,
    Request,
    Tool,
    ToolResultPart,
)
from penstock.core.errors import UnsupportedField
from penstock.core.json import JsonObject

ADVISORY_FIELDS: Final = frozenset(
    {
        # OpenAI chat and Responses
        "include",
        "include_obfuscation",
        "logprobs",
        "metadata",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "prompt_cache_breakpoint",
        "safety_identifier",
        "service_tier",
        "store",
        "stream_options",
        "user",
        # what SDKs echo of an earlier answer: a mark for people, the place of a call in a stream
        "annotations",
        "id",
        "phase",
        "status",
        "index",
        # Anthropic
        "anthropic-beta",
        "anthropic-version",
        "cache_control",
        "display",
        "eager_input_streaming",
    }
)
"""Names of fields, at the top level or deeper, without their path."""


def extras_of(request: Request) -> Iterator[tuple[str, JsonObject]]:
    """Every non-empty `extras` of a request with the path of the thing it belongs to (`""` is the request itself)."""
    if request.extras:
        yield "", request.extras
    if isinstance(request, EmbeddingRequest):
        return
    if request.reasoning is not None and request.reasoning.extras:
        yield "reasoning", request.reasoning.extras
    for at, message in enumerate(request.messages):
        if message.extras:
            yield f"messages[{at}]", message.extras
        yield from _extras_of_parts(f"messages[{at}].content", message.parts)
    for at, tool in enumerate(request.tools):
        if isinstance(tool, Tool) and tool.extras:
            yield f"tools[{at}]", tool.extras


def _extras_of_parts(path: str, parts: Iterable[Part]) -> Iterator[tuple[str, JsonObject]]:
    for at, part in enumerate(parts):
        extras: JsonObject | None = getattr(part, "extras", None)
        if extras:
            yield f"{path}[{at}]", extras
        if isinstance(part, ToolResultPart):
            yield from _extras_of_parts(f"{path}[{at}].content", part.parts)


def advisory_extras(request: Request) -> list[str]:
    """The paths of the extras that a provider of another dialect leaves out: `messages[0].content[1].cache_control`."""
    return [
        f"{path}.{name}" if path else name
        for path, extras in extras_of(request)
        for name in extras
        if name in ADVISORY_FIELDS
    ]


def unsupported_extras(request: Request, *, known: frozenset[str] = frozenset()) -> list[str]:
    """The paths of the extras that are neither advisory, nor empty, nor among the names that the caller translates."""
    return [
        f"{path}.{name}" if path else name
        for path, extras in extras_of(request)
        for name, value in extras.items()
        if value is not None and value not in ([], {}) and name not in ADVISORY_FIELDS and name not in known
    ]


def refuse_unknown_extras(request: Request, target: str, *, known: frozenset[str] = frozenset()) -> None:
    """Raise `UnsupportedField` for the first of `unsupported_extras`; `target` is the dialect, for the message."""
    for where in unsupported_extras(request, known=known):
        raise UnsupportedField(f"`{where}` cannot be sent to a {target} model.", field=where)


def refuse_opaque(request: ChatRequest, target: Dialect) -> None:
    """Raise `UnsupportedField` for the first part or tool that only another dialect than `target` understands."""
    for tool in request.tools:
        if isinstance(tool, OpaqueTool) and tool.dialect != target:
            raise UnsupportedField(f"`{tool.field}` cannot be sent to a {target} model.", field=tool.field)
    for message in request.messages:
        _refuse_opaque_parts(message.parts, target)


def _refuse_opaque_parts(parts: Iterable[Part], target: Dialect) -> None:
    for part in parts:
        if isinstance(part, ToolResultPart):
            _refuse_opaque_parts(part.parts, target)
        elif isinstance(part, OpaquePart) and part.dialect != target:
            raise UnsupportedField(f"`{part.field}` cannot be sent to a {target} model.", field=part.field)
