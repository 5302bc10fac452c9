"""Sends alerts to channels until they are taken: one lane a channel, so that none holds up another.

A delivery is claimed before it is sent and settled after, so that of any number of control planes one sends it, and
what is behind it waits: a channel is told in the order in which alerts arrived.  What is not taken is tried again, with
pauses that double up to an hour, each drawn at random from nothing to the whole (full jitter), until it has been tried
for a day; a 410 ends it at once.  An alert that the receiver itself refuses holds up none behind it.  Where nobody can
know whether the receiver had it (no answer, or a process that died before it was written down), it is sent again under
the same id.
"""

import random
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

import structlog

from penstock.core.clock import Clock, age
from penstock.watch.alerts.alert import Alert
from penstock.watch.alerts.channel import Channel, Reply, Terms
from penstock.watch.store import DatabaseError

_TICK_S = 1.0
_FIRST_PAUSE_S = 5.0
_LONGEST_PAUSE_S = 3600.0
_FIRST_REST_S = 1.0
_LONGEST_REST_S = 60.0
_OVERDUE_S = 300.0
_MAX_EXPONENT = 30
_JOIN_S = 30.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far a delivery is after an attempt.  `next_at` is None unless it waits for another; one that `is_refused`
    lets others by meanwhile.
    """

    state: Literal["waiting", "delivered", "given_up"]
    at: float
    next_at: float | None
    status: int | None
    error: str | None
    is_refused: bool = False


@dataclass(slots=True)
class Claim:
    """A delivery that is ours to attempt.  Set `outcome` within the block; without one nothing has happened."""

    alert: Alert
    attempts: int
    first_at: float | None
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What one channel has not been told.  `failed` were given up, and nobody has acknowledged the alert yet."""

    channel: str
    waiting: int
    oldest_at: float | None
    failed: int
    last_error: str | None


class Deliveries(Protocol):
    """Where deliveries stand.  All may raise `DatabaseError` or `OSError`, and then nothing has changed."""

    def route(self, channels: Sequence[Channel], now: float) -> None:
        """Make the deliveries of alerts that are new."""
        ...

    def due(self, now: float) -> frozenset[str]:
        """The channels for which something may be sent now."""
        ...

    def claim(self, channel: str, now: float) -> "AbstractContextManager[Claim | None]":
        """The channel's next delivery in order, if that is due and nobody else is at the channel; what its outcome says
        is kept after the block.
        """
        ...

    def standings(self) -> tuple[Standing, ...]: ...
    def close(self) -> None: ...


