"""The counters of one process: reserve on all that a request meets, or on none; settle; say what to ask of the store.

Called by `stage` (reserve, settle) and `supply` (plan, learn), all on the event loop's thread.  No I/O, no waiting.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple, TypeAlias

import msgspec

from penstock.admission.limits.counter import Counter, Waits
from penstock.admission.limits.headers import Shown
from penstock.admission.limits.limit import DIMENSIONS, OF_A_TENANT, Rule, Threshold
from penstock.admission.limits.slices import Ask, Reply
from penstock.admission.limits.spent_file import LEVEL_SUFFIX, SpentRows
from penstock.admission.limits.window import ENDLESS, Window, window_at

Values: TypeAlias = tuple[str | None, ...]
"""What an exchange is, dimension by dimension, in the order of `DIMENSIONS`; None where it has no such thing.

With a target they meet the rules that speak of targets, and only those; without one all others.
"""
Costs: TypeAlias = tuple[int, ...]
"""What a request costs, unit by unit, in the order of `UNITS`."""

_MAX_BUNDLES = 20_000
_ASKS_A_SECOND = 2000
_BEAT_S = 0.25
_PREFETCH_S = 0.5
_CLOCK_STEP_S = 1.0
_FORGET_AFTER_S = 5.0
_MAX_HEARD = 5_000
_TARGET = DIMENSIONS.index("target")
_TENANT = DIMENSIONS.index("tenant")


class Bundle(NamedTuple):
    """The counters that a request with these values meets, until a period of one of them ends (store's time)."""

    counters: tuple[Counter, ...]
    begins: float
    until: float
    shown: Shown


class Reserved(msgspec.Struct, eq=False):
    """A reservation on every counter.  `capped` are budgets with no room that let the request pass in another form:
    nothing is reserved on them, and what is spent all the same is booked.  `shadowed` would have refused.
    """

    counters: Sequence[Counter]
    costs: Costs
    capped: tuple[Counter, ...] = ()
    shadowed: tuple[Counter, ...] = ()


@dataclass(frozen=True, slots=True)
class Lacking:
    """Not enough is leased for these; the store may have more."""

    counters: tuple[Counter, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """`counter` has no room.  `is_hopeless`: the request is larger than the whole amount."""

    counter: Counter
    cost: int
    is_hopeless: bool


@dataclass(frozen=True, slots=True)
class Notice:
    """A budget has reached a threshold.  `id` is the same whoever notices it, so that a reader can drop a second one.

    `percent` is None for the soft amount.  `scope` are the values that the budget counts for.
    """

    id: str
    budget: str
    scope: tuple[tuple[str, str | None], ...]
    percent: int | None
    threshold_nanousd: int
    used_nanousd: int
    period_start: float
    period_end: float


class Heard(NamedTuple):
    """What the store last said of a counter, at its time `at`: what the fleet holds of it, and has used of that."""

    used: int
    granted: int
    at: float


class Book:
    """See the module.  `zone_of` gives a tenant's time zone.  `now` is the store's time where it says so."""

    def __init__(self, rules: tuple[Rule, ...], *, rows: SpentRows, zone_of: Callable[[str], str], hold_s: int) -> None:
        self._rows = rows
        self._zone_of = zone_of
        self._hold_s = hold_s
        self._counters: dict[tuple[bytes, Values, float], Counter] = {}
        self._bundles: dict[Values, Bundle] = {}
        self._active: dict[Counter, None] = {}
        self._heard: dict[Counter, Heard] = {}
        self._batch = 0
        self._offset_s: float | None = None
        self.clock_steps = 0
        self.rules = rules

    @property
    def size(self) -> int:
        return len(self._counters)

    @property
    def active(self) -> int:
        return len(self._active)

    @property
    def counters(self) -> tuple[Counter, ...]:
        return tuple(self._counters.values())

    def replace(self, rules: tuple[Rule, ...]) -> None:
        """Other rules from the next request on; those whose meaning is the same keep their counters."""
        self.rules = rules
        self._bundles.clear()
        by_identity = {rule.identity: rule for rule in rules}
        for counter in self._counters.values():
            rule = by_identity.get(counter.rule.identity)
            if rule is not None:
                counter.set_rule(rule)
            self.activate(counter)

    def take_heard(self, most: int) -> list[tuple[Counter, Heard]]:
        """What the store has said since the last time, for people to look at; what is left comes the next time."""
        found: list[tuple[Counter, Heard]] = []
        while self._heard and len(found) < most:
            found.append(self._heard.popitem())
        return found

    # -- time

    def store_now(self, now_s: float) -> float | None:
        """The store's time at the moment `now_s` of our monotonic clock; None before the store was ever heard."""
        return None if self._offset_s is None else now_s + self._offset_s

    def set_time(self, store_now: float, now_s: float) -> bool:
        """Take over the store's time.  True where it was moved rather than passed."""
        offset_s = store_now - now_s
        before_s, self._offset_s = self._offset_s, offset_s
        if before_s is None or abs(offset_s - before_s) < _CLOCK_STEP_S:
            return False
        self.clock_steps += 1
        self._bundles.clear()
        return True

    # -- the request path

    def bundle(self, values: Values, now: float) -> Bundle:
        """The counters for `values` at the store's time `now`."""
        found = self._bundles.get(values)
        if found is not None and found.begins <= now < found.until:
            return found
        return self._make_bundle(values, now)

    def live_bundle(self, values: Values, now: float) -> Bundle:
        """As `bundle`, made anew where one of its counters was forgotten in the meantime."""
        bundle = self.bundle(values, now)
        if any(counter.is_gone for counter in bundle.counters):
            bundle = self._make_bundle(values, now)
        return bundle

    def is_met(self, values: Values) -> bool:
        """Whether any rule concerns a request with these values; to be asked where no store has told the time yet."""
        return any(rule.is_of_target == (values[_TARGET] is not None) and rule.matches(values) for rule in self.rules)

    def reserve(self, bundle: Bundle, costs: Costs) -> bool:
        """Reserve at once where everything needed is at hand and no refill is called for: the usual case."""
        counters = bundle.counters
        for counter in counters:
            spent = counter.spent + costs[counter.unit]
            if spent > counter.low:
                self._take_back(counters, counter, costs)
                return False
            counter.spent = spent
            counter.numbers[counter.index] = spent
        return True

    def consider(self, values: Values, costs: Costs, now: float, now_s: float) -> Reserved | Lacking | Refused:
        """Reserve where it can be, or say what stands against it; counters that run low become active."""
        bundle = self.live_bundle(values, now)
        lacking: list[Counter] = []
        capped: list[Counter] = []
        shadowed: list[Counter] = []
        for counter in bundle.counters:
            cost = costs[counter.unit]
            if counter.spent + cost > counter.low and not counter.is_loose:
                self.activate(counter)
                counter.note_demand(cost)
            if cost == 0 or counter.is_loose or counter.spent + cost <= counter.held:
                continue
            is_hopeless = cost > counter.amount
            is_out = is_hopeless or counter.is_denied(cost, now_s)
            if counter.rule.is_shadow:
                # It must not let anybody wait, so what the store was not asked for yet is booked as a debt.
                if cost > counter.remaining:
                    shadowed.append(counter)
            elif not is_out:
                lacking.append(counter)
            elif counter.rule.on_exhausted != "block":
                capped.append(counter)
            else:
                return Refused(counter, cost, is_hopeless=is_hopeless)
        if lacking:
            return Lacking(tuple(lacking))
        reserving: Sequence[Counter] = bundle.counters
        if capped or shadowed:
            reserving = [each for each in bundle.counters if each not in capped and each not in shadowed]
        for counter in reserving:
            counter.spent = spent = counter.spent + costs[counter.unit]
            counter.numbers[counter.index] = spent
        return Reserved(reserving, costs, tuple(capped), tuple(shadowed))

    def settle(self, reserved: Reserved, finals: Costs) -> None:
        """Replace what was reserved by what it came to; once.  Places are free again: of them `finals` counts uses."""
        requests, tokens, into, out, money, concurrency = reserved.costs
        by = (
            finals[0] - requests,
            finals[1] - tokens,
            finals[2] - into,
            finals[3] - out,
            finals[4] - money,
            -concurrency,
        )
        for counter in reserved.counters:
            if not counter.is_active:
                counter = self._awake(counter)  # noqa: PLW2901 - one that was forgotten is replaced by its like
            unit = counter.unit
            counter.used += finals[unit]
            counter.spent = spent = counter.spent + by[unit]
            counter.numbers[counter.index] = spent
        for each in reserved.capped:
            counter = self._awake(each)
            final = finals[counter.unit]
            counter.used += final
            counter.spent += final
            counter.numbers[counter.index] = counter.spent

    def activate(self, counter: Counter) -> None:
        """Have the counter looked at by the next `plan`."""
        if not counter.is_active:
            counter.is_active = True
            self._active[counter] = None

    # -- the store's side

    def plan(self, now_s: float, waits: Mapping[Counter, Waits]) -> tuple[int, list[tuple[Counter, Ask]]]:
        """The next batch, with its number."""
        store_now = self.store_now(now_s)
        self._batch += 1
        if store_now is None:
            return self._batch, []
        beat_s = max(_BEAT_S, len(self._active) / _ASKS_A_SECOND)
        asks: list[tuple[Counter, Ask]] = []
        for counter in tuple(self._active):
            is_over = store_now >= counter.window.end
            self._prefetch(counter, store_now, now_s)
            wanted = waits.get(counter)
            ask = counter.ask(now_s, is_over=is_over, beat_s=beat_s, hold_s=self._hold_s, waits=wanted)
            if ask is None and wanted is None and counter.is_quiet:
                ask = self._rest(counter, store_now, now_s)
            if ask is not None:
                asks.append((counter, ask))
        return self._batch, asks

    def sweep(self, now_s: float) -> None:
        """Have counters looked at whose period has ended while nobody used them.  Now and then."""
        store_now = self.store_now(now_s)
        if store_now is not None:
            for counter in self._counters.values():
                if store_now >= counter.window.end + _FORGET_AFTER_S and counter.spent == counter.settled:
                    self.activate(counter)

    def final_plan(self) -> tuple[int, list[tuple[Counter, Ask]]]:
        """The last batch of a process that stops: everything unused goes back."""
        self._batch += 1
        asks: list[tuple[Counter, Ask]] = []
        for counter in self._counters.values():
            counter.held = counter.low = counter.spent
            keep = 0 if counter.is_level else counter.spent
            asks.append((counter, Ask(key=counter.key, amount=counter.amount, keep=keep, used=keep)))
        return self._batch, asks

    def learn(self, asks: Sequence[tuple[Counter, Ask]], replies: Sequence[Reply], now_s: float) -> list[Notice]:
        """Take the replies in.  Returns the notices that are this process's to hand on."""
        notices: list[Notice] = []
        now = self.store_now(now_s) or now_s
        for (counter, ask), reply in zip(asks, replies, strict=True):
            fresh = counter.learn(ask, reply, now_s)
            if len(self._heard) < _MAX_HEARD or counter in self._heard:
                self._heard[counter] = Heard(reply.used, reply.granted, now)
            if ask.is_final:
                self._part(counter, ask)
            if counter.crossed != counter.told_crossed or fresh:
                self.activate(counter)
            for bit, threshold in enumerate(counter.thresholds):
                if fresh >> bit & 1:
                    notices.append(_notice(counter, threshold))
        return notices

    # -- making counters

    def _make_bundle(self, values: Values, now: float) -> Bundle:
        if len(self._bundles) >= _MAX_BUNDLES:
            self._bundles.clear()
        is_for_target = values[_TARGET] is not None
        begins, until = float("-inf"), float("inf")
        counters: list[Counter] = []
        for rule in self.rules:
            amount, changes_at = rule.amount_at(values, now)
            until = min(until, changes_at)
            if rule.is_of_target != is_for_target or not rule.matches(values):
                continue
            window = ENDLESS if rule.per is None else window_at(rule.per, now, self._zone(rule, values))
            begins, until = max(begins, window.start), min(until, window.end)
            scoped = tuple([values[dimension] for dimension in rule.dimensions])
            counter = self._counter(rule, scoped, window)
            if counter.amount != amount:
                counter.set_amount(amount)
                self.activate(counter)
            counters.append(counter)
        bundle = self._bundles[values] = Bundle(tuple(counters), begins, until, Shown(counters))
        return bundle

    def _zone(self, rule: Rule, values: Values) -> str:
        tenant = values[_TENANT]
        if tenant is None or OF_A_TENANT.isdisjoint(rule.dimension_names):
            return "UTC"
        return self._zone_of(tenant)

    def _counter(self, rule: Rule, scoped: Values, window: Window) -> Counter:
        place = (rule.identity, scoped, window.start)
        counter = self._counters.get(place)
        if counter is None:
            # A digest, since a key in the store is no place for a user's name, and no name can imitate another's.
            digest = blake2b(repr(scoped).encode(), key=rule.identity, digest_size=12).hexdigest()
            suffix = LEVEL_SUFFIX if window is ENDLESS else f"@{window.name}"
            key = f"{rule.name}:{digest}{suffix}"
            counter = self._counters[place] = Counter(rule, scoped, window, key, self._rows.new(key))
        return counter

    def _prefetch(self, counter: Counter, store_now: float, now_s: float) -> None:
        """Lease for the period to come, where this one ends soon and is in use."""
        window = counter.window
        length_s = window.end - window.start
        if counter.rate <= 0 or not 0 < window.end - store_now < min(_PREFETCH_S, length_s / 4):
            return
        if length_s > 3600:
            return  # a wait of one round trip a day is not worth knowing the calendar here
        place = (counter.rule.identity, counter.scoped, window.end)
        if place in self._counters:
            return
        following = self._counter(counter.rule, counter.scoped, Window(window.end, window.end + length_s))
        following.set_amount(counter.amount)
        following.rate, following.planned_s, following.changed_s = counter.rate, now_s, now_s
        self.activate(following)

    def _rest(self, counter: Counter, store_now: float, now_s: float) -> Ask | None:
        """Nothing to say: look again when it is used, or, where its period can spend no more, take leave of it."""
        is_over = counter.is_level or store_now >= counter.window.end
        if is_over and counter.spent == counter.settled:
            # A few seconds late, so that a clock that is set back by a little finds it still there.
            if counter.is_level or store_now >= counter.window.end + _FORGET_AFTER_S:
                return counter.final_ask(now_s)
            return None
        if is_over or counter.is_idle(now_s):
            counter.is_active = False
            del self._active[counter]
        return None

    def _part(self, counter: Counter, ask: Ask) -> None:
        counter.part(ask)
        if counter.spent == 0 and counter.used == 0 and counter.is_active:
            counter.retire()
            counter.is_active = False
            del self._active[counter]
            del self._counters[counter.rule.identity, counter.scoped, counter.window.start]
            self._rows.free(counter.row)

    @staticmethod
    def _take_back(counters: Sequence[Counter], first_without: Counter, costs: Costs) -> None:
        for counter in counters:
            if counter is first_without:
                return
            counter.spent = spent = counter.spent - costs[counter.unit]
            counter.numbers[counter.index] = spent

    def _awake(self, counter: Counter) -> Counter:
        if counter.is_gone:
            counter = self._counter(counter.rule, counter.scoped, counter.window)
        self.activate(counter)
        return counter


def _notice(counter: Counter, threshold: Threshold) -> Notice:
    return Notice(
        id=f"{counter.key}:{'soft' if threshold.percent is None else threshold.percent}",
        budget=counter.rule.name,
        scope=tuple(zip(counter.rule.dimension_names, counter.scoped, strict=True)),
        percent=threshold.percent,
        threshold_nanousd=threshold.amount,
        used_nanousd=counter.fleet_used,
        period_start=counter.window.start,
        period_end=counter.window.end,
    )
