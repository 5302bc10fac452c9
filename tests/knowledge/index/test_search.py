"""What a search finds, of what is kept."""

import asyncio

import psycopg
import pytest
from tests.knowledge.index.conftest import STAFF, document, vector_of, vectors_of

from penstock.core.sources import PUBLIC, Reader
from penstock.knowledge.document import BaseId
from penstock.knowledge.index import search
from penstock.knowledge.index.request import NO_FILTERS, Filters, Found, Search
from penstock.knowledge.index.search import searching
from penstock.knowledge.index.searcher import Searcher
from penstock.knowledge.index.steps import Asker, take
from penstock.knowledge.index.store import PostgresStore
from penstock.storage.pool import new_pool
from penstock.testing.clock import FakeClock

ANYBODY = Asker("acme", (PUBLIC,))


def found(connection: psycopg.Connection, query: str, base: BaseId, **more: object) -> Found:
    asked: dict[str, object] = {"asker": ANYBODY, "k": 3, **more}
    wanted = Search(query, vector_of(query), bases=(base,), **asked)  # type: ignore[arg-type]
    return take(connection, searching(wanted, now=1_000_000.0))


def test_the_passage_that_has_the_words_comes_first(
    connection: psycopg.Connection, store: PostgresStore, base: BaseId
) -> None:
    for each in (
        document("leave.md", "Employees have thirty days of paid leave a year.", "Sick days are not counted."),
        document("travel.md", "Trains are booked in second class."),
    ):
        store.put(base, each, vectors_of(each))
    first = found(connection, "How many days of paid leave?", base).passages[0]
    assert (first.title, first.text) == ("leave.md", "Employees have thirty days of paid leave a year.")
    assert (first.start, first.end, first.version, first.label) == (0, 48, 1, "1")


@pytest.fixture(params=["compared", "by signs", "indexed"], autouse=True)
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "by signs":
        monkeypatch.setattr(search, "_FEW_CHUNKS", 0)
    elif request.param == "indexed":
        monkeypatch.setattr(search, "_FEW_DOCUMENTS", 1)


def test_filters_and_age_choose_among_documents(
    connection: psycopg.Connection, store: PostgresStore, base: BaseId
) -> None:
    for each in (
        document("old.md", "The office is open until six.", metadata={"lang": "en", "area": "it"}, modified_at=1_000.0),
        document("new.md", "The office is open until eight.", metadata={"lang": "en"}, modified_at=900_000.0),
        document("de.md", "Das office is open until neun.", metadata={"lang": "de"}),
    ):
        store.put(base, each, vectors_of(each))
    query = "The office is open until six"

    def titles(filters: Filters = NO_FILTERS, **more: object) -> list[str]:
        return [each.title for each in found(connection, query, base, filters=filters, **more).passages]

    assert titles()[0] == "old.md"
    # Of one document nobody knows how old it is: it does not age.
    assert titles(half_life_s=86_400.0) == ["de.md", "new.md", "old.md"]
    assert set(titles(Filters(equal={"lang": "en"}))) == {"old.md", "new.md"}
    assert titles(Filters(equal={"lang": "en", "area": "it"})) == ["old.md"]
    assert set(titles(Filters(one_of={"lang": ("de", "fr"), "area": ("it",)}))) == set()
    assert titles(Filters(one_of={"lang": ("de", "fr")})) == ["de.md"]
    assert titles(Filters(since=1_000.0, until=900_000.0)) == ["old.md"]
    assert titles(Filters(since=1_000.5)) == ["new.md"]


def test_there_are_always_k_rows_where_one_document_in_a_hundred_may_be_read(
    connection: psycopg.Connection, store: PostgresStore, base: BaseId
) -> None:
    for number in range(600):
        who = (STAFF,) if number % 100 == 0 else (Reader("group:others"),)
        each = document(
            f"{number}.md", f"Rule {number} is about travel by train.", f"And rule {number} on planes.", readers=who
        )
        store.put(base, each, vectors_of(each))
    few = found(connection, "travel by train", base, asker=Asker("acme", (STAFF,)), k=12)
    assert len(few.hits) == 12
    assert {int(passage.title.removesuffix(".md")) % 100 for passage in few.passages} == {0}


def test_what_says_the_same_again_comes_last(
    connection: psycopg.Connection, store: PostgresStore, base: BaseId
) -> None:
    for key, text in (("a", "Travel by train is paid."), ("b", "Travel by train is paid."), ("c", "Trains are slow.")):
        each = document(key, text)
        store.put(base, each, vectors_of(each))
    assert [each.text for each in found(connection, "Is travel by train paid?", base, k=2).passages] == [
        "Travel by train is paid.",
        "Trains are slow.",
    ]
    assert len(found(connection, "Is travel by train paid?", base, k=3).hits) == 3


@pytest.mark.parametrize("query", ["", "the of and", "😢", "' OR 1=1 --", "x" * 10_000, "\0"])
def test_any_text_may_be_asked(connection: psycopg.Connection, store: PostgresStore, base: BaseId, query: str) -> None:
    assert found(connection, query, base).hits == ()
    each = document("a.md", "one")
    store.put(base, each, vectors_of(each))
    assert len(found(connection, query, base).hits) == 1


async def searched(url: str, base: BaseId) -> Found:
    pool = new_pool(url, name="test")
    await pool.open()
    try:
        query = "paid leave"
        return await Searcher(pool, FakeClock()).search(Search(query, vector_of(query), ANYBODY, (base,)))
    finally:
        await pool.close()


def test_the_event_loop_finds_the_same(
    connection: psycopg.Connection, store: PostgresStore, base: BaseId, database_url: str
) -> None:
    each = document("leave.md", "Thirty days of paid leave.", "Nothing else.")
    store.put(base, each, vectors_of(each))
    assert asyncio.run(searched(database_url, base)) == found(connection, "paid leave", base, k=8)
