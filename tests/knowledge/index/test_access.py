"""Nobody is shown what they may not read: by the statements alone, by the role alone, and at once."""

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from tests.knowledge.index.conftest import MADE_UP, STAFF, document, vector_of, vectors_of

from penstock.core.sources import PUBLIC, Reader
from penstock.knowledge.document import BaseId
from penstock.knowledge.index import bases, search, steps
from penstock.knowledge.index.bases import SHARED, bases_for, create_base, document_for, documents_for
from penstock.knowledge.index.request import Found, Search
from penstock.knowledge.index.search import searching
from penstock.knowledge.index.steps import Asker, Statement, Steps, assume, take
from penstock.knowledge.index.store import PostgresStore
from penstock.testing.clock import FakeClock

GUEST = Asker("acme", (PUBLIC,))
EMPLOYEE = Asker("acme", (PUBLIC, STAFF))
SECRET = "The merger with Umbra is planned for the spring."
OPEN = "The merger of two cells is called fusion."
TABLES = ("knowledge_documents", "knowledge_texts", "knowledge_chunks", "knowledge_vectors")


@pytest.fixture
def filled(store: PostgresStore, base: BaseId) -> BaseId:
    for each in (document("secret.md", SECRET, readers=(STAFF,)), document("open.md", OPEN)):
        store.put(base, each, vectors_of(each))
    return base


def texts(connection: psycopg.Connection, asker: Asker, *of: BaseId, query: str = "When is the merger?") -> set[str]:
    asked = Search(query, vector_of(query), asker, of, k=5)
    return {passage.text for passage in take(connection, searching(asked, now=0.0)).passages}


def by_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where there are too many chunks to compare the vector of each."""
    monkeypatch.setattr(search, "_FEW_CHUNKS", 0)


def through_the_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where there are too many documents to compare each."""
    monkeypatch.setattr(search, "_FEW_DOCUMENTS", 1)


