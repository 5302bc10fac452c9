"""What is kept: turns, each with what was asked and what was answered, and whose they are.

Items are those of OpenAI's Responses API, whatever dialect a turn came in.  Their texts are in masked space: personal
data stands there as tokens, and what these stand for lies beside them, sealed with the turn.
"""

from secrets import token_hex
from typing import Any, Final, TypeAlias

import msgspec

from penstock.core.exchange import Principal

Item: TypeAlias = dict[str, Any]
"""A `core.json.JsonObject`, for msgspec, which reads no type that names itself."""

CONVERSATION: Final = "conv_"
RESPONSE: Final = "resp_"
ADDED: Final = "items_"
"""Before the id of a turn that no model answered: its items were added."""
MOST_ID_CHARS: Final = 100


class Owner(msgspec.Struct, frozen=True):
    """Whose: `holder` is the user, or the key where nobody is named.  To everybody else it is not there."""

    tenant: str
    holder: str


def owner_of(who: Principal) -> Owner:
    """A user whose id reads like a key is still another."""
    return Owner(who.tenant, user_holder(who.user) if who.user else f"key:{who.key}")


def user_holder(user: str) -> str:
    """As it stands in the store."""
    return f"user:{user}"


def is_kept_text(owner: Owner) -> bool:
    """Whether PostgreSQL can hold whose it is."""
    whose = owner.tenant + owner.holder
    return "\x00" not in whose and not any("\ud800" <= each <= "\udfff" for each in whose)


def new_conversation_id() -> str:
    return CONVERSATION + token_hex(24)


def new_added_id() -> str:
    return ADDED + token_hex(16)


def response_id(exchange: str) -> str:
    """Of an exchange's answer: it begins with when that was asked for, in milliseconds."""
    return RESPONSE + exchange.removeprefix("ex_")


def is_younger(response: str, than_s: float, *, now: float) -> bool:
    """Whether an id is one of ours and of so short a time ago that its turn may still be under way to the store."""
    try:
        asked_at = int(response.removeprefix(RESPONSE)[:12], 16) / 1000
    except ValueError:
        return False
    return abs(now - asked_at) < than_s


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """What a turn says; sealed wherever it lies.

    `given` are the caller's items, `said` the model's.  `response` is the response object without its output, None
    where no API shows one.  `values` are what tokens of the turn stand for, `withheld` those that its caller must not
    see.
    """

    given: tuple[Item, ...]
    said: tuple[Item, ...] = ()
    response: Item | None = None
    values: dict[str, str] = {}
    withheld: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Without what was said."""
        return f"Body({len(self.given)} given, {len(self.said)} said)"


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """How much is kept: of a conversation, and of answers without one for each user."""

    most_turns: int
    most_bytes: int
    most_answers: int


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One turn as the outbox and the store have it.

    `began_at` is when it was asked for: an erasure since then forbids it.  `exchange` holds the conversation meanwhile.
    """

    id: str
    owner: Owner
    thread: str
    conversation: str | None
    previous: str | None
    hold: str | None
    exchange: str
    began_at: float
    created_at: float
    expires_at: float
    size_bytes: int
    sealed: str
    bounds: Bounds


decode_turn = msgspec.json.Decoder(Turn).decode


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A turn as it was read, opened."""

    id: str
    thread: str
    conversation: str | None
    previous: str | None
    hold: str | None
    created_at: float
    expires_at: float
    size_bytes: int
    body: Body
