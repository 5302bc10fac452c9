"""Reviews by keyboard, with others at the same queue: who claims, who decides, and what was written meanwhile."""

import psycopg
from playwright.sync_api import expect
from tests.console.web.harness import FORMULA, HOSTILE, Console, Looker, until

HOLDS = "/review/holds"


def hold(number: int) -> str:
    return f"{HOLDS}/hold_{number:04}"


def test_an_answer_is_edited_by_keyboard_and_nothing_written_is_lost(stranger: Looker, console: Console) -> None:
    page = stranger.page
    stranger.sign_in(console.keys["reviewer"], "/reviews/hold_0003")
    expect(page.get_by_role("heading", name="Nobody is at it")).to_be_visible()
    page.wait_for_function("window.socket?.connected")
    page.keyboard.press("c")
    expect(page.get_by_role("heading", name="Your decision")).to_be_visible()
    page.keyboard.press("e")
    text = page.get_by_label("The answer", exact=True)
    text.fill("Within 30 days, unworn.")
    with psycopg.connect(console.database_url, autocommit=True) as connection:
        take = "UPDATE holds SET claimed_by = %s, version = version + 1 WHERE id = 'hold_0003'"
        mine = connection.execute("SELECT claimed_by FROM holds WHERE id = 'hold_0003'").fetchone()
        connection.execute(take, ("somebody/else",))
        page.keyboard.press("Control+Enter")
        expect(page.locator(".judge [role=alert], .judge .note").first).to_be_visible()
        expect(page.get_by_text("somebody/else is at it")).to_be_visible()
        expect(page.get_by_text("Within 30 days, unworn.")).to_be_visible()
        assert mine is not None
        connection.execute(take, mine)
    expect(page.get_by_role("heading", name="Your decision")).to_be_visible()
    expect(text).to_have_value("Within 30 days, unworn.")
    page.get_by_label("hallucination").check()
    page.keyboard.press("s")
    expect(page.get_by_text("What the caller gets")).to_be_visible()
    decided = console.api("GET", hold(3)).json
    assert (decided["hold"]["state"], decided["released"]) == ("edited", "Within 30 days, unworn.")


def test_of_two_who_claim_one_gets_it_and_the_other_is_told(stranger: Looker, console: Console) -> None:
    page = stranger.page
    stranger.sign_in(console.keys["reviewer"], "/reviews/hold_0005")
    claim = page.get_by_role("button", name="Claim")
    expect(claim).to_be_visible()
    page.wait_for_function("window.socket?.connected")
    assert console.api("POST", f"{hold(5)}/claim").status == 200
    page.keyboard.press("c")
    expect(page.get_by_text("admin-token is at it")).to_be_visible()
    assert console.api("GET", hold(5)).json["hold"]["claimed_by"] == "admin-token"
    assert console.api("POST", f"{hold(5)}/release").status == 200
    expect(claim).to_be_visible()


def test_the_queue_is_live_and_gives_the_most_urgent(owner: Looker, console: Console) -> None:
    owner.go("/reviews?q=support")
    row = owner.page.locator("table.data tbody tr").first
    expect(row).to_contain_text("confidence")
    assert console.api("POST", f"{hold(4)}/claim").status == 200
    expect(owner.page.locator("table.data tbody")).to_contain_text("Claimed")
    owner.page.locator("h1").click()
    owner.page.keyboard.press("n")
    owner.page.wait_for_url("**/reviews/hold_*")
    taken = owner.page.url.rpartition("/")[2]
    assert console.api("GET", f"{HOLDS}/{taken}").json["hold"]["claimed_by"] == "admin-token"
    expect(owner.page.get_by_role("heading", name="Your decision")).to_be_visible()
    owner.page.wait_for_function("window.socket?.connected")
    owner.page.keyboard.press("g")
    expect(owner.page.get_by_role("heading", name="Nobody is at it")).to_be_visible()
    until(lambda: console.api("GET", f"{HOLDS}/{taken}").json["hold"]["state"] == "waiting")
    owner.go("/reviews/hold_0002")
    expect(owner.page.locator(".judge")).to_contain_text(HOSTILE)
    expect(owner.page.locator(".judge")).to_contain_text(FORMULA)
    assert owner.page.evaluate("window.hit") is None


def test_a_reviewer_reviews_and_does_nothing_else(stranger: Looker, console: Console) -> None:
    token = console.keys["reviewer"]
    stranger.sign_in(token, "/reviews")
    stranger.page.wait_for_selector("table.data tbody tr")
    tabs = stranger.page.locator("nav.tabs a").all_inner_texts()
    assert tabs == ["Queue", "All", "Second looks", "What is learned", "Cases", "Remarks"]
    assert all("support" not in row.split("\t")[4] for row in stranger.rows()), "a group that they are not in"
    for tab, words in (
        ("second", "Say what you would"),
        ("learned", "Judged twice"),
        ("cases", "case"),
        ("remarks", "said"),
    ):
        stranger.go(f"/reviews?tab={tab}")
        expect(stranger.page.locator("#main")).to_contain_text(words)
    stranger.go("/cache?tab=kept")
    assert stranger.page.get_by_role("button", name="Drop").count() == 0
    stranger.go("/guards?tab=masked")
    assert stranger.page.get_by_role("button", name="Forget").count() == 0
    for method, path in (
        ("POST", "/cache/drop"),
        ("DELETE", "/vault?tenant=acme"),
        ("PUT", "/review/groups/support/members/key:x?tenant=acme"),
        ("DELETE", "/review?tenant=acme"),
        ("GET", "/bases"),
    ):
        assert console.api(method, path, {"everything": True} if method == "POST" else None, token=token).status == 403
    stranger.go("/reviews/hold_0004")
    expect(stranger.page.get_by_text("It is not there")).to_be_visible()
