"""The thread that ships the local journal to PostgreSQL, kept alive whatever happens to it.

It lives in the control plane, so that the data plane's process never waits for a database.
"""

import threading
from collections.abc import Callable
from pathlib import Path

import structlog

from penstock.core.clock import Clock
from penstock.watch.ship import AlreadyShipping, Shipper, ShipStatus

_LOOK_S = 0.1
_RESTART_S = 1.0

_log = structlog.get_logger(__name__)


class Shipping:
    """`start` once, `stop` once; `stop` waits until all that is settled has been shipped, or `timeout_s` is over."""

    def __init__(self, directory: Path, find_url: Callable[[], str | None], clock: Clock) -> None:
        self._directory = directory
        self._find_url = find_url
        self._clock = clock
        self._stopping = threading.Event()
        self._shipper: Shipper | None = None
        self._thread = threading.Thread(target=self._run, name="penstock-shipper", daemon=True)

    @property
    def status(self) -> ShipStatus | None:
        """None until the database's address is known."""
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
        while True:
            is_last_round = self._stopping.is_set()
            url = self._find_url()
            if url is not None:
                self._ship(url)
            if is_last_round or (url is not None and self._stopping.is_set()):
                return
            self._stopping.wait(_LOOK_S if url is None else _RESTART_S)

    def _ship(self, url: str) -> None:
        """Ship until told to stop; a shipper that fails is replaced by the caller."""
        try:
            self._shipper = Shipper(self._directory, url, clock=self._clock)
            self._shipper.run(self._stopping)
        except AlreadyShipping:
            _log.warning("another_process_ships", directory=str(self._directory))
        except Exception:  # noqa: BLE001 - boundary: a background job; the journal keeps everything until the next try
            _log.exception("shipper_failed")
