import gzip
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from penstock.core.errors import ConfigError
from penstock.knowledge.ingest.sources.fetching import Fetcher
from penstock.knowledge.ingest.sources.folder import Folder
from penstock.knowledge.ingest.sources.rules import glob_of, parsed_rules, readers_for
from penstock.knowledge.ingest.sources.site_map import SiteMap
from penstock.knowledge.ingest.sources.source import Entry, Gone, SourceUnavailable
from penstock.knowledge.ingest.unreadable import Unreadable

MOST = 1 << 20


def test_the_first_rule_that_fits_says_who_may_read() -> None:
    rules = parsed_rules(["hr/**=group:hr,role:boss", "*.md=public", "user:ada"])
    assert readers_for("hr/pay/a.md", rules) == ("group:hr", "role:boss")
    assert readers_for("x/y/a.md", rules) == ("public",)
    assert readers_for("x/a.txt", rules) == ("user:ada",)
    assert readers_for("x/a.txt", rules[:2]) == ()
    assert readers_for("xhr/a.txt", rules[:2]) == ()


@pytest.mark.parametrize("key", ["a*b.md", "x/[1]?.md", "a\\b", "plain.md"])
def test_a_glob_of_a_key_fits_it_and_no_other(key: str) -> None:
    rules = parsed_rules([f"{glob_of(key)}=public"])
    assert readers_for(key, rules)
    assert not readers_for(f"y/{key}", rules)
    assert not readers_for(key.replace("*", "xx").replace("?", "y").replace("\\", "") + "z", rules)


@pytest.mark.parametrize("text", ["", "a=", "**=everybody", "group:", "x=group: "])
def test_what_names_no_reader_is_said(text: str) -> None:
    with pytest.raises(ConfigError):
        parsed_rules([text])


