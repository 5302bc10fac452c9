"""One hold, one reviewer, one decision: whoever else is there at the same time."""

import asyncio
import threading

import psycopg
import pytest
from tests.review.holds import EVERYBODY, NOW, act, connected, decision, hold, keep, reviewer

from penstock.core.errors import MalformedRequest, PenstockError
from penstock.review import queue
from penstock.review.decision import Decision, checked
from penstock.review.hold import Hold
from penstock.review.queue import Act
from penstock.review.reviewer import HoldChanged, HoldTaken, OwnQuestion, Reviewer, UnknownHold

LEASE_S = 600.0
REVIEWERS = 20
HOLDS = 200


def test_what_is_shipped_twice_is_one_hold(database_url: str) -> None:
    assert keep(database_url, [hold(1), hold(2)]) == 2
    assert keep(database_url, [hold(2, answer="another"), hold(3)]) == 1
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM hold_contents WHERE answer = 'another'").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM hold_events WHERE kind = 'held'").fetchone() == (3,)


def test_a_text_that_the_database_has_no_place_for_holds_up_nothing(database_url: str) -> None:
    assert keep(database_url, [hold(1, answer="nul \0 there", reason="\0"), hold(2)]) == 2


async def test_the_whole_way_of_a_hold_is_written_down(database_url: str) -> None:
    keep(database_url, [hold(1)])
    eva = act()
    async with connected(database_url) as connection:
        claimed = await queue.claim(connection, "hold_0001", eva, lease_s=LEASE_S)
        await queue.give_back(connection, "hold_0001", eva)
        await queue.claim(connection, "hold_0001", act(now=NOW + 5), lease_s=LEASE_S)
        await queue.comment(connection, "hold_0001", act(), "The handbook says 30.")
        before, after = await queue.decide(
            connection, "hold_0001", act(now=NOW + 9), decision("edited", version=4, comment="30, not 90")
        )
        whole = await queue.show(connection, "hold_0001", eva.who)
    assert (claimed.state, claimed.claimed_by, claimed.claimed_until) == ("claimed", "key/eva", NOW + LEASE_S)
    assert (before.state, after.state, after.ended_by, after.version) == ("claimed", "edited", "key/eva", 5)
    assert whole.row == after
    assert (whole.content["answer"], whole.content["released"]) == (
        "Yes, order 1 within 90 days.",
        "Within 30 days.",
    )
    assert [(event["kind"], event["actor"], event["at"]) for event in whole.events] == [
        ("held", "penstock", NOW + 1),
        ("claimed", "key/eva", NOW),
        ("given_back", "key/eva", NOW),
        ("claimed", "key/eva", NOW + 5),
        ("comment", "key/eva", NOW),
        ("edited", "key/eva", NOW + 9),
    ]
    last = whole.events[-1]
    assert (last["before"]["state"], last["after"]["state"]) == ("claimed", "edited")
    assert (last["after"]["reasons"], last["after"]["comment"]) == (["hallucination"], "30, not 90")


