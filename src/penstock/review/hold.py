"""A hold: an answer kept back for a person, with all that the person needs to judge it.

The data plane writes it, the queue keeps it, and nothing in it changes afterwards: what becomes of it is the queue's.
Every text is in masked space, personal data as tokens.
"""

from hashlib import sha256
from typing import Annotated, Literal, TypeAlias, get_args

import msgspec

from penstock.core.clock import Clock
from penstock.core.ids import new_exchange_id
from penstock.core.sources import Passage

State: TypeAlias = Literal["waiting", "claimed", "approved", "edited", "rejected", "taken_over", "expired"]
OPEN: frozenset[State] = frozenset({"waiting", "claimed"})

Outcome: TypeAlias = Literal["approved", "edited", "rejected", "taken_over"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
"""What a person can decide."""

Reason: TypeAlias = Literal[
    "hallucination", "overconfidence", "incomplete", "missed_escalation", "policy", "off_topic", "tone"
]
REASONS: tuple[Reason, ...] = get_args(Reason)
"""The ways in which an answer fails."""

StepAction: TypeAlias = Literal["escalate", "raise", "release", "reject"]

PREFIX = "hold_"
MOST_URGENT = 9
Priority = Annotated[int, msgspec.Meta(ge=0, le=MOST_URGENT)]

_LONGEST_NAME_BYTES = 1000


class Turn(msgspec.Struct, frozen=True):
    """One message of what was asked, as text: what is no text stands there as a word in brackets."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    text: str


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a guard said of question or answer: its rule's id, what it did, and how sure it was."""

    rule: str
    action: str
    score: float | None = None
    note: str = ""


class OverdueStep(msgspec.Struct, frozen=True, kw_only=True):
    """What is done once a hold is overdue, without a person.

    `escalate` gives it to `group`; `raise` to `priority`, where that is more urgent; after both it is due anew, within
    `within_s`, and then comes the next step.  `release` gives the answer with `text` before it, `reject` gives `text`
    alone; both end it.
    """

    action: StepAction
    group: str = ""
    priority: Priority = MOST_URGENT
    text: str = ""
    within_s: float = 3600.0


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """One answer that waits for a person.

    `id` is what it is known by everywhere: two of one id are one.  `key` and `user` are who asked, `group` who is to
    judge it (empty: any reviewer of the tenant), `priority` 0 to 9, the most urgent.  `rule` and `reason` say why it is
    held.  `overdue` are the steps for when nobody has decided by `due_at`.  `hand_over` is what the caller was
    told, in `language`.  `cache_key` and `cache_partition` are the digests, in hexadecimal, under which a cache would
    keep the answer; `sealed` is what its tokens stand for, which only the data plane can open.  Times are Unix seconds.
    """

    id: str
    exchange: str
    tenant: str
    model: str
    key: str
    question: tuple[Turn, ...]
    answer: str
    rule: str
    reason: str
    created_at: float
    due_at: float
    user: str | None = None
    conversation: str | None = None
    sources: tuple[Passage, ...] = ()
    verdicts: tuple[Found, ...] = ()
    confidence: float | None = None
    group: str = ""
    priority: Priority = 5
    overdue: tuple[OverdueStep, ...] = ()
    hand_over: str = ""
    language: str = ""
    is_sampled: bool = False
    cache_key: str | None = None
    cache_partition: str | None = None
    sealed: str | None = None


_decoder = msgspec.json.Decoder(Hold)


def new_hold_id(clock: Clock) -> str:
    """`hold_` and 32 hexadecimal digits: sorting by time, and not to be guessed."""
    return PREFIX + new_exchange_id(clock).removeprefix("ex_")


def named(name: str) -> str:
    """A name that somebody outside chose, as it is kept and looked for: a very long one by its digest.

    An index has no place for it, and what the database refuses would stay in the outbox for good.
    """
    sound = name.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    found = sound.encode()
    return sound if len(found) <= _LONGEST_NAME_BYTES else f"sha256:{sha256(found).hexdigest()}"


def decode_hold(payload: bytes) -> Hold:
    """A hold out of its JSON.  Raises `msgspec.DecodeError`."""
    return _decoder.decode(payload)
