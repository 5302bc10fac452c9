"""Followers that share a connection: each hears its own news, and none is held up by another's trouble."""

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import psycopg
import pytest

from penstock.storage.follow import Follower, Following, Listening
from penstock.storage.pool import connect

PATIENCE_S = 10.0


@dataclass
class Reader:
    """Follows a channel of its own; each reading puts what `query` gave into `reads`."""

    name: str
    query: str = "SELECT 1"
    refresh_s: float = 3600.0
    reads: "queue.Queue[object]" = field(default_factory=queue.Queue[object])

    def follow(self, listening: Listening) -> Follower:
        return Follower(Following(self.name, (f"channel_{self.name}",), self.refresh_s, self._read), listening)

    def _read(self, connection: psycopg.Connection) -> None:
        row = connection.execute(self.query.encode()).fetchone()
        self.reads.put(None if row is None else row[0])

    def next(self) -> object:
        return self.reads.get(timeout=PATIENCE_S)

    @property
    def is_quiet(self) -> bool:
        return self.reads.empty()


Begin = Callable[..., Listening]


@pytest.fixture
def begin(empty_database_url: str) -> Iterator[Begin]:
    """`begin(reader, …)` has them follow over one connection."""
    followers: list[Follower] = []

    def make(*readers: Reader) -> Listening:
        listening = Listening(lambda: connect(empty_database_url, name="follow"))
        followers.extend(reader.follow(listening) for reader in readers)
        for follower in followers:
            follower.start()
        return listening

    yield make
    for follower in followers:
        follower.stop()


@pytest.fixture
def admin(empty_database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        yield connection


def backends(admin: psycopg.Connection) -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s"
    row = admin.execute(query, ("penstock follow",)).fetchone()
    assert row is not None
    return row[0]


def test_two_followers_share_a_connection_and_each_hears_its_own_news(begin: Begin, admin: psycopg.Connection) -> None:
    a, b = Reader("a"), Reader("b")
    begin(a, b)
    assert (a.next(), b.next()) == (1, 1)
    assert backends(admin) == 1
    admin.execute("NOTIFY channel_b")
    assert b.next() == 1
    admin.execute("NOTIFY channel_a")
    assert a.next() == 1
    assert a.is_quiet
    assert b.is_quiet


def test_who_joins_later_is_read_at_once_though_nothing_is_due(begin: Begin) -> None:
    a, late = Reader("a"), Reader("late")
    listening = begin(a)
    assert a.next() == 1
    follower = late.follow(listening)
    follower.start()
    assert late.next() == 1
    assert a.is_quiet
    follower.stop()


def test_one_whose_reading_fails_holds_up_no_other_and_is_tried_again(begin: Begin, admin: psycopg.Connection) -> None:
    early, well = Reader("early", "SELECT 2 FROM not_there_yet"), Reader("well", refresh_s=0.2)
    begin(early, well)
    for _ in range(3):
        assert well.next() == 1
    assert early.is_quiet
    assert backends(admin) == 1
    admin.execute("CREATE TABLE not_there_yet AS SELECT 1")
    assert early.next() == 2


def test_a_connection_that_is_lost_is_made_anew_and_all_is_read_again(begin: Begin, admin: psycopg.Connection) -> None:
    a, b = Reader("a"), Reader("b")
    begin(a, b)
    assert (a.next(), b.next()) == (1, 1)
    admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'penstock follow'")
    assert (a.next(), b.next()) == (1, 1)
    admin.execute("NOTIFY channel_b")
    assert b.next() == 1


def test_who_leaves_is_not_called_again_and_the_last_one_ends_the_thread(
    empty_database_url: str, admin: psycopg.Connection
) -> None:
    a, b = Reader("a"), Reader("b")
    listening = Listening(lambda: connect(empty_database_url, name="follow"))
    first, second = a.follow(listening), b.follow(listening)
    first.start()
    second.start()
    assert (a.next(), b.next()) == (1, 1)
    before = threading.active_count()
    first.stop()
    admin.execute("NOTIFY channel_a")
    admin.execute("NOTIFY channel_b")
    assert b.next() == 1
    assert a.is_quiet
    second.stop()
    assert threading.active_count() == before - 1
    second.start()
    assert b.next() == 1
    second.stop()
