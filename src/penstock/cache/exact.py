"""The exact cache: the same request gets the same answer, and of equal ones at the same time one is sent.

A stage behind the limits.  It answers from what is kept; where there is nothing, the request leads a flight that equal
ones wait for.  What the answer says is recorded behind the guards, and kept once the exchange has ended well.  The
order of things is `enter`, `filter`, and `settle` of the lease that hears of every end.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from penstock.cache.entry import VERIFIED, Entry, encode_events, joined
from penstock.cache.flights import Flights
from penstock.cache.key import Keys
from penstock.cache.policy import Policy, why_not_asked, why_not_kept
from penstock.cache.recording import Recording
from penstock.cache.replay import reply_paced
from penstock.cache.shelf import Shelf
from penstock.core.clock import Clock
from penstock.core.errors import NotCached
from penstock.core.events import Event
from penstock.core.exchange import CacheMark, CacheStatus, Exchange
from penstock.core.facts import CacheBypassed, CacheHit, CacheMissed, CacheStored
from penstock.core.ports import CONTINUE, Continue, Reply

_KINDS: Mapping[CacheStatus, str] = MappingProxyType({"hit": "exact", "shared": "shared"})
_LEAST_STREAMED_S = 0.05
_NOT_CACHED = "No answer to this request is kept, and only one that is kept was asked for (`only-if-cached`)."

Tags = Callable[[Exchange], Sequence[str] | None]
"""What an answer was made from, by the names that `Drop.tag` uses; None where it lacks what answers are made from."""
Kept = Callable[[Exchange, Entry], None]
"""Hears of every answer that is kept, once its exchange has ended."""


def no_tags(exchange: Exchange) -> Sequence[str]:
    del exchange
    return ()


def nobody(exchange: Exchange, entry: Entry) -> None:
    del exchange, entry


MayRest = Callable[[Exchange], bool]
"""Whether what is made of a request may be kept where this installation is."""


Fits = Callable[[Exchange, Entry], Awaitable[bool]]
"""Whether what an answer was made from still stands, and its caller may read it: asked of entries with tags."""


async def always(exchange: Exchange, entry: Entry) -> bool:
    """Where answers are made from nothing that changes."""
    del exchange, entry
    return True


def anywhere(exchange: Exchange) -> bool:
    """Where nobody has named a region."""
    del exchange
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How answers are given again, whose may rest here, and who is told of them."""

    may_rest: MayRest = anywhere
    pace_tokens_per_s: float = 60.0
    tags: Tags = no_tags
    fits: Fits = always
    on_kept: Kept = nobody


