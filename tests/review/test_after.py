"""What becomes of decisions: agreement, cases, verified answers, release to who asked, erasure."""

import threading

import msgspec
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql
from tests.review.holds import EVERYBODY, NOW, act, connected, decision, document, hold, keep, reviewer, source_of

from penstock.config.review import ReviewSettings
from penstock.core.feedback import Remark
from penstock.core.sources import PUBLIC
from penstock.review import queue, released, remarks, verified
from penstock.review.agreement import cohens_kappa, krippendorffs_alpha
from penstock.review.cases import keep_case, read_cases
from penstock.review.erasure import ERASURES_KEPT_S, erase, purge
from penstock.review.hold import Hold, Outcome
from penstock.review.released import Asker
from penstock.review.reviewer import (
    HoldChanged,
    HoldTaken,
    OwnQuestion,
    UnknownHold,
    add_member,
    drop_member,
    groups_of,
)
from penstock.review.second import agreement, claim_second, decide_second, is_sampled, taxonomy


def asker(*, tenant: str = "acme", key: str = "app", user: str | None = None) -> Asker:
    """Who may read what everybody may."""
    return Asker(tenant=tenant, key=key, user=user, readers=(PUBLIC,))


ADA = asker(key="app", user="ada")


async def decide(
    connection: psycopg.AsyncConnection, number: int, outcome: Outcome = "approved", who: str = "eva", **more: object
) -> None:
    name = f"hold_{number:04}"
    row = await queue.claim(connection, name, act(reviewer(who)), lease_s=600)
    await queue.decide(connection, name, act(reviewer(who)), decision(outcome, version=row.version, **more))


# How far reviewers agree.


def test_kappa_is_that_of_the_textbook() -> None:
    # Two judges on 50 things: 20 both yes, 15 both no, 5 yes/no, 10 no/yes; p_o 0.70, p_e 0.50.
    pairs = [("y", "y")] * 20 + [("n", "n")] * 15 + [("y", "n")] * 5 + [("n", "y")] * 10
    assert cohens_kappa(pairs) == pytest.approx(0.4)
    assert cohens_kappa([("a", "a"), ("b", "b")]) == 1.0
    assert cohens_kappa([("a", "b"), ("b", "a")]) == -1.0
    assert cohens_kappa([("a", "a")]) is None
    assert cohens_kappa([]) is None


def test_alpha_is_that_of_the_papers_example_with_gaps() -> None:
    # Krippendorff 2011, section C: four observers, twelve units; nominal alpha 0.743.
    observers = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
    units = [[values[unit] for values in observers if values[unit] != "."] for unit in range(12)]
    assert krippendorffs_alpha(units) == pytest.approx(0.743, abs=0.0005)
    assert krippendorffs_alpha([]) is None
    assert krippendorffs_alpha([("a",), ("b",)]) is None
    assert krippendorffs_alpha([("a", "a"), ("a", "a")]) is None
    assert krippendorffs_alpha([("a", "a"), ("b", "b")]) == 1.0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), max_size=40))
def test_agreement_is_never_above_one_and_the_same_from_both_sides(pairs: list[tuple[str, str]]) -> None:
    kappa, alpha = cohens_kappa(pairs), krippendorffs_alpha(pairs)
    other = [(second, first) for first, second in pairs]
    assert cohens_kappa(other) == pytest.approx(kappa)
    assert krippendorffs_alpha(other) == pytest.approx(alpha)
    for value in (kappa, alpha):
        assert value is None or -1.0 - 1e-9 <= value <= 1.0 + 1e-9


def test_a_share_is_sampled_and_always_the_same() -> None:
    names = [f"hold_{number:032x}" for number in range(5000)]
    none, some, every = (ReviewSettings(second_share=share) for share in (0.0, 0.2, 1.0))
    sampled = {name for name in names if is_sampled(name, some)}
    assert 0.17 < len(sampled) / len(names) < 0.23
    assert sampled == {name for name in names if is_sampled(name, some)}
    assert not any(is_sampled(name, none) for name in names)
    assert all(is_sampled(name, every) for name in names)


