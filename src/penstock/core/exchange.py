"""The life of one request, from the first byte in to settlement.

An `Exchange` belongs to one task and is the only mutable thing on the request path.  Stages read and replace its
request, add facts and take leases; the engine alone sets its end.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

from penstock.core.chat import ChatRequest, Dialect, Request
from penstock.core.ends import End
from penstock.core.errors import PenstockError
from penstock.core.facts import AnyFact, LeaseTaken
from penstock.core.ids import ExchangeId
from penstock.core.sources import Passage
from penstock.core.usage import UNKNOWN_COST, UNKNOWN_USAGE, Cost, Usage

if TYPE_CHECKING:
    from penstock.core.ports import Lease, Route, Target

WhyExtra = Literal["broken_off", "hedge", "repaired", "second_opinion", "agreement"]
"""A call that failed without an answer's status, that lost against a second one, whose answer was of no use, of two
opinions the one that was not given, or that was made to see whether the model says the same again."""

BudgetAction = Literal["cheaper_tier", "cache_only"]
"""How an exchange is to go on for which a budget has no room: at a cheaper tier, or from the cache alone."""

GonePolicy = Literal["abort", "drain"]
"""What to do when the client leaves: close upstream at once, or read on (bounded) for the exact usage."""

CacheStatus = Literal["hit", "similar", "shared", "miss", "bypass"]
"""Where an answer came from: kept for this request, kept for one that means the same, made at this moment for an equal
request, made for this one, or made for this one with the cache left aside."""

Priority = Literal["interactive", "standard", "batch"]
"""How long a request may wait where there is not room for all."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The authenticated caller.  `key` is the id of the credential, never the credential.

    `models` are the model names that it may ask for, each exact or ending in `*`; None is every one, empty is none.
    `weight` is its tenant's share beside other tenants.  `spans_tenants` says that its roles hold for every tenant.
    """

    tenant: str
    key: str
    user: str | None = None
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    project: str | None = None
    models: tuple[str, ...] | None = None
    priority: Priority = "interactive"
    feature: str | None = None
    weight: float = 1.0
    spans_tenants: bool = False


class ExtraCall(msgspec.Struct, eq=False):
    """A call beside the one that answered, which the provider may bill all the same.

    `usage` is what the provider said of it; None where it said nothing, and then its prompt is counted and, of its
    output, `said`, in which there are `calls` of tools.  `is_whole` says that it was asked for its answer in one piece:
    that may have been made in full without our having seen any of it.  Settlement sets the usage where it is None, and
    the cost.
    """

    target: "Target"
    why: WhyExtra
    usage: Usage | None = None
    cost: Cost = UNKNOWN_COST
    said: str = ""
    is_whole: bool = False
    calls: int = 0


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller says of the cache, in the words of RFC 9111: `max_age_s` is how old an answer may be.

    `tier` is the level of the model that it asks for; `purpose` what personal data in the answer is wanted for;
    `conversation` the caller's own name for what this is a turn of; `person` that a person is wanted, and no model.
    `memory` is the id of the conversation that is kept here and that this is a turn of.
    """

    no_cache: bool = False
    no_store: bool = False
    only_if_cached: bool = False
    max_age_s: float | None = None
    tier: str | None = None
    purpose: str | None = None
    conversation: str | None = None
    person: bool = False
    memory: str | None = None


NO_WISHES = Wishes()


class CacheMark(msgspec.Struct, frozen=True):
    """What the cache did for an exchange.  `similarity` is that of two questions that mean the same, `is_verified` says
    that a person stands for the answer.  `made_from` are the documents that a kept answer was made from, each as
    `<id>:<version>`.
    """

    status: CacheStatus
    age_s: float = 0.0
    similarity: float | None = None
    is_verified: bool = False
    made_from: tuple[str, ...] = ()


class HoldReason(msgspec.Struct, frozen=True):
    """Why the answer is to be held for a person: `by` is a guard's or a rule's name, `rule` what of it decided."""

    by: str
    rule: str | None = None
    score: float | None = None


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """What an exchange is a turn of, among what is kept here.

    `response` is the id of its answer, `previous` that of the turn before it.  `thread` is the same for all that
    follow from one beginning.  `keeps` says that the turn is to be kept too.  `values` are what the tokens of the turns
    before stand for; `delivered` what people have said since, in masked space, and `releases` the holds it is of.
    """

    response: str
    thread: str
    conversation: str | None = None
    previous: str | None = None
    keeps: bool = True
    values: Mapping[str, str] = {}
    delivered: tuple[str, ...] = ()
    releases: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Without what was said."""
        return f"Remembered({self.response})"


class Exchange(msgspec.Struct, kw_only=True, eq=False):
    """See the module.  Times with `_s` in their name are on the clock's monotonic scale, except `started_at` (Unix).

    `asked` is the request as its caller wrote it, for showing it back to him and for nothing else: what stages make of
    it is `request`. `config_hash` is of what was in force when it had been read whole. `body_bytes` is what it took on
    the wire, 0 where nobody counted. `usage` and `cost` are those of all its calls together. `is_canned` says that the
    answer was written beforehand, for when no model gives one; `is_refused` that a guard refused the request, and the
    answer is only that. `topic` is what its question is about, of those that the model's scope names; None where nobody
    looked. `spared_tokens` is what its prompt was shortened by, `dearest` the target that it would have gone to were
    there no choice; what that saves is settled with the cost. `cache` is None where no cache was asked. `passages` are
    what the answer may be grounded in, `confidence` what is thought of it, None where nobody asked. `hold_reasons` ask
    for a person, and `hold` is the id of the hold that came of it: then the answer is only the hand-over. `memory` is
    None where nothing is kept. A struct because one is made for every request, and that at a third of a dataclass's
    cost.
    """

    id: ExchangeId
    principal: Principal
    request: Request
    dialect: Dialect
    started_at: float
    began_s: float
    deadline_s: float
    gone_policy: GonePolicy
    asked: Request | None = None
    config_hash: str = ""
    body_bytes: int = 0
    facts: list[AnyFact] = []
    leases: "list[Lease]" = []
    route: "Route | None" = None
    target: "Target | None" = None
    attempts: int = 0
    first_event_s: float | None = None
    usage: Usage = UNKNOWN_USAGE
    cost: Cost = UNKNOWN_COST
    extra_calls: list[ExtraCall] = []
    spared_tokens: int = 0
    dearest: "Target | None" = None
    budget_action: BudgetAction | None = None
    is_canned: bool = False
    is_refused: bool = False
    topic: str | None = None
    wishes: Wishes = NO_WISHES
    cache: CacheMark | None = None
    passages: tuple[Passage, ...] = ()
    confidence: float | None = None
    hold_reasons: list[HoldReason] = []
    hold: str | None = None
    memory: Remembered | None = None
    end: End | None = None
    error: PenstockError | None = None

    def __repr__(self) -> str:
        """Its id alone: a traceback or a log line must not show what the caller wrote."""
        return f"Exchange({self.id})"

    @property
    def operation(self) -> str:
        return "chat" if isinstance(self.request, ChatRequest) else "embeddings"

    def take(self, lease: "Lease", *, at_s: float) -> None:
        """Hold `lease` until settlement, which gives it back exactly once however the exchange ends."""
        self.leases.append(lease)
        self.facts.append(LeaseTaken(at_s=at_s - self.began_s, lease=lease.name))
