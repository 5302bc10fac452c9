"""One counter of one process: what it holds of a limit, what it has spent of that, and when to ask for more.

A plain object, touched only by the event loop's thread; no I/O.  `book` makes them, reserves on them and settles; this
module decides what a counter asks of the store and what it learns from the reply.

    spent = used (settled) + reserved (in flight)          free = held - spent          sum of all held <= amount

Of places (concurrency) all that is spent is in flight; `used` then counts how often one was taken.
"""

from math import ceil

import msgspec

from penstock.admission.limits.limit import UNITS, Rule, Threshold
from penstock.admission.limits.slices import Ask, Reply
from penstock.admission.limits.spent_file import Row
from penstock.admission.limits.window import Window

AHEAD_S = 1.0
"""How much of the recent demand is held ahead, in seconds of it."""
_LOW_S = 0.3
_RATE_MEMORY_S = 0.5
_IDLE_S = 1.0
_STARVING_KEEP_S = 0.05
_ASK_AGAIN_S = 0.25
_REMEMBERED_AFTER_S = 7200
"""How long a store remembers a counter whose period is over: longer than any clock is wrong by."""
PATIENCE_S = 0.4
"""How long a request waits for others to give back what they hold, where nothing else is left."""
_LEAST_PLACES = 8
"""So many places are held ahead where there are plenty: a few requests more at once than lately must not wait."""
_CONCURRENCY = UNITS.index("concurrency")


class Waits(msgspec.Struct):
    """What the requests that wait need of a counter: the first of them, and all of them.

    `least` is 0 where this counter has enough for them and another one lets them wait: then it must not give it away.
    """

    least: int
    need: int


