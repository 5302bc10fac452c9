"""Writes the request so that a model can tell who speaks: untrusted text between markers that it cannot forge, and a
word in the system's text that no answer may say.

The last stage before the call: caches know a request by what its caller wrote.  Markers and canaries are the same
throughout a conversation, so that a provider that keeps what prompts begin with finds it again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

import msgspec

from penstock.core.chat import ChatRequest, FilePart, Message, Part, TextPart, ToolResultPart
from penstock.core.exchange import Exchange
from penstock.core.ports import CONTINUE, Continue, Filter
from penstock.guard.injection.borders import BorderWindow
from penstock.guard.injection.canary import Canary
from penstock.guard.injection.fence import explanation, fence, marker_for
from penstock.guard.lanes import Lanes
from penstock.guard.patterns.window import Found

_FIRST_CHARS = 4_000
_REMEMBERED = 4_096
"""Conversations of which the canary is remembered."""


_UNTRUSTED = frozenset({ToolResultPart, FilePart})


@dataclass(frozen=True, slots=True)
class Fencing:
    """Of one model: whether untrusted text is fenced, and a canary put into the system's text."""

    fences: bool = True
    has_canary: bool = True


class FenceStage:
    """See the module.  `secret` is this installation's; `policies` are by model name, `default` that of every other."""

    def __init__(self, policies: Mapping[str, Fencing | None], default: Fencing | None, secret: bytes) -> None:
        self._policies = policies
        self._default = default
        self._secret = secret
        self._made = lru_cache(maxsize=_REMEMBERED)(self._make)

    @property
    def name(self) -> str:
        return "fence"

    async def enter(self, exchange: Exchange) -> Continue:
        """Change the request where there is something to fence."""
        policy = self._policies.get(exchange.request.model, self._default)
        request = exchange.request
        if policy is not None and isinstance(request, ChatRequest):
            exchange.request = self._written(exchange, request, policy)
        return CONTINUE

    def filter(self, exchange: Exchange) -> Filter | None:
        """Takes the markers out that the model was shown and repeats: no guard, cache or caller sees them."""
        policy = self._policies.get(exchange.request.model, self._default)
        request = exchange.request
        if policy is None or not policy.fences or not isinstance(request, ChatRequest):
            return None
        if not _says(request, "<<data "):  # as where nothing is fenced
            return None
        marker = marker_for(self._secret, _conversation(exchange))
        if not _says(request, marker):
            return None
        form = request.response_format
        is_json = form is not None and form.kind != "text"
        # Nobody reads along with an answer that is sent as one.
        return Lanes(BorderWindow(marker), _nothing, mode="window" if request.stream else "buffer", is_json=is_json)

    def canary(self, exchange: Exchange) -> Canary:
        """The one that this exchange's system text holds."""
        return self._made(_conversation(exchange))

    def _make(self, conversation: str) -> Canary:
        return Canary.make(self._secret, conversation)

    def _written(self, exchange: Exchange, request: ChatRequest, policy: Fencing) -> ChatRequest:
        lines: list[str] = []
        messages = request.messages
        if policy.fences and any(type(each) in _UNTRUSTED for message in messages for each in message.parts):
            marker = marker_for(self._secret, _conversation(exchange))
            messages = tuple(_fenced(each, marker) for each in messages)
            if any(new is not old for new, old in zip(messages, request.messages, strict=True)):
                lines.append(explanation(marker))
        has_system = any(each.role in {"system", "developer"} for each in messages)
        if policy.has_canary and has_system:
            lines.append(self.canary(exchange).line)
        if not lines:
            return request
        return msgspec.structs.replace(request, messages=_with_lines(messages, "\n\n".join(lines)))


def _conversation(exchange: Exchange) -> str:
    """The same for the turns of a conversation: whose it is, and how it begins."""
    request = exchange.request
    first = ""
    if isinstance(request, ChatRequest):
        users = (each for each in request.messages if each.role == "user")
        parts = next(users, Message("user", ())).parts
        first = "".join(part.text for part in parts if isinstance(part, TextPart))[:_FIRST_CHARS]
    who = exchange.principal
    written = "\0".join((who.tenant, who.user or who.key, request.model, first))
    return blake2b(written.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _says(request: ChatRequest, words: str) -> bool:
    """Whether the instructions that the model was sent have these words in them."""
    instructions = (each for each in request.messages if each.role in {"system", "developer"})
    return any(isinstance(part, TextPart) and words in part.text for each in instructions for part in each.parts)


def _nothing(found: Found, place: str) -> str:
    """What stands in the place of a border."""
    del found, place
    return ""


def _fenced(message: Message, marker: str) -> Message:
    parts = tuple(_fenced_part(each, marker) for each in message.parts)
    if all(new is old for new, old in zip(parts, message.parts, strict=True)):
        return message
    return msgspec.structs.replace(message, parts=parts)


def _fenced_part(part: Part, marker: str, source: str | None = None) -> Part:
    match part:
        case ToolResultPart():
            inner = tuple(
                msgspec.structs.replace(each, text=fence(each.text, marker, source=part.name or source))
                if isinstance(each, TextPart) and each.text
                else _fenced_part(each, marker, part.name)
                for each in part.parts
            )
            is_same = all(new is old for new, old in zip(inner, part.parts, strict=True))
            return part if is_same else msgspec.structs.replace(part, parts=inner)
        case FilePart() if part.text:
            return msgspec.structs.replace(part, text=fence(part.text, marker, source=part.filename or source))
        case _:
            return part


def _with_lines(messages: tuple[Message, ...], lines: str) -> tuple[Message, ...]:
    """The messages with the lines at the end of the last instruction that leads them, or before all."""
    at = 0
    while at < len(messages) and messages[at].role in {"system", "developer"}:
        at += 1
    if at == 0:
        return (Message("system", (TextPart(lines),)), *messages)
    last = messages[at - 1]
    changed = msgspec.structs.replace(last, parts=(*last.parts, TextPart(f"\n\n{lines}")))
    return (*messages[: at - 1], changed, *messages[at:])
