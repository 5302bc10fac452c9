"""The page of drift: what was found, who knows of it, and how it lay before and after."""

import re
from pathlib import Path
from urllib.parse import quote, urlencode

from playwright.sync_api import expect
from tests.console.web.harness import HOSTILE, Console, Looker

from penstock.console.web.layout.parts.table_state import PAGE_ROWS


def test_a_finding_is_shown_before_and_after_and_acknowledged(owner: Looker, console: Console) -> None:
    found = console.api("GET", "/drift/findings").json["findings"]
    finding = next(each for each in found if (each["assistant"], each["feature"]) == ("support", "groundedness"))
    owner.go("/drift?q=groundedness")
    row = owner.page.locator("table.data tbody tr").first
    expect(row).to_contain_text("fell")
    expect(row).to_contain_text(
        f"{100 * finding['reference']:.1f} % \N{RIGHTWARDS ARROW} {100 * finding['current']:.1f} %"
    )
    row.get_by_role("button", name="Acknowledge").click()
    expect(row).to_contain_text("admin-token")
    expect(row.get_by_role("button")).to_have_count(0)
    known = console.api("GET", "/drift/findings").json["findings"]
    assert {each["alert"]: each["acknowledged_by"] for each in known}[finding["alert"]] == "admin-token"
    row.get_by_role("link").click()
    owner.page.wait_for_url(f"**at={quote(finding['since'], safe='')}*")
    asked = urlencode({"assistant": "support", "feature": "groundedness", "at": finding["since"]})
    course = console.api("GET", f"/drift/course?{asked}").json
    for side in ("before", "after"):
        tile = owner.page.locator(".tile", has=owner.page.get_by_text(side.capitalize(), exact=True))
        expect(tile).to_contain_text(f"{100 * course[side]['value']:.1f} %")
        expect(tile).to_contain_text(f"{course[side]['exchanges']:,} exchanges")
    expect(owner.page.get_by_role("group", name="Shares")).to_be_attached()
    owner.page.get_by_label("Feature", exact=True).select_option("latency")
    owner.page.wait_for_url("**feature=latency*")
    assert "at=" not in owner.page.url
    owner.page.get_by_label("Feature", exact=True).select_option("tone")
    owner.page.wait_for_url("**feature=tone*")
    expect(owner.page.locator(".tile", has=owner.page.get_by_text("Before", exact=True))).to_contain_text("characters")
    expect(owner.page.get_by_text("by sign: one answer may have several")).to_be_visible()


def test_the_weekly_view_is_that_of_the_api_and_goes_into_a_file(
    owner: Looker, console: Console, tmp_path: Path
) -> None:
    features = console.api("GET", "/drift").json["features"]
    owner.go("/drift?tab=weeks")
    rows = owner.page.locator("table.data tbody tr")
    weekly = sum(each["hours"] == 168 for each in features)
    expect(owner.page.get_by_role("status")).to_contain_text(str(weekly))
    expect(rows).to_have_count(min(weekly, PAGE_ROWS))
    owner.page.get_by_label("Search").fill(HOSTILE[:9])
    owner.page.wait_for_url("**q=*")
    expect(rows.first).to_contain_text("Too little to tell")
    owner.page.get_by_label("Search").fill("")
    expect(rows).to_have_count(min(weekly, PAGE_ROWS))
    owner.page.get_by_label("Verdict").select_option("changed")
    owner.page.wait_for_url("**verdict=changed*")
    shown = rows.filter(has_text="Groundedness")
    expect(shown).to_have_count(1)
    expect(shown.locator("svg.course")).to_have_attribute("aria-label", re.compile(r"^[\d., ]+$"))
    expect(rows.filter(has_text="Too little")).to_have_count(0)
    with owner.page.expect_download() as download:
        owner.page.get_by_role("button", name="Export CSV").click()
    path = tmp_path / "drift.csv"
    download.value.save_as(path)
    week = next(each for each in features if (each["feature"], each["hours"]) == ("groundedness", 168))
    course = ", ".join(str(round(value, 5)) for value in (*week["before"], week["current"]))
    assert f'"{course}"' in path.read_text("utf-8-sig")
    ends = f"{100 * week['alert_below']:.1f} % to {100 * week['alert_above']:.1f} %"
    expect(shown).to_contain_text(ends)
    assert ends in path.read_text("utf-8-sig")
    assert owner.page.evaluate("window.hit") is None
    owner.go("/drift?tab=watched")
    expect(rows.filter(has_text="Use of tools")).to_contain_text("yes")
    expect(rows.filter(has_text="Topics")).to_contain_text("nothing of it yet")
    owner.go("/drift?tab=feature&assistant=nobody")
    expect(owner.page.get_by_text("There is none of this")).to_be_visible()
