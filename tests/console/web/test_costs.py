"""The page of costs: what it shows is what the API says, by any dimension, and for whom."""

import csv
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.sync_api import expect
from tests.console.web.harness import FORMULA, HOSTILE, Console, Looker, shoot
from tests.console.web.test_pages import PHONE, findings

from penstock.core.json import loads

NANO = 1_000_000_000


def spent(looker: Looker, tmp_path: Path) -> dict[str, dict[str, str]]:
    """The exported table, by its first column."""
    with looker.page.expect_download() as download:
        looker.page.get_by_role("button", name="Export CSV").click()
    path = tmp_path / "costs.csv"
    download.value.save_as(path)
    read = csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""))
    assert read.fieldnames is not None
    return {row[read.fieldnames[0]]: row for row in read}


def test_costs_are_those_of_the_api_by_any_dimension(owner: Looker, console: Console, tmp_path: Path) -> None:
    owner.go("/costs?by=tenant&range=90d")
    rows = owner.page.locator("table.data tbody tr")
    summed = console.api("GET", "/ledger/summary?group_by=tenant").json["groups"]
    ledger = {each["group"]: each for each in summed}
    expect(rows).to_have_count(len(ledger))
    said = spent(owner, tmp_path)
    for tenant in ("globex", "hostile"):
        assert round(float(said[tenant]["Cost"]) * NANO) == ledger[tenant]["cost_nanousd"]
        assert int(said[tenant]["Unknown"]) == ledger[tenant]["unknown_cost"]
        assert int(said[tenant]["Exchanges"]) == ledger[tenant]["exchanges"]
    expect(owner.page.get_by_text("have no known cost and are in no sum")).to_be_visible()
    owner.page.get_by_label("Group by").select_option("project")
    expect(owner.page.locator("table.data th").first).to_contain_text("Project")
    assert "'" + FORMULA in spent(owner, tmp_path), "no formula"
    owner.page.get_by_label("Group by").select_option("assistant")
    expect(rows).to_have_count(len(console.api("GET", "/ledger/summary?group_by=model").json["groups"]))
    assert HOSTILE in "".join(owner.rows())


def test_a_view_of_costs_is_narrowed_and_found_again_by_its_address(owner: Looker) -> None:
    owner.go("/costs?by=tenant&range=90d")
    owner.page.get_by_role("button", name="Only this: globex").click()
    rows = owner.page.locator("table.data tbody tr")
    expect(rows).to_have_count(1)
    owner.page.get_by_label("Time zone").fill("Asia/Tokyo")
    owner.page.wait_for_url("**zone=Asia*")
    owner.page.get_by_label("Time range").select_option("30d")
    owner.page.wait_for_url("**range=30d*")
    query = parse_qs(urlsplit(owner.page.url).query)
    assert query == {"by": ["tenant"], "range": ["30d"], "tenant": ["globex"], "zone": ["Asia/Tokyo"]}
    owner.page.reload()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("globex")
    expect(owner.page.get_by_label("Time zone")).to_have_value("Asia/Tokyo")
    expect(owner.page.get_by_label("Time range")).to_have_value("30d")
    owner.page.get_by_role("button", name="tenant: globex").click()
    expect(rows).not_to_have_count(1)
    owner.go("/costs?tab=time&range=7d&step=day&zone=Asia/Tokyo")
    owner.page.wait_for_selector("table.data tbody tr")
    assert owner.rows()[0].startswith("20")


def test_the_forecast_is_that_of_the_api_with_each_budget(owner: Looker, console: Console) -> None:
    said = console.api("GET", "/costs/forecast?tenant=acme").json
    owner.go("/costs?tab=forecast&tenant=acme")
    expect(owner.page.locator("dl.tiles")).to_contain_text(f"${said['spent_nanousd'] / NANO:,.2f}")
    assert said["forecast"] is not None
    expect(owner.page.locator("dl.tiles")).to_contain_text(f"${said['forecast']['expected_nanousd'] / NANO:,.2f}")
    row = owner.page.locator("table.data tbody tr")
    expect(row).to_have_count(1)
    (budget,) = said["budgets"]
    expect(row).to_contain_text(budget["name"])
    ended = f"used up {budget['day']}" if budget["is_used_up"] else budget["day"] or "lasts"
    expect(row).to_contain_text(ended)
    owner.page.get_by_label("Tenant, or all together").fill("nobody")
    expect(owner.page.get_by_text("Nothing was spent in this month")).to_be_visible()


