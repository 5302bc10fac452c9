"""Events of applications in a data plane: in a file on the machine when they are taken, and from there in the database.

They have no consequences for what is answered: they are counted.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import psycopg

from penstock.admission.identity.authenticator import Authenticator
from penstock.app.quality.refused import follow_refused
from penstock.config.datadir import DataDir
from penstock.core.clock import Clock
from penstock.core.happenings import Happening
from penstock.storage.follow import Follower, Following, Listening
from penstock.watch.feedback.outbox import FeedbackOutbox
from penstock.watch.happenings.store import decode, insert, place
from penstock.watch.outgoing import is_anything_waiting, ship

FOLDER = "events"
"""Below the data directory."""
_NEVER_S = 86_400.0
_AT_ONCE = 1_000


class PlaneHappenings:
    """`start` once, on the event loop that serves; `stop` once, after the last request."""

    def __init__(self, root: Path, clock: Clock, source: Listening, *, beside: Sequence[Follower] = ()) -> None:
        """`beside` are started and stopped with it."""
        self._outbox = FeedbackOutbox(root / FOLDER, clock)
        self._clock = clock
        self._followers = (Follower(Following("events", (), _NEVER_S, _read_nothing, self._tend), source), *beside)

    def take(self, happening: Happening) -> None:
        """A `server.service.TakeHappening`."""
        self._outbox.write(happening)

    def start(self) -> None:
        for each in self._followers:
            each.start()

    def stop(self) -> None:
        """What still waits is brought away by another process, or the next one."""
        for each in self._followers:
            each.stop()
        self._outbox.close()

    def gauges(self) -> tuple[tuple[str, str, float], ...]:
        """For `/metrics`: name, meaning, value."""
        return (("penstock_events_taken", "Events of applications that this process has taken.", self._outbox.written),)

    def _tend(self, connection: psycopg.Connection) -> None:
        if is_anything_waiting(self._outbox.folder):
            ship(self._outbox.folder, partial(insert, connection), decode)
        place(connection, now=self._clock.now(), most=_AT_ONCE)


def open_happenings(
    data_dir: DataDir, clock: Clock, authenticator: Authenticator, source: Listening
) -> PlaneHappenings:
    """With it go the credentials that this process has refused: they too are counted in the database alone."""
    refused = follow_refused("data", lambda: authenticator.refusals, clock, source)
    return PlaneHappenings(data_dir.root, clock, source, beside=[refused])


def _read_nothing(_: psycopg.Connection) -> None:
    """Nothing is kept in memory here."""
