"""One kept answer, and what drops it: the values that the exact and the semantic cache share.

An entry is made when an exchange has ended well (`exact.ExactCache`), lies in memory (`shelf`) and in PostgreSQL
(`store`), and is read back as the events of an answer.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, cast

import msgspec

from penstock.core.events import Citation, Event, Finish, Notice, Start, Text, ToolCall, UsageReport, Vector
from penstock.core.usage import Usage

EntryKind: TypeAlias = Literal["exact"]
"""Found by its key alone."""

_OVERHEAD_BYTES = 1_000
"""What an entry takes in memory beside its bytes: the struct, its texts, its place in the tables."""


def _usage_report(usage: dict[str, Any]) -> UsageReport:
    return UsageReport(Usage(**usage))


_KINDS: Mapping[str, Callable[..., Event]] = MappingProxyType(
    {
        "start": Start,
        "text": Text,
        "tool_call": ToolCall,
        "finish": Finish,
        "vector": Vector,
        "notice": Notice,
        "citation": Citation,
        "usage": _usage_report,
    }
)
"""By the tag of each: a decoder of the union itself cannot be had, since a JSON value's type refers to itself."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[dict[str, Any]])


VERIFIED = "verified"
"""The tag of an answer that a person stands for."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A complete, judged answer.

    `id` is that of the exchange that made it.  `partition` says who may have it, and `key` which request it answers:
    both are digests (`key.Keys`).  Times are Unix seconds; `created_at` is when that request came, so that the age is
    never understated.  `events` are the answer's, as `encode_events` writes them.  Tokens and money are what it took
    then; `cost_nanousd` is None where nobody knows.  `pace_tokens_per_s` is how fast it was streamed, where it was.
    `tags` name what it was made from (documents it cites, a release), and drop it when that changes.
    """

    id: str
    kind: EntryKind
    key: bytes
    partition: bytes
    tenant: str
    model: str
    target: str
    events: bytes
    created_at: float
    expires_at: float
    input_tokens: int = 0
    output_tokens: int = 0
    cost_nanousd: int | None = None
    pace_tokens_per_s: float | None = None
    tags: tuple[str, ...] = ()

    @property
    def documents(self) -> tuple[str, ...]:
        """Of the tags those that are documents in their version, `<id>:<version>`."""
        return tuple(tag for tag in self.tags if tag.rpartition(":")[2].isdecimal() and ":" in tag)

    @property
    def size_bytes(self) -> int:
        """About what it takes in memory."""
        return len(self.events) + sum(map(len, self.tags)) + _OVERHEAD_BYTES


class Drop(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries must go: those that agree with every field that is set.  With none set, all.

    `answer` is one entry's `id`; with it nothing else is set.
    """

    tenant: str | None = None
    model: str | None = None
    tag: str | None = None
    answer: str | None = None

    def matches(self, entry: Entry) -> bool:
        return (
            (self.tenant is None or self.tenant == entry.tenant)
            and (self.model is None or self.model == entry.model)
            and (self.tag is None or self.tag in entry.tags)
            and (self.answer is None or self.answer == entry.id)
        )


def encode_events(events: Sequence[Event]) -> bytes:
    """As `decode_events` reads them."""
    return _encoder.encode(events)


def decode_events(data: bytes) -> tuple[Event, ...]:
    """Raises `msgspec.DecodeError` where they were not written by an `encode_events` that this version understands."""
    try:
        return tuple([_KINDS[fields.pop("type")](**fields) for fields in _decoder.decode(data)])
    except (KeyError, TypeError) as error:
        raise msgspec.DecodeError("no event of this version") from error


def joined(events: Iterable[Event]) -> list[Event]:
    """The same answer in as few events as can be: pieces that follow each other become one.

    So what is kept does not depend on how a provider cut it.  Pieces with probabilities or a signature stay as they
    are.
    """
    found: list[Event] = []
    pieces: list[str] = []
    first: Text | ToolCall | None = None

    def close() -> None:
        if first is None:
            return
        whole = "".join(pieces)
        if isinstance(first, Text):
            found.append(msgspec.structs.replace(first, text=whole))
        else:
            found.append(msgspec.structs.replace(first, arguments=whole))

    for event in events:
        kind = type(event)
        if kind is Text:
            text = cast("Text", event)
            if isinstance(first, Text) and _is_plain(text) and _same_part(first, text):
                pieces.append(text.text)
                continue
            close()
            first, pieces = None, []
            if _is_plain(text):
                first, pieces = text, [text.text]
                continue
        elif kind is ToolCall:
            call = cast("ToolCall", event)
            if isinstance(first, ToolCall) and _continues(first, call):
                pieces.append(call.arguments)
                continue
            close()
            first, pieces = None, []
            if call.signature is None:
                first, pieces = call, [call.arguments]
                continue
        else:
            close()
            first, pieces = None, []
        found.append(event)
    close()
    return found


def _is_plain(text: Text) -> bool:
    return text.logprobs is None and text.signature is None


def _same_part(first: Text, text: Text) -> bool:
    return first.choice == text.choice and first.channel == text.channel and first.part == text.part


def _continues(first: ToolCall, call: ToolCall) -> bool:
    return (
        first.choice == call.choice
        and first.index == call.index
        and call.signature is None
        and call.id in {"", first.id}
        and call.name in {"", first.name}
        and call.kind == first.kind
    )