def test_who_may_not_read_the_ledger_is_offered_no_forecast(stranger: Looker, console: Console) -> None:
    stranger.sign_in(console.keys["viewer"], "/costs?tab=forecast")
    stranger.page.wait_for_selector("table.data tbody tr")
    assert stranger.page.locator("nav.tabs a").all_inner_texts() == ["Spent", "Saved", "Over time"]
    assert console.api("GET", "/costs/forecast", token=console.keys["viewer"]).status == 403
    stranger.page.get_by_label("Group by").select_option("tenant")
    expect(stranger.page.locator("table.data tbody tr")).to_have_count(1)
    asked = urlencode({"figure": "cost_nanousd", "tenant": "globex"})
    assert console.api("GET", f"/figures?{asked}", token=console.keys["viewer"]).status == 404


def test_prices_comparison_and_value_are_those_of_the_api(owner: Looker, console: Console) -> None:
    rows = owner.page.locator("table.data tbody tr")
    owner.go("/costs?tab=prices")
    known = {each["target"] for each in console.api("GET", "/prices").json["targets"]}
    owner.page.wait_for_selector("table.data tbody tr")
    assert {row.split("\t")[0].split("\n")[0] for row in owner.rows()} == known
    owner.go("/costs?tab=compare&days=90&with=openai/gpt-4o")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("openai/gpt-4o")
    expect(owner.page.get_by_text("What is taken for granted")).to_be_visible()
    owner.page.get_by_label("Targets, with commas").fill("nonsense")
    expect(owner.page.get_by_text("`nonsense` is no target")).to_be_visible()
    owner.go("/costs?tab=value&tenant=globex&days=90")
    said = console.api("GET", "/costs/value?tenant=globex").json
    expect(owner.page.get_by_text("Nothing is assumed")).to_be_visible()
    assert {each["return_nanousd"] for each in said["models"]} == {None}
    expect(rows).not_to_have_count(0)


def test_an_invoice_is_held_against_the_ledger_and_kept_nowhere(
    owner: Looker, console: Console, tmp_path: Path
) -> None:
    day = datetime.now(UTC)
    rows = [("Day", "Model", "Cost"), (f"{day:%Y-%m-%d}", HOSTILE, "1.25"), (f"{day:%Y-%m-%d}", FORMULA, "2.5")]
    file = tmp_path / "invoice.csv"
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows(rows)
    said = {"provider": "openai-eu", "month": f"{day:%Y-%m}", "columns": "date=Day,amount=Cost,model=Model"}
    owner.go(f"/costs?{urlencode({'tab': 'invoice', **said})}")
    owner.page.get_by_role("button", name="Hold it against the ledger").click()
    expect(owner.page.get_by_text("Choose a file first")).to_be_visible()
    with owner.page.expect_file_chooser() as chooser:
        owner.page.get_by_role("button", name="Choose the provider's CSV export").press("Enter")
    chooser.value.set_files(file)
    expect(owner.page.get_by_text("invoice.csv, ")).to_be_visible()
    owner.page.get_by_role("button", name="Hold it against the ledger").click()
    expect(owner.page.get_by_text("Does not agree")).to_be_visible()
    headers = {"authorization": f"Bearer {console.token}"}
    _, _, data = console.ask("POST", f"/admin/v1/costs/reconcile?{urlencode(said)}", file.read_bytes(), headers=headers)
    answer: Any = loads(data)
    report = answer["report"]
    expect(owner.page.locator("table.data tbody tr")).to_have_count(len(report["models"]))
    expect(owner.page.locator("table.data")).to_contain_text(HOSTILE)
    with owner.page.expect_download() as download:
        owner.page.get_by_role("button", name="Export CSV").click()
    download.value.save_as(tmp_path / "shown.csv")
    exported = list(csv.DictReader(io.StringIO((tmp_path / "shown.csv").read_bytes().decode("utf-8-sig"), newline="")))
    invoiced = {row["Model"]: row["Invoice"] for row in exported if float(row["Invoice"] or 0)}
    assert invoiced == {HOSTILE: "1.25", "'" + FORMULA: "2.5"}
    shoot(owner, "costs-invoice-light")
    assert findings(owner) == []
    owner.page.get_by_label("Verdict").select_option("only_invoice")
    expect(owner.page.locator("table.data tbody tr")).to_have_count(2)
    owner.page.set_viewport_size(PHONE)  # pyright: ignore[reportArgumentType]
    shoot(owner, "costs-invoice-phone")
    owner.fits(PHONE["width"])
    assert owner.page.evaluate("window.hit") is None
    owner.page.get_by_label("Columns, as date=Day").fill("date=Day")
    owner.page.wait_for_url("**columns=date%3DDay&*")
    owner.page.get_by_role("button", name="Hold it against the ledger").click()
    expect(owner.page.get_by_text("`columns`:")).to_be_visible()
