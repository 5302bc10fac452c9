"""What becomes of decisions: cases, verified answers, release to who asked."""

import threading

import msgspec
import psycopg
import pytest
from tests.review.holds import (
    EVERYBODY,
    NOW,
    act,
    asker,
    connected,
    decided,
    document,
    hold,
    keep,
    reviewer,
    source_of,
)

from penstock.review import queue, released, verified
from penstock.review.cases import keep_case, read_cases
from penstock.review.hold import Hold, Outcome
from penstock.review.released import Asker
from penstock.review.reviewer import (
    HoldChanged,
    UnknownHold,
    add_member,
    drop_member,
    groups_of,
)

ADA = asker(key="app", user="ada")


# Cases.


async def test_a_decision_becomes_a_case_with_what_was_expected(database_url: str) -> None:
    source = source_of(made := document(database_url))
    keep(database_url, [hold(number, sources=(source,)) for number in range(4)])
    async with connected(database_url) as connection:
        with pytest.raises(HoldChanged):
            await keep_case(connection, "hold_0000", act(), expected=None, why="")
        await decided(connection, 0, "approved")
        await decided(connection, 1, "edited")
        await decided(connection, 2, "rejected")
        for number in (0, 1, 2):
            await keep_case(connection, f"hold_{number:04}", act(), expected=None, why="because")
        await keep_case(connection, "hold_0002", act(), expected="Nothing.", why="because")
        with pytest.raises(UnknownHold):
            await keep_case(connection, "hold_0001", act(reviewer("zoe", "legal")), expected="x", why="")
        cases = await read_cases(connection, EVERYBODY, model=None, after=0, most=10)
        assert [(case.verdict, case.expected) for case in cases] == [
            ("approved", "Yes, order 0 within 90 days."),
            ("edited", "Within 30 days."),
            ("rejected", "Nothing."),
        ]
        assert cases[1].sources[0]["document"] == made
        assert (cases[1].question[0].text, cases[1].reasons) == ("May I return order 1?", ("hallucination",))
        assert [
            case.id for case in await read_cases(connection, EVERYBODY, model=None, after=cases[0].place, most=1)
        ] == ["hold_0001"]
        assert await read_cases(connection, EVERYBODY, model="other", after=0, most=10) == []
        assert await read_cases(connection, reviewer("zoe", "legal"), model=None, after=0, most=10) == []
        assert await read_cases(connection, reviewer("zoe", tenant="umbra"), model=None, after=0, most=10) == []


# Verified answers.


class Shelf:
    def __init__(self, *, takes: bool = True) -> None:
        self.takes = takes
        self.entered: list[verified.Verified] = []

    def enter(self, connection: psycopg.Connection, answer: verified.Verified) -> bool:
        if self.takes:
            self.entered.append(answer)
        return self.takes


async def test_an_answer_enters_the_cache_as_it_was_released_and_once(database_url: str) -> None:
    source = source_of(made := document(database_url))
    keep(database_url, [hold(1, sources=(source,), cache_key="aa", cache_partition="bb"), hold(2), hold(3)])
    async with connected(database_url) as connection:
        await decided(connection, 1, "edited", remember=True)
        await decided(connection, 2, "approved")
    shelf = Shelf(takes=False)
    with psycopg.connect(database_url) as connection:
        assert verified.enter_next(connection, shelf, now=NOW)
        assert not verified.enter_next(connection, shelf, now=NOW + 4.9)
        shelf.takes = True
        assert verified.enter_next(connection, shelf, now=NOW + 5.0)
        assert not verified.enter_next(connection, shelf, now=NOW + 1e6)
    [entered] = shelf.entered
    assert (entered.exchange, entered.answer, entered.key, entered.partition, entered.documents) == (
        "ex_1",
        "Within 30 days.",
        "aa",
        "bb",
        (f"{made}:1",),
    )
    assert (entered.verified_by, entered.question[0].text) == ("key/eva", "May I return order 1?")


# What comes back to the one who asked.


