"""Alerts and their deliveries in a file of this machine, where there is no database at all.

Then nobody else knows of them: they are told once for each machine, not for the fleet, and are not listed anywhere.
One process of a data directory keeps the file, which `courier` sees to.
"""

import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from penstock.config.datadir import write_private
from penstock.watch.alerts.alert import Alert
from penstock.watch.alerts.channel import Channel
from penstock.watch.alerts.deliver import Claim, Standing

_MAX_IDS = 20_000
_MAX_OPEN = 5_000


class _Open(msgspec.Struct, kw_only=True):
    """A delivery that waits, for the channel `webhook`.  One that is given up is in the log and nowhere else."""

    alert: Alert
    webhook: str
    next_at: float
    attempts: int = 0
    first_at: float | None = None
    last_error: str | None = None
    is_refused: bool = False


class _Kept(msgspec.Struct, kw_only=True):
    """`ids` are of every alert that was ever taken, the oldest forgotten; a mapping keeps their order."""

    ids: dict[str, None] = {}
    open: list[_Open] = []


class LocalAlerts:
    """`deliver.Deliveries` in `path`, and `take` for the courier.  For any thread of one process.

    The constructor raises `OSError` or `msgspec.DecodeError` where the file cannot be read.
    """

    def __init__(self, path: Path, channels: Sequence[Channel]) -> None:
        self._path = path
        self._channels = tuple(channels)
        self._lock = threading.Lock()
        try:
            self._kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
        except FileNotFoundError:
            self._kept = _Kept()

    def use(self, channels: Sequence[Channel]) -> None:
        """Other receivers, for the alerts that come from now on."""
        self._channels = tuple(channels)

    def take(self, alerts: Sequence[Alert], now: float) -> None:
        """Add those that are not known yet.  Raises `OSError`, also where too many wait already."""
        with self._lock:
            kept = self._kept
            fresh = {alert.id: alert for alert in alerts if alert.id not in kept.ids}
            added = [
                _Open(alert=alert, webhook=channel.name, next_at=now)
                for alert in fresh.values()
                for channel in self._channels
                if channel.wants(alert)
            ]
            if len(kept.open) + len(added) > _MAX_OPEN:
                raise OSError("too many alerts wait for their channels")
            ids = list(kept.ids) + list(fresh)
            self._write(_Kept(ids=dict.fromkeys(ids[-_MAX_IDS:]), open=kept.open + added))

    def route(self, channels: Sequence[Channel], now: float) -> None:
        """`take` has done it."""

    def due(self, now: float) -> frozenset[str]:
        with self._lock:
            names = {each.webhook for each in self._kept.open}
            return frozenset(name for name in names if self._next(name, now) is not None)

    @contextmanager
    def claim(self, channel: str, now: float) -> Generator[Claim | None]:
        with self._lock:
            found = self._next(channel, now)
        if found is None:
            yield None
            return
        claim = Claim(found.alert, found.attempts, found.first_at)
        yield claim
        outcome = claim.outcome
        if outcome is None:
            return
        with self._lock:
            left: list[_Open] = []
            if outcome.state == "waiting":
                left.append(
                    msgspec.structs.replace(
                        found,
                        attempts=found.attempts + 1,
                        first_at=outcome.at if found.first_at is None else found.first_at,
                        next_at=found.next_at if outcome.next_at is None else outcome.next_at,
                        last_error=outcome.error,
                        is_refused=outcome.is_refused,
                    )
                )
            place = next(index for index, each in enumerate(self._kept.open) if each is found)
            rest = [*self._kept.open[:place], *left, *self._kept.open[place + 1 :]]
            self._write(_Kept(ids=self._kept.ids, open=rest))

    def standings(self) -> tuple[Standing, ...]:
        with self._lock:
            names = sorted({each.webhook for each in self._kept.open})
            return tuple(self._standing(name) for name in names)

    def close(self) -> None:
        """Nothing is open."""

    def _next(self, channel: str, now: float) -> _Open | None:
        """The first in order that waits; what the receiver refuses lets others by."""
        for each in self._kept.open:
            if each.webhook == channel:
                if each.next_at <= now:
                    return each
                if not each.is_refused:
                    return None
        return None

    def _standing(self, channel: str) -> Standing:
        waiting = [each for each in self._kept.open if each.webhook == channel]
        errors = [each.last_error for each in waiting if each.last_error is not None]
        oldest = min(each.alert.at for each in waiting)
        return Standing(channel, len(waiting), oldest, 0, errors[-1] if errors else None)

    def _write(self, kept: _Kept) -> None:
        """On disk before anything is believed."""
        draft = self._path.with_suffix(".draft")
        write_private(draft, msgspec.json.encode(kept))
        draft.replace(self._path)
        self._kept = kept
