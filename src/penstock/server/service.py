"""What the data plane is made of, put together in `app`: one frozen value, replaced whole when the config changes."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import msgspec

from penstock.core.clock import Clock
from penstock.core.errors import PenstockError
from penstock.core.exchange import Exchange, GonePolicy, Principal
from penstock.core.feedback import Feedback, Remark
from penstock.core.happenings import Happening
from penstock.core.json import JsonObject
from penstock.core.ports import ClientDialect
from penstock.core.sources import Passage
from penstock.flow.engine import Engine
from penstock.memory.desk import Desk

Readiness = Literal["ready", "degraded", "not_ready"]


@dataclass(frozen=True, slots=True)
class Health:
    """`degraded` still serves and says what is wrong; `not_ready` does not serve."""

    status: Readiness
    reasons: tuple[str, ...] = ()
    details: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`config.types.Server`, as far as a request meets it; times in seconds, sizes in bytes."""

    body_limit_bytes: int
    body_timeout_s: float
    keep_alive_comment_s: float
    deadline_s: float
    on_client_gone: GonePolicy


AnswerHeaders = Callable[[Exchange], Sequence[tuple[str, str]]]
"""What an answer's headers say besides, whether it is an answer or an error: of limits, for one."""


class Spoken(msgspec.Struct, frozen=True):
    """What a person wrote to the conversation; `at` is Unix seconds."""

    at: float
    text: str


class HoldView(msgspec.Struct, frozen=True, kw_only=True):
    """`status` is `waiting`, `released` (with its `answer`), `rejected` (with what is to be said instead),
    `taken_over`: a person goes on with the conversation, in `messages`; or `withdrawn`: a document that the answer was
    made from may not be read by its caller any more, or is gone, and so there is nothing to show.
    """

    id: str
    status: str
    exchange: str
    model: str
    created_at: float
    hand_over: str
    answer: str | None = None
    messages: tuple[Spoken, ...] = ()


FindHold = Callable[[str, Principal], Awaitable[HoldView | None]]
"""The hold as this caller sees it; None where there is none for it.  Raises `Overloaded` where nobody can tell."""


class ClaimView(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer states from `start` to `end`, in characters, and what its sources say of it.

    `verdict` is `supported`, `contradicted` or `not_found`; `probability` that of its being supported.  `source` is the
    id of the one that comes nearest, and `quote` what of it was compared.  `reasons` are the checks that it failed.
    """

    text: str
    start: int
    end: int
    verdict: str
    probability: float
    source: str | None
    quote: str
    reasons: tuple[str, ...]


class GroundingView(msgspec.Struct, frozen=True, kw_only=True):
    """The claims of an answer in their order.  `support` is their mean chance, None where it states nothing."""

    claims: tuple[ClaimView, ...]
    supported: int
    contradicted: int
    not_found: int
    support: float | None


Ground = Callable[[str, Sequence[Passage]], Awaitable[GroundingView]]
"""Holds an answer against sources.  Raises `GuardUnavailable` where it cannot now."""

TakeFeedback = Callable[[Principal, Feedback | None, Remark | None], Awaitable[None]]
"""Makes both safe before it returns, the remark's texts masked.  Raises `LedgerUnavailable`, `GuardUnavailable`, and
`UnsupportedField` where texts are not taken."""

TakeHappening = Callable[[Happening], None]
"""Has it in a file before it returns.  Raises `LedgerUnavailable`."""


def no_headers(exchange: Exchange) -> Sequence[tuple[str, str]]:
    """Nothing besides."""
    del exchange
    return ()


class Authenticate(Protocol):
    """Who calls, by the value of `authorization` and of `x-api-key` (or `api-key`).  Raises `AuthError`."""

    def __call__(self, authorization: str | None, api_key: str | None) -> Principal: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsPage:
    """GET /v1/models in both vendors' shapes, with what the caller may ask for; `one` raises `UnknownModel`."""

    everything: Callable[[Principal, bool], bytes]
    one: Callable[[Principal, str, bool], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    engine: Engine
    authenticate: Authenticate
    dialects: Mapping[str, ClientDialect]
    """By path: `/v1/chat/completions` and so on."""
    models: ModelsPage
    limits: Limits
    clock: Clock
    config_hash: str
    health: Callable[[], Health]
    metrics: Callable[[], bytes]
    refused: Callable[[PenstockError], None]
    """Hears of requests that were refused before they became an exchange: they are counted, not recorded."""
    take_feedback: TakeFeedback
    take_happening: TakeHappening
    find_hold: FindHold
    ground: Ground | None
    memory: Desk | None
    """What is kept of conversations; None where no model keeps any."""
    openapi: JsonObject
    answer_headers: AnswerHeaders = no_headers