def without_the_role(monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches run as the tables' owner, whom row-level security does not bind."""

    def nobody(_: Asker) -> Statement:
        return Statement("SELECT 1", {})

    monkeypatch.setattr(search, "assume", nobody)
    monkeypatch.setattr(bases, "assume", nobody)


def without_the_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Statements ask nothing of who may read."""
    for module in (search, bases):
        for name, value in vars(module).copy().items():
            if isinstance(value, str) and steps.READABLE in value:
                monkeypatch.setattr(module, name, value.replace(steps.READABLE, "true"))


@pytest.fixture(params=["compared", "by signs", "indexed"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "by signs":
        by_signs(monkeypatch)
    elif request.param == "indexed":
        through_the_index(monkeypatch)
    return request.param


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("removed", [None, without_the_role, without_the_filter])
def test_a_search_shows_what_its_asker_may_read_and_no_more(
    connection: psycopg.Connection,
    filled: BaseId,
    monkeypatch: pytest.MonkeyPatch,
    removed: Callable[[pytest.MonkeyPatch], None] | None,
) -> None:
    if removed is not None:
        removed(monkeypatch)
    assert texts(connection, EMPLOYEE, filled) == {SECRET, OPEN}
    assert texts(connection, GUEST, filled) == {OPEN}
    assert texts(connection, Asker("acme", ()), filled) == set()
    assert texts(connection, Asker("umbra", EMPLOYEE.readers), filled) == set()


def test_without_both_the_secret_comes_out_so_that_these_tests_see_each_of_them(
    connection: psycopg.Connection, filled: BaseId, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_the_role(monkeypatch)
    without_the_filter(monkeypatch)
    assert texts(connection, GUEST, filled) == {SECRET, OPEN}


@pytest.mark.parametrize("removed", [None, without_the_role, without_the_filter])
def test_lists_and_documents_are_under_the_same_rule(
    connection: psycopg.Connection,
    filled: BaseId,
    monkeypatch: pytest.MonkeyPatch,
    removed: Callable[[pytest.MonkeyPatch], None] | None,
) -> None:
    seen = take(connection, documents_for(EMPLOYEE, filled))
    assert [each.key for each in seen] == ["open.md", "secret.md"]
    if removed is not None:
        removed(monkeypatch)
    assert [each.key for each in take(connection, documents_for(GUEST, filled))] == ["open.md"]
    opened = take(connection, document_for(EMPLOYEE, seen[1].id))
    assert opened is not None
    assert opened.text == SECRET
    assert take(connection, document_for(GUEST, seen[1].id)) is None
    assert take(connection, document_for(Asker("umbra", EMPLOYEE.readers), seen[0].id)) is None


def counts(asker: Asker | None) -> Steps[list[int]]:
    """How many rows of each table the role sees."""
    if asker is None:
        yield (Statement("SELECT set_config('role', 'penstock_reader', true)", {}),)
    else:
        yield (assume(asker),)
    found = yield (
        Statement("SELECT count(*) FROM knowledge_documents", {}),
        Statement("SELECT count(*) FROM knowledge_texts", {}),
        Statement("SELECT count(*) FROM knowledge_chunks", {}),
        Statement("SELECT count(*) FROM knowledge_vectors", {}),
        Statement("SELECT count(*) FROM knowledge_signs", {}),
    )
    return [int(rows[0][0]) for rows in found]


@pytest.mark.usefixtures("filled")
def test_the_role_sees_nothing_without_settings_and_after_them_nothing_again(connection: psycopg.Connection) -> None:
    assert take(connection, counts(None)) == [0] * 5
    assert take(connection, counts(GUEST)) == [1] * 5
    assert take(connection, counts(EMPLOYEE)) == [2] * 5
    assert take(connection, counts(None)) == [0] * 5
    assert connection.execute("SELECT current_user = session_user").fetchone() == (True,)


def test_the_role_writes_nothing(connection: psycopg.Connection, filled: BaseId) -> None:
    def widening() -> Steps[None]:
        yield (assume(GUEST),)
        yield (Statement("UPDATE knowledge_documents SET readers = '{public}' RETURNING id", {}),)

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        take(connection, widening())
    assert texts(connection, GUEST, filled) == {OPEN}


def test_rights_change_at_once_and_in_one_place(
    connection: psycopg.Connection, store: PostgresStore, filled: BaseId
) -> None:
    store.permit(filled, {"secret.md": (PUBLIC,), "open.md": (STAFF,)})
    assert texts(connection, GUEST, filled) == {SECRET}
    store.permit(filled, {"secret.md": (Reader("user:ada"),)})
    assert texts(connection, EMPLOYEE, filled) == {OPEN}
    assert texts(connection, Asker("acme", (Reader("user:ada"),)), filled) == {SECRET}


def test_a_shared_base_is_read_by_all_tenants_and_holds_public_documents_alone(
    connection: psycopg.Connection, store: PostgresStore, filled: BaseId
) -> None:
    shared = create_base(connection, SHARED, "everybody's", MADE_UP)
    terms = document("terms.md", "The merger of accounts is free of charge.")
    store.put(shared, terms, vectors_of(terms))
    expected = {"The merger of accounts is free of charge."}
    assert texts(connection, Asker("umbra", (PUBLIC,)), shared, filled) == expected
    assert texts(connection, GUEST, shared, filled) == expected | {OPEN}
    assert [each.name for each in take(connection, bases_for(Asker("umbra", (PUBLIC,))))] == ["everybody's"]
    private = document("private.md", SECRET, readers=(STAFF,))
    with pytest.raises(psycopg.errors.CheckViolation):
        store.put(shared, private, vectors_of(private))
    with pytest.raises(psycopg.errors.CheckViolation):
        store.permit(shared, {"terms.md": (PUBLIC, STAFF)})
    assert texts(connection, Asker("umbra", (PUBLIC, STAFF)), shared) == expected


def test_a_document_that_names_no_reader_is_not_taken(
    connection: psycopg.Connection, store: PostgresStore, base: BaseId
) -> None:
    nobodys = document("nobody.md", SECRET, readers=())
    with pytest.raises(psycopg.errors.CheckViolation):
        store.put(base, nobodys, vectors_of(nobodys))
    assert texts(connection, EMPLOYEE, base) == set()


@pytest.fixture
def second(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url, autocommit=True) as opened:
        yield opened


@pytest.mark.usefixtures("path")
def test_no_search_shows_what_was_closed_before_it_began_while_rights_change(
    connection: psycopg.Connection, second: psycopg.Connection, base: BaseId
) -> None:
    """A search that begins after rights were taken away must not see the text; others may or may not."""
    store = PostgresStore(second, FakeClock())
    draw = random.Random(3)  # noqa: S311 - a repeatable draw
    groups = [Reader(f"group:{number}") for number in range(4)]
    readers: dict[str, tuple[Reader, ...]] = {}
    for number in range(40):
        key = f"{number}.md"
        readers[key] = (draw.choice(groups),)
        each = document(key, f"{key} says that the merger number {number} is planned.", readers=readers[key])
        store.put(base, each, vectors_of(each))
    rights = Rights(readers)
    is_over = threading.Event()

    def change() -> int:
        changes = 0
        while not is_over.is_set():
            key = draw.choice(list(readers))
            who = (draw.choice(groups),)
            rights.begin(key, who)
            store.permit(base, {key: who})
            rights.settle()
            changes += 1
        return changes

    with ThreadPoolExecutor(1) as pool:
        changing = pool.submit(change)
        try:
            leaks = [leak for trial in range(300) for leak in _leaks(connection, base, groups[trial % 4], rights)]
        finally:
            is_over.set()
        assert leaks == []
        assert changing.result() > 20


def _leaks(
    connection: psycopg.Connection,
    base: BaseId,
    group: Reader,
    rights: "Rights",
) -> list[str]:
    before, begun = rights.now()
    query = "Which merger is planned?"
    found: Found = take(
        connection, searching(Search(query, vector_of(query), Asker("acme", (group,)), (base,), k=20), now=0.0)
    )
    meanwhile = rights.since(begun)
    return [
        passage.title
        for passage in found.passages
        if group not in before[passage.title] and (passage.title, group) not in meanwhile
    ]


class Rights:
    """Who may read what, and all that was changed while somebody looked: of one writer."""

    def __init__(self, readers: dict[str, tuple[Reader, ...]]) -> None:
        self._lock = threading.Lock()
        self._settled = {key: set(who) for key, who in readers.items()}
        self._log: list[tuple[str, tuple[Reader, ...]]] = []
        self._is_pending = False

    def begin(self, key: str, who: tuple[Reader, ...]) -> None:
        """From now on it may be in force."""
        with self._lock:
            self._log.append((key, who))
            self._is_pending = True

    def settle(self) -> None:
        """Now it is, and what was before is not."""
        with self._lock:
            key, who = self._log[-1]
            self._settled[key] = set(who)
            self._is_pending = False

    def now(self) -> tuple[dict[str, set[Reader]], int]:
        """What is in force, and where the changes begin that may be from now on."""
        with self._lock:
            return {key: set(who) for key, who in self._settled.items()}, len(self._log) - self._is_pending

    def since(self, begun: int) -> set[tuple[str, Reader]]:
        """Everything that somebody may have been allowed since then, however briefly."""
        with self._lock:
            return {(key, reader) for key, who in self._log[begun:] for reader in who}