@pytest.mark.parametrize(
    "who",
    [
        asker(tenant="umbra", key="app", user="ada"),
        asker(key="app", user="bob"),
        asker(key="app"),
        asker(key="other", user="ad"),
    ],
    ids=["tenant", "user", "none", "spelling"],
)
async def test_a_hold_comes_back_to_who_asked_alone(database_url: str, who: Asker) -> None:
    keep(database_url, [hold(1), hold(2, user=None, key="other-app")])
    async with connected(database_url) as connection:
        assert await released.look_up(connection, "hold_0001", ADA) is not None
        assert await released.look_up(connection, "hold_0001", who) is None
        assert await released.look_up(connection, "hold_0002", who) is None
        assert await released.look_up(connection, "hold_0002", ADA) is None
        alone = asker(key="other-app")
        assert await released.look_up(connection, "hold_0002", alone) is not None


async def test_each_decision_is_released_as_it_was_made(database_url: str) -> None:
    outcomes: tuple[Outcome, ...] = ("approved", "edited", "rejected", "taken_over")
    keep(database_url, [hold(number) for number in range(5)])
    async with connected(database_url) as connection:
        for number, outcome in enumerate(outcomes):
            await decided(connection, number, outcome)
        await queue.write_to(connection, "hold_0003", act(now=NOW + 3), "And another thing.")
    with psycopg.connect(database_url) as connection:
        found = [released.find(connection, f"hold_{number:04}", ADA) for number in range(5)]
        news = released.read_news(connection, after=0, most=10)
        assert released.read_news(connection, after=released.last_place(connection), most=10) == []
    assert [each and (each.state, each.released) for each in found] == [
        ("approved", "Yes, order 0 within 90 days."),
        ("edited", "Within 30 days."),
        ("rejected", "Within 30 days."),
        ("taken_over", None),
        ("waiting", None),
    ]
    assert found[3] is not None
    assert [each.text for each in found[3].messages] == ["Within 30 days.", "And another thing."]
    assert [(each.hold, each.text, each.is_message, each.conversation) for each in news] == [
        ("hold_0000", "Yes, order 0 within 90 days.", False, "c0"),
        ("hold_0001", "Within 30 days.", False, "c1"),
        ("hold_0002", "Within 30 days.", False, "c2"),
        ("hold_0003", "Within 30 days.", True, "c3"),
        ("hold_0003", "And another thing.", True, "c3"),
    ]


def test_whoever_reads_on_misses_no_release(database_url: str) -> None:
    """A place that is given earlier and committed later would be passed over."""
    keep(database_url, [hold(1), hold(2)])
    slow, quick = psycopg.connect(database_url), psycopg.connect(database_url, autocommit=True)
    released.release_now(slow, "hold_0001", text="", with_answer=True, at=NOW)
    done = threading.Event()

    def second() -> None:
        with quick.transaction():
            released.release_now(quick, "hold_0002", text="", with_answer=True, at=NOW)
        done.set()

    worker = threading.Thread(target=second)
    worker.start()
    assert not done.wait(0.2)
    with psycopg.connect(database_url) as reader:
        assert released.read_news(reader, after=0, most=10) == []
    slow.commit()
    worker.join(10)
    with psycopg.connect(database_url) as reader:
        assert [each.hold for each in released.read_news(reader, after=0, most=10)] == ["hold_0001", "hold_0002"]
    slow.close()
    quick.close()


async def test_members_are_of_one_tenant_and_of_one_kind(database_url: str) -> None:
    async with connected(database_url) as connection:
        assert await add_member(connection, "acme", "legal", "user:eva")
        assert not await add_member(connection, "acme", "legal", "user:eva")
        assert await groups_of(connection, "acme", key="jwt:acme", user="eva") == {"legal"}
        assert await groups_of(connection, "umbra", key="jwt:acme", user="eva") == frozenset()
        assert await groups_of(connection, "acme", key="eva", user=None) == frozenset()
        assert await drop_member(connection, "acme", "legal", "user:eva")
        assert await groups_of(connection, "acme", key="jwt:acme", user="eva") == frozenset()


def test_a_hold_is_read_as_it_was_written() -> None:
    made: Hold = hold(1, is_sampled=True, language="de")
    assert msgspec.json.decode(msgspec.json.encode(made), type=Hold) == made
