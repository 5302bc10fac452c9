"""Signing in and out: what a browser is given, what it is not, and who is turned away."""

import http.client
from urllib.parse import parse_qs, urlencode, urlsplit

import nicegui
import pytest
from playwright.sync_api import expect
from tests.console.web.harness import Console, Looker, until
from tests.console.web.issuer import CLIENT, OpenIdIssuer

FORM = {"content-type": "application/x-www-form-urlencoded"}


def sign_in(
    console: Console, credential: str, then: str = "/console/", *, address: str = "127.0.0.1", **headers: str
) -> tuple[int, dict[str, str]]:
    body = urlencode({"credential": credential, "then": then}).encode()
    status, got, _ = console.ask("POST", "/console/sign-in", body, headers={**FORM, **headers}, address=address)
    return status, got


def cookie_of(headers: dict[str, str]) -> str:
    return headers["set-cookie"].partition(";")[0]


def status(console: Console, path: str, cookie: str = "", method: str = "GET", **headers: str) -> int:
    given = {"cookie": cookie} if cookie else {}
    return console.ask(method, path, headers={**given, **headers})[0]


def test_the_root_leads_to_the_console_and_a_deep_link_through_sign_in_and_back(
    console: Console, stranger: Looker
) -> None:
    reply = console.ask("GET", "/")
    assert (reply[0], reply[1]["location"]) == (307, "/console/")
    stranger.page.goto(f"{console.url}/console/keys?q=auditor&sort=name")
    assert urlsplit(stranger.page.url).path == "/console/sign-in"
    stranger.page.fill("#credential", "pk_live_wrong")
    stranger.page.click("button[type=submit]")
    expect(stranger.page.get_by_role("alert")).to_contain_text("not valid")
    stranger.page.fill("#credential", f"  {console.token} ")
    stranger.page.click("button[type=submit]")
    stranger.page.wait_for_url("**/console/keys?q=auditor&sort=name")
    expect(stranger.page.locator("table.data tbody tr")).to_have_count(1)
    assert stranger.page.evaluate("document.cookie") == "", "no script sees the session"
    assert console.token not in stranger.page.content()
    assert stranger.outside == []


def test_nothing_is_there_for_a_stranger(console: Console) -> None:
    assert status(console, "/console/keys") == 303
    assert status(console, f"/console/_nicegui/{nicegui.__version__}/static/nicegui.js") == 401
    assert status(console, "/console/_nicegui_ws/socket.io/?EIO=4&transport=polling") == 401
    assert status(console, "/console/_nicegui_ws/socket.io/?EIO=4&transport=polling", "penstock-session=made-up") == 401
    for method in ("PUT", "DELETE", "POST"):
        assert status(console, "/console/keys", method=method) == 401


def test_a_session_is_new_at_each_sign_in_and_over_at_sign_out(console: Console) -> None:
    code, first = sign_in(console, console.token)
    assert code == 303
    assert first["set-cookie"].endswith("; HttpOnly; Path=/; SameSite=lax")
    assert first["cache-control"] == "no-store"
    assert console.token not in first["set-cookie"]
    old = cookie_of(first)
    _, second = sign_in(console, console.token, cookie=old)
    new = cookie_of(second)
    assert new != old
    assert status(console, "/console/audit", old) == 303, "the session before is over"
    assert status(console, "/console/audit", new) == 200
    assert status(console, "/console/audit", f"{new}; {old}") == 303, "two of them: nobody knows which"
    assert status(console, "/console/sign-out", new) == 405
    assert status(console, "/console/sign-out", new, "POST") == 303
    assert status(console, "/console/audit", new) == 303


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 303),
    ],
)
def test_another_site_can_neither_sign_anybody_in_nor_out(
    console: Console, headers: dict[str, str], expected: int
) -> None:
    assert sign_in(console, console.token, **headers)[0] == expected
    cookie = cookie_of(sign_in(console, console.token)[1])
    assert status(console, "/console/sign-out", cookie, "POST", **headers) == expected
    assert status(console, "/console/audit", cookie) == (200 if expected == 403 else 303)


def test_another_site_gets_no_socket(console: Console) -> None:
    cookie = cookie_of(sign_in(console, console.token)[1])
    polling = "/console/_nicegui_ws/socket.io/?EIO=4&transport=polling"
    assert status(console, polling, cookie) == 200
    assert status(console, polling, cookie, origin="http://127.0.0.1:3000") == 403
    upgrade = {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "x3JJHMbDL1EzLkh9GBhXDw==",
    }
    socket = "/console/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    assert status(console, socket, cookie, **upgrade, origin="http://evil.example") == 403
    assert status(console, socket, **upgrade, origin=console.url) == 403


