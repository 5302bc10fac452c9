"""What may be kept: which requests have an answer that is worth giving twice, and which answers are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from penstock.config.cache import CacheSettings, ExactSettings
from penstock.core.chat import (
    ChatRequest,
    FilePart,
    ImagePart,
    OpaquePart,
    OpaqueTool,
    Part,
    Request,
    TextPart,
    ToolResultPart,
)
from penstock.core.events import Event, Finish, Text, ToolCall, Vector

ELSEWHERE: Final = frozenset({"previous_response_id", "conversation", "prompt", "container", "background"})
"""Fields that point at something a provider keeps, and may change or be watched there."""

SEARCHES: Final = frozenset({"web_search_options", "mcp_servers"})
"""Fields by which a provider looks at the world before it answers."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A model's.  `fingerprint` stands for what answers it, as far as that shapes answers.

    With `by_rights` answers are made from documents that not everybody may read: they are shared among those whose
    roles are the same too.
    """

    settings: CacheSettings
    exact: ExactSettings
    fingerprint: str
    by_rights: bool = False


def why_not_asked(request: Request, exact: ExactSettings) -> str | None:
    """Why the answer to this request is neither looked for nor kept; None where it may be."""
    if not isinstance(request, ChatRequest):
        return None
    if exact.sampling == "deterministic" and (request.temperature != 0 or request.choices > 1):
        return "sampling"
    if request.extras:
        if not ELSEWHERE.isdisjoint(request.extras):
            return "state_elsewhere"
        if not SEARCHES.isdisjoint(request.extras):
            return "provider_tool"
    for tool in request.tools:
        if type(tool) is OpaqueTool:
            return "provider_tool"
    for message in request.messages:
        parts = message.parts
        if len(parts) == 1 and type(parts[0]) is TextPart:
            continue  # nearly all are of this kind
        reason = _why_not_parts(parts)
        if reason is not None:
            return reason
    return None


def why_not_kept(request: Request, events: Sequence[Event], exact: ExactSettings) -> str | None:
    """Why a complete answer is not kept; None where it may be."""
    if not isinstance(request, ChatRequest):
        is_whole = sum(type(event) is Vector for event in events) == len(request.inputs)
        return None if is_whole else "incomplete"
    seen: set[int] = set()
    finished: set[int] = set()
    has_content = False
    for event in events:
        if isinstance(event, Text):
            if event.channel == "refusal":
                return "refusal"
            has_content = has_content or (event.channel == "answer" and not event.text.isspace() and event.text != "")
            seen.add(event.choice)
        elif isinstance(event, ToolCall):
            if not exact.tool_calls:
                return "tool_call"
            has_content = True
            seen.add(event.choice)
        elif isinstance(event, Finish):
            if event.reason not in {"stop", "tool_calls"}:
                return f"finish_{event.reason}"
            finished.add(event.choice)
    if not has_content:
        return "empty"
    is_whole = len(finished) == request.choices and seen <= finished
    return None if is_whole else "incomplete"


def _why_not_parts(parts: Iterable[Part]) -> str | None:
    for part in parts:
        match part:
            case ImagePart() | FilePart() if part.file_id is not None or _is_fetched(part.url):
                return "by_reference"
            case OpaquePart():
                return "opaque_part"
            case ToolResultPart():
                reason = _why_not_parts(part.parts)
                if reason is not None:
                    return reason
            case _:
                pass
    return None


def _is_fetched(url: str | None) -> bool:
    return url is not None and not url.startswith("data:")
