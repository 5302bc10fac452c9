"""What the control plane does for the review beside its API: it brings holds and remarks from this machine's outboxes
into the queue, takes the steps of overdue ones, lets verified answers enter, tells webhooks, and clears away.
"""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import psycopg
import structlog

from penstock.config.alerts import AlertSettings
from penstock.config.review import ReviewSettings
from penstock.console.review.telling import open_deliveries
from penstock.core.clock import Clock
from penstock.review import outbox, remarks
from penstock.review.erasure import purge
from penstock.review.hold import Hold, decode_hold
from penstock.review.remarks import decode_remark, insert_remarks, place_remarks
from penstock.review.take import insert, tick
from penstock.review.verified import VerifiedAnswers, enter_next
from penstock.storage.follow import Following, Listening
from penstock.watch.alerts.deliver import Deliverer
from penstock.watch.alerts.opening import terms_of, webhooks_of
from penstock.watch.outgoing import is_anything_waiting, ship

_AT_ONCE = 500
_PURGE_EVERY_S = 3600.0
_NEVER_S = 86_400.0
_STOP_S = 20.0

_log = structlog.get_logger(__name__)


class Reviewing:
    """`start` once, `stop` once.  `cache` takes verified answers, where there is one."""

    def __init__(
        self,
        settings: ReviewSettings,
        alerts: AlertSettings,
        root: Path,
        *,
        find_url: Callable[[], str | None],
        clock: Clock,
        source: Listening,
        cache: VerifiedAnswers | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._cache = cache
        self._source = source
        self._holds, self._remarks = root / outbox.FOLDER, root / remarks.FOLDER
        self._purged_s = float("-inf")
        self._following = Following("review", (), _NEVER_S, _read_nothing, self.tend)
        self._deliverer = Deliverer(
            webhooks_of(_as_alerts(settings, alerts)),
            partial(open_deliveries, find_url),
            terms_of(alerts),
            clock=clock,
        )
        self._thread = threading.Thread(target=self._deliverer.run, name="penstock-releases", daemon=True)

    def start(self) -> None:
        self._source.join(self._following)
        self._thread.start()

    def stop(self) -> None:
        """What is being sent is finished; what still lies in an outbox is brought away by the next one."""
        self._source.leave(self._following)
        self._deliverer.stop()
        self._thread.join(_STOP_S)

    def use(self, settings: ReviewSettings, alerts: AlertSettings) -> None:
        """Other settings, within a second or so."""
        self._settings = settings
        self._deliverer.use(webhooks_of(_as_alerts(settings, alerts)), terms_of(alerts))

    def problems(self) -> tuple[str, ...]:
        """What is wrong, for `/health`."""
        return self._deliverer.problems()

    def tend(self, connection: psycopg.Connection) -> None:
        """Called every second, in the follower's thread.  Raises `psycopg.Error`; then the next call goes on."""
        if is_anything_waiting(self._holds):
            ship(self._holds, partial(_take, connection), decode_hold)
        if is_anything_waiting(self._remarks):
            ship(self._remarks, partial(insert_remarks, connection), decode_remark)
        place_remarks(connection, most=_AT_ONCE)
        now = self._clock.now()
        while steps := tick(connection, now=now, most=_AT_ONCE):
            _log.info("holds_overdue", holds=len(steps), actions=sorted({each.action for each in steps}))
        while self._cache is not None and enter_next(connection, self._cache, now=now):
            pass
        if self._clock.monotonic() >= self._purged_s + _PURGE_EVERY_S:
            gone = purge(connection, now=now, keep_days=self._settings.keep_days, most=_AT_ONCE)
            if gone < _AT_ONCE:
                self._purged_s = self._clock.monotonic()


def _take(connection: psycopg.Connection, holds: Sequence[Hold]) -> None:
    insert(connection, holds)


def _read_nothing(_: psycopg.Connection) -> None:
    """Nothing is kept in memory here."""


def _as_alerts(settings: ReviewSettings, alerts: AlertSettings) -> AlertSettings:
    """The review's webhooks on the terms of the alerts'."""
    return AlertSettings(
        webhooks=settings.webhooks,
        timeout_s=alerts.timeout_s,
        give_up_after_s=alerts.give_up_after_s,
        allow_private=alerts.allow_private,
    )