@pytest.mark.parametrize(
    "then",
    [
        "//evil.example",
        "https://evil.example/console/",
        "/console//evil",
        "/console/\\evil",
        "/admin/v1/keys",
        "/consolex",
    ],
)
def test_sign_in_leads_nowhere_else(console: Console, then: str) -> None:
    assert sign_in(console, console.token, then)[1]["location"] == "/console/"


def test_a_key_without_a_role_and_a_long_form_are_turned_away(console: Console) -> None:
    made = console.api("POST", "/keys", {"tenant": "acme", "name": "no role"}).json["key"]
    until(lambda: console.api("GET", "/whoami", token=made).status == 403)
    assert sign_in(console, made)[0] == 403
    assert "set-cookie" not in sign_in(console, "x" * 100_000)[1]
    sign_in(console, console.token)  # it still answers


def test_every_page_has_its_headers(console: Console) -> None:
    cookie = cookie_of(sign_in(console, console.token)[1])
    nonces: set[str] = set()
    for path in ("/console/keys", "/console/keys", "/console/sign-in", "/console/nowhere"):
        _, headers, body = console.ask("GET", path, headers={"cookie": cookie, "x-forwarded-prefix": "/not-ours"})
        policy = headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy
        assert "'unsafe-inline'" not in policy.partition("script-src")[2]
        assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "same-origin")
        assert b"/not-ours" not in body
        if "'nonce-" in policy:
            nonces.add(policy.partition("'nonce-")[2].partition("'")[0])
    assert len(nonces) == 3, "one for each page"
    assert status(console, "/console/nowhere", cookie) == 404


def test_signing_in_at_an_issuer_and_its_roles(stranger: Looker, console: Console, issuer: OpenIdIssuer) -> None:
    issuer.roles = ["viewer", "a word of theirs"]
    stranger.page.goto(f"{console.url}/console/alerts?q=live")
    stranger.page.get_by_role("link", name="Continue with Acme").click()
    stranger.page.wait_for_url("**/console/alerts?q=live")
    stranger.page.wait_for_selector("nav.side a")
    assert "Keys" not in " ".join(stranger.links())
    assert issuer.asked["client_id"] == CLIENT
    assert issuer.asked["code_challenge_method"] == "S256"
    assert issuer.asked["scope"] == "openid profile email"
    assert not issuer.codes, "the code was used"
    stranger.page.get_by_label("Account: ").click()
    expect(stranger.page.locator(".user .sheet")).to_contain_text("ann@example.com")
    stranger.page.get_by_role("button", name="Sign out").click()
    stranger.page.wait_for_url("**/console/sign-in*")  # with `then`, where the page saw the end first


def begin(console: Console) -> tuple[str, dict[str, str]]:
    """The cookie of a sign-in that was begun, and what the issuer answers it with."""
    _, headers, _ = console.ask("GET", "/console/sign-in/with/acme")
    place = urlsplit(headers["location"])
    connection = http.client.HTTPConnection(place.netloc, timeout=10)
    connection.request("GET", f"{place.path}?{place.query}")
    back = urlsplit(connection.getresponse().headers["location"])
    connection.close()
    return cookie_of(headers), {name: values[0] for name, values in parse_qs(back.query).items()}


def come_back(console: Console, cookie: str, answer: dict[str, str]) -> int:
    path = f"/console/sign-in/back?{urlencode(answer)}"
    return console.ask("GET", path, headers={"cookie": cookie, "sec-fetch-site": "cross-site"})[0]


def test_an_issuers_answer_counts_once_for_its_browser_and_its_state(console: Console) -> None:
    cookie, answer = begin(console)
    assert come_back(console, cookie, answer) == 303
    assert come_back(console, cookie, answer) == 403, "used already"
    other, _ = begin(console)
    _, answer = begin(console)
    assert come_back(console, other, answer) == 403, "of another browser"


def test_an_issuers_answer_must_be_its_own_and_for_this_sign_in(console: Console, issuer: OpenIdIssuer) -> None:
    cookie, answer = begin(console)
    assert come_back(console, cookie, {**answer, "iss": "https://evil.example"}) == 403
    issuer.spoilt_nonce = True
    cookie, answer = begin(console)
    try:
        assert come_back(console, cookie, answer) == 403
    finally:
        issuer.spoilt_nonce = False


def test_zz_who_fails_too_often_waits_whatever_comes_next(console: Console) -> None:
    """Last of all: this address then waits a minute."""
    theirs = "127.0.0.2"
    answers = [sign_in(console, "pk_live_wrong", address=theirs)[0] for _ in range(41)]
    assert answers[-1] == 429
    assert sign_in(console, console.token, address=theirs)[0] == 429
    assert sign_in(console, console.token)[0] == 303, "nobody else is kept out"
    said = console.log.read_text()
    assert "console_sign_in_failed" in said
    assert "pk_live_wrong" not in said
    assert console.token not in said
