"""Alert rules, silences and objectives: as the API says, made and ended here, and nothing offered to who may not."""

import os
import re
from urllib.parse import quote

import pytest
from playwright.sync_api import expect
from tests.console.web.harness import FORMULA, HOSTILE, Console, Looker, shoot, until
from tests.console.web.test_pages import PHONE, findings

VIEWS = {
    "alerts-rules": "/alerts?tab=rules",
    "alerts-silences": "/alerts?tab=silences&past=1",
    "alerts-deliveries": "/alerts?tab=deliveries",
    "alerts-channels": "/alerts?tab=channels",
    "objective": "/objectives?objective=support-answers",
    "alerts-rule": "/alerts?tab=rules&rule=busy",
}
_A_MINUTE_MS = 90_000
"""Rules are held against the figures once a minute."""


_CHANGES = re.compile("^(Silence|New silence|Try it now|Send a test|Acknowledge:|End now)")


@pytest.mark.parametrize("name", VIEWS)
def test_each_view_is_readable_also_on_a_phone(owner: Looker, name: str) -> None:
    owner.go(VIEWS[name])
    owner.page.wait_for_selector("table.data tbody tr", timeout=_A_MINUTE_MS)
    assert owner.page.evaluate("document.documentElement.scrollWidth") <= 1280
    shoot(owner, f"{name}-light")
    assert findings(owner) == []
    if "PENSTOCK_SCREENSHOTS" in os.environ:
        owner.page.emulate_media(color_scheme="dark")
        owner.page.wait_for_selector("body.body--dark")
        shoot(owner, f"{name}-dark")
        assert findings(owner) == []
        owner.page.emulate_media(color_scheme="light")
    owner.page.set_viewport_size(PHONE)  # pyright: ignore[reportArgumentType]
    shoot(owner, f"{name}-phone")
    owner.fits(PHONE["width"])
    assert owner.page.evaluate("window.hit") is None
    assert owner.complaints == []


def test_a_rule_is_tried_and_silenced_until_somebody_ends_it(owner: Looker, console: Console) -> None:
    until(lambda: any(r["groups"] for r in console.api("GET", "/alerts/rules").json if r["name"] == "busy"))
    owner.go("/alerts?tab=rules&origin=own")
    expect(owner.page.locator("table.data tbody tr")).to_have_count(2)
    row = owner.page.locator("table.data tbody tr", has_text="busy")
    expect(row).to_contain_text("above 0 in 6 h")
    expect(row).to_contain_text("each tenant")
    expect(row).to_contain_text("pager")
    row.get_by_role("link", name="busy").click()
    owner.page.wait_for_url("**/alerts?tab=rules&rule=busy")
    expect(owner.page.locator("table.data")).to_contain_text("tenant acme")
    owner.page.get_by_role("button", name="Try it now").click()
    expect(owner.page.get_by_text("If it were judged now")).to_be_visible()
    expect(owner.page.get_by_text("Nobody was told.")).to_be_visible()
    owner.page.get_by_role("button", name="Silence", exact=True).click()
    dialog = owner.page.get_by_role("dialog")
    expect(dialog.get_by_label("Rule")).to_have_value("busy")
    dialog.get_by_label("For", exact=True).select_option("")
    dialog.get_by_label("Why").fill(f"we know {HOSTILE}")
    dialog.get_by_label("Until", exact=True).fill("2020-01-01T10:00")
    dialog.get_by_role("button", name="Silence").click()
    expect(dialog.get_by_role("alert")).to_contain_text("`until` is a time to come, within a year.")
    dialog.get_by_label("For", exact=True).select_option("4")
    dialog.get_by_role("button", name="Silence").click()
    expect(owner.page.locator(".note.warn")).to_contain_text("Nobody is told (rule busy): we know")
    (made,) = [each for each in console.api("GET", "/alerts/silences").json if each["rule"] == "busy"]
    owner.go("/alerts?tab=silences")
    owner.page.get_by_role("button", name="End now: rule busy").click()
    owner.page.get_by_role("dialog").get_by_role("button", name="End now").click()
    expect(owner.page.locator("table.data tbody tr", has_text="busy")).to_have_count(0)
    ended = {each["id"]: each for each in console.api("GET", "/alerts/silences?past=true").json}[made["id"]]
    assert ended["ended_by"] == "admin-token"
    assert owner.page.evaluate("window.hit") is None
    assert owner.complaints == []


def test_a_channel_says_what_came_back_of_a_test(owner: Looker) -> None:
    owner.go("/alerts?tab=channels")
    owner.page.get_by_role("button", name="Send a test: pager").click()
    row = owner.page.locator("table.data tbody tr", has_text="pager")
    expect(row.get_by_text("Not taken")).to_be_visible()
    expect(row).to_contain_text(re.compile("after .* (ms|s)"))


def test_objectives_are_those_of_the_api(owner: Looker, console: Console) -> None:
    owner.go("/objectives?kind=availability")
    expect(owner.page.locator("table.data tbody tr")).to_have_count(2)
    owner.page.locator("table.data").get_by_role("link", name="support-answers").click()
    owner.page.wait_for_url("**/objectives?objective=support-answers")
    days = console.api("GET", "/objectives/support-answers/history").json
    found = {each["name"]: each for each in console.api("GET", "/objectives").json}["support-answers"]
    assert sum(each["bad"] for each in days) == found["bad"] > 0
    assert sum(each["exchanges"] for each in days) == found["exchanges"]
    expect(owner.page.locator("table.data tbody tr")).to_have_count(min(len(days), 50))
    expect(owner.page.locator("table.data tbody tr").first).to_contain_text(days[-1]["at"][:10])
    assert console.api("GET", f"/objectives/{quote(FORMULA, safe='')}/history").status == 404


def test_who_may_only_read_is_offered_no_change(stranger: Looker, console: Console) -> None:
    stranger.sign_in(console.keys["viewer"], "/alerts?tab=channels")
    tabs = stranger.page.get_by_role("navigation", name="Views").get_by_role("link")
    expect(tabs).to_have_text(["Alerts", "Rules", "Silences"])
    for tab in ("told", "rules", "silences", "rules&rule=faults"):
        stranger.go(f"/alerts?tab={tab}")
        stranger.page.wait_for_selector("section.card")
        assert stranger.page.get_by_role("button", name=_CHANGES).count() == 0
    key = console.keys["viewer"]
    assert console.api("POST", "/alerts/silences", {"rule": "busy", "reason": "x"}, token=key).status in (400, 403)
    assert console.api("POST", "/alerts/rules/busy/check", token=key).status == 403
    assert console.api("POST", "/alerts/test", {}, token=key).status == 403
    assert all(each["channels"] == [] for each in console.api("GET", "/alerts/rules", token=key).json)
