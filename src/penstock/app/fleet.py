"""What the processes of a fleet tell each other, put together from the configuration.

The data plane takes a `Fleet`, the control plane a `FleetDesk`; both over the board that `open_board` finds.
"""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import psycopg
import structlog

from penstock.admission.fleet.board import Board
from penstock.admission.fleet.desk import FleetDesk
from penstock.admission.fleet.link import SILENT_S, FleetLink
from penstock.admission.fleet.sharing import Sharing
from penstock.admission.fleet.store import PostgresBoard
from penstock.admission.targets.breaker import BreakerChange
from penstock.admission.targets.gates import TargetGates
from penstock.config.fleet import FleetSettings
from penstock.config.limits import LimitStoreSettings
from penstock.config.types import Config
from penstock.core.clock import Clock
from penstock.storage.embedded import running_url
from penstock.storage.pool import connect

_log = structlog.get_logger(__name__)


def open_board(config: Config, *, find_url: Callable[[], str | None]) -> Board | None:
    """The board of this installation, not yet connected; None where each process is to know its own findings only.

    `find_url` gives the database's address, or None while it is not known.  Raises `ConfigError`.
    """
    settings: FleetSettings | LimitStoreSettings = config.fleet
    if settings.kind == "none":
        return None
    if settings.kind == "auto" and config.limit_store.kind == "redis":
        settings = config.limit_store  # who counts there has it for this too
    if settings.kind == "redis" and settings.url is not None:
        try:
            from penstock.admission.fleet.redis_board import RedisBoard  # noqa: PLC0415 - an extra of its own
        except ModuleNotFoundError:
            raise config.problem("fleet.kind", "Redis needs the extra `fleet`: pip install 'penstock[fleet]'") from None
        return RedisBoard(settings.url.reveal(), is_cluster=settings.cluster, prefix=settings.prefix)

    def connection() -> psycopg.Connection | None:
        url = find_url()
        return None if url is None else connect(url, name="fleet")

    return PostgresBoard(connection)


def open_desk(config: Config, *, find_url: Callable[[], str | None]) -> FleetDesk | None:
    """For the control plane."""
    board = open_board(config, find_url=find_url)
    return None if board is None else FleetDesk(board)


class Fleet:
    """The data plane's part: told of every change of a breaker, `start`ed with the gates and `stop`ped once."""

    def __init__(self, config: Config, data_dir: Path, clock: Clock) -> None:
        def find_url() -> str | None:
            return config.database_url.reveal() if config.database_url is not None else running_url(data_dir)

        self._board = open_board(config, find_url=find_url)
        self._clock = clock
        self._place = f"{socket.gethostname()}:{os.getpid()}"
        self._sharing: Sharing | None = None
        self._link: FleetLink | None = None
        self._gates: TargetGates | None = None

    def changed(self, target: str, change: BreakerChange) -> None:
        """For `TargetGates`."""
        _log.warning(
            "breaker_changed",
            target=target,
            before=change.before,
            after=change.after,
            reason=change.reason,
            is_own=not change.was_remote,
        )
        if self._sharing is not None:
            self._sharing.changed(target, change)

    def start(self, gates: TargetGates) -> None:
        """On the event loop of the gates."""
        self._gates = gates
        if self._board is None:
            return
        self._sharing = Sharing(gates, self._clock, process=uuid4().hex, place=self._place, silent_s=SILENT_S)
        self._link = FleetLink(self._sharing, self._board, self._clock)
        self._link.start()

    def stop(self) -> None:
        """Leave the fleet; blocks for a moment."""
        if self._link is not None:
            self._link.stop()

    def problems(self) -> tuple[str, ...]:
        """For `/health`: targets that are not called, and a store that is lost."""
        gates = self._gates or ()
        down = tuple(
            f"{gate.name} is failing and is not called for now ({gate.breaker.reason})"
            for gate in gates
            if not gate.breaker.is_closed
        )
        return (*down, *(self._link.problems() if self._link is not None else ()))

    def targets_up(self) -> dict[str, bool]:
        """For the metrics."""
        return {gate.name: gate.breaker.is_closed for gate in self._gates or ()}
