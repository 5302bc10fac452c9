"""The stage that limits: reserve what a request may use on every limit and budget that it meets, settle what it did.

`app` puts it behind the stage that chooses the route, since a price and a limit on a target need one.  A call
beyond the first asks `reserve_call` beforehand.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import msgspec

from penstock.admission.limits.book import Book, Costs, Refused, Reserved, Values
from penstock.admission.limits.estimate import AnswerLengths, prompt_tokens
from penstock.admission.limits.limit import DIMENSIONS, UNITS, Budget, Limit, Rule, compile_rules
from penstock.admission.limits.refusal import describe, refusal, unpriced
from penstock.admission.limits.supply import CONCURRENCY_LEASE_S, LimitSupply
from penstock.core.chat import ChatRequest
from penstock.core.clock import Clock
from penstock.core.errors import Overloaded
from penstock.core.exchange import Exchange
from penstock.core.facts import AttemptStarted, BudgetCapped, LimitRefused, LimitShadowed, LimitStoreLost
from penstock.core.ports import CONTINUE, Continue, Target

PriceEstimate: TypeAlias = Callable[[Exchange, int, int], int | None]
"""Nano-dollars for so many tokens in and out at the exchange's route; None where the price is not known."""

_TENANT, _PROJECT, _KEY, _USER, _ASSISTANT, _TARGET, _FEATURE = range(len(DIMENSIONS))
_MONEY = UNITS.index("money")
_TOKEN_UNITS = frozenset(UNITS.index(unit) for unit in ("tokens", "input_tokens", "output_tokens"))


