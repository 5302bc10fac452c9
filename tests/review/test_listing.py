"""The queue looked through: what is seen, in which order, and page by page."""

from typing import Any

import pytest
from tests.review.holds import EVERYBODY, NOW, act, connected, decision, hold, keep, reviewer

from penstock.core.errors import MalformedRequest
from penstock.review import queue
from penstock.review.listing import HoldChoice, Order, page
from penstock.review.reviewer import Reviewer


async def names(url: str, who: Reviewer = EVERYBODY, **wanted: Any) -> list[str]:
    async with connected(url) as connection:
        rows, _ = await page(connection, who, HoldChoice(**wanted), after=None, limit=100)
    return [row.id.removeprefix("hold_").lstrip("0") for row in rows]


MANY = [
    hold(1),
    hold(2, priority=9, due_at=NOW + 10),
    hold(3, group="legal", model="other"),
    hold(4, tenant="umbra", user="bob"),
    hold(5, due_at=NOW + 5, rule="amount"),
    hold(6, group="", conversation="c1"),
]


async def test_open_ones_come_most_urgent_first_and_all_newest_first(database_url: str) -> None:
    keep(database_url, MANY)
    assert await names(database_url) == ["2", "5", "1", "3", "4", "6"]
    assert await names(database_url, order="newest") == ["6", "5", "4", "3", "2", "1"]
    async with connected(database_url) as connection:
        await queue.claim(connection, "hold_0002", act(), lease_s=600)
        await queue.decide(connection, "hold_0002", act(), decision())
        await queue.claim(connection, "hold_0001", act(), lease_s=600)
    assert await names(database_url) == ["5", "1", "3", "4", "6"]
    assert await names(database_url, order="newest", state="approved") == ["2"]
    assert await names(database_url, claimed_by="key/eva") == ["1"]


async def test_what_is_asked_for_narrows(database_url: str) -> None:
    keep(database_url, MANY)
    assert await names(database_url, tenant="umbra") == ["4"]
    assert await names(database_url, group="legal") == ["3"]
    assert await names(database_url, group="") == ["6"]
    assert await names(database_url, model="other") == ["3"]
    assert await names(database_url, rule="amount") == ["5"]
    assert await names(database_url, user="bob") == ["4"]
    assert await names(database_url, conversation="c1") == ["1", "6"]
    assert await names(database_url, exchange="ex_2") == ["2"]
    assert await names(database_url, min_priority=6) == ["2"]
    assert await names(database_url, due_before=NOW + 11) == ["2", "5"]
    assert await names(database_url, since=NOW + 2, until=NOW + 4) == ["2", "3"]


async def test_a_reviewer_sees_its_groups_and_its_tenant(database_url: str) -> None:
    keep(database_url, MANY)
    assert await names(database_url, reviewer("eva")) == ["2", "5", "1", "6"]
    assert await names(database_url, reviewer("eva", "legal", "support")) == ["2", "5", "1", "3", "6"]
    assert await names(database_url, reviewer("eva"), group="legal") == []
    assert await names(database_url, reviewer("eva"), group="") == ["6"]
    assert await names(database_url, reviewer("eva"), tenant="umbra") == []
    assert await names(database_url, reviewer("eva"), order="newest") == ["6", "5", "2", "1"]
    lead = Reviewer(id="lead", key="lead", tenant="acme", groups=None)
    assert await names(database_url, lead) == ["2", "5", "1", "3", "6"]


@pytest.mark.parametrize("order", ["urgent", "newest"])
@pytest.mark.parametrize("who", [EVERYBODY, reviewer("eva", "support", "legal")], ids=["all", "groups"])
async def test_pages_join_without_gap_or_repetition(database_url: str, order: Order, who: Reviewer) -> None:
    # Many that are alike but for their ids, and one that comes while pages are turned.
    keep(database_url, [hold(n, priority=n % 3, due_at=NOW + n % 2, created_at=NOW + n % 4) for n in range(1, 60)])
    choice, seen, after = HoldChoice(order=order), list[str](), None
    async with connected(database_url) as connection:
        whole, _ = await page(connection, who, choice, after=None, limit=100)
        for turn in range(100):
            rows, after = await page(connection, who, choice, after=after, limit=7)
            seen += [row.id for row in rows]
            if turn == 2:
                keep(database_url, [hold(99, priority=9, created_at=NOW + 99)])
            if after is None:
                break
    assert seen == [row.id for row in whole]
    assert len(seen) == 59


@pytest.mark.parametrize("after", ["", "x", "1.2", "5..hold", "99999999999.0x1p+1.hold", "zz.0x1p+1.hold_1"])
async def test_a_page_after_nothing_that_was_given_is_refused(database_url: str, after: str) -> None:
    async with connected(database_url) as connection:
        for order in ("urgent", "newest"):
            try:
                rows, _ = await page(connection, EVERYBODY, HoldChoice(order=order), after=after, limit=7)
            except MalformedRequest:
                continue
            assert rows == []
