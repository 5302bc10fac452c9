"""Brings the refused credentials of a process to the database, in either plane."""

from collections.abc import Callable, Mapping

import psycopg

from penstock.core.clock import Clock
from penstock.storage.follow import Follower, Following, Listening
from penstock.watch.security.refused import RefusedCredentials

_NEVER_S = 86_400.0


def follow_refused(place: str, counts: Callable[[], Mapping[str, int]], clock: Clock, source: Listening) -> Follower:
    """To be started and stopped; `place` is `data` or `control`."""
    refused = RefusedCredentials(place, counts, clock)
    return Follower(Following("refused", (), _NEVER_S, _read_nothing, refused.tend), source)


def _read_nothing(_: psycopg.Connection) -> None:
    """Nothing is kept in memory here."""
