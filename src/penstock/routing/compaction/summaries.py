"""What models wrote of conversations' beginnings, so that a prompt that loses them keeps what they come to.

A beginning is known by a digest of every message of it that is no instruction, keyed with the caller's tenant, its
access groups and the model that it asked: the next turn begins with the same messages, and finds the longest beginning
that was summed up.  The compactor reads here, in its thread; `app.shortening` asks the models and brings what they
wrote.

In the memory of one process, bounded by size and lifetime: a restart begins anew.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import msgspec

from penstock.config.routing.compaction import SummarySettings
from penstock.core.chat import (
    ChatRequest,
    FilePart,
    ImagePart,
    Message,
    Part,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from penstock.core.clock import Clock
from penstock.core.exchange import Principal
from penstock.core.json import dumps
from penstock.routing.compaction.rounds import Round, begins_round, is_instruction, last_question, text_of
from penstock.routing.compaction.transcript import transcript

MOST_CHARS: Final = 160_000
"""Of what one request may be to sum up: some 40,000 tokens."""
_OVERHEAD_BYTES: Final = 300
_MARKED: Final = (TextPart, ImagePart, FilePart, ToolCallPart, ToolResultPart)


class Summary(msgspec.Struct, frozen=True):
    """`text` stands for the first `messages` of a conversation that are no instructions."""

    text: str
    messages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a model is to sum up: `said`, and before it what `before` stands for.  `messages` are both together.

    `digest` is the beginning's; `place` is the same for every turn that wants the same stretch, if not the same end.
    """

    settings: SummarySettings
    digest: bytes
    place: bytes
    messages: int
    before: Summary | None
    said: str


@dataclass(frozen=True, slots=True)
class Past:
    """What of one conversation may be left out: `digests[n]` is that of its first `n` messages.

    `found` stands for those before `covered`.
    """

    request: ChatRequest
    rounds: Sequence[Round]
    digests: Sequence[bytes]
    found: Summary | None
    covered: int

    def wanted(self, sizes: Sequence[int], settings: SummarySettings) -> Wanted | None:
        """What is to be summed up next; None where too little is without a summary.

        `sizes` are tokens of each round, as far as it is not covered.  Of a long stretch the beginning comes first.
        """
        place = self._place(sizes, settings.after_tokens)
        if place is None:
            return None
        said: list[str] = []
        chars, until = 0, self.covered
        for one in self._open():
            text = transcript(self.request.messages[max(one.begin, self.covered) : one.end], MOST_CHARS)
            chars += len(text)
            if said and chars > MOST_CHARS:
                break
            said.append(text)
            until = one.end
        if not any(said):
            return None
        return Wanted(
            settings=settings,
            digest=self.digests[until],
            place=place,
            messages=sum(not is_instruction(message) for message in self.request.messages[:until]),
            before=self.found,
            said="\n\n".join(each for each in said if each),
        )

    def _open(self) -> list[Round]:
        """The rounds that may be left out and are not covered, or not to their end."""
        return [one for one in self.rounds if not one.is_kept and one.end > self.covered]

    def _place(self, sizes: Sequence[int], after_tokens: int) -> bytes | None:
        """The digest of what ends where more than `after_tokens` have come together: more turns do not change it."""
        tokens = 0
        for one, size in zip(self.rounds, sizes, strict=True):
            if not one.is_kept and one.end > self.covered:
                tokens += size
                if tokens > after_tokens:
                    return self.digests[one.end]
        return None


