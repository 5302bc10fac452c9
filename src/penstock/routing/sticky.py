"""Which tier a conversation has: remembered by a digest of what was said, so that a client needs to send nothing.

A turn is known by a digest of the caller, the model name and every message up to what is asked.  The turn after it
begins with the same messages and so finds it.  Two conversations that began alike share nothing from where they part.
Bounded in number and in time; what is forgotten is chosen anew, as for a conversation that begins.  Holds digests, no
text.
"""

from collections import OrderedDict
from hashlib import blake2b
from typing import Final

import msgspec

from penstock.core.chat import ChatRequest, Message, TextPart, ToolCallPart, ToolResultPart
from penstock.core.clock import Clock
from penstock.core.exchange import Principal

MOST: Final = 50_000


class Turn(msgspec.Struct, frozen=True):
    """`here` is the digest of this turn, `before` that of the one before, None at the first."""

    here: bytes
    before: bytes | None


class Standing(msgspec.Struct):
    """The tier (its place) that a turn was sent to, and until when that is remembered."""

    tier: int
    until_s: float
    is_counted: bool = False
    """Whether its outcome was taken in: a turn has one, however often it is followed or repeated."""


class Conversations:
    """One for each process, used by one thread."""

    def __init__(self, clock: Clock, *, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._known: OrderedDict[bytes, Standing] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def find(self, turn: bytes | None) -> Standing | None:
        found = None if turn is None else self._known.get(turn)
        if found is None or found.until_s > self._clock.monotonic():
            return found
        if turn is not None:
            del self._known[turn]
        return None

    def keep(self, turn: bytes, tier: int, *, for_s: float) -> None:
        """Remember; the least lately used is forgotten where there are too many."""
        self._known[turn] = Standing(tier, self._clock.monotonic() + for_s)
        self._known.move_to_end(turn)
        if len(self._known) > self._most:
            self._known.popitem(last=False)


def turn_of(request: ChatRequest, principal: Principal) -> Turn:
    """Linear in the size of the request.  The turns of two callers never meet."""
    digest = blake2b(digest_size=16)
    for word in (principal.tenant, principal.key, principal.user or "", request.user or "", request.model):
        _add(digest, word)
    before: bytes | None = None
    here: bytes | None = None
    for message in request.messages:
        _add_message(digest, message)
        if message.role == "user" and any(isinstance(part, TextPart) for part in message.parts):
            before, here = here, digest.digest()
    return Turn(digest.digest() if here is None else here, before)


def _add_message(digest: blake2b, message: Message) -> None:
    _add(digest, message.role)
    for part in message.parts:
        match part:
            case TextPart(text=text):
                _add(digest, text)
            case ToolCallPart(id=name) | ToolResultPart(call_id=name):
                _add(digest, name)
            case _:
                _add(digest, type(part).__name__)


def _add(digest: blake2b, text: str) -> None:
    """Each piece with its length before it, so that no two lists of pieces look alike."""
    data = text.encode("utf-8", "surrogatepass")
    digest.update(len(data).to_bytes(8, "big"))
    digest.update(data)
