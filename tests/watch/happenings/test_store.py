"""Events of applications become sums once it is known whose they are, whichever arrives first."""

import random
from decimal import Decimal
from typing import Any

import msgspec
import psycopg
from tests.watch.rollups.scene import BEGAN, arrivals, random_record

from penstock.core.happenings import Happening
from penstock.core.record import Settled
from penstock.watch.happenings.store import insert, place
from penstock.watch.store import LedgerWriter

NOW = BEGAN + 600.0


def record(tenant: str, model: str) -> Settled:
    made = random_record(random.Random(1), 1, began=BEGAN, spread_s=1.0)  # noqa: S311 - a made record
    return msgspec.structs.replace(made, tenant=tenant, model=model)


def ship(database_url: str, *records: Settled) -> None:
    writer = LedgerWriter(database_url)
    writer.insert(arrivals(records))
    writer.close()


def event(name: str, *, at: float = NOW, **about: Any) -> Happening:
    return Happening(id=name, tenant="acme", key="key_1", kind="conversion", at=at, value_nanousd=7, **about)


def summed(database_url: str, *events: Happening, now: float = NOW + 1) -> dict[tuple[str, str], tuple[int, Decimal]]:
    """Keep the events, add what can be, and read the sums by tenant and assistant."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        insert(connection, events)
        place(connection, now=now, most=100)
        query = "SELECT tenant, assistant, sum(events)::int, sum(value_nanousd) FROM happening_hours GROUP BY 1, 2"
        return {(tenant, name): (count, value) for tenant, name, count, value in connection.execute(query)}


def test_an_event_about_a_model_waits_for_the_models_first_exchange(database_url: str) -> None:
    said = event("e-1", conversation="c-1", model="shop")
    assert summed(database_url, said) == {}
    ship(database_url, record("acme", "shop"))
    assert summed(database_url) == {("acme", "shop"): (1, Decimal(7))}
    assert summed(database_url, said, now=NOW + 90_000) == {("acme", "shop"): (1, Decimal(7))}


def test_a_model_that_nobody_asks_counts_as_none_after_an_hour(database_url: str) -> None:
    said = event("e-1", conversation="c-1", model="made-up")
    assert summed(database_url, said, now=NOW + 3599) == {}
    assert summed(database_url, now=NOW + 3601) == {("acme", ""): (1, Decimal(7))}


def test_without_a_model_it_counts_at_once(database_url: str) -> None:
    assert summed(database_url, event("e-1", conversation="c-1")) == {("acme", ""): (1, Decimal(7))}


def test_an_event_counts_for_its_own_tenants_exchange_alone(database_url: str) -> None:
    theirs = record("globex", "shop")
    ship(database_url, theirs)
    assert summed(database_url, event("e-1", exchange=theirs.id), now=NOW + 7200) == {}
    assert summed(database_url, now=NOW + 90_000) == {}
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM happenings").fetchone() == (0,)