class Summaries:
    """`most_bytes` bounds what is kept, the least lately used going first.  From any thread."""

    def __init__(self, clock: Clock, *, most_bytes: int = 16 << 20) -> None:
        self._clock = clock
        self._most_bytes = most_bytes
        # Nobody who can choose what is said can choose a digest.
        self._secret = os.urandom(32)
        self._lock = threading.Lock()
        self._known: OrderedDict[bytes, tuple[Summary, int, float]] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._known)

    @property
    def size_bytes(self) -> int:
        return self._bytes

    def past(self, request: ChatRequest, rounds: Sequence[Round], whose: Principal) -> Past | None:
        """What of the conversation may be left out, with the summary of as much of it as there is one for.

        None where no message could carry one.
        """
        if not request.messages or not begins_round(request.messages[last_question(request.messages)]):
            return None
        end = next((one.begin for one in rounds if one.is_kept), len(request.messages))
        digests = self._digests(request.messages[:end], _scope(whose, request.model))
        for at in range(end, 0, -1):
            found = self._find(digests[at])
            if found is not None:
                return Past(request, rounds, digests, found, at)
        return Past(request, rounds, digests, None, 0)

    def keep(self, digest: bytes, summary: Summary, *, for_s: float) -> None:
        """Keep what stands for the beginning with this digest."""
        size = len(summary.text.encode("utf-8", "surrogatepass")) + _OVERHEAD_BYTES
        if size > self._most_bytes:
            return
        with self._lock:
            self._drop(digest)
            self._known[digest] = (summary, size, self._clock.monotonic() + for_s)
            self._bytes += size
            while self._bytes > self._most_bytes:
                self._drop(next(iter(self._known)))

    def sweep(self) -> None:
        """Forget what is over."""
        now_s = self._clock.monotonic()
        with self._lock:
            for digest in [digest for digest, (_, _, until_s) in self._known.items() if until_s <= now_s]:
                self._drop(digest)

    def _find(self, digest: bytes) -> Summary | None:
        with self._lock:
            entry = self._known.get(digest)
            if entry is None:
                return None
            summary, _, until_s = entry
            if until_s <= self._clock.monotonic():
                self._drop(digest)
                return None
            self._known.move_to_end(digest)
            return summary

    def _digests(self, messages: Sequence[Message], scope: bytes) -> list[bytes]:
        digest = self._digest(b"", scope)
        found = [digest]
        for message in messages:
            if not is_instruction(message):
                digest = self._digest(digest, dumps(_unmarked(message)))
            found.append(digest)
        return found

    def _digest(self, before: bytes, what: bytes) -> bytes:
        # What comes before is empty or of one length, so no two pairs are written alike.
        return blake2b(before + what, key=self._secret, digest_size=16).digest()

    def _drop(self, digest: bytes) -> None:
        entry = self._known.pop(digest, None)
        if entry is not None:
            self._bytes -= entry[1]


def _scope(whose: Principal, model: str) -> bytes:
    return dumps((whose.tenant, model, sorted(set(whose.groups))))


def _unmarked(message: Message) -> Message:
    """Without the marks for a provider's cache, which move from turn to turn."""
    if not any(isinstance(part, _MARKED) and "cache_control" in part.extras for part in message.parts):
        return message
    return msgspec.structs.replace(message, parts=tuple(map(_unmarked_part, message.parts)))


def _unmarked_part(part: Part) -> Part:
    if not isinstance(part, _MARKED) or "cache_control" not in part.extras:
        return part
    extras = {name: value for name, value in part.extras.items() if name != "cache_control"}
    return msgspec.structs.replace(part, extras=extras)


def noted(summary: Summary) -> str:
    """A summary as it stands in a prompt."""
    many = f"the {summary.messages} earlier messages" if summary.messages > 1 else "the earlier message"
    return f"[Summary of {many}, written by a model from what was said:\n{summary.text}\nEnd of the summary.]"


def with_note(messages: Sequence[Message], note: str) -> tuple[Message, ...]:
    """`note` before what the first message says in which a user says something."""
    for at, message in enumerate(messages):
        if begins_round(message):
            return (*messages[:at], _noting(message, note), *messages[at + 1 :])
    raise ValueError("no message can carry the summary")


def _noting(message: Message, note: str) -> Message:
    at = next(at for at, part in enumerate(message.parts) if not isinstance(part, ToolResultPart))
    first = message.parts[at]
    if isinstance(first, TextPart) and text_of(first) is not None:
        # In one text: not every server takes several where it takes one.
        new: tuple[Part, ...] = (msgspec.structs.replace(first, text=f"{note}\n\n{first.text}"),)
    else:
        new = (TextPart(note), first)
    return msgspec.structs.replace(message, parts=(*message.parts[:at], *new, *message.parts[at + 1 :]))