class LimitStage:
    """See the module.  `lengths` is what is learned of answers; it may be shared, never needs to be kept."""

    def __init__(
        self, supply: LimitSupply, *, clock: Clock, price: PriceEstimate, lengths: AnswerLengths | None = None
    ) -> None:
        self.supply = supply
        self._book: Book = supply.book
        self._clock = clock
        self._price = price
        self._lengths = lengths if lengths is not None else AnswerLengths()
        self._take_rules(self._book.rules)

    @property
    def name(self) -> str:
        return "limits"

    def replace(self, limits: Iterable[Limit | Budget]) -> None:
        """Other limits from the next request on; what is counted under those that stay is kept.

        Raises `ConfigError`, and leaves everything as it was.
        """
        rules = compile_rules(limits)
        self._book.replace(rules)
        self._take_rules(rules)

    async def enter(self, exchange: Exchange) -> Continue:
        """Reserve.  Raises `RateLimited`, `BudgetExhausted`, or `Overloaded` where the store is needed and away."""
        if not self._is_any:
            return CONTINUE
        costs = self._estimate(exchange)
        values = self._values(exchange, None)
        lease = self._reserve_at_hand(exchange, values, costs, target=None)
        if lease is None:
            lease = await self._reserve(exchange, values, costs, target=None)
        if self._is_any_of_target:
            if exchange.route is None:
                raise RuntimeError("limits on targets need the route to be chosen before")
            route = exchange.route
            if exchange.budget_action == "cheaper_tier" and route.cheaper is not None:
                route = route.cheaper  # that is where it will go
            target = route.targets[0].name
            values = (*values[:_TARGET], target, *values[_TARGET + 1 :])
            there = self._at_hand(values, costs, self._clock.monotonic())
            if there is not None:
                lease.first, lease.at_first = target, there  # one lease for both: the usual case
            else:
                await self._reserve(exchange, values, costs, target=target)
        return CONTINUE

    async def reserve_call(self, exchange: Exchange, target: Target, *, is_extra: bool) -> None:
        """Reserve what only the limits on `target` ask, before a call there; a second time does nothing.

        With `is_extra` reserve once more what a call may use, since one before or beside it may be billed too.  Raises
        as `enter`, and then the call leaves nothing reserved.
        """
        if not self._is_any:
            return
        extra: Reserved | None = None
        lease = _lease_of(exchange, None)
        costs = self._estimate(exchange)
        if is_extra and lease is not None and self._counts_tokens:
            # Not another request, and not another place: it is the same exchange.
            extra = await self._try_reserve(exchange, self._values(exchange, None), (0, *costs[1:-1], 0))
            lease.extras.append(extra)
        if not self._is_any_of_target:
            return
        is_reserved = False
        try:
            await self._reserve_target(exchange, target.name, costs, is_extra=is_extra)
            is_reserved = True
        finally:
            if not is_reserved and extra is not None and lease is not None:
                lease.extras.remove(extra)
                self._book.settle(extra, (0,) * len(costs))

    def filter(self, exchange: Exchange) -> None:
        """The lease says when the exchange is over and what it used."""

    def headers(self, exchange: Exchange) -> tuple[tuple[str, str], ...]:
        """What the client's vendor would say of the tightest limits that the exchange meets; also for a refused one."""
        if not self._is_any:
            return ()
        now = self._book.store_now(self._clock.monotonic())
        if now is None:
            return ()
        return self._book.bundle(self._values(exchange, None), now).shown.headers(now, exchange.dialect)

    def describe(self, exchange: Exchange) -> tuple[str, ...]:
        """The limits that the exchange meets before it is sent anywhere, for `explain`."""
        now = self._book.store_now(self._clock.monotonic())
        if now is None or not self._is_any:
            return ()
        costs = self._estimate(exchange)
        values = [self._values(exchange, None)]
        if self._is_any_of_target and exchange.route is not None:
            values.append(self._values(exchange, exchange.route.targets[0].name))
        met = [each for one in values for each in self._book.bundle(one, now).counters]
        return tuple(describe(each, max(0, costs[each.unit])) for each in met)

    def settle(
        self, exchange: Exchange, reserved: Reserved, *, target: str | None, extras: Sequence[Reserved] = ()
    ) -> None:
        """What `LimitLease` calls: replace the estimate by what is known, keep it where nothing is.

        What is known is of all calls together, so it is booked once, and what was reserved for extra calls is given
        back.
        """
        self.settle_target(exchange, reserved, target)
        for extra in extras:
            self._book.settle(extra, self._final_of_extra(exchange, extra.costs))
        usage = exchange.usage
        if target is None and not exchange.extra_calls and usage.accuracy == "exact" and usage.output_tokens > 0:
            request = exchange.request
            choices = request.choices if isinstance(request, ChatRequest) else 1
            tokens = usage.output_tokens // choices
            self._lengths.learn(request.model, exchange.principal.tenant, tokens)

    def settle_target(self, exchange: Exchange, reserved: Reserved, target: str | None) -> None:
        """Only what was reserved at one target (None: what is so wherever the request goes)."""
        self._book.settle(reserved, self._final(exchange, reserved.costs, target=target))

    def _take_rules(self, rules: tuple[Rule, ...]) -> None:
        units = {rule.unit for rule in rules}
        dimensions = {each for rule in rules for each in (*rule.dimensions, *(one for one, _ in rule.where))}
        self._is_any = bool(rules)
        self._is_any_of_target = any(rule.is_of_target for rule in rules)
        self._counts_money = _MONEY in units
        self._counts_tokens = self._counts_money or not units.isdisjoint(_TOKEN_UNITS)
        # Values that no rule asks for would only make more of what is looked up by them.
        self._has_key = _KEY in dimensions
        self._has_user = _USER in dimensions
        self._has_assistant = _ASSISTANT in dimensions
        self._has_others = not dimensions.isdisjoint({_PROJECT, _FEATURE})

    def _values(self, exchange: Exchange, target: str | None) -> Values:
        who = exchange.principal
        return (
            who.tenant,
            who.project if self._has_others else None,
            who.key if self._has_key else None,
            who.user if self._has_user else None,
            exchange.request.model if self._has_assistant else None,
            target,
            who.feature if self._has_others else None,
        )

    def _estimate(self, exchange: Exchange) -> Costs:
        if not self._counts_tokens:
            return (1, 0, 0, 0, 0, 1)
        request = exchange.request
        into = prompt_tokens(request)
        out = 0
        if isinstance(request, ChatRequest):
            each = request.max_tokens
            if each is None:
                each = self._lengths.expect(request.model, exchange.principal.tenant)
            out = each * request.choices
        money = self._price(exchange, into, out) if self._counts_money else 0
        return (1, into + out, into, out, -1 if money is None else money, 1)

    def _reserve_at_hand(
        self, exchange: Exchange, values: Values, costs: Costs, *, target: str | None
    ) -> "LimitLease | None":
        """The usual case, without a wait.  None where it is not: then nothing is reserved."""
        now_s = self._clock.monotonic()
        found = self._at_hand(values, costs, now_s)
        if found is None:
            return None
        lease = LimitLease(self, found, target)
        exchange.take(lease, at_s=now_s)
        return lease

    def _at_hand(self, values: Values, costs: Costs, now_s: float) -> Reserved | None:
        book = self._book
        now = book.store_now(now_s)
        if now is None or self.supply.is_in_doubt or costs[_MONEY] < 0:
            return None
        bundle = book.bundle(values, now)
        return Reserved(bundle.counters, costs) if book.reserve(bundle, costs) else None

    async def _reserve(self, exchange: Exchange, values: Values, costs: Costs, *, target: str | None) -> "LimitLease":
        lease = LimitLease(self, await self._try_reserve(exchange, values, costs), target)
        exchange.take(lease, at_s=self._clock.monotonic())
        return lease

    async def _try_reserve(self, exchange: Exchange, values: Values, costs: Costs) -> Reserved:
        """The unusual cases too: no store, no price, not enough at hand."""
        now = self._book.store_now(self._clock.monotonic())
        if now is None and not self._book.is_met(values):
            return Reserved((), costs)  # whatever time it is
        if now is None or self.supply.is_in_doubt or costs[_MONEY] < 0:
            costs = self._look_closer(exchange, values, costs, now)
        try:
            found = await self.supply.reserve(values, costs)
        except Overloaded:
            exchange.facts.append(LimitStoreLost(at_s=self._clock.monotonic() - exchange.began_s, is_admitted=False))
            raise
        at_s = self._clock.monotonic()
        if isinstance(found, Refused):
            raise self._refused(exchange, found, at_s)
        self._note(exchange, found, at_s - exchange.began_s)
        return found

    async def _reserve_target(self, exchange: Exchange, target: str, costs: Costs, *, is_extra: bool = False) -> None:
        lease = _lease_of(exchange, target)
        values = self._values(exchange, target)
        if lease is None:
            if self._reserve_at_hand(exchange, values, costs, target=target) is None:
                await self._reserve(exchange, values, costs, target=target)
        elif is_extra:
            # Another request to the target, but not another place: the exchange holds one there.
            lease.extras.append(await self._try_reserve(exchange, values, (*costs[:-1], 0)))

    def _look_closer(self, exchange: Exchange, values: Values, costs: Costs, now: float | None) -> Costs:
        """The cases that are not usual: no store, or no price."""
        counters = () if now is None else self._book.live_bundle(values, now).counters
        at_s = self._clock.monotonic() - exchange.began_s
        if self.supply.is_lost:
            # Places that a silent process holds are reclaimed in the end, so it must stop giving them out before.
            is_silent = self.supply.lost_s > CONCURRENCY_LEASE_S
            if any(
                (each.rule.is_closed_on_loss or (each.is_level and is_silent)) and not each.rule.is_shadow
                for each in counters
            ):
                exchange.facts.append(LimitStoreLost(at_s=at_s, is_admitted=False))
                raise Overloaded("Limits cannot be checked at the moment: try again shortly.", retry_after_s=1.0)
            exchange.facts.append(LimitStoreLost(at_s=at_s, is_admitted=True))
        if costs[_MONEY] >= 0:
            return costs
        for each in counters:
            if each.unit == _MONEY and not each.is_loose and not each.rule.is_shadow:
                exchange.facts.append(LimitRefused(at_s=at_s, limit=each.rule.name, unit="money", cost=0))
                raise unpriced(each, exchange.request.model)
        return (*costs[:_MONEY], 0, *costs[_MONEY + 1 :])

    def _refused(self, exchange: Exchange, found: Refused, at_s: float) -> Exception:
        now = self._book.store_now(at_s)
        error = refusal(found, at_s if now is None else now)
        rule = found.counter.rule
        exchange.facts.append(
            LimitRefused(
                at_s=at_s - exchange.began_s,
                limit=rule.name,
                unit=UNITS[rule.unit],
                cost=found.cost,
                retry_after_s=error.retry_after_s,
            )
        )
        return error

    def _note(self, exchange: Exchange, found: Reserved, at_s: float) -> None:
        for each in found.shadowed:
            exchange.facts.append(LimitShadowed(at_s=at_s, limit=each.rule.name))
        for each in found.capped:
            action = each.rule.on_exhausted
            if action == "block":
                continue
            exchange.facts.append(BudgetCapped(at_s=at_s, budget=each.rule.name, action=action))
            if exchange.budget_action != "cache_only":
                exchange.budget_action = action

    def _final(self, exchange: Exchange, costs: Costs, *, target: str | None) -> Costs:
        requests, tokens, into, out, money, _ = costs
        is_refused = exchange.attempts == 0 and exchange.end == "rejected"
        if is_refused or (target is not None and not _was_called(exchange, target)):
            requests = 0
        if exchange.usage.accuracy != "unknown":
            into, out, spent = _used(exchange, target)
            tokens = into + out
            if spent is not None:
                money = spent
        return (requests, tokens, into, out, money, 1)

    def _final_of_extra(self, exchange: Exchange, costs: Costs) -> Costs:
        """What is kept of an extra call's reservation: nothing of what is known, for that is booked as a whole."""
        requests, tokens, into, out, money, _ = costs
        if exchange.usage.accuracy != "unknown":
            tokens = into = out = 0
            if exchange.cost.amount_nanousd is not None:
                money = 0
        return (requests, tokens, into, out, money, 0)