def test_what_happened_cannot_be_changed_or_taken_out(database_url: str) -> None:
    keep(database_url, [hold(1)])
    with psycopg.connect(database_url, autocommit=True) as connection:
        for statement in (
            "UPDATE hold_events SET actor = 'nobody'",
            "DELETE FROM hold_events",
            "DELETE FROM holds",
            "TRUNCATE hold_events",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


async def test_a_claim_holds_until_its_lease_is_over(database_url: str) -> None:
    keep(database_url, [hold(1)])
    eva, bob = reviewer("eva"), reviewer("bob")
    async with connected(database_url) as connection:
        await queue.claim(connection, "hold_0001", Act(eva, NOW), lease_s=LEASE_S)
        with pytest.raises(HoldTaken):
            await queue.claim(connection, "hold_0001", Act(bob, NOW + LEASE_S - 1), lease_s=LEASE_S)
        assert await queue.claim_next(connection, Act(bob, NOW + LEASE_S - 1), lease_s=LEASE_S) is None
        longer = await queue.claim(connection, "hold_0001", Act(eva, NOW + 300), lease_s=LEASE_S)
        assert longer.claimed_until == NOW + 300 + LEASE_S
        late = NOW + 300 + LEASE_S
        with pytest.raises(HoldTaken):
            await queue.decide(connection, "hold_0001", Act(eva, late), decision(version=3))
        taken = await queue.claim(connection, "hold_0001", Act(bob, late), lease_s=LEASE_S)
        assert (taken.claimed_by, taken.version) == ("key/bob", 4)
        with pytest.raises(HoldTaken):
            await queue.give_back(connection, "hold_0001", Act(eva, late))


async def test_an_overdue_hold_is_not_kept_by_claiming_it_again_and_again(database_url: str) -> None:
    keep(database_url, [hold(1, due_at=NOW + 60.0)])
    async with connected(database_url) as connection:
        first = await queue.claim(connection, "hold_0001", act(), lease_s=LEASE_S)
        again = await queue.claim(connection, "hold_0001", act(now=NOW + 61), lease_s=LEASE_S)
    assert (again.claimed_until, again.version) == (first.claimed_until, first.version)


async def test_who_decides_has_seen_it_as_it_is(database_url: str) -> None:
    keep(database_url, [hold(1)])
    async with connected(database_url) as connection:
        with pytest.raises(HoldTaken):
            await queue.decide(connection, "hold_0001", act(), decision(version=1))
        await queue.claim(connection, "hold_0001", act(), lease_s=LEASE_S)
        with pytest.raises(HoldChanged):
            await queue.decide(connection, "hold_0001", act(), decision(version=1))
        await queue.decide(connection, "hold_0001", act(), decision(version=2))
        with pytest.raises(HoldChanged):
            await queue.decide(connection, "hold_0001", act(), decision(version=3))
        with pytest.raises(HoldChanged):
            await queue.claim(connection, "hold_0001", act(), lease_s=LEASE_S)


@pytest.mark.parametrize(
    "who",
    [reviewer("eva", "legal"), reviewer("eva", "support", tenant="umbra"), reviewer("eva", "Support")],
    ids=["another group", "another tenant", "another spelling"],
)
async def test_others_holds_are_not_there(database_url: str, who: Reviewer) -> None:
    keep(database_url, [hold(1)])
    async with connected(database_url) as connection:
        assert await queue.claim_next(connection, Act(who, NOW), lease_s=LEASE_S) is None
        for attempt in (
            queue.show(connection, "hold_0001", who),
            queue.claim(connection, "hold_0001", Act(who, NOW), lease_s=LEASE_S),
            queue.give_back(connection, "hold_0001", Act(who, NOW)),
            queue.decide(connection, "hold_0001", Act(who, NOW), decision()),
            queue.comment(connection, "hold_0001", Act(who, NOW), "x"),
            queue.write_to(connection, "hold_0001", Act(who, NOW), "x"),
        ):
            with pytest.raises(UnknownHold):
                await attempt


async def test_a_hold_without_a_group_is_any_reviewers(database_url: str) -> None:
    keep(database_url, [hold(1, group="")])
    async with connected(database_url) as connection:
        found = await queue.claim_next(connection, Act(reviewer("eva", "legal"), NOW), lease_s=LEASE_S)
    assert found is not None


async def test_nobody_judges_what_they_asked_themselves(database_url: str) -> None:
    asked_by_key = hold(2, key="app", user=None)
    keep(database_url, [hold(1), asked_by_key])
    ada = reviewer("ada")
    app = Reviewer(id="app", key="app", tenant="acme", groups=frozenset({"support"}))
    async with connected(database_url) as connection:
        for who, number in ((ada, 1), (app, 2), (app, 1)):
            with pytest.raises(OwnQuestion):
                await queue.claim(connection, f"hold_{number:04}", Act(who, NOW), lease_s=LEASE_S)
        # Not even one that was given to them by another way.
        await connection.execute("UPDATE holds SET state = 'claimed', claimed_by = 'key/ada', claimed_until = 9e9")
        with pytest.raises(OwnQuestion):
            await queue.decide(connection, "hold_0001", Act(ada, NOW), decision(version=1))
        await connection.execute("UPDATE holds SET state = 'waiting', claimed_by = NULL, claimed_until = NULL")
        assert await queue.claim_next(connection, Act(app, NOW), lease_s=LEASE_S) is None
        found = await queue.claim_next(connection, Act(ada, NOW), lease_s=LEASE_S)
    assert found is not None
    assert found.id == "hold_0002"


async def test_the_most_urgent_comes_first_over_all_of_ones_groups(database_url: str) -> None:
    keep(
        database_url,
        [
            hold(1, priority=5, due_at=NOW + 50),
            hold(2, priority=5, due_at=NOW + 40, group="legal"),
            hold(3, priority=9, due_at=NOW + 90, group=""),
            hold(4, priority=9, due_at=NOW + 10, group="other"),
        ],
    )
    order: list[str] = []
    async with connected(database_url) as connection:
        while found := await queue.claim_next(connection, act(reviewer("eva", "support", "legal")), lease_s=LEASE_S):
            order.append(found.id)
    assert order == ["hold_0003", "hold_0002", "hold_0001"]


@pytest.mark.parametrize(
    "who",
    [reviewer("eva"), Reviewer(id="lead", key="lead", tenant="acme", groups=None)],
    ids=["a reviewer", "a leader"],
)
async def test_the_next_one_is_never_another_tenants_however_urgent(database_url: str, who: Reviewer) -> None:
    keep(database_url, [hold(1), hold(2, tenant="umbra", priority=9)])
    async with connected(database_url) as connection:
        found = await queue.claim_next(connection, Act(who, NOW), lease_s=LEASE_S)
        assert found is not None
        assert found.id == "hold_0001"
        assert await queue.claim_next(connection, Act(who, NOW), lease_s=LEASE_S) is None


async def test_only_who_has_taken_a_conversation_over_writes_to_it(database_url: str) -> None:
    keep(database_url, [hold(1)])
    async with connected(database_url) as connection:
        await queue.claim(connection, "hold_0001", act(), lease_s=LEASE_S)
        with pytest.raises(HoldChanged):
            await queue.write_to(connection, "hold_0001", act(), "hello")
        await queue.decide(connection, "hold_0001", act(), decision("taken_over", text="Hello, this is Eva."))
        await queue.write_to(connection, "hold_0001", act(now=NOW + 8), "Your order was late.")
        with pytest.raises(HoldChanged):
            await queue.write_to(connection, "hold_0001", act(reviewer("bob")), "me too")
        whole = await queue.show(connection, "hold_0001", EVERYBODY)
    assert [(each["author"], each["text"]) for each in whole.messages] == [
        ("key/eva", "Hello, this is Eva."),
        ("key/eva", "Your order was late."),
    ]
    assert whole.content["released"] is None


class Crowd:
    """Twenty reviewers, each in a thread and on a connection of its own, until nothing is left."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.decided: list[tuple[str, str]] = []
        self.refused: list[PenstockError] = []
        self.begin = threading.Barrier(REVIEWERS)

    def work(self, number: int) -> None:
        asyncio.run(self._work(reviewer(f"r{number}")))

    async def _work(self, who: Reviewer) -> None:
        async with connected(self.url) as connection:
            self.begin.wait()
            while row := await queue.claim_next(connection, Act(who, NOW), lease_s=LEASE_S):
                _, after = await queue.decide(connection, row.id, Act(who, NOW), decision(version=row.version))
                self.decided.append((after.id, who.id))

    def fight(self, number: int) -> None:
        asyncio.run(self._fight(reviewer(f"r{number}")))

    async def _fight(self, who: Reviewer) -> None:
        """All want the same ones, by name, and decide whatever they hold, or believe that they hold."""
        async with connected(self.url) as connection:
            self.begin.wait()
            for number in range(HOLDS // 4):
                name = f"hold_{number:04}"
                try:
                    await queue.claim(connection, name, Act(who, NOW), lease_s=LEASE_S)
                except PenstockError as error:
                    self.refused.append(error)
                try:
                    await queue.decide(connection, name, Act(who, NOW), decision(version=2))
                    self.decided.append((name, who.id))
                except PenstockError as error:
                    self.refused.append(error)

    def run(self, *, together: bool) -> None:
        target = self.fight if together else self.work
        threads = [threading.Thread(target=target, args=(number,)) for number in range(REVIEWERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)


@pytest.mark.parametrize("together", [False, True], ids=["each the next", "all the same"])
def test_twenty_reviewers_decide_each_hold_once(database_url: str, together: bool) -> None:  # noqa: FBT001 - parameter
    count = HOLDS // 4 if together else HOLDS
    keep(database_url, [hold(number) for number in range(count)])
    crowd = Crowd(database_url)
    crowd.run(together=together)
    assert sorted(name for name, _ in crowd.decided) == [f"hold_{number:04}" for number in range(count)]
    assert len(crowd.refused) == (2 * REVIEWERS * count - 2 * count if together else 0)
    with psycopg.connect(database_url) as connection:
        kinds = dict(connection.execute("SELECT kind, count(*) FROM hold_events GROUP BY 1").fetchall())
        assert kinds == {"held": count, "claimed": count, "approved": count}
        rows = connection.execute("SELECT hold, actor FROM hold_events WHERE kind = 'approved'").fetchall()
        assert sorted(rows) == sorted(crowd.decided)
        assert connection.execute("SELECT count(*) FROM hold_releases").fetchone() == (count,)


@pytest.mark.parametrize(
    "broken",
    [
        Decision(outcome="approved", version=1, text="other"),
        Decision(outcome="edited", version=1, reasons=("tone",)),
        Decision(outcome="edited", version=1, text="better"),
        Decision(outcome="rejected", version=1, text="no"),
        Decision(outcome="taken_over", version=1, text=" "),
        Decision(outcome="rejected", version=1, text="no", reasons=("policy",), remember=True),
        Decision(outcome="approved", version=1, comment="x" * 100_001),
    ],
)
def test_what_is_no_decision_is_refused(broken: Decision) -> None:
    with pytest.raises(MalformedRequest):
        checked(broken)


def test_a_hold_is_what_it_was_when_it_comes_back(database_url: str) -> None:
    made: Hold = hold(1)
    keep(database_url, [made])
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT question, verdicts, hand_over FROM hold_contents").fetchone()
    assert row is not None
    assert row[0] == [{"role": "user", "text": "May I return order 1?"}]
    assert (row[1][0]["rule"], row[2]) == ("ground.unsupported", "A colleague will look at this.")
