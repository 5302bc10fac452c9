"""An answer is shown to those alone who may read what it was made from: in the queue, and by who asked for it."""

from collections.abc import Sequence
from typing import cast

import psycopg
import pytest
from tests.cache.test_exact import call_of
from tests.review.holds import EVERYBODY, NOW, act, connected, decision, document, hold, keep, source_of

from penstock.config.review import HoldConditions, HoldRule, ReviewSettings
from penstock.core.events import Event, Finish, Text
from penstock.core.exchange import CacheMark, Principal
from penstock.core.ports import WaitingFilter
from penstock.core.sources import PUBLIC, Reader
from penstock.review import queue, released
from penstock.review.cases import keep_case, read_cases
from penstock.review.hold import Hold
from penstock.review.listing import HoldChoice, page
from penstock.review.live.stage import Parts, ReviewStage
from penstock.review.queue import Act
from penstock.review.released import Asker
from penstock.review.reviewer import Reviewer, UnknownHold
from penstock.review.second import claim_second
from penstock.testing.clock import FakeClock

BOARD = Reader("group:board")
LEASE_S = 600.0


def of_board(name: str = "ivy") -> Reviewer:
    return Reviewer(
        id=f"key/{name}",
        key="jwt:acme",
        tenant="acme",
        user=name,
        groups=frozenset({"support"}),
        readers=(PUBLIC, BOARD),
    )


def permit(url: str, made: str, *readers: str) -> None:
    with psycopg.connect(url) as connection:
        query = "UPDATE knowledge_documents SET readers = %s WHERE id = %s"
        connection.execute(query, (list(readers), int(made.removeprefix("doc_"))))


async def test_who_may_not_read_a_source_gets_nothing_of_the_hold(database_url: str) -> None:
    secret, public = source_of(document(database_url, BOARD)), source_of(document(database_url))
    keep(database_url, [hold(1, sources=(public, secret), is_sampled=True), hold(2, sources=(public,))])
    eva, ivy = act(), act(of_board())
    async with connected(database_url) as connection:

        async def listed(who: Reviewer) -> set[str]:
            return {row.id for row in (await page(connection, who, HoldChoice(order="newest"), after=None, limit=9))[0]}

        assert await listed(eva.who) == {"hold_0002"}
        assert await listed(ivy.who) == await listed(EVERYBODY) == {"hold_0001", "hold_0002"}
        for attempt in (
            queue.show(connection, "hold_0001", eva.who),
            queue.claim(connection, "hold_0001", eva, lease_s=LEASE_S),
            queue.comment(connection, "hold_0001", eva, "hm"),
        ):
            with pytest.raises(UnknownHold):
                await attempt
        taken = await queue.claim_next(connection, eva, lease_s=LEASE_S)
        assert taken is not None
        assert taken.id == "hold_0002"
        assert await queue.claim_next(connection, eva, lease_s=LEASE_S) is None
        row = await queue.claim_next(connection, ivy, lease_s=LEASE_S)
        assert row is not None
        await queue.decide(connection, "hold_0001", ivy, decision(version=row.version))
        await keep_case(connection, "hold_0001", ivy, expected=None, why="")
        assert await read_cases(connection, eva.who, model=None, after=0, most=9) == []
        assert len(await read_cases(connection, ivy.who, model=None, after=0, most=9)) == 1
        assert await claim_second(connection, eva, lease_s=LEASE_S) is None
        second = await claim_second(connection, act(of_board("kim")), lease_s=LEASE_S)
        assert second is not None


async def test_a_right_that_is_gone_closes_a_hold_that_was_claimed(database_url: str) -> None:
    made = document(database_url)
    keep(database_url, [hold(1, sources=(source_of(made),))])
    eva = act()
    async with connected(database_url) as connection:
        row = await queue.claim(connection, "hold_0001", eva, lease_s=LEASE_S)
        permit(database_url, made, BOARD)
        with pytest.raises(UnknownHold):
            await queue.show(connection, "hold_0001", eva.who)
        with pytest.raises(UnknownHold):
            await queue.decide(connection, "hold_0001", eva, decision(version=row.version))


@pytest.mark.parametrize("made", ["doc_999999", "doc_x", "elsewhere"])
async def test_what_is_not_there_any_more_is_nobodys_but_theirs_who_see_all(database_url: str, made: str) -> None:
    keep(database_url, [hold(1, sources=(source_of(made),))])
    async with connected(database_url) as connection:
        with pytest.raises(UnknownHold):
            await queue.show(connection, "hold_0001", of_board())
        assert (await queue.show(connection, "hold_0001", EVERYBODY)).content["answer"]


async def test_another_tenants_document_is_no_right(database_url: str) -> None:
    keep(database_url, [hold(1, sources=(source_of(document(database_url, tenant="umbra")),))])
    async with connected(database_url) as connection:
        with pytest.raises(UnknownHold):
            await queue.show(connection, "hold_0001", of_board())


async def test_a_released_answer_is_not_shown_after_its_asker_lost_the_right(database_url: str) -> None:
    made = document(database_url, BOARD)
    keep(database_url, [hold(1, sources=(source_of(made),), sealed="values")])
    ivy: Act = act(of_board(), NOW)
    async with connected(database_url) as connection:
        row = await queue.claim(connection, "hold_0001", ivy, lease_s=LEASE_S)
        await queue.decide(connection, "hold_0001", ivy, decision(version=row.version))
        ada = Asker(tenant="acme", key="app", user="ada", readers=(PUBLIC, BOARD))
        found = await released.look_up(connection, "hold_0001", ada)
        assert found is not None
        assert (found.may_read, found.released) == (True, "Yes, order 1 within 90 days.")
        permit(database_url, made, "group:leads")
        found = await released.look_up(connection, "hold_0001", ada)
        assert found is not None
        assert (found.may_read, found.released, found.sealed, found.messages) == (False, None, None, ())


async def test_a_kept_answer_that_is_held_is_held_with_what_it_was_made_from() -> None:
    written: list[Hold] = []

    async def write(made: Hold) -> None:
        written.append(made)

    parts = Parts(
        write=write,
        language_of=lambda _: None,
        cache_place=lambda _: None,
        seal=lambda _, __: None,
        clock=FakeClock(),
    )
    settings = ReviewSettings(rules=(HoldRule(name="all", when=HoldConditions(models=("*",))),))
    stage = ReviewStage(settings, parts, lambda _: False)
    exchange = call_of(Principal(tenant="acme", key="k"))
    await stage.enter(exchange)
    exchange.cache = CacheMark("hit", made_from=("doc_7:3", "doc_9:1"))
    holding = cast("WaitingFilter", stage.filter(exchange))
    answer: Sequence[Event] = (Text("Within 30 days."), Finish("stop"))
    holding.feed(answer)
    holding.finish()
    await holding.judged()
    [made] = written
    assert [(each.document, each.version) for each in made.sources] == [("doc_7", 3), ("doc_9", 1)]
