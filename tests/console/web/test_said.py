"""What was said: shown and found for who may, at a press, with each look on record; and asked again as it was."""

import os
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import expect
from tests.console.web.harness import HOSTILE, Console, Looker, shoot, until
from tests.console.web.test_pages import PHONE, findings

from penstock.config import read
from penstock.console.contents.missing import why_missing
from penstock.console.web.pages.playground.asking import Question
from penstock.console.web.pages.playground.replay import replay_of

SHOW = "Show what was said"


def looks(console: Console, action: str, subject: str = "") -> int:
    items = console.api("GET", f"/audit?limit=1000{'&subject=' if subject else ''}{subject}").json["items"]
    return sum(each["action"] == action for each in items)


def test_what_was_said_is_shown_at_a_press_and_that_is_on_record(owner: Looker, console: Console) -> None:
    talk, hostile = console.said[:2]
    before = looks(console, "contents.read", talk)
    owner.go(f"/exchanges/{talk}")
    expect(owner.page.get_by_role("button", name=SHOW)).to_be_visible()
    assert looks(console, "contents.read", talk) == before, "the page alone looks at nothing"
    owner.page.get_by_role("button", name=SHOW).click()
    turns = owner.page.locator(".turn")
    expect(turns).to_have_count(7)
    expect(turns.nth(2)).to_contain_text("Calls a tool find_parcel")
    expect(turns.nth(6)).to_contain_text("It comes on Friday, between nine and noon.")
    assert looks(console, "contents.read", talk) == before + 1
    shoot(owner, "exchange-said-light")
    assert findings(owner) == []
    if "PENSTOCK_SCREENSHOTS" in os.environ:
        owner.page.emulate_media(color_scheme="dark")
        owner.page.wait_for_selector("body.body--dark")
        shoot(owner, "exchange-said-dark")
        assert findings(owner) == []
        owner.page.emulate_media(color_scheme="light")
    owner.page.set_viewport_size(PHONE)  # pyright: ignore[reportArgumentType]
    shoot(owner, "exchange-said-phone")
    owner.fits(PHONE["width"])
    owner.go(f"/exchanges/{hostile}")
    owner.page.get_by_role("button", name=SHOW).click()
    expect(owner.page.locator(".turn").first).to_contain_text(HOSTILE)
    assert owner.page.evaluate("window.hit") is None
    assert owner.complaints == []


def test_where_nothing_is_kept_the_page_says_why(owner: Looker, console: Console) -> None:
    unkept = console.api("GET", "/ledger?tenant=hooli&limit=1").json["items"][0]["id"]
    owner.go(f"/exchanges/{unkept}")
    owner.page.get_by_role("button", name=SHOW).click()
    expect(owner.page.get_by_text("Contents are not kept of this assistant and tenant")).to_be_visible()


def test_a_search_waits_for_a_press_and_goes_on_page_by_page(owner: Looker, console: Console) -> None:
    before = looks(console, "contents.searched")
    owner.go("/exchanges?text=parcel&range=7d&outcome=blocked")
    expect(owner.page.get_by_text("Press Search to look for")).to_be_visible()
    expect(owner.page.get_by_label("What was said", exact=True).first).to_be_visible()
    assert looks(console, "contents.searched") == before, "an address alone looks at nothing"
    owner.page.get_by_role("button", name="Search", exact=True).click()
    rows = owner.page.locator("table.data tbody tr")
    expect(rows).to_have_count(20)
    expect(owner.page.get_by_text("not used: Outcome")).to_be_visible()
    assert looks(console, "contents.searched") == before + 1
    shoot(owner, "exchanges-said-light")
    assert findings(owner) == []
    owner.page.get_by_role("button", name="Older").click()
    expect(rows).to_have_count(10)
    expect(owner.page).to_have_url(re.compile("text=parcel.*after=ex_"))
    owner.go("/exchanges")
    field = owner.page.get_by_role("searchbox", name="What was said")
    field.fill('"number 7"')
    field.press("Enter")
    expect(rows).to_have_count(1)
    expect(owner.page).to_have_url(re.compile(re.escape("text=%22number+7%22")))
    field.fill(HOSTILE)
    owner.page.get_by_role("button", name="Search", exact=True).click()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("<img src=x")
    owner.page.set_viewport_size(PHONE)  # pyright: ignore[reportArgumentType]
    shoot(owner, "exchanges-said-phone")
    owner.fits(PHONE["width"])
    assert owner.page.evaluate("window.hit") is None
    assert owner.complaints == []


def test_who_may_not_read_what_was_said_sees_and_can_do_nothing(stranger: Looker, console: Console) -> None:
    talk, hostile = console.said[:2]
    key = console.keys["developer"]
    stranger.sign_in(key, f"/exchanges/{talk}")
    expect(stranger.page.get_by_text("takes the permission `prompts.read`")).to_be_visible()
    assert stranger.page.get_by_role("button", name=SHOW).count() == 0
    assert stranger.page.get_by_text("Ask it again").count() == 0
    stranger.go("/exchanges?text=parcel&range=7d")
    stranger.page.wait_for_selector("table.data tbody tr")
    assert stranger.page.get_by_role("searchbox", name="What was said").count() == 0
    stranger.go(f"/playground?exchange={talk}")
    expect(stranger.page.locator(".note.warn")).to_contain_text("`prompts.read`")
    assert "Hamburg" not in stranger.page.content()
    for path in (f"/contents/{talk}", "/contents?text=parcel"):
        assert console.api("GET", path, token=key).status == 403
    stranger.page.context.clear_cookies()
    stranger.sign_in(console.keys["reviewer"], f"/playground?exchange={hostile}")
    expect(stranger.page.locator(".note.warn")).to_contain_text("Nothing is kept of such an exchange.")


