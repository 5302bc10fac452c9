"""The page of quality: its figures are the API's, each finding leads to its exchange, and who may see what."""

import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
from playwright.sync_api import expect
from tests.console.web.harness import HOSTILE, Console, Looker, day
from tests.console.web.traffic import exchange_id

from penstock.core.clock import SystemClock
from penstock.watch.quality import store
from penstock.watch.quality.checks import Found
from penstock.watch.quality.seen import Told


def row_of(looker: Looker, text: str) -> list[str]:
    """Its cells."""
    return looker.page.locator("table.data tbody tr", has_text=text).first.locator("td").all_inner_texts()


def add_score(console: Console, number: int, score: int) -> None:
    """Of an answer of an assistant that nobody else has."""
    told = Told(
        exchange=exchange_id(number),
        tenant="acme",
        assistant="lives",
        release="",
        target="sim/sim",
        at=datetime.fromtimestamp(SystemClock().now(), UTC),
        outcome="completed",
    )
    verdict = "good" if score >= 500 else "loop"
    with psycopg.connect(console.database_url, autocommit=True) as connection:
        store.write(connection, [(told, [Found("answer", score, verdict), Found("loop", score, verdict)])])


def test_a_tenants_viewer_sees_its_own_figures_and_neither_answers_nor_the_judges_money(
    stranger: Looker, console: Console
) -> None:
    stranger.sign_in(console.keys["viewer"], "/quality?tab=answers&range=90d")
    stranger.page.wait_for_selector("table.data tbody tr")
    tabs = stranger.page.locator("nav.tabs a")
    expect(tabs).to_have_text(["Scores", "Checks", "Failures", "Feedback and outcomes", "Sample and judge"])
    expect(stranger.page.locator("table.data a")).to_have_count(0)
    own = console.api("GET", f"/quality?tenant=acme&since={day(89)}").json["lines"][0]["answers"]
    tile = stranger.page.locator(".tile", has_text="Answers looked at")
    expect(tile.locator("dd").first).to_have_text(f"{own:,}")
    assert console.api("GET", "/quality/answers", token=console.keys["viewer"]).status == 403
    stranger.go("/quality?tab=sample")
    expect(stranger.page.locator("table.data tbody tr").first).to_be_visible()
    assert "Spent today" not in stranger.page.locator("#main").inner_text()


def test_scores_are_those_of_the_api_narrowed_by_the_address(owner: Looker, console: Console, tmp_path: Path) -> None:
    owner.go("/quality?range=90d")
    rows = owner.page.locator("table.data tbody tr")
    expect(rows.filter(has_text="handbook")).to_have_count(1)
    said = console.api("GET", f"/quality?by=assistant&assistant=sales&since={day(89)}").json["lines"]
    (line,) = said
    cells = row_of(owner, "sales")
    assert [cells[0], cells[1]] == ["sales", str(line["answers"])]
    assert cells[2] == f"{line['mean']['value']:.3f}"
    owner.page.get_by_role("button", name="Only this: sales").click()
    expect(rows).to_have_count(1)
    expect(owner.page).to_have_url(re.compile("range=90d&assistant=sales$|assistant=sales&range=90d$"))
    owner.page.reload()
    expect(rows).to_have_count(1)
    expect(owner.page.get_by_label("Assistant", exact=True)).to_have_value("sales")
    owner.page.get_by_label("Group by").select_option("release")
    expect(owner.page.locator("table.data th").first).to_contain_text("Release")
    with owner.page.expect_download() as download:
        owner.page.get_by_role("button", name="Export CSV").click()
    path = tmp_path / "scores.csv"
    download.value.save_as(path)
    assert path.read_text("utf-8-sig").startswith("Release,Looked at,Score,")
    owner.go("/quality?by=assistant&range=90d")
    expect(rows.filter(has_text=HOSTILE[:9])).to_have_count(1)
    assert owner.page.evaluate("window.hit") is None


def test_a_new_score_shows_by_itself(owner: Looker, console: Console) -> None:
    rows = owner.page.locator("table.data tbody tr")
    owner.go("/quality?assistant=lives")
    expect(owner.page.get_by_text("No answer was looked at in this time")).to_be_visible()
    add_score(console, 1, 1000)
    expect(rows).to_have_count(1)
    add_score(console, 2, 0)
    expect(rows.first).to_contain_text("0.500")


def test_a_failure_leads_to_what_it_was_of(owner: Looker, console: Console) -> None:
    owner.go("/quality?tab=failures&range=30d&way=events")
    link = owner.page.get_by_role("link", name="attempt_failed:upstream_throttled")
    address = urlsplit(link.get_attribute("href") or "")
    assert address.path == "/console/exchanges"
    assert parse_qs(address.query) == {"mark": ["attempt_failed:upstream_throttled"], "range": ["30d"]}
    owner.page.get_by_label("Counted").select_option("sample")
    owner.page.wait_for_url("**way=sample*")
    owner.page.get_by_role("link", name="declined").click()
    owner.page.wait_for_url("**tab=answers*")
    rows = owner.page.locator("table.data tbody tr")
    found = console.api("GET", f"/quality/worst?verdict=refusal&limit=200&since={day(89)}").json["items"]
    expect(rows.first).to_contain_text("Declined")
    worst = owner.page.locator("table.data tbody tr a").first.get_attribute("href") or ""
    assert worst.rpartition("/")[2] in {each["exchange"] for each in found}
    owner.page.goto(f"{console.url}{worst}")
    expect(owner.page.get_by_text("What happened", exact=True).first).to_be_visible()


def test_outcomes_and_the_judges_money_are_those_of_the_api(owner: Looker, console: Console) -> None:
    owner.go("/quality?tab=outcomes&range=90d&assistant=sales")
    lines = console.api("GET", f"/quality/outcomes?assistant=sales&since={day(89)}").json["lines"]
    events = {each["kind"]: each for each in lines}
    expect(owner.page.locator("table.data tbody tr")).to_have_count(1)
    cells = row_of(owner, "sales")
    assert cells[1] == str(events["conversion"]["events"])
    assert cells[2] == f"${events['conversion']['value_nanousd'] / 10**9:,.2f}"
    owner.go("/quality?tab=sample&range=7d")
    spent = console.api("GET", "/quality/looked-at").json["judge"]["spent"]
    tile = owner.page.locator(".tile", has=owner.page.get_by_text("Spent today (UTC)"))
    expect(tile).to_contain_text(f"${spent[0]['nanousd'] / 10**9:,.4f}")
    expect(tile).to_contain_text("of $2.00 a day")