class Counter:
    """See the module.  `low` is where a refill is asked for; `numbers[index]` is where `spent` survives us."""

    __slots__ = (
        "amount",
        "asked_s",
        "changed_s",
        "confirmed",
        "crossed",
        "denied_least",
        "denied_since_s",
        "denied_until_s",
        "elsewhere",
        "fleet_used",
        "handed",
        "held",
        "index",
        "is_active",
        "is_gone",
        "is_level",
        "is_loose",
        "is_starving",
        "is_unheard",
        "key",
        "low",
        "numbers",
        "others",
        "peak",
        "planned_s",
        "rate",
        "row",
        "rule",
        "scoped",
        "seen_spent",
        "seen_used",
        "spent",
        "thresholds",
        "told_crossed",
        "told_used",
        "unit",
        "used",
        "window",
    )

    def __init__(self, rule: Rule, scoped: tuple[str | None, ...], window: Window, key: str, row: Row) -> None:
        self.rule = rule
        self.scoped = scoped
        self.window = window
        self.key = key
        self.row = row
        self.numbers = row.numbers
        self.index = row.index
        self.unit = rule.unit
        self.is_level = rule.unit == _CONCURRENCY
        self.is_loose = rule.is_uncapped
        self.amount = rule.amount
        self.thresholds: tuple[Threshold, ...] = rule.thresholds(rule.amount)
        self.held = self.low = self.spent = self.used = 0
        self.is_active = self.is_gone = False
        self.rate = self.peak = 0.0
        self.seen_spent = self.seen_used = self.told_used = 0
        self.planned_s = self.changed_s = self.asked_s = float("-inf")
        self.others = self.fleet_used = self.elsewhere = 0
        self.is_starving = self.is_unheard = False
        self.denied_least = 0
        self.denied_since_s = float("inf")
        self.denied_until_s = float("-inf")
        self.crossed = self.told_crossed = self.handed = self.confirmed = 0
        self.set_low()

    @property
    def settled(self) -> int:
        """What the store is told to be used: nothing in flight counts, except where being in flight is the use."""
        return self.spent if self.is_level else self.used

    @property
    def remaining(self) -> int:
        """What the fleet has left, as far as we know: what others hold counts as theirs."""
        return max(0, self.amount - self.others - self.spent)

    @property
    def is_quiet(self) -> bool:
        """There is nothing that the store has not been told, and nothing to give back."""
        return (
            self.held == self.spent
            and not self.is_unheard
            and self.told_used == self.settled
            and self.handed == self.confirmed
            and self.crossed == self.told_crossed
            and not (self.is_level and self.spent)
        )

    def is_idle(self, now_s: float) -> bool:
        """Unused for a while: what it holds ahead is of more use to others."""
        return now_s - self.changed_s > _IDLE_S

    def set_low(self) -> None:
        margin = self.peak / 8 if self.is_level else self.rate * _LOW_S
        self.low = 2**62 if self.is_loose else max(0, self.held - int(margin))

    def set_rule(self, rule: Rule) -> None:
        """The same counter under a rule that differs in what may differ: its amount, its mode, its thresholds."""
        self.rule = rule
        self.is_loose = rule.is_uncapped
        self.thresholds = rule.thresholds(self.amount)
        self.set_low()

    def set_amount(self, amount: int) -> None:
        """The amount has changed: what is held of a larger one goes back before anything more is given out."""
        if amount < self.amount:
            self.held = max(self.spent, 0)
        self.amount = amount
        self.thresholds = self.rule.thresholds(amount)
        self.denied_until_s = float("-inf")
        self.set_low()

    def note_demand(self, cost: int) -> None:
        """So much more was asked for: a peak that lies between two looks at the counter."""
        if self.is_level:
            self.peak = max(self.peak, float(self.spent + cost))

    def is_denied(self, cost: int, now_s: float) -> bool:
        """The store has no such amount, and nobody gave any back while we were patient."""
        if now_s >= self.denied_until_s or cost < self.denied_least:
            return False
        return self.elsewhere <= 0 or now_s >= self.denied_since_s + PATIENCE_S

    def ask(self, now_s: float, *, is_over: bool, beat_s: float, hold_s: int, waits: Waits | None) -> Ask | None:
        """What to tell the store now, if anything.  What is given back is out of our hands at once."""
        self._measure(now_s)
        target = ceil(self.rate * AHEAD_S) if not self.is_level else self._level_target()
        is_idle = self.is_idle(now_s)
        # Where requests wait, a rest too small for them goes back and into the same grant: two rests may make a whole.
        is_lacking = waits is not None and waits.least > 0 and not is_over
        keep = self.spent if is_over or is_idle or is_lacking else self._keep(target)
        if waits is not None and not is_lacking and not is_over:
            keep = min(self.held, max(keep, self.spent + waits.need))
        keep = max(keep, self.spent)
        ahead = 0
        if not (is_over or is_idle or self.is_starving or now_s < self.denied_until_s or self.is_loose):
            ahead = max(0, target - (keep - self.spent))
        is_beat = now_s - self.asked_s >= beat_s
        is_due = is_beat and (self.told_used != self.settled or self.held > self.spent or self.is_level)
        is_urgent = (
            is_lacking
            or self.is_unheard  # the last reply was lost: what it may have granted is nobody's until we say so
            or self.spent > self.held
            or (keep < self.held and (self.is_starving or is_over or is_idle))
            or ahead * 2 > target
            or self.handed != self.confirmed
            or self.crossed != self.told_crossed
            or ((is_over or is_idle) and self.told_used != self.settled)
        )
        if not (is_due or is_urgent):
            return None
        self.held = keep
        self.is_unheard = True
        self.low = 2**62 if self.is_loose else keep  # a request that goes below it must not ask a second time
        self.asked_s = now_s
        return Ask(
            key=self.key,
            amount=self.amount,
            keep=keep,
            used=self.settled,
            least=waits.least if waits is not None and is_lacking else 0,
            need=waits.need if waits is not None and is_lacking else 0,
            ahead=ahead,
            expires_s=self._remembered_s(),
            hold_s=hold_s if self.is_level else 0,
            crossed=self.crossed,
            confirmed=self.handed,
        )

    def final_ask(self, now_s: float) -> Ask:
        """Take leave of the store: the period is over and all is settled."""
        self.asked_s = now_s
        return Ask(
            key=self.key,
            amount=self.amount,
            keep=self.spent,
            used=self.settled,
            expires_s=self._remembered_s(),
            crossed=self.crossed,
            confirmed=self.handed,
            is_final=True,
        )

    def part(self, ask: Ask) -> None:
        """The store has booked `ask` under nobody's name: what came since is all that is still ours."""
        self.spent -= ask.keep
        self.used = 0 if self.is_level else self.used - ask.used
        self.seen_spent = self.seen_used = self.told_used = 0
        self.held = 0
        self.numbers[self.index] = self.spent
        self.set_low()

    def retire(self) -> None:
        """Nobody may reserve here again: what still points here finds no room, and looks up a live one."""
        self.is_gone = True
        self.held = 0
        self.low = -1

    def learn(self, ask: Ask, reply: Reply, now_s: float) -> int:
        """Take the reply in.  Returns the bits of the thresholds whose notice is ours to hand on now."""
        self.held = reply.held
        self.is_unheard = False
        self.others = reply.granted - reply.held
        self.fleet_used = reply.used
        self.is_starving = reply.is_starving
        self.told_used = ask.used
        self.told_crossed = ask.crossed
        self.confirmed = ask.confirmed
        if ask.least > 0 and reply.held - ask.keep < ask.least:
            self.elsewhere = self.others - (reply.used - ask.used)
            self.denied_least = ask.least
            self.denied_until_s = now_s + _ASK_AGAIN_S
            self.denied_since_s = min(self.denied_since_s, now_s)
        elif reply.held > ask.keep:
            self.denied_since_s, self.denied_until_s = float("inf"), float("-inf")
        self.set_low()
        for bit, threshold in enumerate(self.thresholds):
            if reply.used >= threshold.amount:
                self.crossed |= 1 << bit
        fresh = reply.due & ~self.handed
        self.handed |= reply.due
        return fresh

    def _measure(self, now_s: float) -> None:
        passed_s = now_s - self.planned_s
        if passed_s == float("inf"):
            passed_s = _RATE_MEMORY_S
            self.changed_s = now_s
        if passed_s <= 0:
            return
        taken = max(0, self.spent - self.seen_spent)
        weight = min(1.0, passed_s / _RATE_MEMORY_S)
        self.rate += weight * (taken / passed_s - self.rate)
        if self.spent != self.seen_spent or self.used != self.seen_used:
            self.changed_s = now_s
        # Requests come in bursts: giving back after each what the next will need is a way to the store for each.
        self.peak = max(float(self.spent), self.peak * (1.0 - weight))
        self.seen_spent, self.seen_used = self.spent, self.used
        self.planned_s = now_s

    def _level_target(self) -> int:
        """As many places ahead as were in use lately, and a quarter more; a few at least, where many are left."""
        return max(ceil(self.peak - self.spent + self.peak / 4), min(_LEAST_PLACES, self.remaining // 8))

    def _keep(self, target: int) -> int:
        if self.others + self.held > self.amount:
            return self.spent  # the amount was lowered
        if self.is_starving:
            return min(self.held, self.spent + int(self.rate * _STARVING_KEEP_S))
        return min(self.held, self.spent + 2 * target + 1)

    def _remembered_s(self) -> int:
        length_s = 0.0 if self.is_level else self.window.end - self.window.start
        return int(length_s) + _REMEMBERED_AFTER_S