def test_a_folder_is_read_and_nothing_outside_it(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    root = tmp_path / "root"
    (root / "in").mkdir(parents=True)
    (root / "in" / "a.md").write_text("a")
    (root / "b.txt").write_text("b")
    (root / ".git").mkdir()
    (root / ".git" / "c.md").write_text("c")
    (root / "link.md").symlink_to(secret)
    (root / "folder").symlink_to(tmp_path)
    os.mkfifo(root / "pipe.md")
    (root / "large.md").write_bytes(bytes(MOST + 1))
    Path(os.fsdecode(os.fsencode(root) + b"/\xff.md")).write_text("d")
    found = {entry.key: entry for entry in Folder(root, exclude=["b.*"], most_bytes=MOST).entries()}
    troubles = {key: entry.trouble.reason for key, entry in found.items() if entry.trouble is not None}
    assert troubles == {
        "link.md": "forbidden",
        "folder": "forbidden",
        "pipe.md": "forbidden",
        "large.md": "too_large",
        "\ufffd.md": "bad_name",
    }
    assert found.keys() - troubles.keys() == {"in/a.md"}


@pytest.mark.parametrize(
    "key", ["../secret.txt", "in/../../secret.txt", "/etc/passwd", "link.md", "way/secret.txt", ""]
)
def test_no_key_leads_out_of_the_folder(tmp_path: Path, key: str) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    root = tmp_path / "root"
    (root / "in").mkdir(parents=True)
    (root / "link.md").symlink_to(tmp_path / "secret.txt")
    (root / "way").symlink_to(tmp_path)
    with pytest.raises(Unreadable):
        Folder(root, most_bytes=MOST).load(Entry(key=key))


def test_a_folder_that_is_not_there_is_not_empty(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable):
        list(Folder(tmp_path / "none", most_bytes=MOST).entries())


class Site(BaseHTTPRequestHandler):
    pages: ClassVar[dict[str, tuple[int, dict[str, str], bytes]]] = {}
    asked: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["if-none-match"]))
        status, headers, body = self.pages.get(self.path, (404, {}, b""))
        if headers.get("etag") and self.headers["if-none-match"] == headers["etag"]:
            status, body = 304, b""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Nothing."""


@pytest.fixture
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    Site.pages, Site.asked = {}, []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://docs.example:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def local(_host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]


def fetcher(**options: object) -> Fetcher:
    given: dict[str, object] = {"most_bytes": 1000, "inner_hosts": ["docs.example"], "resolve": local, **options}
    return Fetcher(["docs.example"], **given)  # type: ignore[arg-type]


def test_the_pages_of_a_site_map_are_read_and_not_again(site: str) -> None:
    nested = f"<sitemapindex><sitemap><loc>{site}/more.xml.gz</loc></sitemap></sitemapindex>".encode()
    pages = f"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'><url><loc>{site}/a</loc><lastmod>2026-01-02</lastmod></url></urlset>"
    Site.pages = {
        "/map.xml": (200, {}, nested),
        "/more.xml.gz": (200, {}, gzip.compress(pages.encode())),
        "/a": (200, {"etag": '"1"'}, b"Page a"),
    }
    source = SiteMap(f"{site}/map.xml", fetcher())
    (entry,) = source.entries()
    assert (entry.uri, entry.modified_at) == (f"{site}/a", 1767312000.0)
    loaded = source.load(entry)
    assert loaded is not None
    assert (loaded.data, loaded.mark) == (b"Page a", 'etag:"1"')
    assert source.load(entry) is not None
    assert len([path for path, _ in Site.asked if path == "/a"]) == 1
    assert source.load(entry, mark=loaded.mark) is None
    assert Site.asked[-1] == ("/a", '"1"')
    source.close()


def test_a_redirect_leads_to_no_other_host_and_no_end(site: str) -> None:
    Site.pages = {
        "/away": (302, {"location": "http://169.254.169.254/latest"}, b""),
        "/round": (302, {"location": "/round"}, b""),
        "/there": (301, {"location": "/a"}, b""),
        "/a": (200, {}, b"a"),
        "/large": (200, {}, b"x" * 1001),
        "/broken": (500, {}, b""),
    }
    assert fetcher().fetch(f"{site}/there").data == b"a"
    for path, reason in {
        "away": "forbidden",
        "round": "unreachable",
        "large": "too_large",
        "broken": "unreachable",
    }.items():
        with pytest.raises(Unreadable) as caught:
            fetcher().fetch(f"{site}/{path}")
        assert caught.value.reason == reason
    Site.pages["/other"] = (302, {"location": site.replace("docs.", "other.") + "/a"}, b"")
    with pytest.raises(Unreadable, match=r"other\.example"):
        fetcher(inner_hosts=["docs.example", "other.example"]).fetch(f"{site}/other")
    with pytest.raises(Gone):
        fetcher().fetch(f"{site}/none")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "192.168.1.1",
        "::1",
        "::ffff:127.0.0.1",
        "fe80::1%eth0",
        "0.0.0.0",  # noqa: S104 - it is refused
        "100.64.0.1",
    ],
)
def test_inner_networks_are_not_asked(site: str, address: str) -> None:
    def one(_host: str, _port: int) -> list[str]:
        return [address]

    with pytest.raises(Unreadable) as caught:
        fetcher(inner_hosts=[], resolve=one).fetch(f"{site}/a")
    assert caught.value.reason == "forbidden"
    assert Site.asked == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://docs.example/a", "http://other.example/a", "http:///a"])
def test_other_addresses_are_not_asked(url: str) -> None:
    with pytest.raises(Unreadable) as caught:
        fetcher().fetch(url)
    assert caught.value.reason == "forbidden"


@pytest.mark.parametrize(
    "body", [b"no xml", b"<!DOCTYPE a [<!ENTITY b 'c'>]><urlset/>", gzip.compress(b"x" * 100, mtime=0)]
)
def test_what_is_no_site_map_is_no_empty_one(site: str, body: bytes) -> None:
    Site.pages = {"/map.xml": (200, {}, body)}
    with pytest.raises(SourceUnavailable):
        list(SiteMap(f"{site}/map.xml", fetcher()).entries())
