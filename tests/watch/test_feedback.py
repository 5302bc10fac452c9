"""Feedback from the disk to the database: kept once, placed only where it belongs, and told in order."""

from pathlib import Path

import psycopg
import pytest
from tests.console.test_cache_api import settle

from penstock.core.errors import LedgerUnavailable
from penstock.core.facts import CacheHit, CacheStored, TierChosen
from penstock.core.feedback import Feedback, Verdict
from penstock.testing.clock import FakeClock
from penstock.watch.feedback import store
from penstock.watch.feedback.outbox import FeedbackOutbox, decode_feedback
from penstock.watch.outgoing import ship

NOW = 1_000_000.0


def said(verdict: Verdict, *, number: int = 1, tenant: str = "acme", at: float = NOW, user: str = "") -> Feedback:
    return Feedback(exchange=f"ex_{number}", tenant=tenant, key="k", user=user, verdict=verdict, at=at)


def placed(connection: psycopg.Connection, *, now: float = NOW) -> list[tuple[str, str]]:
    with connection.transaction():
        return [(each.exchange, each.verdict) for each in store.place(connection, now=now, most=100)]


def chosen(tier: str, *, is_shadow: bool = False) -> TierChosen:
    return TierChosen(at_s=0.0, model="m", tier=tier, by="complexity", targets=(), is_shadow=is_shadow)


def test_feedback_waits_for_its_exchange_and_is_then_placed_with_what_the_ledger_knows(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        store.insert(connection, [said("bad"), said("good", number=2), said("bad", number=3)])
        assert placed(connection) == []
        hit = CacheHit(at_s=0.0, kind="exact", age_s=1.0, answer="ex_0")
        settle(database_url, "acme", chosen("fast"), hit, number=1)
        settle(database_url, "acme", chosen("fast", is_shadow=True), CacheStored(at_s=0.0, lifetime_s=1.0), number=2)
        settle(database_url, "acme", number=3)
        assert len(placed(connection)) == 3
        news = store.read_news(connection, after=0, most=10)
    found = {each.exchange: (each.verdict, each.model, each.tier, each.answer) for each in news}
    assert found == {
        "ex_1": ("bad", "m", "fast", "ex_0"),
        "ex_2": ("good", "m", None, "ex_2"),
        "ex_3": ("bad", "m", None, None),
    }
    assert [each.place for each in news] == sorted({each.place for each in news})


def test_feedback_on_anothers_exchange_is_never_placed_and_is_forgotten(database_url: str) -> None:
    settle(database_url, "acme", chosen("fast"), number=1)
    with psycopg.connect(database_url, autocommit=True) as connection:
        store.insert(connection, [said("bad", tenant="umbra")])
        assert placed(connection) == []
        assert placed(connection, now=NOW + 100_000.0) == []
        assert connection.execute("SELECT count(*) FROM feedback").fetchone() == (0,)


def test_the_same_verdict_again_changes_nothing_and_another_one_is_told_again(database_url: str) -> None:
    settle(database_url, "acme", number=1)
    with psycopg.connect(database_url, autocommit=True) as connection:
        store.insert(connection, [said("bad")])
        assert placed(connection) == [("ex_1", "bad")]
        store.insert(connection, [said("bad", at=NOW + 1)])
        assert placed(connection) == []
        store.insert(connection, [said("good", at=NOW + 2), said("bad", at=NOW + 1)])  # the second came late
        assert placed(connection) == [("ex_1", "good")]
        store.insert(connection, [said("bad", user="somebody else")])
        assert placed(connection) == [("ex_1", "bad")]


def test_only_one_process_places_at_a_time(database_url: str) -> None:
    settle(database_url, "acme", number=1)
    with psycopg.connect(database_url, autocommit=True) as one, psycopg.connect(database_url, autocommit=True) as other:
        store.insert(one, [said("bad")])
        with one.transaction():
            assert len(store.place(one, now=NOW, most=10)) == 1
            assert placed(other) == []
        assert placed(other) == []
        assert len(store.read_news(other, after=0, most=10)) == 1


def test_what_was_taken_outlives_the_process_and_arrives_once(tmp_path: Path, database_url: str) -> None:
    outbox = FeedbackOutbox(tmp_path / "feedback", FakeClock())
    for number in range(3):
        outbox.write(said("good", number=number))
    with psycopg.connect(database_url, autocommit=True) as connection:
        for _ in range(2):
            ship(outbox.folder, lambda pieces: store.insert(connection, pieces), decode_feedback)
        assert connection.execute("SELECT count(*) FROM feedback").fetchone() == (3,)
    outbox.close()


def test_feedback_for_which_there_is_no_room_is_refused(tmp_path: Path) -> None:
    outbox = FeedbackOutbox(tmp_path / "feedback", FakeClock(), most_waiting_bytes=1)
    outbox.write(said("good"))
    for number in range(99):
        outbox.write(said("good", number=number))
    with pytest.raises(LedgerUnavailable):
        outbox.write(said("good"))


def test_nothing_is_made_on_the_disk_before_there_is_feedback(tmp_path: Path) -> None:
    outbox = FeedbackOutbox(tmp_path / "feedback", FakeClock())
    outbox.close()
    assert not (tmp_path / "feedback").exists()