async def test_the_second_one_is_another_and_sees_nothing_of_the_first(database_url: str) -> None:
    keep(database_url, [hold(1, is_sampled=True), hold(2, is_sampled=False), hold(3, is_sampled=True)])
    async with connected(database_url) as connection:
        bob = act(reviewer("bob"))
        assert await claim_second(connection, bob, lease_s=600) is None
        for number in (1, 2):
            await decide(connection, number, "edited", comment="the first one's words", text="the first one's answer")
        assert await claim_second(connection, act(), lease_s=600) is None  # has decided it
        assert await claim_second(connection, act(reviewer("ada")), lease_s=600) is None  # has asked it
        assert await claim_second(connection, act(reviewer("zoe", "legal")), lease_s=600) is None
        assert await claim_second(connection, act(reviewer("zoe", tenant="umbra")), lease_s=600) is None
        blind = await claim_second(connection, bob, lease_s=600)
        assert blind is not None
        assert (blind.id, blind.answer) == ("hold_0001", "Yes, order 1 within 90 days.")
        shown = msgspec.json.encode(blind)
        assert b"first one" not in shown
        assert b"edited" not in shown
        assert b"eva" not in shown
        with pytest.raises(HoldTaken):
            await queue.show(connection, "hold_0001", bob.who)
        assert await claim_second(connection, act(reviewer("zoe")), lease_s=600) is None
        with pytest.raises(HoldTaken):
            await decide_second(connection, "hold_0001", act(reviewer("zoe")), decision("rejected"))
        with pytest.raises(HoldTaken):
            await decide_second(connection, "hold_0001", act(reviewer("bob"), now=NOW + 600), decision("rejected"))
        await decide_second(connection, "hold_0001", bob, decision("rejected"))
        with pytest.raises(HoldTaken):
            await decide_second(connection, "hold_0001", bob, decision("approved"))
        whole = await queue.show(connection, "hold_0001", bob.who)
    assert (whole.row.state, whole.content["released"]) == ("edited", "the first one's answer")


async def test_agreement_and_taxonomy_count_what_was_decided(database_url: str) -> None:
    keep(database_url, [hold(number, is_sampled=True, group="g") for number in range(8)])
    outcomes: list[tuple[Outcome, Outcome]] = [
        ("approved", "approved"),
        ("approved", "rejected"),
        ("rejected", "rejected"),
        ("rejected", "rejected"),
        ("edited", "approved"),
    ]
    async with connected(database_url) as connection:
        for number, (first, second) in enumerate(outcomes):
            name = f"hold_{number:04}"
            row = await queue.claim(connection, name, act(reviewer("eva", "g")), lease_s=600)
            made = decision(first, row.version, reasons=() if first == "approved" else ("tone", "policy"))
            await queue.decide(connection, name, act(reviewer("eva", "g"), now=NOW + number), made)
            blind = await claim_second(connection, act(reviewer("bob", "g"), now=NOW + number), lease_s=600)
            assert blind is not None
            reasons = () if second == "approved" else ("tone", "policy") if number == 2 else ("tone",)
            looked = decision(second, reasons=reasons)
            await decide_second(connection, name, act(reviewer("bob", "g"), now=NOW + number), looked)
        found = await agreement(connection, EVERYBODY, since=NOW)
        later = await agreement(connection, EVERYBODY, since=NOW + 4)
        others = await agreement(connection, reviewer("eva", "other"), since=0)
        counts = await taxonomy(connection, EVERYBODY, since=0)
    assert (found.holds, found.agreed, found.same_reasons) == (5, 0.6, 0.5)
    [pair] = found.pairs
    assert {pair.one, pair.other} == {"key/eva", "key/bob"}
    assert pair.kappa == cohens_kappa(outcomes)
    assert found.alpha == krippendorffs_alpha(outcomes)
    assert (later.holds, others.holds, others.alpha) == (1, 0, None)
    assert {(each.verdict, each.reason): each.holds for each in counts} == {
        ("approved", None): 2,
        ("rejected", "tone"): 2,
        ("rejected", "policy"): 2,
        ("edited", "tone"): 1,
        ("edited", "policy"): 1,
    }


# Cases.


async def test_a_decision_becomes_a_case_with_what_was_expected(database_url: str) -> None:
    source = source_of(made := document(database_url))
    keep(database_url, [hold(number, sources=(source,)) for number in range(4)])
    async with connected(database_url) as connection:
        with pytest.raises(HoldChanged):
            await keep_case(connection, "hold_0000", act(), expected=None, why="")
        await decide(connection, 0, "approved")
        await decide(connection, 1, "edited")
        await decide(connection, 2, "rejected")
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
        await decide(connection, 1, "edited", remember=True)
        await decide(connection, 2, "approved")
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
            await decide(connection, number, outcome)
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


