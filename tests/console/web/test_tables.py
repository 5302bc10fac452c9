"""What people do with pages: search, sort, export, change something, and see it happen."""

import re
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import expect
from tests.console.web.harness import FORMULA, HOSTILE, Console, Looker, add_alert, until


def test_a_table_is_searched_sorted_and_found_again_by_its_address(owner: Looker) -> None:
    owner.go("/keys")
    rows = owner.page.locator("table.data tbody tr")
    owner.page.get_by_label("Search").fill("auditor")
    expect(rows).to_have_count(1)
    expect(owner.page.get_by_role("status")).to_contain_text("1 of ")
    expect(owner.page).to_have_url(re.compile("q=auditor"))
    owner.page.reload()
    expect(rows).to_have_count(1)
    expect(owner.page.get_by_label("Search")).to_have_value("auditor")
    owner.page.get_by_label("Search").fill(" key")
    expect(rows).not_to_have_count(1)
    sort = owner.page.get_by_role("button", name="Name", exact=True)
    sort.press("Enter")
    expect(owner.page.locator("th[aria-sort=ascending]")).to_have_text("Name↑")
    names = [row.split("\t")[0].split("\n")[0] for row in owner.rows()]
    assert names == sorted(names, key=str.casefold)
    sort.press("Enter")
    expect(owner.page.locator("th[aria-sort=descending]")).to_have_text("Name↓")
    assert [row.split("\t")[0].split("\n")[0] for row in owner.rows()] == names[::-1]
    expect(owner.page).to_have_url(re.compile("sort=-name"))


def test_a_filter_asks_the_api_again(owner: Looker, console: Console) -> None:
    owner.go("/targets")
    rows = owner.page.locator("table.data tbody tr")
    expect(rows).to_have_count(len(console.api("GET", "/targets").json["items"]))
    owner.page.get_by_label("State", exact=True).select_option("open")
    expect(rows).to_have_count(1)
    expect(owner.page).to_have_url(re.compile("state=open"))
    owner.go("/targets?state=half_open")
    expect(owner.page.get_by_text("Nothing fits")).to_be_visible()


def test_what_is_typed_stays_while_the_page_changes(owner: Looker) -> None:
    owner.go("/tenants?q=hos")
    field = owner.page.get_by_label("Search")
    field.press("End")
    field.press_sequentially("til")
    expect(owner.page).to_have_url(re.compile("q=hostil$"))
    expect(owner.page.locator("table.data tbody tr")).to_have_count(1)
    field.press_sequentially("e!")
    expect(owner.page.get_by_text("Nothing fits")).to_be_visible()
    expect(field).to_have_value("hostile!")
    expect(owner.page).to_have_url(re.compile("q=hostile%21$"))


def test_an_export_holds_what_the_search_leaves_and_no_formula(owner: Looker, tmp_path: Path) -> None:
    owner.go("/tenants?q=hostile")
    expect(owner.page.locator("table.data tbody tr")).to_have_count(1)
    with owner.page.expect_download() as download:
        owner.page.get_by_role("button", name="Export CSV").click()
    path = tmp_path / "tenants.csv"
    download.value.save_as(path)
    text = path.read_bytes().decode("utf-8-sig")
    assert text.startswith("Id,Name,State,Plan,Weight,Time zone,Made\r\nhostile,")
    assert HOSTILE in text
    assert "\"'" + FORMULA.replace('"', '""') + '"' in text
    assert text.count("\r\n") == 2


def test_a_new_alert_appears_by_itself_and_is_acknowledged(owner: Looker, console: Console) -> None:
    owner.go("/alerts?q=live")
    expect(owner.page.get_by_text("Nothing fits")).to_be_visible()
    add_alert(console, "alert-live", "live: the budget is used up")
    row = owner.page.locator("table.data tbody tr")
    expect(row).to_have_count(1)
    owner.page.get_by_role("button", name="Acknowledge: alert-live").click()
    expect(row).to_contain_text("admin-token")
    assert console.api("GET", "/alerts?state=acknowledged").json["items"][0]["id"] == "alert-live"


