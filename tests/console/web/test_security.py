"""The page of security: what the API says, with the way to the exchanges, and what a tenant does not see of others."""

from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import expect
from tests.console.web.harness import Console, Looker, day


def test_what_was_stopped_is_that_of_the_api_and_leads_to_exchanges(owner: Looker, console: Console) -> None:
    owner.go("/security?range=90d&tenant=globex")
    totals = console.api("GET", f"/security?tenant=globex&since={day(89)}").json["totals"]
    for words, kind in (("Personal data masked", "masked"), ("Injections found", "injection")):
        tile = owner.page.locator(".tile", has=owner.page.get_by_text(words, exact=True)).locator("dd").first
        expect(tile).to_have_text(f"{totals[kind]:,}")
    owner.page.get_by_label("Mode", exact=True).select_option("shadow")
    link = owner.page.get_by_role("link", name="policy:output:block")
    query = parse_qs(urlsplit(link.get_attribute("href") or "").query)
    assert (query["mark"], query["tenant"]) == (["shadow:found:policy:output:block"], ["globex"])
    owner.page.goto(f"{console.url}{link.get_attribute('href')}")
    expect(owner.page.locator("table.data tbody tr").first).to_contain_text("globex")


def test_refused_credentials_and_unusual_use_are_for_who_may_know(
    owner: Looker, stranger: Looker, console: Console
) -> None:
    owner.go("/security?tab=refused&place=data")
    row = owner.page.locator("table.data tbody tr", has_text="Token expired")
    lines = console.api("GET", "/security").json["refused"]
    (expired,) = [each for each in lines if (each["place"], each["reason"]) == ("data", "token_expired")]
    expect(row).to_contain_text(f"{expired['amount']:,}")
    assert owner.page.evaluate("window.hit") is None
    owner.go("/security?tab=access")
    expect(owner.page.get_by_text("it is a reason to look")).to_be_visible()
    expect(owner.page.locator("main [role=alert]")).to_have_count(0)
    stranger.sign_in(console.keys["viewer"], "/security?tab=refused&range=90d")
    expect(stranger.page.locator("nav.tabs a")).to_have_text(["Found and stopped"])
    own = console.api("GET", f"/security?tenant=acme&since={day(89)}").json["totals"]["masked"]
    tile = stranger.page.locator(".tile", has_text="Personal data masked")
    expect(tile.locator("dd").first).to_have_text(f"{own:,}")
    expect(stranger.page.locator("table.data a")).to_have_count(0)
    assert console.api("GET", "/security/access", token=console.keys["viewer"]).status == 403