@pytest.mark.usefixtures("data_plane")
def test_an_exchange_is_asked_again_as_it_was_beside_another_target(owner: Looker, console: Console) -> None:
    talk = console.said[0]
    owner.go(f"/exchanges/{talk}")
    owner.page.get_by_role("link", name="Ask it again in the playground").click()
    owner.page.wait_for_url("**/playground?exchange=*")
    question = owner.page.get_by_label("Your question")
    expect(question).to_have_value("And when does the parcel come?")
    expect(owner.page.get_by_label("System message")).to_have_value("You help with parcels.")
    expect(owner.page.get_by_label("Temperature")).to_have_value("0.25")
    expect(owner.page.get_by_text("4 earlier messages are sent along")).to_be_visible()
    owner.page.get_by_label("Compare with").fill("sim/sim:tokens=9")
    shoot(owner, "playground-replay-light")
    assert findings(owner) == []
    owner.page.get_by_role("button", name="Ask", exact=True).click()
    whole = owner.page.get_by_role("link", name="Everything that is known of this exchange")
    expect(whole).to_have_count(2, timeout=30_000)
    assert "parcel" not in owner.page.url
    asked = str(whole.first.get_attribute("href")).rpartition("/")[2]
    until(lambda: console.api("GET", f"/contents/{asked}").status == 200)
    again, before = (console.api("GET", f"/contents/{each}").json for each in (asked, talk))
    for name in ("turns", "tools", "parameters", "model"):
        assert again[name] == before[name], name
    owner.page.get_by_role("button", name="Go on without it").click()
    expect(owner.page.get_by_text("4 earlier messages")).to_have_count(0)
    expect(owner.page).not_to_have_url(re.compile("exchange="))
    assert owner.complaints == []


def test_what_cannot_be_asked_again_is_said() -> None:
    def piece(kind: str, text: str = "", **more: str) -> dict[str, str]:
        return {"kind": kind, "text": text, "name": "", "id": "", **more}

    result = piece("tool_result", "Hamburg", id="c")
    turns = [
        {"role": "user", "pieces": [piece("text", "Look"), piece("image")]},
        {"role": "assistant", "pieces": [piece("reasoning", "hm"), piece("tool_call", "{}", name="find", id="c")]},
        {"role": "user", "pieces": [result]},
    ]
    content = {
        "exchange": "ex_1",
        "tenant": "acme",
        "model": "m",
        "parameters": {"choices": 2, "seed": 7, "max_tokens": 5},
        "tools": ['{"name":"find","kind":"custom"}'],
        "response_format": '{"kind":"json_schema","name":"n","schema":{}}',
        "turns": turns,
        "is_cut": True,
    }
    replay = replay_of(content)
    assert (replay.system, replay.user) == ("", "")
    assert [each["role"] for each in replay.earlier] == ["user", "assistant", "tool"]
    assert replay.earlier[1]["tool_calls"][0]["function"] == {"name": "find", "arguments": "{}"}
    assert replay.earlier[2] == {"role": "tool", "tool_call_id": "c", "content": "Hamburg"}
    assert replay.more["response_format"]["json_schema"] == {"name": "n", "schema": {}}
    assert (replay.more["seed"], replay.parameters) == (7, {"max_tokens": 5})
    said = "; ".join(replay.left_out)
    assert all(word in said for word in ("image", "reasoning", "1 tools", "choices", "earliest turns")), said
    body = Question(model="m", system="", user="", earlier=replay.earlier, more=replay.more).body()
    assert body["messages"] == list(replay.earlier)


@pytest.mark.parametrize(
    ("contents", "entry", "why"),
    [
        ("{keep: none}", {}, "Contents are not kept"),
        ("{keep: all, lifetime_days: 2}", {}, "contents are kept for 2 days"),
        ("{keep: all}", {"operation": "embeddings"}, "of conversations alone"),
        ("{keep: sampled, sample: 0.25}", {}, "25 % of the exchanges"),
        ("{keep: sampled, sample: 0.25, always: [errors]}", {"outcome": "deadline"}, "no-store"),
        ("{keep: all}", {"outcome": "rejected"}, "before any guard"),
        ("{keep: all}", {}, "no-store"),
    ],
)
def test_why_nothing_is_kept_is_told_from_the_policy(contents: str, entry: dict[str, Any], why: str) -> None:
    config = read(None, {"PENSTOCK__CONTENTS": contents})
    now = datetime(2027, 1, 4, tzinfo=UTC)
    row = {
        "id": "ex_0123456789ab" + "f" * 20,
        "model": "sim/sim",
        "tenant": "acme",
        "operation": "chat",
        "started_at": now - timedelta(days=3),
        "outcome": "completed",
    }
    assert why in why_missing(config, {**row, **entry}, now.timestamp())
