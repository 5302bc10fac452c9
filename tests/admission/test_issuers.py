"""An issuer's keys over real HTTP: found, kept, rotated, outlived, and never waited for."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.admission.mint import SETTINGS, TENANTS, claims, key_set, signer

from penstock.admission.identity.fetch import FetchFailed, fetch
from penstock.admission.identity.issuers import IssuerFollower
from penstock.admission.identity.signing_keys import KeySet
from penstock.admission.identity.tokens import LiveTokens
from penstock.config.identity import Issuer
from penstock.core.errors import AuthError, IssuerUnavailable
from penstock.core.json import dumps
from penstock.testing.clock import FakeClock

OLD = signer("old", "ES256")
NEW = signer("new", "ES256")
PATIENCE_S = 20.0


class Site:
    """A real HTTP server whose pages a test sets; `asked` counts by path."""

    def __init__(self) -> None:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                status, body = site.pages.get(self.path, (404, b"no"))
                self.send_response(status)
                self.send_header("location", "/elsewhere")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
                """Say nothing."""

        self.asked: list[str] = []
        self.pages: dict[str, tuple[int, bytes]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def serve_keys(self, body: bytes) -> None:
        self.pages["/.well-known/openid-configuration"] = (
            200,
            dumps({"issuer": self.url, "jwks_uri": f"{self.url}/keys"}),
        )
        self.pages["/keys"] = (200, body)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


class WatchedTokens(LiveTokens):
    """Lets a test wait for the keys that it wants to see."""

    def __init__(self, settings: Issuer, clock: FakeClock) -> None:
        super().__init__({"corp": settings}, clock, lambda _: self.want())
        self.replace_tenants(TENANTS)
        self.want: Callable[[], bool] = lambda: False
        self.replaced = threading.Semaphore(0)

    def replace_keys(self, name: str, keys: KeySet, *, confirmed_at: float) -> None:
        super().replace_keys(name, keys, confirmed_at=confirmed_at)
        self.replaced.release()


def followed(site: Site, folder: Path, clock: FakeClock, **changes: Any) -> tuple[IssuerFollower, WatchedTokens]:
    settings = msgspec.structs.replace(SETTINGS, issuer=site.url, **changes)
    tokens = WatchedTokens(settings, clock)
    follower = IssuerFollower("corp", settings, tokens, folder=folder, clock=clock)
    tokens.want = follower.want
    return follower, tokens


def test_keys_are_found_by_discovery_and_rotated(site: Site, tmp_path: Path) -> None:
    clock = FakeClock()
    follower, tokens = followed(site, tmp_path, clock)
    site.serve_keys(key_set(OLD))
    assert follower.refresh()
    assert tokens.verify(OLD.sign(claims(iss=site.url))).tenant == "acme"
    site.serve_keys(key_set(OLD, NEW))
    clock.advance(11)
    with pytest.raises(IssuerUnavailable):
        tokens.verify(NEW.sign(claims(iss=site.url)))
    assert follower.refresh()
    assert tokens.verify(NEW.sign(claims(iss=site.url))).tenant == "acme"
    assert follower.problem() is None


def test_the_thread_fetches_at_once_when_a_token_names_a_new_key(site: Site, tmp_path: Path) -> None:
    clock = FakeClock()
    follower, tokens = followed(site, tmp_path, clock)
    site.serve_keys(key_set(OLD))
    follower.start()
    try:
        assert tokens.replaced.acquire(timeout=PATIENCE_S)
        while follower._is_fetching:  # pyright: ignore[reportPrivateUsage] - what a test waits for
            assert not tokens.replaced.acquire(timeout=0.01)
        site.serve_keys(key_set(NEW))
        clock.advance(60)
        with pytest.raises(IssuerUnavailable):
            tokens.verify(NEW.sign(claims(iss=site.url)))
        assert tokens.replaced.acquire(timeout=PATIENCE_S)
        assert tokens.verify(NEW.sign(claims(iss=site.url))).tenant == "acme"
    finally:
        follower.stop()


def test_a_flood_of_unknown_keys_asks_the_issuer_once_in_ten_seconds(site: Site, tmp_path: Path) -> None:
    clock = FakeClock()
    follower, tokens = followed(site, tmp_path, clock)
    site.serve_keys(key_set(OLD))
    assert follower.refresh()
    stranger = signer("stranger", "ES256")
    for _ in range(50):
        with pytest.raises(AuthError):
            tokens.verify(stranger.sign(claims(iss=site.url)))
    clock.advance(10)
    for _ in range(50):
        with pytest.raises(IssuerUnavailable):
            tokens.verify(stranger.sign(claims(iss=site.url)))
    assert site.asked.count("/keys") == 1, "the thread that would ask is not running: nothing asked from the hot path"


def test_an_issuer_that_is_down_is_outlived_until_the_keys_are_too_old(site: Site, tmp_path: Path) -> None:
    clock = FakeClock()
    follower, tokens = followed(site, tmp_path, clock, max_age_s=3600.0)
    site.serve_keys(key_set(OLD))
    assert follower.refresh()
    token = OLD.sign(claims(iss=site.url, exp=int(clock.now()) + 90_000))
    site.pages.clear()
    clock.advance(700)
    assert not follower.refresh()
    assert tokens.verify(token)
    assert "keys not confirmed for 12 min, still in use (it answered 404)" in (follower.problem() or "")
    assert follower.stale_s() == 700
    clock.advance(2900)
    with pytest.raises(IssuerUnavailable):
        tokens.verify(token)
    assert "its tokens cannot be checked" in (follower.problem() or "")
    site.serve_keys(key_set(OLD))
    assert follower.refresh()
    assert tokens.verify(token)
    assert (follower.problem(), follower.stale_s()) == (None, None)


def test_saved_keys_serve_a_start_without_the_issuer_and_only_for_it(site: Site, tmp_path: Path) -> None:
    clock = FakeClock()
    follower, _ = followed(site, tmp_path, clock)
    site.serve_keys(key_set(OLD))
    assert follower.refresh()
    assert (tmp_path / "corp.json").stat().st_mode & 0o777 == 0o600
    site.pages.clear()
    token = OLD.sign(claims(iss=site.url))
    assert followed(site, tmp_path, clock)[1].verify(token).tenant == "acme"

    renamed = msgspec.structs.replace(SETTINGS, issuer="https://other.example.com")
    tokens = WatchedTokens(renamed, clock)
    IssuerFollower("corp", renamed, tokens, folder=tmp_path, clock=clock)
    with pytest.raises(IssuerUnavailable):
        tokens.verify(OLD.sign(claims(iss="https://other.example.com")))
    (tmp_path / "corp.json").write_bytes(b'{"issuer": ')
    with pytest.raises(IssuerUnavailable):
        followed(site, tmp_path, clock)[1].verify(token)


@pytest.mark.parametrize(
    "page",
    [
        (200, b"<html>"),
        (200, b'{"keys": []}'),
        (500, b""),
        (302, b""),
        (200, b"x" * 1_100_000),
        (200, b"[" * 100_000),
    ],
)
def test_a_bad_answer_leaves_the_keys_as_they_are(site: Site, tmp_path: Path, page: tuple[int, bytes]) -> None:
    follower, tokens = followed(site, tmp_path, FakeClock())
    site.serve_keys(key_set(OLD))
    assert follower.refresh()
    for path in ("/keys", "/.well-known/openid-configuration"):
        site.serve_keys(key_set(NEW))
        site.pages[path] = page
        assert not follower.refresh()
        assert tokens.verify(OLD.sign(claims(iss=site.url))).tenant == "acme"
    assert "/elsewhere" not in site.asked


def test_discovery_must_name_the_same_issuer_and_a_safe_address(site: Site, tmp_path: Path) -> None:
    follower, _ = followed(site, tmp_path, FakeClock())
    site.serve_keys(key_set(OLD))
    for found in (
        {"issuer": "https://evil.example.com", "jwks_uri": f"{site.url}/keys"},
        {"issuer": site.url, "jwks_uri": "file:///etc/passwd"},
        {"issuer": site.url},
    ):
        site.pages["/.well-known/openid-configuration"] = (200, dumps(found))
        assert not follower.refresh()
        assert follower.problem()


def test_a_server_that_is_not_there_is_an_error_without_its_words() -> None:
    with pytest.raises(FetchFailed, match="it cannot be reached"):
        fetch("http://127.0.0.1:1/")
    with pytest.raises(FetchFailed, match="it cannot be reached"):
        fetch("https://127.0.0.1:1/")
