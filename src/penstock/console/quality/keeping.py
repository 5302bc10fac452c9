"""What the control plane does for quality: it looks at answers whose contents have come, and has some of them judged.

Each in a thread and on a connection of its own, so that a judge who takes a minute keeps nobody waiting.
"""

from collections.abc import Callable, Sequence
from typing import Final

import psycopg

from penstock.core.clock import Clock
from penstock.storage.follow import Follower, Following
from penstock.watch.quality import store
from penstock.watch.quality.judging import Judging
from penstock.watch.quality.looking import AT_ONCE, Looking

_PURGE_EVERY_S: Final = 60.0
_PURGED_AT_ONCE: Final = 5_000
_NEVER_S: Final = 86_400.0
_MOST_IN_A_ROW: Final = 20


class QualityKeeping:
    """`start` once, `stop` once; any number of control planes may do so at the same time.

    `looking` is None where no answer is looked at, `judging` where none is judged; `connect` is by a name.
    """

    def __init__(
        self,
        looking: Looking | None,
        judging: Judging | None,
        clock: Clock,
        connect: Callable[[str], psycopg.Connection | None],
        *,
        keep_days: float,
    ) -> None:
        self._looking = looking
        self._judging = judging
        self._clock = clock
        self._keep_days = keep_days
        self._purged_s = float("-inf")
        self._followers: list[Follower] = []
        if looking is not None:
            following = Following("quality", (), _NEVER_S, _read_nothing, self.tend)
            self._followers.append(Follower(following, lambda: connect("quality")))
        if judging is not None:
            following = Following("judging", (), _NEVER_S, _read_nothing, self.tend_judging)
            self._followers.append(Follower(following, lambda: connect("judging")))

    def also(self, follower: Follower) -> None:
        """Start and stop it with these: it tends what belongs to the same figures."""
        self._followers.append(follower)

    def start(self) -> None:
        for each in self._followers:
            each.start()

    def stop(self) -> None:
        """An answer that is being judged counts as judged; what was not looked at is, by the next one."""
        for each in self._followers:
            each.stop()

    def came(self, connection: psycopg.Connection, exchanges: Sequence[str]) -> None:
        """These exchanges' contents have come: they wait to be looked at."""
        if self._looking is not None:
            store.queue(connection, exchanges, now=self._clock.now())

    def tend(self, connection: psycopg.Connection) -> None:
        """Called every second, in the follower's thread.  Raises `psycopg.Error`; then the next call goes on."""
        looking = self._looking
        if looking is not None:
            for _ in range(_MOST_IN_A_ROW):
                if looking.look(connection) < AT_ONCE:
                    break
        if self._clock.monotonic() >= self._purged_s + _PURGE_EVERY_S:
            store.purge(connection, now=self._clock.now(), keep_days=self._keep_days, most=_PURGED_AT_ONCE)
            self._purged_s = self._clock.monotonic()

    def tend_judging(self, connection: psycopg.Connection) -> None:
        """As `tend`, in the other thread."""
        if self._judging is not None:
            self._judging.judge(connection)

    def problems(self) -> list[str]:
        """What is wrong, for `/health`."""
        found: list[str] = []
        if self._looking is not None and self._looking.unreadable:
            found.append(f"{self._looking.unreadable} answers could not be looked at: the log says why")
        return found


def _read_nothing(_: psycopg.Connection) -> None:
    """Nothing is kept in memory here."""
