"""The store of a single process, and in a few lines of Python what the other two stores do in SQL and Lua."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from penstock.admission.limits.slices import CLAIM_S, LONGEST_STEP_S, STARVING_S, Ask, Replies, Reply
from penstock.core.clock import Clock

_FORGET_EVERY_S = 60.0


@dataclass(slots=True)
class _Share:
    held: int = 0
    used: int = 0
    batch: int = 0
    seen_age_s: float = 0.0


@dataclass(slots=True)
class _Total:
    """`age_s` is time as the asks saw it pass: a clock that is moved moves it by a few seconds at most."""

    granted: int = 0
    used: int = 0
    starved_age_s: float = float("-inf")
    confirmed: int = 0
    claimer: str = ""
    claimed_age_s: float = float("-inf")
    asked_at: float = 0.0
    age_s: float = 0.0
    expires_at: float = 0.0
    shares: dict[str, _Share] = field(default_factory=dict[str, _Share])


class MemoryStore:
    """`SliceStore` for limits that end with the process.  Several books may share one (tests do)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._totals: dict[str, _Total] = {}
        self._forget_at = 0.0

    @property
    def is_local(self) -> bool:
        return True

    def exchange(self, lease: str, batch: int, asks: Sequence[Ask]) -> Replies:
        now = self._clock.now()
        if now >= self._forget_at:
            self._forget_at = now + _FORGET_EVERY_S
            self._totals = {key: total for key, total in self._totals.items() if total.expires_at > now}
        return Replies(now, tuple([self._book(lease, batch, ask, now) for ask in asks]))

    def close(self) -> None:
        """It ends with its last user."""

    def _book(self, lease: str, batch: int, ask: Ask, now: float) -> Reply:
        total = self._totals.get(ask.key)
        if total is None:
            total = self._totals[ask.key] = _Total(asked_at=now)
        total.age_s += min(max(now - total.asked_at, 0.0), LONGEST_STEP_S)
        total.asked_at = now
        share = total.shares.get(lease)
        if share is None:
            share = total.shares[lease] = _Share()
        due = 0
        if batch > share.batch:
            total.granted += ask.keep - share.held
            total.used += ask.used - share.used
            share.held, share.used, share.batch, share.seen_age_s = ask.keep, ask.used, batch, total.age_s
            total.expires_at = max(total.expires_at, now + ask.expires_s)
            if ask.hold_s:
                _reclaim(total, lease, total.age_s - ask.hold_s)
            granted = _grant(total, ask)
            total.granted += granted
            share.held += granted
            due = _claim(total, lease, ask)
        held = share.held
        if batch == share.batch and ask.is_final:
            # What it has is nobody's from here on.  Its batch stays: a message from before must come to nothing.
            share.held = share.used = 0
        return Reply(held=held, granted=total.granted, used=total.used, is_starving=_is_starving(total), due=due)


def _is_starving(total: _Total) -> bool:
    return total.starved_age_s > total.age_s - STARVING_S


def _reclaim(total: _Total, lease: str, silent_since_s: float) -> None:
    silent = [name for name, share in total.shares.items() if name != lease and share.seen_age_s < silent_since_s]
    for name in silent:
        share = total.shares.pop(name)
        total.granted -= share.held
        total.used -= share.used


def _grant(total: _Total, ask: Ask) -> int:
    room = max(0, ask.amount - total.granted)
    granted = 0
    if ask.least > 0:
        if room >= ask.least:
            granted = min(room, ask.need)
        else:
            total.starved_age_s = total.age_s
    if not _is_starving(total):
        granted += min(ask.ahead, (room - granted) // 4)
    return granted


def _claim(total: _Total, lease: str, ask: Ask) -> int:
    total.confirmed |= ask.confirmed
    due = ask.crossed & ~total.confirmed
    if not due:
        return 0
    if total.claimer not in ("", lease) and total.claimed_age_s > total.age_s - CLAIM_S:
        return 0
    total.claimer, total.claimed_age_s = lease, total.age_s
    return due
