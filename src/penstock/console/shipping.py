"""The thread that brings the database's schema up to date and then ships the local journal into it.

It is kept alive whatever happens to it, waits for a database that is not there, and says what it waits for.  It lives
in the control plane, so that the data plane's process never waits for a database.
"""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from penstock.core.clock import Clock
from penstock.core.errors import ConfigError
from penstock.storage.migrate import Migrated
from penstock.watch.ship import AlreadyShipping, Shipper, ShipStatus

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0

_log = structlog.get_logger(__name__)


class Shipping:
    """`start` once, `stop` once; `stop` waits until all that is settled has been shipped, or `timeout_s` is over.

    `prepare` makes sure of the schema, or raises `ConfigError`; nothing is shipped before it has been content.  `told`
    is given what has reached the ledger.
    """

    def __init__(
        self,
        directory: Path,
        find_url: Callable[[], str | None],
        prepare: Callable[[str], Migrated | None],
        clock: Clock,
        told: Callable[[Sequence[bytes]], None] | None = None,
        *,
        minute_sums_days: float = 40.0,
    ) -> None:
        self._directory = directory
        self._find_url = find_url
        self._prepare = prepare
        self._clock = clock
        self._told = told
        self._minute_sums_days = minute_sums_days
        self._stopping = threading.Event()
        self._shipper: Shipper | None = None
        self._problem: str | None = None
        self._reported: str | None = None
        self._is_prepared = False
        self._thread = threading.Thread(target=self._run, name="penstock-shipper", daemon=True)

    @property
    def problem(self) -> str | None:
        """Why the database cannot be used, where that is known; None while it can."""
        return self._problem

    @property
    def is_prepared(self) -> bool:
        """Whether the schema has been found, or made, to be the one that this code knows."""
        return self._is_prepared

    @property
    def status(self) -> ShipStatus | None:
        """None until the database was there for the first time."""
        shipper = self._shipper
        return None if shipper is None else shipper.status

    def start(self) -> None:
        self._thread.start()

    def stop(self, *, timeout_s: float) -> None:
        self._stopping.set()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            _log.error("shipping_not_finished", waited_s=timeout_s)

    def _run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            is_last_round = self._stopping.is_set()
            url = self._find_url()
            can_ship = url is not None and self._is_usable(url, may_report=pause_s == _LONGEST_PAUSE_S)
            if url is not None and can_ship:
                self._ship(url)
            if is_last_round or (can_ship and self._stopping.is_set()):
                return
            self._stopping.wait(pause_s)
            # The embedded server is looked for in its file, and its first start is what everybody waits for.
            pause_s = _FIRST_PAUSE_S if url is None else min(1.5 * pause_s, _LONGEST_PAUSE_S)

    def _is_usable(self, url: str, *, may_report: bool) -> bool:
        """Prepare the schema; where that is not possible, keep the reason and log it once."""
        try:
            migrated = self._prepare(url)
        except ConfigError as error:
            self._problem = error.message
            if may_report and self._problem != self._reported:
                self._reported = self._problem
                _log.warning("database_not_usable", reason=self._problem, directory=str(self._directory))
            return False
        except Exception as error:  # noqa: BLE001 - boundary: a background job; it is tried again
            self._problem = f"the schema could not be prepared: {error}"
            _log.exception("schema_not_prepared")
            return False
        if migrated is not None and migrated.is_changed:
            _log.info("schema_migrated", before=migrated.before, after=migrated.after)
        if self._reported is not None:
            _log.info("database_usable")
        self._problem = self._reported = None
        self._is_prepared = True
        return True

    def _ship(self, url: str) -> None:
        """Ship until told to stop; a shipper that fails is replaced by the caller."""
        try:
            self._shipper = Shipper(
                self._directory,
                url,
                clock=self._clock,
                told=self._told,
                minute_sums_days=self._minute_sums_days,
            )
            self._shipper.run(self._stopping)
        except AlreadyShipping:
            _log.warning("another_process_ships", directory=str(self._directory))
        except Exception:  # noqa: BLE001 - boundary: a background job; the journal keeps everything until the next try
            _log.exception("shipper_failed")
