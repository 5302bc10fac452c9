"""What is kept after documents came, changed, moved and went: exactly what a fresh index of them would have."""

import random
from pathlib import Path

import alembic.command
import alembic.config
import numpy as np
import psycopg
import pytest
from tests.knowledge.index.conftest import MADE_UP, STAFF, document, vectors_of

from penstock.core.sources import PUBLIC
from penstock.knowledge.document import BaseId, Document
from penstock.knowledge.index.bases import BaseExists, create_base, delete_base, find_base, list_bases
from penstock.knowledge.index.store import NoSuchBase, PostgresStore
from penstock.storage import migrate as migrations
from penstock.storage.pool import connect
from penstock.testing.clock import FakeClock

COUNTS = """
    SELECT b.documents, b.chunks, b.words,
        (SELECT count(*) FROM knowledge_documents AS d WHERE d.base = b.id),
        (SELECT count(*) FROM knowledge_vectors AS v WHERE v.base = b.id),
        (SELECT coalesce(sum(c.words), 0) FROM knowledge_chunks AS c JOIN knowledge_documents AS d ON d.id = c.document
         WHERE d.base = b.id)
    FROM knowledge_bases AS b WHERE b.id = %s
"""
TERMS = "SELECT term, chunks FROM knowledge_terms ORDER BY term"
SIGNS = """
    SELECT s.first + at - 1, s.document, sign::text
    FROM knowledge_signs AS s, unnest(s.signs) WITH ORDINALITY AS t (sign, at) ORDER BY 1
"""
SIGNS_OF_VECTORS = "SELECT chunk, document, binary_quantize(embedding)::text FROM knowledge_vectors ORDER BY 1"
POSTED = "SELECT term, count(*)::int FROM knowledge_postings GROUP BY term ORDER BY term"


def test_counts_stay_those_of_what_is_there(connection: psycopg.Connection, store: PostgresStore, base: BaseId) -> None:
    draw = random.Random(5)  # noqa: S311 - a repeatable draw
    words = ["leave", "paid", "days", "travel", "train", "merger", "spring", "cell", "fusion", "salary"]
    long = document("long.md", *(f"{word} {number}" for word in words for number in range(7)))
    store.put(base, long, vectors_of(long))
    for _ in range(60):
        key = f"{draw.randrange(6)}.md"
        match draw.randrange(5):
            case 0:
                store.remove(base, [key, "unknown.md"])
            case 1:
                other = document(f"{draw.randrange(6)}.md", "moved")
                store.move(base, key, to=other)
            case _:
                texts = [" ".join(draw.choices(words, k=6)) for _ in range(draw.randrange(1, 4))]
                each = document(key, *texts)
                store.put(base, each, vectors_of(each))
        counted = connection.execute(COUNTS, (base,)).fetchone()
        assert counted is not None
        assert counted[:3] == (counted[3], counted[4], counted[5])
        assert connection.execute(SIGNS).fetchall() == connection.execute(SIGNS_OF_VECTORS).fetchall()
        assert connection.execute(TERMS).fetchall() == connection.execute(POSTED).fetchall()


def test_a_document_of_the_same_key_takes_the_place_of_the_other(
    connection: psycopg.Connection, store: PostgresStore, base: BaseId
) -> None:
    first, second = document("a.md", "one", "two"), document("a.md", "three", readers=(STAFF,))
    store.put(base, first, vectors_of(first))
    store.put(base, second, vectors_of(second))
    rows = connection.execute("SELECT version, readers, chunks FROM knowledge_documents").fetchall()
    assert rows == [(2, [STAFF], 1)]
    assert connection.execute("SELECT text FROM knowledge_chunks").fetchall() == [("three",)]
    known = store.known(base, "folder")["a.md"]
    assert (known.digest, known.readers, known.chunks) == (second.digest, (STAFF,), 1)
    assert store.known(base, "elsewhere") == {}