class ExactCache:
    """See the module.  `policies` are by model name; a model without one is not cached."""

    def __init__(
        self, policies: Mapping[str, Policy], keys: Keys, shelf: Shelf, clock: Clock, *, shown: Shown | None = None
    ) -> None:
        self._policies = policies
        self._keys = keys
        self._shelf = shelf
        self._clock = clock
        self._shown = shown if shown is not None else Shown()
        self._flights = Flights(clock)
        self._told = self._shown.on_kept

    @property
    def name(self) -> str:
        return "cache"

    def tell(self, kept: Kept) -> None:
        """Have `kept` hear of what is kept from now on, in place of `Shown.on_kept`."""
        self._told = kept

    @property
    def in_flight(self) -> int:
        """Answers that are being made and may be for others too."""
        return len(self._flights)

    async def enter(self, exchange: Exchange) -> Continue | Reply:
        """Answer from what is kept.  Raises `NotCached` where only that was asked for and there is nothing."""
        wishes = exchange.wishes
        policy = self._policies.get(exchange.request.model)
        if policy is None:
            if wishes.only_if_cached:
                raise NotCached(_NOT_CACHED)
            return CONTINUE
        reason = why_not_asked(exchange.request, policy.exact)
        if reason is None and not self._shown.may_rest(exchange):
            reason = "region"
        partition = self._keys.partition(
            exchange, share=policy.settings.share, fingerprint=policy.fingerprint, by_rights=policy.by_rights
        )
        key = None if reason is not None else self._keys.key(partition, exchange.request)
        if key is None:
            return self._pass_by(exchange, reason or "unwritable")
        if wishes.no_cache:
            self._pass_by(exchange, "no_cache")
            if not wishes.no_store and exchange.budget_action is None:
                self._make(exchange, policy, partition, key, is_leading=False)
            return CONTINUE
        entry = self._shelf.get(key)
        if entry is not None and await self.may_have(exchange, entry):
            return self._answer(exchange, policy, entry, "hit")
        if wishes.only_if_cached:
            entry = await self._elsewhere(exchange, key)
            if entry is None:
                raise NotCached(_NOT_CACHED)
            return self._answer(exchange, policy, entry, "hit")
        reason = "too_old" if entry is not None else "absent"
        return await self._join(exchange, policy, partition, key, reason=reason)

    def filter(self, exchange: Exchange) -> Recording | None:
        """The recording of an answer that is being made for others too."""
        for lease in exchange.leases:
            if type(lease) is _Making:
                return lease.record()
        return None

    def settled(self, exchange: Exchange, making: "_Making") -> None:
        """What `_Making` calls at the end of its exchange: keep the answer, and tell whoever waits for it."""
        is_made = making.has_whole and exchange.end in {"completed", "client_gone"}
        if not is_made:
            if making.is_leading:
                self._flights.hand_on(making.key)
            return
        at_s = self._clock.monotonic() - exchange.began_s
        entry = self._entry(exchange, making, at_s=at_s)
        if isinstance(entry, str):
            exchange.facts.append(CacheBypassed(at_s=at_s, reason=entry))
            if making.is_leading:
                self._flights.dissolve(making.key)
            return
        self._shelf.keep(entry, making.since)
        exchange.facts.append(CacheStored(at_s=at_s, lifetime_s=making.policy.exact.ttl_s))
        if making.is_leading:
            self._flights.land(making.key, entry, is_new=True)
        self._told(exchange, entry)

    def place_of(self, exchange: Exchange) -> tuple[str, str] | None:
        """Key and partition, in hexadecimal, under which the exchange's answer would be kept; None where it is not."""
        for lease in exchange.leases:
            if type(lease) is _Making:
                return lease.key.hex(), lease.partition.hex()
        return None

    def spoilt(self, exchange: Exchange, making: "_Making", reason: str) -> None:
        """What `_Making` calls as soon as the answer cannot be kept: nobody has to wait for its end."""
        exchange.facts.append(CacheBypassed(at_s=self._clock.monotonic() - exchange.began_s, reason=reason))
        if making.is_leading:
            making.is_leading = False
            self._flights.dissolve(making.key)

    async def _join(
        self, exchange: Exchange, policy: Policy, partition: bytes, key: bytes, *, reason: str
    ) -> Continue | Reply:
        """Lead, or wait for whoever does."""
        wishes = exchange.wishes
        # What a budget lets through in another form must not make the answer for everybody else.
        may_lead = exchange.budget_action is None and not wishes.no_store
        boarding = await self._flights.board(key, may_lead=may_lead, wait_s=policy.exact.wait_s)
        if not isinstance(boarding, str):
            if await self.may_have(exchange, boarding.entry):
                return self._answer(exchange, policy, boarding.entry, "shared" if boarding.is_new else "hit")
            boarding = "alone"
        making: _Making | None = None
        if boarding == "lead":
            making = self._make(exchange, policy, partition, key, is_leading=True)
        entry = await self._elsewhere(exchange, key)
        if entry is not None:
            if making is not None:
                making.is_leading = making.is_needed = False
                self._flights.land(key, entry, is_new=False)
            return self._answer(exchange, policy, entry, "hit")
        if wishes.no_store:
            return self._pass_by(exchange, "no_store")
        exchange.cache = CacheMark("miss")
        exchange.facts.append(CacheMissed(at_s=self._clock.monotonic() - exchange.began_s, reason=reason))
        return CONTINUE

    async def _elsewhere(self, exchange: Exchange, key: bytes) -> Entry | None:
        if not self._shelf.is_elsewhere(key):
            return None
        entry = await self._shelf.fetch(key)
        return entry if entry is not None and await self.may_have(exchange, entry) else None

    async def may_have(self, exchange: Exchange, entry: Entry) -> bool:
        """Whether the caller may be given what is kept: it is young enough, and what it was made from still stands."""
        if not self._is_young(entry, exchange):
            return False
        return not entry.tags or await self._shown.fits(exchange, entry)

    def _is_young(self, entry: Entry, exchange: Exchange) -> bool:
        most_s = exchange.wishes.max_age_s
        return most_s is None or self._clock.now() - entry.created_at <= most_s

    def _answer(self, exchange: Exchange, policy: Policy, entry: Entry, status: CacheStatus) -> Reply:
        age_s = max(0.0, self._clock.now() - entry.created_at)
        exchange.cache = CacheMark(status, age_s, is_verified=VERIFIED in entry.tags, made_from=entry.documents)
        exchange.facts.append(
            CacheHit(
                at_s=self._clock.monotonic() - exchange.began_s,
                kind=_KINDS[status],
                age_s=age_s,
                answer=entry.id,
                saved_input_tokens=entry.input_tokens,
                saved_output_tokens=entry.output_tokens,
                saved_nanousd=entry.cost_nanousd,
            )
        )
        events = self._shelf.events(entry)
        if policy.settings.replay == "natural" and exchange.request.stream:
            return reply_paced(events, entry.pace_tokens_per_s or self._shown.pace_tokens_per_s, self._clock)
        return Reply(events)

    def _pass_by(self, exchange: Exchange, reason: str) -> Continue:
        if exchange.wishes.only_if_cached:
            raise NotCached(_NOT_CACHED)
        exchange.cache = CacheMark("bypass")
        exchange.facts.append(CacheBypassed(at_s=self._clock.monotonic() - exchange.began_s, reason=reason))
        return CONTINUE

    def _make(self, exchange: Exchange, policy: Policy, partition: bytes, key: bytes, *, is_leading: bool) -> "_Making":
        making = _Making(self, exchange, policy, (partition, key), since=self._shelf.drops.now, is_leading=is_leading)
        exchange.take(making, at_s=self._clock.monotonic())
        return making

    def _entry(self, exchange: Exchange, making: "_Making", *, at_s: float) -> Entry | str:
        """The answer as an entry, or why it is not kept."""
        target = exchange.target
        if exchange.hold is not None:
            return "held"
        if exchange.is_refused:
            return "refused"
        if exchange.first_event_s is None or target is None:
            return "not_made"  # a later stage's, or a canned one
        route = exchange.route
        if exchange.is_canned or exchange.budget_action is not None or route is None or target not in route.targets:
            return "second_best"
        tags = self._shown.tags(exchange)
        if tags is None:
            return "without_sources"
        exact = making.policy.exact
        events = joined(making.events)
        reason = why_not_kept(exchange.request, events, exact)
        if reason is not None:
            return reason
        try:
            data = encode_events(events)
        except (UnicodeEncodeError, OverflowError):
            return "unwritable"
        if len(data) > exact.max_answer_bytes:
            return "too_large"
        usage = exchange.usage
        streamed_s = at_s - exchange.first_event_s
        is_paced = exchange.request.stream and streamed_s >= _LEAST_STREAMED_S and usage.output_tokens > 0
        return Entry(
            id=exchange.id,
            kind="exact",
            key=making.key,
            partition=making.partition,
            tenant=exchange.principal.tenant,
            model=exchange.request.model,
            target=target.name,
            events=data,
            created_at=exchange.started_at,
            expires_at=exchange.started_at + exact.ttl_s,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cost_nanousd=exchange.cost.amount_nanousd,
            pace_tokens_per_s=usage.output_tokens / streamed_s if is_paced else None,
            tags=tuple(tags),
        )