def _used(exchange: Exchange, target: str | None) -> tuple[int, int, int | None]:
    """Tokens in and out, and the cost where it is known: of all calls, or of those to one target."""
    usage, spent = exchange.usage, exchange.cost.amount_nanousd
    into, out = usage.input_tokens, usage.output_tokens
    if target is None:
        return into, out, spent
    is_here = exchange.target is not None and exchange.target.name == target
    if not exchange.extra_calls:
        return (into, out, spent) if is_here else (0, 0, 0)
    # What an exchange knows is of all its calls together: of the one that answered it is what the others leave.
    here, sign = ((into, out, spent), -1) if is_here else ((0, 0, 0), 1)
    into, out, spent = here
    for extra in exchange.extra_calls:
        if (extra.target.name == target) is not is_here and extra.usage is not None:
            into += sign * extra.usage.input_tokens
            out += sign * extra.usage.output_tokens
            amount = extra.cost.amount_nanousd
            spent = None if spent is None or amount is None else spent + sign * amount
    return max(0, into), max(0, out), None if spent is None else max(0, spent)


def _was_called(exchange: Exchange, target: str) -> bool:
    if exchange.target is not None and exchange.target.name == target:
        return True
    return any(isinstance(fact, AttemptStarted) and fact.target == target for fact in exchange.facts)


def _lease_of(exchange: Exchange, target: str | None) -> "LimitLease | None":
    for lease in exchange.leases:
        if isinstance(lease, LimitLease) and (lease.target == target or (target and lease.first == target)):
            return lease
    return None


class LimitLease(msgspec.Struct, eq=False):
    """The reservation of one exchange, on all its counters, with those for its extra calls; settled once.

    `reserved` is of the limits on `target`; where that is None, of all others, and then `at_first` may hold what is
    reserved at the `first` target that it goes to.  A struct because one is made for every request, and that at a
    third of a class's cost.
    """

    stage: LimitStage
    reserved: Reserved | None
    target: str | None
    extras: list[Reserved] = []
    first: str | None = None
    at_first: Reserved | None = None

    @property
    def name(self) -> str:
        return "limits" if self.target is None else "target_limits"

    def settle(self, exchange: Exchange) -> None:
        reserved, self.reserved = self.reserved, None
        if reserved is not None:
            self.stage.settle(exchange, reserved, target=self.target, extras=self.extras)
            if self.at_first is not None:
                self.stage.settle_target(exchange, self.at_first, self.first)
