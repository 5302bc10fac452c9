"""The stage that says what of a prompt a provider should keep; the providers' encoders place the marks.

Stands last before the call, since what counts is what is really sent.  Looks at prompts only that are long enough to be
kept anywhere; the time is that of writing them out once.
"""

import asyncio
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec

from penstock.core.chat import ChatRequest, FilePart, ImagePart, Message, PromptCaching, TextPart, ToolResultPart
from penstock.core.clock import Clock
from penstock.core.exchange import Exchange
from penstock.core.facts import PromptCacheWanted
from penstock.core.json import dumps
from penstock.core.ports import CONTINUE, Continue
from penstock.routing.prompt_cache.reuse import Reuse

_LEAST_CHARS: Final = 1_500
"""Of a prompt that some provider may keep: 512 tokens and more."""
_MOST_CHARS_ON_THE_LOOP: Final = 200_000
_INSTRUCTIONS: Final = frozenset({"system", "developer"})


class PromptCacheStage:
    """`off` are the models whose prompts are left without marks."""

    def __init__(self, off: frozenset[str], clock: Clock) -> None:
        self._off = off
        self._clock = clock
        self._prefixes = Reuse()
        self._turns = Reuse()

    @property
    def name(self) -> str:
        return "prompt_cache"

    async def enter(self, exchange: Exchange) -> Continue:
        request = exchange.request
        if not isinstance(request, ChatRequest) or request.model in self._off:
            return CONTINUE
        # Bytes that nobody counted are 0.
        if 0 < exchange.body_bytes < _LEAST_CHARS or (chars := _chars(request)) < _LEAST_CHARS:
            return CONTINUE
        now_s = self._clock.monotonic()
        group = (exchange.principal.tenant, request.model)
        # On the loop where it takes less than a millisecond, else in a thread.
        is_long = chars > _MOST_CHARS_ON_THE_LOOP
        found = await asyncio.to_thread(_digests, request, group) if is_long else _digests(request, group)
        prefix = found.prefix is not None and self._is_kept(self._prefixes, group, [found.prefix], now_s)
        turns = self._is_kept(self._turns, group, found.turns, now_s)
        caching = PromptCaching(key=found.key, prefix=prefix, turns=turns)
        exchange.request = msgspec.structs.replace(request, caching=caching)
        if prefix or turns:
            exchange.facts.append(PromptCacheWanted(at_s=now_s - exchange.began_s, prefix=prefix, turns=turns))
        return CONTINUE

    def filter(self, exchange: Exchange) -> None:
        """What the provider read of its cache is in the usage."""

    @staticmethod
    def _is_kept(reuse: Reuse, group: tuple[str, str], digests: Sequence[bytes], now_s: float) -> bool:
        """Whether to keep what has these digests, the last of them being that of all of it."""
        if not digests:
            return False
        came_again = any(reuse.is_known(each, now_s) for each in digests)
        is_kept = came_again or reuse.is_worth_it(group)
        reuse.learn(group, came_again=came_again)
        reuse.note(digests[-1], now_s)
        return is_kept


class _Digests(NamedTuple):
    """Of what a prompt begins with (None where that is nothing), and of the conversation after each message."""

    key: str
    prefix: bytes | None
    turns: list[bytes]


def _digests(request: ChatRequest, group: tuple[str, str]) -> _Digests:
    digest = blake2b("\0".join(group).encode("utf-8", "surrogatepass"), digest_size=16)
    at = _instructions(request.messages)
    digest.update(dumps(request.tools))
    for message in request.messages[:at]:
        digest.update(dumps(message))
    has_prefix = bool(request.tools or at)
    key = digest.copy()
    if not has_prefix and request.messages:
        key.update(dumps(request.messages[0]))
    prefix = digest.copy().digest() if has_prefix else None
    return _Digests(key.hexdigest(), prefix, list(_boundaries(digest, request.messages[at:])))


def _boundaries(digest: blake2b, messages: Sequence[Message]) -> Iterator[bytes]:
    """What a conversation was after each of its messages."""
    for message in messages:
        digest.update(dumps(message))
        yield digest.copy().digest()


def _instructions(messages: Sequence[Message]) -> int:
    """How many messages there are before the conversation begins."""
    for at, message in enumerate(messages):
        if message.role not in _INSTRUCTIONS:
            return at
    return len(messages)


def _chars(request: ChatRequest) -> int:
    """About how long the prompt is; media count as the references that they are, or as their data."""
    chars = len(request.tools) * 100
    for message in request.messages:
        for part in message.parts:
            if type(part) is TextPart:
                chars += len(part.text)
                continue
            match part:
                case ToolResultPart(parts=inner):
                    chars += sum(len(each.text) for each in inner if isinstance(each, TextPart))
                case ImagePart(data=str(data)) | FilePart(data=str(data)) | FilePart(text=str(data)):
                    chars += len(data)
                case _:
                    chars += 100
    return chars
