"""The playground: questions to a real data plane, with the viewer's own rights or a key that ends with the page."""

from typing import Any

import pytest
from playwright.sync_api import expect
from tests.console.web.harness import HOSTILE, Console, Looker, shoot, until

from penstock.console.web.pages.playground.credential import KEY_NAME

FAST = "sim/sim:tokens=6"
SLOW = "sim/sim:gap=100ms,tokens=500"


def made_keys(console: Console) -> list[dict[str, Any]]:
    items = console.api("GET", "/keys?tenant=acme&limit=1000").json["items"]
    return [each for each in items if each["name"] == KEY_NAME]


@pytest.mark.usefixtures("data_plane")
def test_two_are_asked_side_by_side_with_a_key_that_ends_with_the_page(owner: Looker, console: Console) -> None:
    before = [each["id"] for each in made_keys(console)]
    owner.go(f"/playground?model={FAST}&with={SLOW}&tenant=acme")
    owner.page.get_by_label("Your question").fill(f"What is up? {HOSTILE}")
    owner.page.get_by_role("button", name="Ask", exact=True).click()
    fast, slow = (owner.page.get_by_role("log").nth(number) for number in range(2))
    expect(fast).not_to_be_empty(timeout=20_000)
    expect(slow).not_to_be_empty(timeout=20_000)
    whole = owner.page.get_by_role("link", name="Everything that is known of this exchange")
    expect(whole).to_have_count(1, timeout=20_000)  # the other goes on
    (key,) = [each for each in made_keys(console) if each["id"] not in before]
    assert key["roles"] == []
    assert key["expires_at"] is not None
    assert key["revoked_at"] is None
    owner.page.get_by_role("button", name="Stop", exact=True).click()
    expect(owner.page.get_by_text("You have stopped it.")).to_be_visible()
    expect(whole).to_have_count(2, timeout=20_000)
    shoot(owner, "playground-answered-light")
    owner.page.set_viewport_size({"width": 380, "height": 800})
    owner.fits(380)
    shoot(owner, "playground-answered-phone")
    whole.first.click()
    owner.page.wait_for_url("**/exchanges/ex_*")
    expect(owner.page.get_by_role("table", name="What happened, over time")).to_contain_text("Call 1")
    until(lambda: all(each["revoked_at"] is not None for each in made_keys(console)))
    assert owner.page.evaluate("window.hit") is None
    assert owner.complaints == []
    left = [each["outcome"] for each in console.api("GET", f"/ledger?key={key['id']}").json["items"]]
    assert sorted(left) == ["client_gone", "completed"], "who stops it is gone for the data plane too"


@pytest.mark.usefixtures("data_plane")
def test_a_key_asks_with_its_own_rights_and_makes_none(stranger: Looker, console: Console) -> None:
    made = console.api(
        "POST", "/keys", {"tenant": "acme", "name": "g", "roles": ["developer"], "models": ["gpt-*"]}
    ).json
    until(lambda: console.api("GET", "/whoami", token=made["key"]).status == 200)
    before = len(made_keys(console))
    stranger.sign_in(made["key"], f"/playground?model={FAST}&stream=0")
    assert stranger.page.get_by_label("As tenant").count() == 0
    stranger.page.get_by_label("Your question").fill("May I?")
    stranger.page.get_by_role("button", name="Ask", exact=True).click()
    expect(stranger.page.locator(".note.bad")).to_be_visible(timeout=20_000)
    expect(stranger.page.get_by_text("HTTP 40")).to_be_visible()
    assert len(made_keys(console)) == before
    assert made["key"] not in stranger.page.content()


def test_what_cannot_be_asked_is_said_before(owner: Looker) -> None:
    owner.go("/playground?model=sim&temperature=x")
    owner.page.get_by_role("button", name="Ask", exact=True).click()
    expect(owner.page.get_by_text("Write a question first.")).to_be_visible()
    owner.page.get_by_label("Your question").fill("x")
    owner.page.get_by_role("button", name="Ask", exact=True).click()
    expect(owner.page.get_by_text("Temperature and most tokens are numbers.")).to_be_visible()