def test_a_key_is_made_shown_once_and_revoked(owner: Looker, console: Console) -> None:
    owner.go("/keys")
    owner.page.get_by_role("button", name="New key").click()
    dialog = owner.page.get_by_role("dialog")
    dialog.get_by_label("Tenant").fill("acme")
    dialog.get_by_role("button", name="Make").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Still missing: Name.")
    dialog.get_by_label("Name").fill("made in the console")
    dialog.get_by_label("viewer", exact=True).check()
    dialog.get_by_role("button", name="Make").click()
    shown = owner.page.locator(".secret")
    expect(shown).to_have_text(re.compile("^pk_live_"))
    key = shown.inner_text()
    owner.page.get_by_role("button", name="I have kept it").click()
    expect(shown).to_have_count(0)
    assert key not in owner.page.content()
    until(lambda: console.api("GET", "/whoami", token=key).json.get("roles") == ["viewer"])
    owner.page.get_by_label("Search").fill("made in the console")
    expect(owner.page.locator("table.data tbody tr")).to_have_count(1)
    owner.page.get_by_role("button", name="Revoke: made in the console").click()
    until(lambda: console.api("GET", "/whoami", token=key).status == 200)  # asked first: nothing has happened yet
    owner.page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(owner.page.locator("table.data tbody tr")).to_contain_text("Revoked")
    until(lambda: console.api("GET", "/whoami", token=key).status == 401)


def test_what_the_api_refuses_is_said_in_the_form(owner: Looker) -> None:
    owner.go("/tenants")
    owner.page.get_by_role("button", name="New tenant").click()
    dialog = owner.page.get_by_role("dialog")
    dialog.get_by_label("Id").fill("acme")
    dialog.get_by_role("button", name="Make").click()
    expect(dialog.get_by_role("alert")).to_contain_text("acme")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)


def test_a_target_is_opened_and_closed(owner: Looker, console: Console) -> None:
    owner.go("/targets?q=gpt")
    owner.page.get_by_role("button", name="Stop calling: ").click()
    dialog = owner.page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("from the console")
    dialog.get_by_role("button", name="Stop calling").click()
    row = owner.page.locator("table.data tbody tr")
    expect(row).to_contain_text("from the console")
    owner.page.get_by_role("button", name="Call again: ").click()
    owner.page.get_by_role("dialog").get_by_role("button", name="Call again").click()
    expect(row).to_contain_text("Up")
    done = [each["action"] for each in console.api("GET", "/audit?limit=2").json["items"]]
    assert done == ["target.closed", "target.opened"]


def test_what_is_read_anew_or_sorted_keeps_the_focus_and_what_was_clicked(owner: Looker, console: Console) -> None:
    owner.go("/targets?q=gpt")
    row = owner.page.locator("table.data tbody tr")
    name = row.locator("td").first.inner_text()
    heading = owner.page.get_by_role("button", name="State", exact=False).first
    heading.focus()
    row.evaluate("row => { row.marked = true; }")
    path = f"/targets/{quote(name, safe='')}"
    assert console.api("POST", f"{path}/open", {"reason": "beside the console"}).status == 200
    expect(row).to_contain_text("beside the console")
    assert row.evaluate("row => row.marked"), "the row was drawn anew: a click on its way to it is lost"
    expect(heading).to_be_focused()
    owner.page.keyboard.press("Enter")
    owner.page.wait_for_url("**sort=state*")
    expect(heading).to_be_focused()
    assert console.api("POST", f"{path}/close").status == 200
    expect(row).to_contain_text("Up")


def test_times_are_in_the_zone_of_whoever_looks(owner: Looker) -> None:
    owner.go("/audit")
    owner.page.wait_for_selector("table.data time")
    local, utc, iso = owner.page.locator("table.data time").first.evaluate("e => [e.innerText, e.title, e.dateTime]")
    assert utc.endswith(" UTC")
    shown = owner.page.evaluate(
        "t => new Date(t).toLocaleString('en-GB', {timeZone: 'Asia/Tokyo', dateStyle: 'medium', timeStyle: 'short'})",
        iso,
    )
    assert local == shown


def test_the_theme_is_kept_and_the_menu_of_a_phone_opens(owner: Looker) -> None:
    owner.go("/")
    owner.page.get_by_label("dark theme").click()
    owner.page.wait_for_selector("body.body--dark")
    owner.page.wait_for_function("document.cookie.includes('penstock-theme=dark')")
    owner.go("/health")
    owner.page.wait_for_selector("body.body--dark")
    owner.page.get_by_label("auto theme").click()
    owner.page.wait_for_selector("body.body--light")
    owner.page.set_viewport_size({"width": 380, "height": 800})
    link = owner.page.get_by_role("link", name="Audit")
    expect(link).not_to_be_visible()
    owner.page.get_by_label("Menu", exact=True).click()
    expect(link).to_be_visible()
    owner.page.keyboard.press("Escape")
    expect(link).not_to_be_visible()
