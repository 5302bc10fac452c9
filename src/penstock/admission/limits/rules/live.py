"""Limits and budgets that follow the database while requests are served: the file's rules and the database's together.

`app` makes one for each data plane, hands its stage to the engine, and calls `start` and `stop`.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import psycopg
import structlog

from penstock.admission.limits.limit import Budget, Limit
from penstock.admission.limits.rules.status import StatusBoard
from penstock.admission.limits.rules.stored import (
    CHANNELS,
    InForce,
    Stored,
    in_force,
    last_reload,
    load_stored,
    read_stored,
    save_stored,
)
from penstock.admission.limits.stage import LimitStage
from penstock.config.limits import OnStoreLoss
from penstock.core.errors import ConfigError
from penstock.storage.follow import Follower, Following, Source

_log = structlog.get_logger(__name__)


class LiveRules:
    """What is in force at this moment.  Lives on the event loop's thread.

    `fixed` are the file's rules, `zones` its time zones by tenant, until `refile` says otherwise; `snapshot` is what an
    earlier process saved, so that the database's rules hold from the first request on, whether or not the database is
    there.
    """

    def __init__(
        self,
        fixed: tuple[Limit | Budget, ...],
        *,
        zones: Mapping[str, str],
        on_loss: OnStoreLoss,
        snapshot: Path,
    ) -> None:
        self._fixed = fixed
        self._zones = zones
        self._on_loss: OnStoreLoss = on_loss
        self.snapshot = snapshot
        self.stored = load_stored(snapshot)
        self.now = self._join(self.stored)

    def zone_of(self, tenant: str) -> str:
        """The time zone by which a tenant's days begin."""
        return self.now.zones.get(tenant, "UTC")

    def take(self, stored: Stored) -> bool:
        """Take over what was read.  Returns whether that changes anything."""
        self.stored = stored
        return self._rejoin()

    def refile(self, fixed: tuple[Limit | Budget, ...], zones: Mapping[str, str]) -> bool:
        """Take over what the file says by now.  Returns as `take`."""
        self._fixed, self._zones = fixed, zones
        return self._rejoin()

    def _rejoin(self) -> bool:
        before, self.now = self.now, self._join(self.stored)
        return self.now != before

    def _join(self, stored: Stored) -> InForce:
        return in_force(self._fixed, stored, on_loss=self._on_loss, zones=self._zones)


class RuleFollower:
    """Keeps a stage in step with the database, and the database's `limit_status` in step with the stage.

    `connect` gives a new connection, or None while the database's address is not known.  `file_changed`, if set, is
    called from the follower's thread when an operator has the planes read their files again.
    """

    file_changed: Callable[[], None] | None = None

    def __init__(
        self,
        stage: LimitStage,
        rules: LiveRules,
        *,
        connect: Source,
        refresh_s: float,
    ) -> None:
        self._stage = stage
        self._rules = rules
        self._board = StatusBoard()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._read: Stored = rules.stored
        self._reload: int | None = None
        following = Following("rules", CHANNELS, refresh_s, self._refresh, self._tend)
        self._follower = Follower(following, connect)

    def start(self) -> None:
        """Begin, on the event loop that serves."""
        self._loop = asyncio.get_running_loop()
        self._follower.start()

    def stop(self) -> None:
        self._follower.stop()

    def refile(self, fixed: tuple[Limit | Budget, ...], zones: Mapping[str, str]) -> None:
        """Take over what the file says by now, on the event loop: from the next request on."""
        if self._rules.refile(fixed, zones):
            self._enforce()

    def _refresh(self, connection: psycopg.Connection) -> None:
        reload = last_reload(connection)
        if reload != self._reload:
            # Also with the first look: it may have been asked for while this process read its file.
            self._reload = reload
            if self.file_changed is not None:
                self.file_changed()
        stored = read_stored(connection)
        if stored == self._read:
            return
        self._read = stored
        self._on_loop(lambda: self._take(stored))
        try:
            save_stored(self._rules.snapshot, stored)
        except OSError as error:
            _log.warning("rule_snapshot_not_saved", reason=str(error))

    def _tend(self, connection: psycopg.Connection) -> None:
        self._board.publish(connection)
        self._on_loop(lambda: self._board.collect(self._stage.supply.book))

    def _on_loop(self, function: Callable[[], None]) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has closed: this process is at its end
                self._loop.call_soon_threadsafe(function)

    def _take(self, stored: Stored) -> None:
        if self._rules.take(stored):
            self._enforce()

    def _enforce(self) -> None:
        now = self._rules.now
        try:
            self._stage.replace(now.rules)
        except ConfigError as error:  # names are unique by now: this is for what nobody foresaw
            _log.error("rules_not_replaced", reason=str(error))
            return
        _log.info("rules_replaced", rules=len(now.rules), problems=len(now.problems))
