"""What the engine needs of the world, as protocols of at most five methods.

`flow` calls these and nothing else; `app` hands it the real things and `penstock.testing` publishes fakes and kits.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from penstock.core.answer import Answer
from penstock.core.chat import Dialect, Request
from penstock.core.errors import PenstockError
from penstock.core.events import Event
from penstock.core.exchange import Exchange
from penstock.core.outcome import Outcome
from penstock.core.record import Settled
from penstock.core.usage import Cost, Usage


class Source(Protocol):
    """An answer being read from a provider.

    `read` returns the next events as soon as there are any (at least one), or None once the answer is complete.  It
    raises an `UpstreamError` where the provider fails or stops before its dialect says that the answer is over, and
    is cancellation-safe in the sense that `close` may follow a cancelled `read`.
    `close` gives the connection back or, mid-answer, drops it so that the provider notices.  It never waits, never
    raises, and is called exactly once, by whoever called `open`.
    `headers` are those of the answer, by name in lower case: providers announce their limits there.
    """

    @property
    def headers(self) -> Mapping[str, str]: ...
    async def read(self) -> Sequence[Event] | None: ...
    def close(self) -> None: ...


class Provider(Protocol):
    """One upstream service with its credential, speaking one dialect.

    `advisory` names the request fields that `open` would leave out for this provider because it has no place for them
    and they cannot change the answer.  `open` sends the request and returns once the answer's head is in; a cancelled
    or failed `open` leaves nothing open.  Raises `UnsupportedField` before any byte is sent where this provider cannot
    do what is asked, `UpstreamError` where the call fails.  `timeout_s` bounds the wait for the head.
    """

    @property
    def name(self) -> str: ...
    @property
    def dialect(self) -> Dialect: ...
    def advisory(self, request: Request) -> Sequence[str]: ...
    async def open(self, request: Request, model: str, *, timeout_s: float) -> Source: ...
    async def aclose(self) -> None:
        """Close the connections; no `open` follows."""
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """One provider and one model of it, in one region.

    `streams_whole` says that an answer that the client wants in one piece may be asked for as a stream here: one that
    is dropped before its end then costs what it had said, and its usage is told all the same.
    """

    name: str
    provider: Provider
    model: str
    region: str | None = None
    streams_whole: bool = False


FailureCause = Literal["down", "limited", "slow", "context_too_long", "content_refused", "invalid_answer"]
"""Why a route's own targets gave no answer, as far as others may help; the last is an answer of another form than the
one that was asked for.
"""


@dataclass(frozen=True, slots=True)
class Fallback:
    """A step down: what to do when there was no answer for one of `causes`.  Either other targets, or a text."""

    causes: frozenset[FailureCause]
    targets: tuple[Target, ...] = ()
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """How a model name finds its answer: targets in the order in which they are tried, and how often.

    `is_balanced` makes them equals, of which the less loaded is tried first.  `is_hedged` allows a second call beside
    one that is late.  `fallbacks` are the steps that follow, in order; each is taken where it names the cause of the
    last failure.  `cheaper` is where a request goes that a budget lets through only at a cheaper tier.
    """

    name: str
    targets: tuple[Target, ...]
    max_attempts: int = 2
    fallbacks: tuple[Fallback, ...] = ()
    is_balanced: bool = False
    is_hedged: bool = False
    cheaper: "Route | None" = None

    def helps_with(self, cause: FailureCause) -> bool:
        return any(cause in each.causes for each in self.fallbacks)


class Answered(Protocol):
    """What came back from a provider with headers: a `Source`, or an `UpstreamError`."""

    @property
    def headers(self) -> Mapping[str, str]: ...


class Permit(Protocol):
    """One place at a target, for one call.  `close` gives it back; only the first `close` counts."""

    @property
    def waited_s(self) -> float: ...
    def heed(self, answer: Answered) -> None:
        """Take in what an answer's headers say of the provider's limits; they are looked at only where they may."""
        ...

    def first_event(self, latency_s: float) -> None: ...
    def close(self, outcome: Outcome) -> None: ...


class RouteCalls(Protocol):
    """What the exchanges of one route have in common: how much they may call beyond the first call of each.

    `may_retry` and `may_hedge` take a call out of the budget for more.  `hedge_after_s` is how late a call to `target`
    must be before a second one is worth it, None where that is not known.  `order` puts equal targets in the order in
    which they are best tried.
    """

    def may_retry(self) -> bool: ...
    def may_hedge(self) -> bool: ...
    def hedge_after_s(self, target: Target) -> float | None: ...
    def order(self, targets: Sequence[Target]) -> Sequence[Target]: ...


class Gates(Protocol):
    """What stands before the targets: queue, learned and announced limits, breaker; and what bounds further calls.

    `enter` waits for a place where it must, and raises `CircuitOpen`, `Overloaded` or `QueueTimeout` where there will
    be none in time; with `has_choice`, where it is not worth the wait while other targets are up.  `try_enter` has
    one at once or not at all.  `begin` is told of each exchange that goes to a route,
    and `settled` of each that ends on a route that may be hedged.
    """

    def is_up(self, target: Target) -> bool: ...
    def enter(self, exchange: Exchange, target: Target, *, has_choice: bool = False) -> Awaitable[Permit]: ...
    def try_enter(self, exchange: Exchange, target: Target) -> Permit | None: ...
    def begin(self, route: Route) -> RouteCalls: ...
    def settled(self, exchange: Exchange) -> None: ...


class Allowance(Protocol):
    """What an exchange may use beyond what it was admitted with.

    `reserve_call` is asked before every call but the first to the route's first target: it reserves what only the
    limits on `target` ask and, with `is_extra`, once more what a call uses, as one before or beside it may be billed
    too.  Raises `RateLimited`, `BudgetExhausted` or `Overloaded`; then that call is not made.
    """

    async def reserve_call(self, exchange: Exchange, target: Target, *, is_extra: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class Samples:
    """What a model said when it was asked again: the texts that came, of the `asked` calls that were made."""

    texts: tuple[str, ...] = ()
    asked: int = 0


class Sampler(Protocol):
    """Asks the target of an exchange's answer the same again: `count` times at once, each time for one answer in text.

    What comes back after `within_s`, fails, or has no place or no money at once, is left out: nobody waits for it, and
    the exchange goes on without it.  Every call is noted in the exchange as one beside its answer.  Nothing is left
    open when it returns or raises, cancelled or not.
    """

    async def __call__(self, exchange: Exchange, *, count: int, temperature: float, within_s: float) -> Samples: ...


class Filter(Protocol):
    """The response half of a stage, one for each exchange; a plain object that waits for nothing.

    Both methods take events in order and return what may go on (perhaps nothing yet, perhaps more than came in).  What
    comes out in the end must not depend on how the provider cut the text into events.  `finish` is called once, when
    the answer is complete, and releases whatever is held; it is not called on an answer that breaks off.  Either may
    raise `PolicyBlocked`, which ends the exchange as `blocked`.
    """

    def feed(self, events: Sequence[Event]) -> Sequence[Event]: ...
    def finish(self) -> Sequence[Event]: ...


class WaitingFilter(Filter, Protocol):
    """A filter that asks somebody: it holds what it is fed, and the pump waits for it in `judged`.

    `judged` is called after each `feed` and after `finish`, and returns what may go on now; it may raise as they may.
    """

    async def judged(self) -> Sequence[Event]: ...


@dataclass(frozen=True, slots=True)
class SetAside:
    """An answer that is whole and has passed nowhere yet: it is given where no better one comes `within_s`.

    `events` says what goes out of it, and is called once, if at all; that passes the filters behind the one of the
    stage called `stage`.
    """

    stage: str
    events: Callable[[], Sequence[Event]]
    within_s: float


class AskAgain(Exception):
    """Raised by a filter's `finish` or `judged` that has let nothing of the answer pass: another is to be asked for.

    `request` takes the place of the exchange's; `targets`, where there are any, those of its route.  `reason` is one
    word.  With `aside` the other answer is a second opinion: where there is none, or the filter raises `KeepFirst` of
    it, the one that was set aside is given.
    """

    def __init__(
        self, request: Request, *, reason: str, targets: Sequence[Target] = (), aside: SetAside | None = None
    ) -> None:
        super().__init__(reason)
        self.request = request
        self.reason = reason
        self.targets = tuple(targets)
        self.aside = aside


class KeepFirst(Exception):
    """Raised by a filter that has let nothing of a second opinion pass: the answer that was set aside is better."""


@dataclass(frozen=True, slots=True)
class Continue:
    """Go on to the next stage."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The stage has the answer itself (a cache hit, a canned text): no attempt is made.

    `rest` is read for what follows `events`, as from a provider; the engine closes it.
    """

    events: tuple[Event, ...]
    rest: Source | None = None


CONTINUE = Continue()


class Stage(Protocol):
    """One step of admission.

    `enter` may replace the exchange's request, take leases, add facts, answer, or refuse by raising a `ClientError` or
    `CapacityError`.  `filter` gives the response half, or None; it is asked for once, after every stage was entered.
    """

    @property
    def name(self) -> str: ...
    async def enter(self, exchange: Exchange) -> Continue | Reply: ...
    def filter(self, exchange: Exchange) -> Filter | None: ...


class Lease(Protocol):
    """A reservation, taken before the call.  `settle` is called exactly once, after the end; it never raises."""

    @property
    def name(self) -> str: ...
    def settle(self, exchange: Exchange) -> None: ...


class Sink(Protocol):
    """Where one exchange's answer goes: the client's dialect and its connection, as one object.

    `write` passes events on, encoded; a unary sink keeps them.  It raises `ClientGone` where the client is seen to
    have left.  `complete` is called once the answer is whole and before it is settled: a sink that can still find that
    it cannot write the answer must find it here, and raise.  `close` is called exactly once, after settlement, with the
    exchange's end and error set: it releases the last bytes of the answer, or the error in the client's dialect (an
    HTTP status before the first byte, the dialect's terminal event after it).
    """

    async def write(self, events: Sequence[Event]) -> None: ...
    def complete(self, exchange: Exchange) -> None: ...
    async def close(self, exchange: Exchange) -> None: ...


class ClientGone(Exception):
    """Raised by `Sink.write`: nobody is reading any more."""


class Ledger(Protocol):
    """`append` returns once the record would survive a crash of this process.  It never waits for a network."""

    def append(self, record: Settled) -> None: ...


class PriceList(Protocol):
    """What a usage costs at a target, by the prices of the Unix time `at`: when the exchange began.

    An unknown price is `UNKNOWN_COST`, never zero.
    """

    def cost(self, target: Target, usage: Usage, *, at: float) -> Cost: ...


class TokenCounter(Protocol):
    """Counts tokens where the provider did not: `estimated`, within a few per cent for known tokenizers."""

    def count_request(self, request: Request, model: str) -> int: ...
    def count_text(self, text: str, model: str) -> int: ...


class StreamEncoder(Protocol):
    """Writes one streamed answer in a client dialect.

    `feed` returns the bytes of whole SSE frames (perhaps none).  `finish` returns the frames that tell the client that
    the answer is whole; `fail` those that tell it that it is not.  One of the two is called, once, last.
    """

    def feed(self, events: Sequence[Event]) -> bytes: ...
    def finish(self) -> bytes: ...
    def fail(self, exchange: Exchange) -> bytes: ...


class HeaderView(Protocol):
    """A request's headers, by name in lower case."""

    def get(self, key: str) -> str | None: ...


class ClientDialect(Protocol):
    """One wire format towards clients.

    `parse` raises `MalformedRequest` or `UnsupportedField`.  `encode` writes a unary answer.  `encode_error` writes the
    body that goes with the error's status; only `error.public` is shown.
    """

    @property
    def name(self) -> Dialect: ...
    def parse(self, body: bytes, headers: HeaderView | None = None) -> Request: ...
    def encode(self, answer: Answer, exchange: Exchange) -> bytes: ...
    def stream(self, exchange: Exchange) -> StreamEncoder: ...
    def encode_error(self, error: PenstockError, exchange_id: str) -> bytes: ...