class Deliverer:
    """`run` in a thread of its own, or `turn` and `join` by hand.

    `open_store` gives None while there is no database.  `tend` is called after each turn that found one, in its thread,
    and raises what `Deliveries` do.
    """

    def __init__(
        self,
        channels: Sequence[Channel],
        open_store: Callable[[], Deliveries | None],
        terms: Terms,
        *,
        clock: Clock,
        jitter: random.Random | None = None,
        tend: Callable[[], None] | None = None,
    ) -> None:
        self.channels = tuple(channels)
        self._anew: set[str] = set()
        self._tend = tend
        self._open_store = open_store
        self._terms = terms
        self._clock = clock
        self._jitter = jitter or random.Random()  # noqa: S311 - spreads retries, hides nothing
        self._store: Deliveries | None = None
        self._lanes: dict[str, threading.Thread] = {}
        self._rests: dict[str, tuple[int, float]] = {}
        self._unrecorded: dict[tuple[str, str], Outcome] = {}
        self._standings: tuple[Standing, ...] = ()
        self._problem: str | None = None
        self._stopping = threading.Event()

    def use(self, channels: Sequence[Channel], terms: Terms) -> None:
        """Other receivers and terms from the next turn on; what is being sent is finished as it was begun."""
        known = frozenset(self.channels)
        for channel in channels:
            if channel not in known:
                self._rests.pop(channel.name, None)  # it was another one that did not answer
                self._anew.add(channel.name)
        self.channels, self._terms = tuple(channels), terms

    @property
    def standings(self) -> tuple[Standing, ...]:
        """As of the last turn."""
        return self._standings

    def problems(self) -> tuple[str, ...]:
        """What is wrong, for `/health`: what waits for long, and what was given up."""
        now = self._clock.now()
        titles = {channel.name: channel.title for channel in self.channels}
        found: list[str] = []
        for each in self._standings:
            title = titles.get(each.channel, f"the channel {each.channel}, which is no more")
            age_s = 0.0 if each.oldest_at is None else now - each.oldest_at
            if each.waiting and age_s > _OVERDUE_S:
                why = f": {each.last_error}" if each.last_error else ""
                wait = "1 alert waits" if each.waiting == 1 else f"{each.waiting:,} alerts wait"
                found.append(f"{wait} for {title}, the oldest for {age(age_s)}{why}")
            if each.failed:
                found.append(
                    f"{each.failed} alerts could not be delivered to {title} and were given up:"
                    " acknowledge them once somebody knows"
                )
        return tuple(found)

    def run(self) -> None:
        """Deliver until `stop`."""
        while not self._stopping.is_set():
            try:
                self.turn()
            except (DatabaseError, OSError) as error:
                self._note(str(error).strip() or type(error).__name__)
                self._close()
            except Exception:  # noqa: BLE001 - boundary: a background job; it is tried again
                _log.exception("alert_delivery_failed")
                self._close()
            self._stopping.wait(_TICK_S)
        self.join()
        self._close()

    def stop(self) -> None:
        """Nothing more is begun; what is being sent is finished by `join`."""
        self._stopping.set()

    def turn(self) -> None:
        """Look once: take in what is new, and start the lanes of the channels that something is due for."""
        if self._store is None:
            self._store = self._open_store()
        if self._store is None:
            return
        now = self._clock.now()
        self._store.route(self.channels, now)
        due = self._store.due(now)
        self._standings = self._store.standings()
        self._note(None)
        for channel in self.channels:
            lane = self._lanes.get(channel.name)
            is_resting = self._clock.monotonic() < self._rests.get(channel.name, (0, 0.0))[1]
            is_wanted = channel.name in due or channel.name in self._anew
            if is_wanted and not is_resting and (lane is None or not lane.is_alive()):
                lane = threading.Thread(target=self._drive, args=(channel,), name="penstock-channel", daemon=True)
                self._lanes[channel.name] = lane
                lane.start()
        if self._tend is not None:
            self._tend()

    def join(self, timeout_s: float = _JOIN_S) -> None:
        """Wait for the lanes."""
        for lane in tuple(self._lanes.values()):
            lane.join(timeout_s)

    def test(self, channel: Channel, alert: Alert) -> Reply:
        """Send it now, once, whatever the channel wants; nothing of it is kept."""
        return channel.send(alert, now=self._clock.now(), terms=self._terms)

    def _drive(self, channel: Channel) -> None:
        """One lane: everything that is due, until it is through or one of them is not taken."""
        try:
            store = self._open_store()
            if store is None:
                return
            try:
                while not self._stopping.is_set() and self._deliver(store, channel):
                    pass
            finally:
                store.close()
        except (DatabaseError, OSError) as error:
            _log.warning("alert_lane_stalled", channel=channel.name, error=str(error).strip())
        except Exception:  # noqa: BLE001 - boundary: a background job; it is tried again
            _log.exception("alert_lane_failed", channel=channel.name)

    def _deliver(self, store: Deliveries, channel: Channel) -> bool:
        """One delivery; whether to go on with the next."""
        # What waits for a receiver that was another until now is not put off any longer.
        early_s = _LONGEST_PAUSE_S if channel.name in self._anew else 0.0
        self._anew.discard(channel.name)
        with store.claim(channel.name, self._clock.now() + early_s) as claim:
            if claim is None:
                return False
            place = (claim.alert.id, channel.name)
            outcome = self._unrecorded.get(place)
            if outcome is None:
                outcome = self._attempt(channel, claim)
            # Should the database go away now, this process still knows what it has sent.
            self._unrecorded[place] = outcome
            claim.outcome = outcome
        del self._unrecorded[place]
        return outcome.state != "waiting"

    def _attempt(self, channel: Channel, claim: Claim) -> Outcome:
        reply = self.test(channel, claim.alert)
        now = self._clock.now()
        attempts = claim.attempts + 1
        if reply.is_taken:
            self._rests.pop(channel.name, None)
            return Outcome("delivered", now, None, reply.status, None)
        is_hopeless = reply.is_gone or (
            claim.first_at is not None and now - claim.first_at >= self._terms.give_up_after_s
        )
        self._rest(channel, reply)
        if is_hopeless:
            _log.error("alert_given_up", id=claim.alert.id, channel=channel.name, attempts=attempts, why=reply.problem)
            return Outcome("given_up", now, None, reply.status, reply.problem)
        pause_s = max(self._pause_s(attempts, _FIRST_PAUSE_S, _LONGEST_PAUSE_S), _asked(reply))
        _log.warning(
            "alert_not_taken",
            id=claim.alert.id,
            channel=channel.name,
            attempts=attempts,
            why=reply.problem,
            retry_in_s=round(pause_s, 1),
        )
        return Outcome("waiting", now, now + pause_s, reply.status, reply.problem, reply.is_refused)

    def _rest(self, channel: Channel, reply: Reply) -> None:
        """Leave the channel alone for a while, whatever else is due for it: many alerts are not many attempts."""
        if reply.is_gone:
            return
        failures = self._rests.get(channel.name, (0, 0.0))[0] + 1
        rest_s = max(self._pause_s(failures, _FIRST_REST_S, _LONGEST_REST_S), _asked(reply))
        self._rests[channel.name] = (failures, self._clock.monotonic() + rest_s)

    def _pause_s(self, failures: int, first_s: float, longest_s: float) -> float:
        return self._jitter.uniform(0.0, min(longest_s, first_s * 2 ** min(failures - 1, _MAX_EXPONENT)))

    def _note(self, problem: str | None) -> None:
        if problem is not None and self._problem is None:
            _log.warning("alert_delivery_stalled", error=problem)
        elif problem is None and self._problem is not None:
            _log.info("alert_delivery_recovered")
        self._problem = problem

    def _close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None


def _asked(reply: Reply) -> float:
    """How long the receiver wants to be left alone; an hour at most."""
    return min(reply.retry_after_s or 0.0, _LONGEST_PAUSE_S)