def test_a_move_keeps_what_was_read_and_takes_the_place_of_what_was_there(
    connection: psycopg.Connection, store: PostgresStore, base: BaseId
) -> None:
    for each in (document("a.md", "what was read"), document("b.md", "what was there")):
        store.put(base, each, vectors_of(each))
    store.move(base, "a.md", to=document("b.md", "nothing of this is read", title="B", uri="https://example.com/b"))
    assert connection.execute("SELECT key, title, uri FROM knowledge_documents").fetchall() == [
        ("b.md", "B", "https://example.com/b")
    ]
    assert connection.execute("SELECT text FROM knowledge_chunks").fetchall() == [("what was read",)]


@pytest.mark.parametrize("width", [383, 385])
def test_vectors_of_another_encoder_are_refused_and_nothing_is_kept(
    connection: psycopg.Connection, store: PostgresStore, base: BaseId, width: int
) -> None:
    each: Document = document("a.md", "one")
    with pytest.raises(ValueError, match="vectors of"):
        store.put(base, each, np.zeros((1, width), np.float32))
    assert connection.execute("SELECT count(*) FROM knowledge_documents").fetchone() == (0,)


def test_zero_bytes_and_halves_of_characters_change_no_place(
    connection: psycopg.Connection, store: PostgresStore, base: BaseId
) -> None:
    each = document("a.md", "a\0b \ud800 c")
    store.put(base, each, vectors_of(each))
    assert connection.execute("SELECT text, ends FROM knowledge_chunks").fetchone() == ("a b ? c", 7)


def test_bases_are_their_tenants_own_and_go_with_all_that_is_in_them(
    connection: psycopg.Connection, store: PostgresStore, base: BaseId
) -> None:
    other = create_base(connection, "umbra", "handbook", MADE_UP)
    with pytest.raises(BaseExists):
        create_base(connection, "acme", "handbook", MADE_UP)
    assert [each.id for each in list_bases(connection, "acme")] == [base]
    found = find_base(connection, "umbra", "handbook")
    assert found is not None
    assert (found.id, found.documents, found.revision) == (other, 0, 0)
    for of in (base, other):
        each = document("a.md", "one")
        store.put(of, each, vectors_of(each))
    before = find_base(connection, "acme", "handbook")
    store.permit(base, {"a.md": (PUBLIC, STAFF)})
    after = find_base(connection, "acme", "handbook")
    assert before is not None
    assert after is not None
    assert after.revision > before.revision
    assert delete_base(connection, base)
    assert not delete_base(connection, base)
    assert find_base(connection, "acme", "handbook") is None
    for table in (
        "knowledge_documents",
        "knowledge_chunks",
        "knowledge_vectors",
        "knowledge_texts",
        "knowledge_signs",
    ):
        rows = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - names from above
        assert rows == (1,), table
    assert connection.execute(TERMS).fetchall() == connection.execute(POSTED).fetchall()
    with pytest.raises(NoSuchBase):
        store.remove(base, ["a.md"])


def test_a_base_of_another_width_gets_an_index_of_its_own(connection: psycopg.Connection) -> None:
    create_base(connection, "acme", "wide", type(MADE_UP)("other", 512))
    found = connection.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'knowledge_vectors_512'").fetchone()
    assert found is not None
    assert "halfvec(512)" in found[0]


def test_what_was_kept_before_there_were_signs_gets_them(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url, autocommit=True) as opened:
        config = alembic.config.Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent / "migrations"))
        config.attributes["connect"] = lambda: connect(empty_database_url, name="test")
        alembic.command.upgrade(config, "0017_rights")
        base = create_base(opened, "acme", "handbook", MADE_UP)
        each = document("a.md", *(f"rule number {number}" for number in range(70)))
        PostgresStore(opened, FakeClock()).put(base, each, vectors_of(each))
        migrations.migrate(empty_database_url)
        assert opened.execute("SELECT count(*) FROM knowledge_signs").fetchone() == (3,)
        assert opened.execute(SIGNS).fetchall() == opened.execute(SIGNS_OF_VECTORS).fetchall()