class _Making:
    """A lease: the promise to say how the making of an answer ended."""

    __slots__ = ("_cache", "_exchange", "_recording", "is_leading", "is_needed", "key", "partition", "policy", "since")

    def __init__(
        self,
        cache: ExactCache,
        exchange: Exchange,
        policy: Policy,
        digests: tuple[bytes, bytes],
        *,
        since: int,
        is_leading: bool,
    ) -> None:
        self._cache = cache
        self._exchange = exchange
        self._recording: Recording | None = None
        self.policy = policy
        self.partition, self.key = digests
        self.since = since
        self.is_leading = is_leading
        self.is_needed = True

    @property
    def name(self) -> str:
        return "cache"

    @property
    def has_whole(self) -> bool:
        recording = self._recording
        return recording is not None and recording.is_whole

    @property
    def events(self) -> Sequence[Event]:
        return self._recording.events if self._recording is not None else ()

    def record(self) -> Recording | None:
        """The filter that sees the answer; None where there is nothing to make any more."""
        if not self.is_needed:
            return None
        exact = self.policy.exact
        self._recording = Recording(
            most_bytes=exact.max_answer_bytes, keeps_tool_calls=exact.tool_calls, on_spoilt=self._spoilt
        )
        return self._recording

    def settle(self, exchange: Exchange) -> None:
        if self.is_needed:
            self.is_needed = False
            self._cache.settled(exchange, self)

    def _spoilt(self, reason: str) -> None:
        self.is_needed = False
        self._cache.spoilt(self._exchange, self, reason)
