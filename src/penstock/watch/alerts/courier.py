"""The thread that brings alerts from this machine's outboxes to where the fleet keeps them.

Both planes run one over the same folder; a lock makes them take turns, so that it does not matter which of them lives.
While the database is away alerts wait in the outbox, however long that is.  Where there is none at all, one data plane
of the machine delivers them itself.
"""

import os
import random
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
import structlog

from penstock.core.clock import Clock, age
from penstock.watch.alerts.alert import Alert, decode_alert
from penstock.watch.alerts.channel import Channel, Terms
from penstock.watch.alerts.deliver import Deliverer
from penstock.watch.alerts.local import LocalAlerts
from penstock.watch.alerts.outbox import AlertOutbox
from penstock.watch.alerts.store import PostgresAlerts
from penstock.watch.folder import turn
from penstock.watch.outgoing import is_anything_waiting, ship
from penstock.watch.store import DatabaseError

_TICK_S = 1.0
_FIRST_RETRY_S = 0.5
_LONGEST_RETRY_S = 10.0
_LATE_S = 60.0
_LAST_ROUND_S = 10.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LocalPlan:
    """How a process delivers alerts itself.  `open` reads `file`, once the process has it for its own."""

    file: Path
    is_without_database: Callable[[], bool]
    open: Callable[[], tuple[LocalAlerts, Deliverer]]


class AlertCourier:
    """`start` once, `stop` once; or `attempt` (or `round`) by hand and `close`.

    `outbox` is this process's own, if it has one.  `find_url` gives the database's address, None while it is not known;
    `local` says what to do where there will be none.
    """

    def __init__(
        self,
        folder: Path,
        find_url: Callable[[], str | None],
        *,
        clock: Clock,
        outbox: AlertOutbox | None = None,
        local: LocalPlan | None = None,
    ) -> None:
        self._folder = folder
        self._find_url = find_url
        self._clock = clock
        self._outbox = outbox
        self._plan = local
        self.local: tuple[LocalAlerts, Deliverer] | None = None
        self._used: tuple[tuple[Channel, ...], Terms] | None = None
        self._failing_since: float | None = None
        self._error: str | None = None
        self._stopping = threading.Event()
        self._wanted = threading.Event() if outbox is None else outbox.wanted
        self._open = ExitStack()
        self._thread = threading.Thread(target=self._run, name="penstock-alerts", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ship what waits, if that is possible at once, and end."""
        self._stopping.set()
        self._wanted.set()
        self._thread.join(_LAST_ROUND_S)

    def close(self) -> None:
        """Finish what this process sends itself, and let others do it."""
        if self.local is not None:
            self.local[1].stop()
            self.local[1].join()
        self._open.close()

    def use(self, channels: Sequence[Channel], terms: Terms) -> None:
        """Whom this process tells from now on, where it is the one that does."""
        self._used = (tuple(channels), terms)  # first: it may be becoming the one right now, in its thread
        self._use_locally()

    def _use_locally(self) -> None:
        if self.local is not None and self._used is not None:
            local, deliverer = self.local
            local.use(self._used[0])
            deliverer.use(*self._used)

    def problems(self) -> tuple[str, ...]:
        """What is wrong, for `/health`."""
        found: list[str] = []
        since = self._failing_since
        if since is not None and self._clock.monotonic() - since > _LATE_S:
            age_s = self._clock.monotonic() - since
            found.append(f"alerts have been waiting for the database for {age(age_s)}: {self._error}")
        if self.local is not None:
            found += self.local[1].problems()
        return tuple(found)

    def round(self) -> int:
        """Bring away what waits now and return how many alerts that was.  Raises `DatabaseError`, `OSError`."""
        kept = () if self._outbox is None else self._outbox.kept()
        if not kept and not is_anything_waiting(self._folder):
            self._deliver_locally()
            return 0
        url = self._find_url()
        if url is not None:
            store = PostgresAlerts(url)
            try:
                return self._bring(store.take, kept)
            finally:
                store.close()
        if self._plan is None or not self._plan.is_without_database():
            raise OSError("it is not there")
        local = self.local or self._become_local()
        if local is None:
            return 0  # another process of this machine does it
        shipped = self._bring(local[0].take, kept)
        self._deliver_locally()
        return shipped

    def _bring(self, take: Callable[[Sequence[Alert], float], None], kept: tuple[Alert, ...]) -> int:
        now = self._clock.now()
        if kept and self._outbox is not None:
            take(kept, now)
            self._outbox.forget(kept)
        return len(kept) + ship(self._folder, partial(_take, take, now), decode_alert)

    def _become_local(self) -> tuple[LocalAlerts, Deliverer] | None:
        """Take the machine's alerts over for the life of this process, unless another one has."""
        plan = self._plan
        if plan is None:
            return None
        with ExitStack() as stack:
            if not stack.enter_context(turn(self._folder, "local.lock")):
                return None
            self.local = plan.open()
            self._open.push(stack.pop_all())
        self._use_locally()
        _log.warning("alerts_are_delivered_from_here", file=str(plan.file))
        return self.local

    def _deliver_locally(self) -> None:
        """Also what an earlier process began, before there was a database."""
        if self.local is None and self._plan is not None and self._plan.file.exists():
            self._become_local()
        if self.local is not None:
            self.local[1].turn()

    def _run(self) -> None:
        failures = 0
        while True:
            is_last_round = self._stopping.is_set()
            self._wanted.clear()
            if self.attempt():
                failures = 0
                pause_s = _TICK_S
            else:
                failures += 1
                pause_s = _retry_s(failures)
            if is_last_round:
                break
            (self._wanted if failures == 0 else self._stopping).wait(pause_s)
        self.close()

    def attempt(self) -> bool:
        """One round; False where it could not be made, which `problems` then says."""
        try:
            self.round()
        except (DatabaseError, OSError, msgspec.DecodeError) as error:
            self._note(str(error).strip() or type(error).__name__)
            return False
        except Exception as error:  # noqa: BLE001 - boundary: a background job; the outbox keeps everything
            _log.exception("alert_courier_failed")
            self._note(str(error))
            return False
        if self._failing_since is not None and self._error is not None:
            _log.info("alerts_shipping_recovered")
        self._failing_since = self._error = None
        return True

    def _note(self, error: str) -> None:
        if self._failing_since is None:
            self._failing_since = self._clock.monotonic()
        self._error = error


def _take(take: Callable[[Sequence[Alert], float], None], now: float, alerts: Sequence[Alert]) -> None:
    take(alerts, now)


def _retry_s(failures: int) -> float:
    longest_s = min(_LONGEST_RETRY_S, _FIRST_RETRY_S * 2 ** min(failures, 10))
    return random.uniform(longest_s / 2, longest_s)  # noqa: S311 - spreads retries, hides nothing


def is_database_folder_there(data_dir: Path) -> bool:
    """Whether an embedded server was ever made in this data directory."""
    return os.path.lexists(data_dir / "postgres")
