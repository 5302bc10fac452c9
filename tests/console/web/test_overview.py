"""Overview: the same figures as the API, those before beside them, filters in the address, and links that fit."""

import random
import re
import time
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace
from playwright.sync_api import expect
from tests.console.web.harness import Console, Looker
from tests.console.web.traffic import add_exchanges, exchange

from penstock.console.web.layout.parts.span import CUSTOM, Span
from penstock.console.web.pages.overview.asking import step_of
from penstock.console.web.pages.overview.drawing import change

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)


def test_what_is_shown_is_what_the_api_says_and_follows_the_filter(owner: Looker, console: Console) -> None:
    owner.go("/?range=7d")
    tile = owner.page.locator(".tile", has=owner.page.get_by_text("Exchanges", exact=True)).locator("dd").first
    began = (datetime.now(UTC) - timedelta(days=7)).replace(minute=0, second=0, microsecond=0)
    since = began.isoformat().replace("+", "%2B")

    def told(more: str = "") -> str:
        lines = console.api("GET", f"/figures?figure=exchanges&since={since}{more}").json["lines"]
        return f"{lines[0]['values']['exchanges']:,}"

    expect(tile).to_have_text(told())
    expect(owner.page.get_by_role("group", name="Exchanges by outcome")).to_be_attached()
    owner.page.get_by_label("Assistant", exact=True).fill("sales")
    expect(tile).to_have_text(told("&assistant=sales"))
    expect(owner.page).to_have_url(re.compile("range=7d&assistant=sales$"))
    owner.page.reload()
    expect(tile).to_have_text(told("&assistant=sales"))
    owner.page.get_by_role("link", name="hooli", exact=True).click()
    owner.page.wait_for_url("**/exchanges?*")
    expect(owner.page.get_by_label("Assistant or model")).to_have_value("sales")
    expect(owner.page.get_by_label("Tenant", exact=True)).to_have_value("hooli")
    expect(owner.page.get_by_label("Time range")).to_have_value("7d")


def test_what_leads_to_exchanges_keeps_the_focus_while_more_are_asked(owner: Looker, console: Console) -> None:
    owner.go("/?range=24h&tenant=hooli")
    row = owner.page.get_by_role("table", name="Tenants").locator("tbody tr")
    before = int(row.locator("td").nth(1).inner_text())
    shown = row.get_by_role("link", name="hooli", exact=True)
    shown.focus()
    row.evaluate("row => { row.marked = true; }")
    record = exchange(random.Random(3), 920_001, time.time() - 1)  # noqa: S311, TID251 - made, by this machine's clock
    add_exchanges(console.database_url, [replace(record, tenant="hooli")])
    expect(row.locator("td").nth(1)).to_have_text(str(before + 1))
    expect(owner.page.locator(".tile", has=owner.page.get_by_text("Exchanges", exact=True)).first).to_contain_text(
        str(before + 1)
    )
    assert row.evaluate("row => row.marked"), "the row was drawn anew: a click on its way to it is lost"
    expect(shown).to_be_focused()
    owner.page.keyboard.press("Enter")
    owner.page.wait_for_url("**/exchanges?*tenant=hooli*")


def test_a_time_of_ones_own_stands_in_the_address(owner: Looker) -> None:
    owner.go("/")
    owner.page.get_by_label("Time range").select_option("custom")
    owner.page.get_by_label("From", exact=True).fill("2026-01-05T09:00")
    expect(owner.page).to_have_url(
        re.compile("since=2026-01-05T00%3A00%3A00"), timeout=20_000
    )  # nine hours before Tokyo's
    owner.page.get_by_label("To", exact=True).fill("2026-01-06T09:00")
    expect(owner.page.get_by_text("Nothing was asked in this time")).to_be_visible()
    owner.page.reload()
    expect(owner.page.get_by_label("To", exact=True)).to_have_value("2026-01-06T09:00")


def test_a_tenants_viewer_sees_its_own_without_links_to_what_it_may_not_see(stranger: Looker, console: Console) -> None:
    stranger.sign_in(console.keys["viewer"])
    stranger.go("/?assistant=support&range=30d")
    expect(stranger.page.get_by_text("support", exact=True).first).to_be_visible()
    assert stranger.page.locator("table.data a").count() == 0
    assert stranger.page.get_by_label("Tenant", exact=True).count() == 0
    assert not any(other in stranger.page.content() for other in ("hooli", "globex", "initech"))
    assert console.api("GET", "/ledger", token=console.keys["viewer"]).status == 403


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"range": "7d"}, Span("7d")),
        ({"range": "x"}, Span("24h")),
        ({"range": CUSTOM, "since": "x"}, Span("24h")),
        ({"range": CUSTOM, "since": "2026-01-02", "until": "2026-01-01"}, Span("24h")),
        ({"range": CUSTOM, "since": "2026-01-02T00:00:00+02:00"}, Span(CUSTOM, datetime(2026, 1, 1, 22, tzinfo=UTC))),
    ],
)
def test_a_time_is_read_from_an_address(query: dict[str, str], expected: Span) -> None:
    span = Span.read(query)
    assert span == expected
    assert Span.read(span.query()) == span
    since, until = span.bounds(NOW.timestamp())
    assert since < until


def test_steps_fit_the_time() -> None:
    lengths = [timedelta(hours=6), timedelta(days=7), timedelta(days=30), timedelta(days=400)]
    assert [step_of(each) for each in lengths] == ["minute", "hour", "day", "month"]


@pytest.mark.parametrize(
    ("now", "before", "is_total", "better", "said"),
    [
        (125.0, 100.0, True, "", ("as before", "")),  # in a time a quarter longer
        (250.0, 100.0, True, "higher", ("▲ 100.0 %", "good")),
        (0.9, 1.0, False, "higher", ("▼ 10.0 %", "poor")),
        (2.0, 1.0, False, "lower", ("▲ 100.0 %", "poor")),
        (5.0, 0.0, True, "", ("none before", "")),
        (5.0, None, True, "", ("nothing to compare with", "")),
        (None, 1.0, False, "higher", ("nothing to compare with", "")),
    ],
)
def test_a_change_is_that_of_times_of_equal_length(
    now: float | None, before: float | None, is_total: object, better: str, said: tuple[str, str]
) -> None:
    assert change(now, before, is_total=bool(is_total), speed=1.25, better=better) == said
