"""Exchanges: found by what is known of them, page by page, as CSV, as they come in, and each with its facts."""

import csv
import io
import random
import re
import time
from pathlib import Path
from typing import get_args
from urllib.parse import urlencode

import pytest
from msgspec.structs import replace
from playwright.sync_api import expect
from tests.console.web.harness import FORMULA, HOSTILE, HOSTILE_EXCHANGE, Console, Looker
from tests.console.web.traffic import add_exchanges, exchange, exchange_id

from penstock.console.web.layout.parts.amounts import seconds, share, usd
from penstock.console.web.pages.exchanges.choice import LABELS, Choice
from penstock.console.web.pages.exchanges.listing import COLUMNS
from penstock.console.web.pages.exchanges.waterfall import lines_of
from penstock.console.web.pages.exchanges.words import FACTS, OUTCOMES
from penstock.core.ends import End
from penstock.core.facts import AnyFact


def found(console: Console, **query: str) -> list[str]:
    """As the API finds them, the newest first."""
    items = console.api("GET", f"/ledger?{urlencode({**query, 'limit': 1000})}").json["items"]
    return [each["id"] for each in items]


def shown(looker: Looker) -> list[str]:
    """The ids on the page."""
    looker.page.wait_for_selector("table.data tbody a")
    addresses = looker.page.locator("table.data tbody a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
    return [str(each).rpartition("/")[2] for each in addresses]


def test_what_is_typed_is_asked_of_the_api_and_stands_in_the_address(owner: Looker, console: Console) -> None:
    owner.go("/exchanges?tenant=acme&range=7d")
    owner.page.get_by_label("Outcome").select_option("upstream_failed")
    wanted = found(console, tenant="acme", outcome="upstream_failed", since="2020-01-01")
    expect(owner.page.locator("table.data tbody tr")).to_have_count(min(len(wanted), 50))
    expect(owner.page.locator("table.data tbody .badge.bad")).to_have_count(min(len(wanted), 50))
    assert shown(owner) == wanted[:50] != []
    owner.page.get_by_text("More filters").click()
    owner.page.get_by_label("Slower than, seconds").fill("2.5")
    expect(owner.page.get_by_role("status")).to_contain_text("1 to ")
    slow = found(console, tenant="acme", outcome="upstream_failed", min_duration_s="2.5", since="2020-01-01")
    expect(owner.page.locator("table.data tbody tr")).to_have_count(len(slow))
    assert shown(owner) == slow
    expect(owner.page).to_have_url(re.compile("tenant=acme&outcome=upstream_failed&slower=2.5&range=7d$"))
    owner.page.reload()
    expect(owner.page.get_by_label("Slower than, seconds")).to_have_value("2.5")
    assert shown(owner) == slow
    owner.page.get_by_role("button", name="Clear filters").click()
    expect(owner.page.get_by_label("Tenant", exact=True)).to_have_value("")
    expect(owner.page).to_have_url(re.compile(r"/exchanges\?range=7d$"))


def test_marks_are_offered_and_cost_is_asked_in_dollars(owner: Looker, console: Console) -> None:
    owner.go("/exchanges?range=7d&mark=masked:iban&min_cost=0.001&max_cost=0.5")
    rows = owner.page.locator("table.data tbody tr")
    query = {
        "mark": "masked:iban",
        "min_cost_nanousd": "1000000",
        "max_cost_nanousd": "500000000",
        "since": "2020-01-01",
    }
    wanted = found(console, **query)
    expect(rows).to_have_count(min(len(wanted), 50))
    assert shown(owner) == wanted[:50] != []
    offered = owner.page.locator("datalist option").evaluate_all("all => all.map(o => o.value)")
    assert {"masked:iban", "attempt_failed:upstream_throttled", "cache:hit:exact"} <= set(offered)
    assert not any(each.startswith("guard:") for each in offered), "nothing is found by these"


def test_pages_follow_each_other_and_the_export_has_all_of_them(
    owner: Looker, console: Console, tmp_path: Path
) -> None:
    wanted = found(console, tenant="hooli", since="2020-01-01")
    assert len(wanted) > 50
    owner.go("/exchanges?tenant=hooli&range=7d")
    assert shown(owner) == wanted[:50]
    owner.page.get_by_role("button", name="Older").click()
    expect(owner.page.get_by_role("status")).to_contain_text("51 to ")
    assert shown(owner) == wanted[50:100]
    owner.page.reload()
    assert shown(owner) == wanted[50:100], "the page stands in the address"
    owner.page.get_by_role("button", name="Newer").click()
    expect(owner.page.get_by_role("button", name="Newer")).to_be_disabled()
    assert shown(owner) == wanted[:50]
    with owner.page.expect_download() as download:
        owner.page.get_by_role("button", name="Export CSV").click()
    download.value.save_as(tmp_path / "e.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "e.csv").read_bytes().decode("utf-8-sig"), newline="")))
    assert [row["id"] for row in rows] == wanted
    expect(owner.page.get_by_text(f"{len(wanted):,} exchanges are in the file.")).to_be_visible()


def test_new_ones_come_in_at_the_top_until_it_is_paused(owner: Looker, console: Console) -> None:
    rng = random.Random(1)  # noqa: S311 - made exchanges
    owner.go("/exchanges?user=live%40acme.example")
    expect(owner.page.get_by_text("Nothing fits")).to_be_visible()
    owner.page.get_by_role("button", name="Live").click()
    for number in (910_001, 910_002):
        record = exchange(rng, number, time.time() - 1)  # noqa: TID251 - the control plane's clock is this machine's
        add_exchanges(console.database_url, [replace(record, user="live@acme.example")])
        expect(owner.page.locator("table.data tbody tr")).to_have_count(number - 910_000)
        assert shown(owner)[0] == exchange_id(number)
        if number == 910_001:
            owner.page.locator("table.data tbody a").first.focus()
    focused = owner.page.evaluate("document.activeElement.closest('tr')?.innerText")
    assert focused == owner.page.locator("table.data tbody tr").last.inner_text(), "drawn anew, it lost the focus"
    expect(owner.page).to_have_url(re.compile("live=1"))
    owner.page.get_by_role("button", name="Pause").click()
    expect(owner.page.get_by_role("button", name="Live")).to_have_attribute("aria-pressed", "false")
    expect(owner.page).not_to_have_url(re.compile("live=1"))


def test_an_exchange_is_found_by_its_id_and_shown_with_every_fact(owner: Looker) -> None:
    wanted = exchange_id(HOSTILE_EXCHANGE)
    owner.go(f"/exchanges?id={wanted}")
    owner.page.locator("table.data tbody a").first.click()
    owner.page.wait_for_url(f"**/exchanges/{wanted}")
    fall = owner.page.get_by_role("table", name="What happened, over time")
    expect(fall).to_contain_text("Route chosen")
    assert fall.get_by_role("row").count() == 1 + 1 + 5, "the heading, the whole, a call, and four facts beside"
    expect(fall).to_contain_text(HOSTILE)
    expect(fall).to_contain_text("500")
    owner.page.get_by_role("link", name=HOSTILE).first.click()
    owner.page.wait_for_url("**/exchanges?tenant=*")
    expect(owner.page.locator("table.data tbody tr")).to_have_count(1)
    assert shown(owner) == [wanted]
    assert owner.page.evaluate("window.hit") is None
    assert owner.complaints == []
    assert owner.go("/exchanges/ex_00") == 200
    expect(owner.page.get_by_text("It is not there")).to_be_visible()


def test_formulas_leave_as_text_and_another_tenants_exchange_is_not_there(
    owner: Looker, stranger: Looker, console: Console, tmp_path: Path
) -> None:
    owner.go(f"/exchanges?{urlencode({'model': FORMULA})}")
    with owner.page.expect_download() as download:
        owner.page.get_by_role("button", name="Export CSV").click()
    download.value.save_as(tmp_path / "f.csv")
    (row,) = csv.DictReader(io.StringIO((tmp_path / "f.csv").read_bytes().decode("utf-8-sig"), newline=""))
    assert {row[each] for each in ("model", "user", "key", "tenant", "target", "outcome_code")} == {"'" + FORMULA}
    stranger.sign_in(console.keys["developer"], f"/exchanges/{exchange_id(HOSTILE_EXCHANGE)}")
    expect(stranger.page.get_by_text("It is not there")).to_be_visible()
    stranger.go("/exchanges")
    assert {row.split("\t")[2] for row in stranger.rows()} == {"acme"}
    assert stranger.page.get_by_label("Tenant", exact=True).count() == 0


@pytest.mark.parametrize("name", LABELS)
def test_a_wrong_address_counts_as_not_said(name: str) -> None:
    for text in ("\0", "", "   ") if name not in ("min_cost", "max_cost", "slower") else ("nan", "1e400", "x", "inf"):
        assert Choice.read({name: text, "range": "x"}).query() == {}


def test_every_fact_and_every_end_has_words() -> None:
    assert {each.__struct_config__.tag for each in get_args(AnyFact)} == FACTS.keys()
    assert set(get_args(End)) == OUTCOMES.keys()
    assert len({each.name for each in COLUMNS}) == len(COLUMNS)


def test_a_fact_that_is_not_known_here_is_a_line_of_its_own() -> None:
    facts = [{"fact": "teleported", "at_s": 0.2, "where": "Mars"}, {"fact": "ended", "at_s": 1.0, "end": "completed"}]
    entry = {"facts": facts, "duration_s": 1.0, "outcome": "completed", "outcome_code": None}
    first, last = lines_of(entry)
    assert (first.name, first.begun_s, first.fields) == ("Teleported", 0.2, (("where", "Mars"),))
    assert last.name == "End"


def test_amounts_are_never_rounded_to_what_they_are_not() -> None:
    assert usd(400) == "< $0.01"
    assert usd(-1_500_000_000) == "\N{MINUS SIGN}$1.50"
    assert usd(None) == "\N{EN DASH}"
    assert usd(1_234_567_891_234, digits=5) == "$1,234.56789"
    assert share(0.9995) == "99.95 %"
    assert share(1.0) == "100.0 %"
    assert (seconds(0.0123), seconds(12.3)) == ("12 ms", "12.30 s")