# Erasure.

TABLES = (
    "holds",
    "hold_contents",
    "hold_events",
    "hold_releases",
    "hold_opinions",
    "hold_cases",
    "hold_verified",
    "hold_deliveries",
)


def rows(url: str) -> dict[str, int]:
    with psycopg.connect(url) as connection:
        found: dict[str, int] = {}
        for table in TABLES:
            row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))
            found[table] = (row.fetchone() or (0,))[0]
    return found


def settled(url: str, tenant: str, exchange: str, user: str | None = None) -> None:
    """The ledger knows the exchange."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO ledger (started_at, duration_s, input_tokens, output_tokens, cache_read_tokens,"
            ' cache_write_tokens, reasoning_tokens, cost_nanousd, attempts, is_streamed, id, tenant, key, "user",'
            " dialect, operation, model, outcome, usage_accuracy, cost_accuracy, config_hash, facts) VALUES (now(),"
            " 0.1, 0, 0, 0, 0, 0, 0, 0, false, %s, %s, 'k', %s, 'openai-chat', 'chat', 'm', 'completed', 'exact',"
            " 'exact', 'h', '[]')",
            (exchange, tenant, user),
        )


async def test_all_that_is_kept_of_a_user_goes_and_does_not_come_back(database_url: str) -> None:
    mine = [hold(1, cache_key="aa", cache_partition="bb"), hold(2)]
    keep(database_url, [*mine, hold(3, user="bob"), hold(4, tenant="umbra")])
    said = Remark(exchange="ex_1", tenant="acme", key="app", user="ada", rating=1, comment="bad", at=NOW)
    settled(database_url, "acme", "ex_1")
    settled(database_url, "acme", "ex_2", user="ada")
    of_hers = msgspec.structs.replace(said, exchange="ex_2", user="", comment="what somebody else says of her answer")
    with psycopg.connect(database_url) as connection:
        remarks.insert_remarks(connection, [said, of_hers, msgspec.structs.replace(said, user="bob")])
    async with connected(database_url) as connection:
        await decide(connection, 1, "edited", remember=True)
        await keep_case(connection, "hold_0001", act(), expected=None, why="")
        await connection.execute(
            "INSERT INTO hold_deliveries (release, webhook, next_at) SELECT place, 'w', 0 FROM hold_releases"
        )
        assert all(count > 0 for count in rows(database_url).values())
        async with connection.transaction():
            assert await erase(connection, tenant="acme", user="ada", at=NOW + 100) == 2
        left = rows(database_url)
        assert (left["holds"], left["hold_contents"], left["hold_events"]) == (2, 2, 2)
        assert sum(left.values()) == 6
        assert [each.user for each in await remarks.list_remarks(connection, scope=None)] == ["bob"]
    # What still lay in an outbox, or is shipped once more, is not let in again; what is new is.
    assert keep(database_url, mine) == 0
    assert keep(database_url, [hold(5, created_at=NOW + 101)]) == 1
    with psycopg.connect(database_url) as connection:
        remarks.insert_remarks(connection, [said, of_hers])
    async with connected(database_url) as connection:
        assert len(await remarks.list_remarks(connection, scope=None)) == 1
        async with connection.transaction():
            assert await erase(connection, tenant="acme", user=None, at=NOW + 200) == 2
    assert keep(database_url, [hold(3, user="bob")]) == 0
    assert rows(database_url)["holds"] == 1


async def test_a_very_long_name_is_kept_found_and_erased(database_url: str) -> None:
    long = "x\0" + "ä" * 50_000
    other = long + "!"
    keep(
        database_url,
        [hold(1, user=long, conversation=long), hold(2, user=other, key=long), hold(3, user=None, key=long)],
    )
    said = Remark(exchange=long, tenant="acme", key=long, user=long, rating=1, at=NOW)
    with psycopg.connect(database_url) as connection:
        remarks.insert_remarks(connection, [said])
        assert connection.execute("SELECT count(*) FROM remarks").fetchone() == (1,)
    async with connected(database_url) as connection:
        found = await released.look_up(connection, "hold_0001", asker(key="k", user=long))
        assert found is not None
        assert await released.look_up(connection, "hold_0001", asker(key="k", user=other)) is None
        assert await released.look_up(connection, "hold_0003", asker(key=long)) is not None
        with pytest.raises(OwnQuestion):
            await queue.claim(connection, "hold_0001", act(reviewer(long)), lease_s=600)
        async with connection.transaction():
            assert await erase(connection, tenant="acme", user=long, at=NOW + 9) == 1
        found_left = await (await connection.execute("SELECT count(*) FROM remarks")).fetchone()
        assert found_left == (0,)


async def test_what_was_ended_long_ago_goes_and_what_waits_stays(database_url: str) -> None:
    keep(database_url, [hold(number) for number in range(3)])
    async with connected(database_url) as connection:
        await decide(connection, 0)
        async with connection.transaction():
            await erase(connection, tenant="nobody", user=None, at=NOW)
    with psycopg.connect(database_url) as connection:
        day = 86_400.0
        assert purge(connection, now=NOW + 10 * day, keep_days=10, most=10) == 0
        assert purge(connection, now=NOW + 10 * day + 1, keep_days=10, most=10) == 1
        assert connection.execute("SELECT count(*) FROM hold_erasures").fetchone() == (1,)
        purge(connection, now=NOW + ERASURES_KEPT_S + 1, keep_days=10, most=10)
        assert connection.execute("SELECT count(*) FROM hold_erasures").fetchone() == (0,)
    assert rows(database_url)["holds"] == 2


def test_an_erasure_that_is_under_way_is_waited_for(database_url: str) -> None:
    eraser = psycopg.connect(database_url)
    eraser.execute("LOCK TABLE holds, remarks IN SHARE ROW EXCLUSIVE MODE")
    eraser.execute("INSERT INTO hold_erasures (at, tenant) VALUES (%s, 'acme')", (NOW + 100,))
    found, done = list[int](), threading.Event()

    def ship() -> None:
        found.append(keep(database_url, [hold(1)]))
        done.set()

    worker = threading.Thread(target=ship)
    worker.start()
    assert not done.wait(0.2)
    eraser.commit()
    worker.join(10)
    eraser.close()
    assert found == [0]


# Remarks, and members of groups.


async def test_a_later_remark_takes_the_place_of_an_earlier_one(database_url: str) -> None:
    said = Remark(exchange="ex_1", tenant="acme", key="app", user="ada", rating=2, comment="late \0 and wrong", at=NOW)
    later = msgspec.structs.replace(said, rating=5, comment=None, at=NOW + 1)
    other = Remark(exchange="ex_2", tenant="umbra", key="app", correction="It is 30.", at=NOW + 2)
    settled(database_url, "acme", "ex_1")
    settled(database_url, "umbra", "ex_2")
    with psycopg.connect(database_url) as connection:
        remarks.insert_remarks(connection, [said])
        remarks.insert_remarks(connection, [later, other])
        remarks.insert_remarks(connection, [said])
    async with connected(database_url) as connection:
        assert await remarks.list_remarks(connection, scope=None) == [other, later]
        assert await remarks.list_remarks(connection, scope="acme") == [later]
        assert await remarks.list_remarks(connection, scope=None, most_rating=4) == []
        assert await remarks.list_remarks(connection, scope=None, before=(NOW + 2, "ex_2")) == [later]
        assert await remarks.list_remarks(connection, scope=None, exchange="ex_2") == [other]


async def test_a_remark_on_an_exchange_of_others_is_shown_to_nobody_and_forgotten(database_url: str) -> None:
    settled(database_url, "umbra", "ex_1")
    said = Remark(exchange="ex_1", tenant="acme", key="app", rating=1, at=NOW)
    with psycopg.connect(database_url) as connection:
        remarks.insert_remarks(connection, [said, msgspec.structs.replace(said, exchange="ex_none")])
    async with connected(database_url) as connection:
        assert await remarks.list_remarks(connection, scope=None) == []
    settled(database_url, "acme", "ex_none")
    day = 86_400.0
    with psycopg.connect(database_url) as connection:
        for now, left in ((NOW + day, 2), (NOW + day + 1, 1)):
            purge(connection, now=now, keep_days=365, most=10)
            assert connection.execute("SELECT count(*) FROM remarks").fetchone() == (left,)
    async with connected(database_url) as connection:
        assert [each.exchange for each in await remarks.list_remarks(connection, scope=None)] == ["ex_none"]


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
