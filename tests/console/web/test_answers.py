"""The pages of cache, guards and knowledge: what they show, what they change, and asking before something is lost."""

import re
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import expect
from tests.console.web.harness import HOSTILE, Console, Looker


def test_kept_answers_are_dropped_once_it_is_confirmed(owner: Looker, console: Console) -> None:
    owner.go("/cache?tab=kept")
    rows = owner.page.locator("table.data tbody tr")
    expect(rows).to_have_count(2)
    owner.page.get_by_role("button", name=f"Drop: {HOSTILE}").click()
    dialog = owner.page.get_by_role("dialog")
    expect(dialog).to_contain_text("hostile")
    dialog.get_by_role("button", name="Cancel").click()
    expect(rows).to_have_count(2)
    owner.page.get_by_role("button", name="Drop answers").click()
    dialog.get_by_role("button", name="Go on").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Write whose")
    dialog.get_by_label("Tenant").fill("hostile")
    dialog.get_by_role("button", name="Go on").click()
    owner.page.get_by_role("button", name="Drop", exact=True).click()
    expect(rows).to_have_count(1)
    assert [each["tenant"] for each in console.api("GET", "/cache").json["contents"]] == ["acme"]
    assert console.api("GET", "/audit?limit=1").json["items"][0]["action"] == "cache.dropped"
    assert owner.page.evaluate("window.hit") is None


def test_use_of_the_cache_is_that_of_the_figures(owner: Looker, console: Console) -> None:
    owner.go("/cache?range=365d&sort=-exchanges")
    owner.page.wait_for_selector("table.data tbody tr")
    ledger = {each["group"]: each for each in console.api("GET", "/ledger/summary?group_by=model").json["groups"]}
    shown = {row.split("\t")[0]: row.split("\t") for row in owner.rows()}
    for model in ("sales", "handbook"):
        assert int(shown[model][1]) == ledger[model]["exchanges"]


def test_what_guards_did_is_told_by_mode_and_leads_to_exchanges(owner: Looker, console: Console) -> None:
    owner.go("/guards?range=365d")
    rows = owner.page.locator("table.data tbody tr")
    expect(rows).to_have_count(6)  # four of ten weeks, and two with hostile names
    blocked = console.api("GET", "/ledger/summary?group_by=outcome&mark=found:injection:input:block").json["groups"]
    row = owner.page.locator("table.data tbody tr", has_text="injection")
    expect(row.locator("td").nth(4)).to_have_text(str(blocked[0]["exchanges"]))
    address = urlsplit(row.locator("a").get_attribute("href") or "")
    assert address.path == "/console/exchanges"
    assert parse_qs(address.query)["mark"] == ["found:injection:input:block"]
    owner.page.get_by_label("Mode", exact=True).select_option("shadow")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("policy")
    owner.go("/guards?tab=masked&range=365d")
    kinds = console.api("GET", "/figures/tallies?prefix=masked:&since=2000-01-01").status
    assert kinds == 400, "no more than 800 days: the page asks for fewer"
    expect(owner.page.locator("table.data tbody")).to_contain_text("EMAIL_ADDRESS")
    owner.page.get_by_role("button", name="Forget conversations").click()
    dialog = owner.page.get_by_role("dialog")
    dialog.get_by_label("Tenant").fill("acme")
    dialog.get_by_label("User").fill("ada")
    dialog.get_by_role("button", name="Go on").click()
    owner.page.get_by_role("button", name="Forget", exact=True).click()
    expect(owner.page.get_by_text("conversations were forgotten")).to_be_visible()
    assert console.api("GET", "/audit?limit=1").json["items"][0]["action"] == "vault.erased"


def test_a_document_is_handed_in_shown_by_itself_and_deleted(owner: Looker, console: Console) -> None:
    owner.go("/knowledge?q=returns")
    owner.page.get_by_role("link", name="returns").click()
    owner.page.wait_for_url("**/knowledge/returns?tenant=acme")
    owner.page.get_by_role("button", name="Hand a document in").click()
    dialog = owner.page.get_by_role("dialog")
    dialog.get_by_label("Who may read it").fill("boss")
    dialog.get_by_role("button", name="Hand in").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Choose a file")
    file = {"name": f"{HOSTILE[:20]} ä.md".replace("/", "-"), "mimeType": "text/markdown", "buffer": b"# Thirty days"}
    with owner.page.expect_response(lambda reply: "/upload/" in reply.url):
        dialog.locator("input[type=file]").set_input_files(file)  # pyright: ignore[reportArgumentType]
    dialog.get_by_role("button", name="Hand in").click()
    expect(dialog.get_by_role("alert")).to_contain_text("boss")
    dialog.get_by_label("Who may read it").fill("group:hr, user:ada")
    dialog.get_by_role("button", name="Hand in").click()
    row = owner.page.locator("table.data tbody tr", has_text="Waits to be read")
    expect(row).to_contain_text("group:hr")
    found = console.api("GET", "/bases/returns/documents?tenant=acme").json["items"]
    assert [each["readers"] for each in found if each["state"] == "waiting"] == [["group:hr", "user:ada"]]
    row.get_by_role("button", name="Delete").click()
    owner.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)
    assert owner.page.evaluate("window.hit") is None


def test_a_base_is_searched_as_somebody(owner: Looker) -> None:
    owner.go("/knowledge/returns?tenant=acme&tab=search&find=returns&as=boss")
    expect(owner.page.locator("main [role=alert]")).to_contain_text("boss")
    owner.page.get_by_label("What to look for").fill("")
    expect(owner.page.get_by_text("Look for something")).to_be_visible()
    expect(owner.page).to_have_url(re.compile("as=boss"))
    owner.go("/knowledge/none")
    expect(owner.page.get_by_text("It is not there")).to_be_visible()
