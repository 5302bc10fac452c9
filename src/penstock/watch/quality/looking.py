"""Looks at answers: takes those whose contents have come, and writes down how good they were.

In a thread of the control plane, where contents can be opened; they are opened in memory alone.
"""

from collections.abc import Callable
from typing import Final

import psycopg
import structlog

from penstock.config.quality import QualityPolicy
from penstock.core.clock import Clock
from penstock.watch.contents.sealing import Sealed, Unreadable
from penstock.watch.drift.looked import Looked, Traits
from penstock.watch.quality import store
from penstock.watch.quality.checks import Checks, Found, Usual, chars_of
from penstock.watch.quality.seen import Seen, seen_of
from penstock.watch.quality.store import Queued
from penstock.watch.quality.verdicts import ANSWER, WHOLE

AT_ONCE: Final = 100
_SHARE_OF: Final = float(1 << 32)

_log = structlog.get_logger(__name__)


def is_in_sample(exchange: str, share: float) -> bool:
    """By random digits of the exchange's own, others than contents are kept by."""
    return int(exchange[-16:-8], 16) / _SHARE_OF < share


def is_to_be_judged(exchange: str, share: float) -> bool:
    """By yet others."""
    return int(exchange[-20:-16], 16) / float(1 << 16) < share


class Looking:
    """`policy_of` is by assistant.  `traits`, if given, are watched for drift.  For one thread."""

    def __init__(
        self,
        sealed: Sealed,
        checks: Checks,
        policy_of: Callable[[str], QualityPolicy],
        clock: Clock,
        traits: Traits | None = None,
    ) -> None:
        self._sealed = sealed
        self._checks = checks
        self._policy_of = policy_of
        self._clock = clock
        self._traits = traits
        self.looked_at = 0
        self.unreadable = 0

    def look(self, connection: psycopg.Connection) -> int:
        """Look at what waits, a hundred at most; how many that were.  All of it is written, or nothing."""
        with connection.transaction():
            queued = store.take(connection, now=self._clock.now(), most=AT_ONCE)
            if not queued:
                return 0
            chosen = [each for each in queued if self._is_wanted(each)]
            usual = store.usual(connection, (each.assistant for each in chosen))
            scored = [(each, looked) for each in chosen if (looked := self._looked(each, usual))]
            fresh = store.write(connection, [(looked.seen.told, looked.found) for _, looked in scored])
            store.set_usual(connection, usual)
            if self._traits is not None:
                self._traits.add(connection, [looked for each, looked in scored if each.exchange in fresh])
            waiting = [each.exchange for each, _ in scored if self._is_judged(each)]
            connection.cursor().executemany(
                "INSERT INTO quality_judged (exchange, at, state) VALUES (%s, %s, 'waiting') ON CONFLICT DO NOTHING",
                [(exchange, self._clock.now()) for exchange in waiting],
            )
            store.leave(connection, [each.exchange for each in queued])
        self.looked_at += len(scored)
        return len(queued)

    def _is_wanted(self, queued: Queued) -> bool:
        """Only what was answered in full: how the others ended is known, and they are kept more often than others."""
        share = self._policy_of(queued.assistant).sample
        return queued.outcome == "completed" and queued.sealed is not None and is_in_sample(queued.exchange, share)

    def _is_judged(self, queued: Queued) -> bool:
        return is_to_be_judged(queued.exchange, self._policy_of(queued.assistant).judged)

    def _looked(self, queued: Queued, usual: dict[str, Usual]) -> Looked | None:
        try:
            seen = self.open(queued)
            if seen is None:
                return None
            known = usual.get(queued.assistant, Usual())
            found = self._checks.of(seen, self._policy_of(queued.assistant).checks, known)
        except Exception:  # noqa: BLE001 - boundary: a background job; one answer must not keep all others waiting
            _log.exception("answer_not_looked_at", exchange=queued.exchange)
            self.unreadable += 1
            return None
        chars = chars_of(seen)
        if chars is not None:
            usual[queued.assistant] = known.and_one(chars)
        worst = min(found, key=lambda each: each.score, default=Found(ANSWER, WHOLE, "good"))
        return Looked(seen, (Found(ANSWER, worst.score, worst.verdict), *found))

    def open(self, queued: Queued) -> Seen | None:
        """The answer, out of its contents; None where they are gone, or cannot be opened here."""
        if queued.sealed is None or queued.key_id is None:
            return None
        try:
            content = self._sealed.open(queued.tenant, queued.exchange, queued.key_id, queued.sealed)
        except Unreadable as error:
            _log.warning("answer_not_looked_at", exchange=queued.exchange, reason=str(error))
            self.unreadable += 1
            return None
        return seen_of(queued.told(), content)
