"""What the data plane is made of, put together in `app`: one frozen value, replaced whole when the config changes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from penstock.core.clock import Clock
from penstock.core.errors import PenstockError
from penstock.core.exchange import Exchange, GonePolicy, Principal
from penstock.core.feedback import Feedback
from penstock.core.json import JsonObject
from penstock.core.ports import ClientDialect
from penstock.flow.engine import Engine

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


TakeFeedback = Callable[[Feedback], None]
"""Makes it safe before it returns.  Raises `LedgerUnavailable`."""


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
    openapi: JsonObject
    answer_headers: AnswerHeaders = no_headers
