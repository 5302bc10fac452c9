"""Who sees what: the same rights in the navigation, behind a deep link, and over the API."""

import pytest
from tests.console.web.harness import EXAMPLES, Console, Looker, until

from penstock.admission.identity.roles import granted
from penstock.console.web.registry import PAGES

FORBIDDEN = {
    "viewer": (
        *("/exchanges", "/exchanges/{exchange}", "/keys", "/audit", "/providers", "/knowledge", "/reviews"),
        *("/reviews/{hold}", "/drift"),
    ),
    "auditor": ("/providers", "/drift"),
    "reviewer": ("/keys", "/audit", "/providers", "/knowledge", "/knowledge/{base}", "/drift"),
}


@pytest.mark.parametrize("role", ["viewer", "auditor", "reviewer"])
def test_a_role_sees_its_pages_and_no_others(stranger: Looker, console: Console, role: str) -> None:
    allowed = granted([role], spans_tenants=False)
    seen = [page.title for page in PAGES if page.permission in allowed and "{" not in page.path]
    stranger.sign_in(console.keys[role])
    stranger.go("/")
    assert [each.split("\n")[-1] for each in stranger.links()] == seen
    hidden = [page for page in PAGES if page.permission not in allowed]
    assert {page.path for page in hidden} >= set(FORBIDDEN[role])
    for page in hidden:
        assert stranger.go(EXAMPLES.get(page.path, page.path)) == 403
        alert = stranger.page.locator("main [role=alert]").inner_text()
        assert "You may not see this" in alert
        assert f"`{page.permission}`" in alert
        assert stranger.page.locator("table.data").count() == 0
        refused = console.api("GET", f"{page.path}", token=console.keys[role])
        assert refused.status in (403, 404), "the API says the same"


def test_who_may_only_read_is_offered_nothing_to_change(stranger: Looker, console: Console) -> None:
    stranger.sign_in(console.keys["auditor"], "/keys")
    stranger.page.wait_for_selector("table.data tbody tr")
    assert all("hostile" not in row for row in stranger.rows()), "another tenant's"
    assert stranger.page.get_by_role("button", name="New key").count() == 0
    assert stranger.page.locator("table.data .acts button").count() == 0
    assert console.api("POST", "/keys", {"tenant": "acme", "name": "x"}, token=console.keys["auditor"]).status == 403


def test_a_revoked_key_ends_its_session_at_once(stranger: Looker, console: Console) -> None:
    made = console.key("acme", "developer", name="to be revoked")
    stranger.sign_in(made["key"], "/keys?q=viewer")
    stranger.page.wait_for_selector("table.data tbody tr")
    assert console.api("DELETE", f"/keys/{made['id']}").status == 204
    until(lambda: console.api("GET", "/whoami", token=made["key"]).status == 401)
    stranger.page.wait_for_url("**/console/sign-in?then=*")
    assert "keys%3Fq%3Dviewer" in stranger.page.url
    stranger.page.goto(f"{console.url}/console/keys")
    assert "/sign-in" in stranger.page.url


def test_without_the_database_a_page_says_so_and_comes_back(owner: Looker, console: Console) -> None:
    owner.go("/keys?sort=name")
    owner.page.wait_for_selector("table.data tbody tr")
    with console.without_database():
        owner.page.goto(f"{console.url}/console/keys")
        owner.page.wait_for_selector("main [role=alert]")
        said = owner.page.locator("main [role=alert]").inner_text()
        assert "cannot be read at the moment" in said
        assert "database" in said
    until(lambda: console.api("GET", "/keys").status == 200)
    owner.page.get_by_role("button", name="Try again").click()
    owner.page.wait_for_selector("table.data tbody tr")
