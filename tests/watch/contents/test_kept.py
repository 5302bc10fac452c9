"""What is kept of exchanges: whole as far as it may be, once, its tenant's alone, and no longer than it may be."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec
import psycopg
import pytest
from tests.storage.crossing import cross

from penstock.app.contents.masking import OneWay
from penstock.app.contents.plane import folded, opening_of
from penstock.config import read
from penstock.config.contents import ContentPolicy
from penstock.core.chat import ChatRequest, Message, Role, TextPart, Tool, ToolCallPart, ToolResultPart
from penstock.core.clock import SystemClock
from penstock.core.errors import MalformedRequest
from penstock.core.events import Event, Finish, Start, Text, ToolCall
from penstock.guard.personal.vault.sealing import Sealer
from penstock.watch.contents import store
from penstock.watch.contents.content import Content, Taken, content_of
from penstock.watch.contents.opening import MOST_WORDS, Opening
from penstock.watch.contents.outbox import Maker, Row
from penstock.watch.contents.sealing import Unreadable
from penstock.watch.contents.search import Asked, Found, Search, tenants_of
from penstock.watch.contents.words import terms_of

T = TypeVar("T")
NOW = 1_800_000_000.0
DAY_S = 86_400.0
POLICY = ContentPolicy(keep="all", sample=1.0, always=(), lifetime_days=30.0, search=True, most_bytes=65_536)
OPENING = opening_of(Sealer(b"k" * 32))
ANN = "ann.kept@example.com"


def as_it_is(text: str) -> str:
    return text


def exchange(number: int, at: float = NOW) -> str:
    return f"ex_{int(at * 1000):012x}{number:020x}"


def taken(
    number: int, asked: str, *said: str, at: float = NOW, tenant: str = "acme", user: str | None = "ann", **more: object
) -> Taken:
    request = ChatRequest(dialect="openai-chat", model="m", messages=(Message("user", (TextPart(asked),)),))
    events: Sequence[Event] = [Start("x", "m"), *(Text(each) for each in said), Finish("stop")]
    found = Taken(
        exchange=exchange(number, at),
        tenant=tenant,
        user=user,
        policy=POLICY,
        model="m",
        end="completed",
        target="sim/sim",
        code=None,
        request=request,
        events=events,
        withheld="",
        size_bytes=len(asked),
    )
    return msgspec.structs.replace(found, **more)


def made(found: Taken, opening: Opening = OPENING) -> Row:
    return opening.marked(Maker(folded, lambda _: as_it_is, opening.sealed).row(found))


def opened(row: Row, opening: Opening = OPENING) -> Content:
    return opening.sealed.open(row.tenant, row.id, row.key_id, row.sealed)


def put(url: str, *rows: Row, now: float = NOW) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        store.write(connection, rows, now=now)


def asking(url: str, question: Callable[[psycopg.AsyncConnection], Awaitable[T]]) -> T:
    async def ask() -> T:
        async with await psycopg.AsyncConnection.connect(url) as connection:
            return await question(connection)

    return asyncio.run(ask())


def ids(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [each[0] for each in connection.execute("SELECT id FROM contents ORDER BY id").fetchall()]


class Fixed(SystemClock):
    """Now is always the same moment; time goes on."""

    @staticmethod
    def now() -> float:  # type: ignore[override] # the real one is a function of `time`
        return NOW


def search(
    url: str, text: str, *tenants: str, opening: Opening = OPENING, within_s: float = 20.0, **more: object
) -> Found:

    question = Asked(terms=terms_of(text), tenants=tenants or ("acme",), **more)  # type: ignore[arg-type] # as each test says
    return asking(url, lambda connection: Search(connection, opening, Fixed(), question, within_s=within_s).run())


def found(url: str, text: str, *tenants: str, **more: object) -> list[int]:
    return [int(hit.exchange[15:], 16) for hit in search(url, text, *tenants, **more).hits]  # type: ignore[arg-type] # same


def test_a_stream_is_kept_with_all_its_choices_and_calls_and_a_long_one_is_cut_where_it_is_oldest() -> None:
    roles: tuple[Role, ...] = ("system", "user", "assistant", "tool", "user")
    messages = (
        Message(roles[0], (TextPart("be brief"),)),
        Message(roles[1], (TextPart("weather?"),)),
        Message(roles[2], (ToolCallPart("c1", "look", '{"city": "Oslo"}'),)),
        Message(roles[3], (ToolResultPart("c1", (TextPart("rain"),)),)),
        Message(roles[4], (TextPart("and now?"),)),
    )
    request = ChatRequest(
        dialect="openai-chat", model="m", messages=messages, tools=(Tool("look", "looks"),), temperature=0.5
    )
    events: Sequence[Event] = [
        Start("x", "m"),
        Text("Let me ", channel="reasoning"),
        Text("think", channel="reasoning"),
        Text("It ra", choice=0),
        Text("No", choice=1),
        Text("ins.", choice=0),
        ToolCall(1, 0, id="c2", name="look", arguments='{"ci'),
        ToolCall(1, 0, arguments='ty": "Rome"}'),
        Finish("stop", 0),
    ]
    content = opened(made(taken(1, "", request=request, events=events)))
    assert [[(piece.kind, piece.text) for piece in each.pieces] for each in content.choices] == [
        [("reasoning", "Let me think"), ("text", "It rains.")],
        [("text", "No"), ("tool_call", '{"city": "Rome"}')],
    ]
    assert [each.finish for each in content.choices] == ["stop", None]  # the second broke off
    assert [(turn.role, turn.pieces[0].text) for turn in content.turns] == [
        ("system", "be brief"),
        ("user", "weather?"),
        ("assistant", '{"city": "Oslo"}'),
        ("tool", "rain"),
        ("user", "and now?"),
    ]
    assert content.parameters == {"temperature": 0.5, "choices": 1}
    assert "looks" in content.tools[0]
    assert not content.is_cut
    short = msgspec.structs.replace(POLICY, most_bytes=40)
    cut = opened(made(taken(1, "", request=request, events=events, policy=short)))
    assert cut.is_cut
    assert cut.choices[0] == content.choices[0]
    assert [turn.role for turn in cut.turns] == []
    assert sum(len(text) for _, text in cut.texts()) <= 40


def test_a_value_that_the_cut_goes_through_is_not_kept_in_part(tmp_path: Path) -> None:
    file = tmp_path / "penstock.yaml"
    file.write_text("contents: {keep: all}\n")
    mask = OneWay(read(file, {})).of("acme")
    short = msgspec.structs.replace(POLICY, most_bytes=1_024)
    for shift in (0, 5, 12, 4_096, 4_100, 4_110):  # where the kept text ends, and where the masked one does
        lead = "x " * ((1_024 + shift - 8) // 2)
        content = content_of(taken(1, lead + ANN + " y" * 10_000, policy=short), folded, mask)
        text = content.turns[0].pieces[0].text
        assert content.is_cut
        assert "ann" not in text
        assert "kept" not in text
    # What is masked may be far shorter, and then the end of what was read is well within what is kept.
    many = ("b" * 60 + "@" + "c" * 50 + ".example.com ") * 39
    crowded = many + "x" * (1_024 + 4_096 - 10 - len(many) - 1) + " " + ANN + " y" * 10_000
    assert "ann" not in content_of(taken(1, crowded, policy=short), folded, mask).turns[0].pieces[0].text
    assert mask(f"I am {ANN}, <EMAIL_ADDRESS_1>, <IBAN_2>") == "I am <EMAIL_ADDRESS>, <EMAIL_ADDRESS_1>, <IBAN_2>"


def test_hostile_texts_are_kept_as_far_as_there_is_room(database_url: str) -> None:
    large = "zebra \x00 \ud83d \udc00\u202e<script>" + "a" * 10_000_000
    row = made(taken(1, large, "\x00", "\ud800", "é", tenant="ac\x00me\ud800", user="u\x00"))
    unspaced = made(taken(3, "".join(map(chr, range(0x4E00, 0x9000)))))
    assert unspaced.marks is not None
    assert len(unspaced.marks) == MOST_WORDS
    put(database_url, row, made(taken(2, "x", tenant="t\U0001f980" * 5_000, user="\U0001f980" * 5_000)))
    assert len(ids(database_url)) == 2
    content = opened(row)
    assert content.is_cut
    assert content.turns[0].pieces[0].text.startswith("zebra \x00 ? ?\u202e<script>aaa")
    assert content.choices[0].pieces[0].text == "\x00?é"
    assert found(database_url, "zebra é", "ac\x00me\ud800") == [1]
    # What the database does not take is left out, and holds up nobody.
    refused = msgspec.structs.replace(made(taken(7, "x")), key_id="\x00")
    put(database_url, refused, made(taken(8, "fine")))
    assert found(database_url, "fine") == [8]
    assert found(database_url, "x", "t\U0001f980" * 5_000) == [2]
    for text in ("", " ", '""', "_ - \x00", "\ud800", " ".join(map(str, range(17)))):
        with pytest.raises(MalformedRequest):
            terms_of(text)


def test_words_find_their_tenants_exchanges_alone_and_the_newest_first(database_url: str) -> None:
    put(
        database_url,
        made(taken(1, "Where is my Straße parcel?", "It is in Oslo, dear customer.", at=NOW - 9 * DAY_S)),
        made(taken(2, "where is the parcel", "In Rome.", at=NOW - DAY_S)),
        made(taken(3, "my parcel, where is it", "In Oslo.")),
        made(taken(4, "where is my parcel", "In Oslo.", tenant="other")),
        made(taken(5, "where is my parcel", "oslo", policy=msgspec.structs.replace(POLICY, search=False))),
        made(taken(6, "東京都の天気は", "<EMAIL_ADDRESS_1> \uff46\uff55\uff4c\uff4c width")),
    )
    assert found(database_url, "parcel") == [3, 2, 1]
    assert found(database_url, "PARCEL oslo") == [3, 1]
    assert found(database_url, "strasse customer") == [1]
    assert found(database_url, '"where is my"') == [1]
    assert found(database_url, '"is my" "in oslo"') == [1]
    assert found(database_url, "parc") == []
    assert found(database_url, "parcel nothing") == []
    assert (found(database_url, "東京"), found(database_url, "天気"), found(database_url, "京東")) == ([6], [6], [])
    assert found(database_url, "full email_address") == [6]
    assert found(database_url, "parcel", "acme", "other") == [4, 3, 2, 1]
    assert found(database_url, "parcel", "nobody") == []
    assert found(database_url, "parcel", since=NOW - DAY_S, until=NOW) == [2]
    first = search(database_url, "parcel", limit=2)
    assert (first.next, first.is_whole) == (exchange(2, NOW - DAY_S), True)
    rest = search(database_url, "parcel", limit=2, before=first.next)
    assert ([int(hit.exchange[15:], 16) for hit in rest.hits], rest.next) == ([1], None)
    assert (rest.hits[0].where, rest.hits[0].snippet) == ("turns.0", "Where is my Straße parcel?")
    assert asking(database_url, tenants_of) == ["acme", "other"]
    with pytest.raises(MalformedRequest):
        asking(database_url, lambda connection: tenants_of(connection, most=1))


def test_a_word_of_very_many_is_found_from_the_end_and_a_search_goes_on_where_its_time_was_over(
    database_url: str,
) -> None:
    rows = [made(taken(at, "common", "rare" if at == 7 else "x", at=NOW - 3 + at / 1_000)) for at in range(1_300)]
    put(database_url, *rows, made(taken(5_000, "old common", at=NOW - 40 * DAY_S, policy=_long())))
    assert found(database_url, "common", limit=3) == [1_299, 1_298, 1_297]
    assert found(database_url, "rare common") == [7]
    assert found(database_url, "old common") == [5_000]
    seen: list[int] = []
    before: str | None = None
    for _ in range(10):
        page = search(database_url, "common", limit=200, before=before)
        seen += [int(hit.exchange[15:], 16) for hit in page.hits]
        before = page.next
        if before is None:
            break
    assert seen == [*range(1_299, -1, -1), 5_000]
    late = search(database_url, "common", within_s=0.0)
    assert (late.hits, late.is_whole) == ([], False)
    assert late.next is not None
    assert found(database_url, "common", before=late.next, limit=1) == [1_299]


def _long() -> ContentPolicy:
    return msgspec.structs.replace(POLICY, lifetime_days=90.0)


def test_a_row_opens_for_its_tenant_and_exchange_alone_and_under_its_own_key(database_url: str) -> None:
    row = made(taken(1, "secret word"))
    for tenant, name, key_id in (
        ("other", row.id, row.key_id),
        (row.tenant, exchange(2), row.key_id),
        ("acme", row.id, "00"),
    ):
        with pytest.raises(Unreadable):
            OPENING.sealed.open(tenant, name, key_id, row.sealed)
    put(database_url, row, made(taken(2, "secret word", tenant="other")))
    # The key is another now: what was sealed before is found and opened as long as it is named, and not without it.
    rotated = opening_of(Sealer(b"n" * 32, (b"k" * 32,)))
    put(database_url, made(taken(3, "secret word"), rotated))
    assert found(database_url, "secret", opening=rotated) == [3, 1]
    assert found(database_url, "secret", opening=opening_of(Sealer(b"n" * 32))) == [3]
    with psycopg.connect(database_url) as connection:
        marks = connection.execute("SELECT tenant, marks FROM contents ORDER BY id").fetchall()
        connection.execute("UPDATE contents SET sealed = 'broken'::bytea WHERE tenant = 'acme'")
    assert len({tuple(each[1]) for each in marks}) == 3  # one tenant's and one key's say nothing of another's
    broken = search(database_url, "secret", opening=rotated)
    assert (broken.hits, broken.unreadable) == ([], 2)


def test_time_and_erasures_end_it_and_an_outbox_does_not_bring_it_back(database_url: str) -> None:
    rows = {
        at: made(taken(at, "word", tenant=tenant, user=user))
        for at, tenant, user in ((1, "acme", "ann"), (2, "acme", "bob"), (3, "acme", None), (4, "other", "ann"))
    }
    put(database_url, *rows.values())

    async def erase(connection: psycopg.AsyncConnection, tenant: str, user: str | None) -> int:
        async with connection.transaction():
            return await store.erase(connection, tenant=tenant, user=user, at=NOW + 10)

    assert asking(database_url, lambda connection: erase(connection, "acme", "ann")) == 1
    put(database_url, *rows.values())
    assert ids(database_url) == [exchange(2), exchange(3), exchange(4)]
    put(database_url, made(taken(5, "late", at=NOW + 10 + store.SKEW_S - 1)), made(taken(6, "new", at=NOW + 99)))
    put(database_url, made(taken(7, "another's", user="bob")))
    assert ids(database_url)[3:] == [exchange(7), exchange(6, NOW + 99)]
    assert asking(database_url, lambda connection: erase(connection, "acme", None)) == 4
    put(database_url, *rows.values())
    assert ids(database_url) == [exchange(4)]
    later = NOW + 30 * DAY_S
    read = partial(store.read, ids=[exchange(4)], tenants=None)
    assert len(asking(database_url, lambda connection: read(connection, now=later - 1))) == 1
    assert asking(database_url, lambda connection: read(connection, now=later)) == []
    with psycopg.connect(database_url, autocommit=True) as connection:
        assert store.purge(connection, now=later - 1, most=10) == 0
        assert store.purge(connection, now=later, most=10) == 1
    put(database_url, rows[4], now=later)
    assert ids(database_url) == []


def test_an_erasure_and_rows_that_are_written_do_not_lock_each_other(database_url: str) -> None:
    put(database_url, made(taken(1, "word")))

    async def erase(connection: psycopg.AsyncConnection) -> None:
        async with connection.transaction():
            await store.erase(connection, tenant="acme", user=None, at=NOW + 10)

    def write() -> None:
        put(database_url, made(taken(2, "word")), made(taken(1, "word")))

    held = "SELECT FROM contents FOR UPDATE"
    erasing = partial(asking, database_url, erase)
    assert cross(database_url, held, erasing, write) == [None, None]
    assert ids(database_url) == []
