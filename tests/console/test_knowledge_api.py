"""Knowledge bases over the admin API: documents handed in over real sockets, whole or not at all, by who may."""

import http.client
import socket
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import quote

import psycopg
import pytest
from tests.console.serving import PATIENCE_S, Api, Reply, serving
from tests.console.test_identity_api import key_of

from penstock.core.json import loads
from penstock.core.sources import PUBLIC
from penstock.knowledge.ingest.progress import Failure, Progress
from penstock.knowledge.jobs import store
from penstock.knowledge.jobs.specs import FolderSpec, Run

BASES = "/admin/v1/bases"
HOUSE = f"{BASES}/house"
MOST = 100_000
pytestmark = pytest.mark.usefixtures("encoder_folder")


@pytest.fixture
def api(tmp_path: Path, database_url: str) -> Iterator[Api]:
    with serving(tmp_path, database_url, {"PENSTOCK__INGEST__FILE_BYTES": str(MOST)}) as api:
        assert api.call("POST", BASES, {"name": "house"}).status == 201
        yield api


def put(api: Api, path: str, body: Any, *, token: str | None = None, query: str = "reader=public") -> Reply:
    """`body` is bytes, or pieces that are sent in chunks."""
    connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=PATIENCE_S)
    connection.request("PUT", f"{path}?{query}", body=body, headers={"authorization": f"Bearer {token or api.token}"})
    response = connection.getresponse()
    data = response.read()
    connection.close()
    return Reply(response.status, loads(data) if data else None)


def documents(api: Api) -> dict[str, Any]:
    return {each["name"]: each for each in api.get(f"{HOUSE}/documents").json["items"]}


def rows(url: str, query: LiteralString) -> list[Any]:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def test_a_document_is_handed_in_queued_shown_and_taken_away_on_record(api: Api, database_url: str) -> None:
    assert put(
        api, f"{HOUSE}/documents/hr/pay%20%C3%A4.md", b"# Pay", query="reader=group:hr&reader=user:ada"
    ).json == {
        "name": "hr/pay ä.md",
        "bytes": 5,
        "sha256": sha256(b"# Pay").hexdigest(),
        "state": "waiting",
    }
    assert rows(database_url, "SELECT data FROM ingest_uploads") == [(b"# Pay",)]
    found = documents(api)["hr/pay ä.md"]
    assert (found["state"], found["readers"], found["source"]) == ("waiting", ["group:hr", "user:ada"], "files")
    assert rows(database_url, "SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'") == [(1,)]
    assert put(api, f"{HOUSE}/documents/hr/pay%20%C3%A4.md", b"# Pay, again").status == 202
    assert rows(database_url, "SELECT count(*) FROM procrastinate_jobs") == [(1,)]  # one waits, and reads both
    (source,) = api.get(HOUSE).json["sources"]
    assert (source["kind"], source["state"]) == ("upload", "waiting")
    assert api.call("DELETE", f"{HOUSE}/documents/hr/pay%20%C3%A4.md").status == 204
    assert documents(api) == {}
    assert rows(database_url, "SELECT count(*) FROM ingest_uploads") == [(0,)]
    assert rows(database_url, "SELECT count(*) FROM pg_largeobject_metadata") == [(0,)]
    assert api.call("DELETE", f"{HOUSE}/documents/hr/pay%20%C3%A4.md").json["error"]["code"] == "unknown_document"
    assert api.call("DELETE", HOUSE).status == 204
    assert api.get(HOUSE).json["error"]["code"] == "unknown_base"
    actions = [row["action"] for row in api.get("/admin/v1/audit").json["items"]]
    assert actions == [
        "base.deleted", "document.removed", "document.handed_in", "document.handed_in", "base.created"
    ]  # fmt: skip


def test_what_is_wrong_is_said_and_leaves_nothing(api: Api, database_url: str) -> None:
    one = f"{HOUSE}/documents/one.md"
    for path, body, query, status, code in (
        (one, b"", "reader=public", 400, "malformed_request"),
        (one, b"x", "", 400, "malformed_request"),
        (one, b"x", "reader=boss", 400, "malformed_request"),
        (one, b"x" * (MOST + 1), "reader=public", 413, "request_too_large"),
        (one, iter([b"x" * 60_000] * 3), "reader=public", 413, "request_too_large"),
        (f"{BASES}/none/documents/a", b"x", "reader=public", 404, "unknown_base"),
    ):
        found = put(api, path, body, query=query)
        assert (found.status, found.json["error"]["code"]) == (status, code), (path, query)
    for name in (
        "", "../x", "a/../../etc/passwd", "/etc/passwd", "a//b", ".", "a%00b", "%ff", "%e2%80%aegpj.exe", "x" * 1001,
        "mail.eml!/x", quote("ab\x7f"),
    ):  # fmt: skip
        found = put(api, f"{HOUSE}/documents/{name}", b"x")
        assert (found.status, found.json["error"]["code"]) == (400, "malformed_request"), name
    assert put(api, f"{HOUSE}/documents/a%0ab", b"x").json["error"]["code"] == "unknown_path"
    assert api.call("POST", BASES, {"name": "house"}).json["error"]["code"] == "conflict"
    assert api.call("POST", BASES, {"name": "a/b"}).status == 400
    assert rows(database_url, "SELECT count(*) FROM ingest_uploads") == [(0,)]
    assert rows(database_url, "SELECT count(*) FROM ingest_sources") == [(0,)]
    assert list((api.root / "uploads").iterdir()) == []


def test_a_body_that_breaks_off_leaves_nothing(api: Api, database_url: str) -> None:
    for _ in range(10):  # more than there are places for at once
        head = f"PUT {HOUSE}/documents/x?reader=public HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {api.token}\r\n"
        with socket.create_connection(("127.0.0.1", api.port), timeout=PATIENCE_S) as client:
            client.sendall(f"{head}content-length: 90000\r\n\r\n".encode() + b"x" * 50_000)
            client.shutdown(socket.SHUT_WR)
            while client.recv(4096):
                pass
    assert rows(database_url, "SELECT count(*) FROM ingest_uploads") == [(0,)]
    assert list((api.root / "uploads").iterdir()) == []
    assert put(api, f"{HOUSE}/documents/x", b"x").status == 202


def test_a_tenant_keeps_its_own_and_who_may_not_sees_nothing(api: Api, database_url: str) -> None:
    for tenant in ("acme", "umbra"):
        assert api.call("POST", "/admin/v1/tenants", {"id": tenant, "name": tenant}).status == 201
    admin, viewer, developer = (key_of(api, "acme", role) for role in ("admin", "viewer", "developer"))
    other = key_of(api, "umbra", "admin")
    assert api.call("POST", BASES, {"name": "ours"}, token=admin).json["tenant"] == "acme"
    assert put(api, f"{BASES}/ours/documents/a.md", b"# A", token=admin).status == 202
    assert put(api, f"{BASES}/ours/documents/a.md", b"# A", token=developer).status == 403
    assert api.call("GET", f"{BASES}/ours/documents", token=developer).status == 200
    assert api.call("GET", f"{BASES}/ours/search?q=a", token=developer).status == 403
    assert api.call("GET", BASES, token=viewer).status == 403
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/sync"), ("GET", "/documents"), ("GET", "/search?q=a")):
        assert api.call(method, f"{BASES}/ours{path}", token=other).json["error"]["code"] == "unknown_base"
        asked = f"{path}{'&' if '?' in path else '?'}tenant=acme"
        assert api.call(method, f"{BASES}/ours{asked}", token=other).json["error"]["code"] == "unknown_tenant"
    assert put(api, f"{BASES}/ours/documents/b.md", b"# B", token=other).status == 404
    assert api.call("DELETE", f"{BASES}/ours/documents/a.md", token=other).status == 404
    assert [each["name"] for each in api.call("GET", BASES, token=other).json["items"]] == []
    assert api.call("DELETE", "/admin/v1/tenants/acme").status == 204
    assert rows(database_url, "SELECT name FROM knowledge_bases") == [("house",)]
    assert rows(database_url, "SELECT count(*) FROM ingest_uploads") == [(0,)]


def test_refusals_stay_until_the_document_goes_and_pages_follow_each_other(api: Api, database_url: str) -> None:
    for name in ("b", "d", "ä", "B"):
        assert put(api, f"{HOUSE}/documents/{quote(name)}", b"x").status == 202
    with psycopg.connect(database_url, autocommit=True) as connection:
        (row,) = store.sources(connection, rows(database_url, "SELECT id FROM knowledge_bases")[0][0])
        progress = Progress(phase="done", files=1, failures=[Failure("c.pdf", "encrypted", "it is encrypted")])
        store.keep_run(connection, Run(source=row.id, state="done", error=None, updated_at=1, progress=progress))
        first = api.get(f"{HOUSE}/documents?limit=3").json
        second = api.get(f"{HOUSE}/documents?limit=3&after={quote(first['next'])}").json
        shown = [(each["name"], each["state"], each["reason"]) for each in first["items"] + second["items"]]
        assert shown == [
            ("B", "waiting", None), ("b", "waiting", None), ("c.pdf", "failed", "encrypted"),
            ("d", "waiting", None), ("ä", "waiting", None),
        ]  # fmt: skip
        assert second["next"] is None
        with store.held(connection, row.id):
            assert api.call("DELETE", f"{HOUSE}/documents/c.pdf").json["error"]["code"] == "conflict"
        assert api.call("DELETE", f"{HOUSE}/documents/c.pdf").status == 204
        assert "c.pdf" not in documents(api)
        folder = store.add_source(connection, row.base, "/srv/docs", FolderSpec("/srv/docs"), ())
        connection.execute(
            "INSERT INTO knowledge_documents (base, tenant, key, source, title, media_type, digest, readers, metadata,"
            " kept_at, chunks, words)"
            " VALUES (%s, 'default', 'e', '/srv/docs', 'E', 'text/plain', '', %s, '{}', 1, 0, 0)",
            (row.base, [PUBLIC]),
        )
        assert folder > row.id
    taken = put(api, f"{HOUSE}/documents/e", b"x").json["error"]
    assert (taken["code"], "/srv/docs" in taken["message"]) == ("conflict", True)
    assert api.call("POST", f"{HOUSE}/sync").json == {"sources": ["/srv/docs", "files"]}


def test_documents_that_wait_for_nobody_are_said_to_wait(api: Api, database_url: str) -> None:
    assert put(api, f"{HOUSE}/documents/a", b"x").status == 202
    said = "documents wait and no worker takes them in: start one with penstock worker"
    assert said not in api.get("/health").json["reasons"]
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE ingest_runs SET updated_at = updated_at - 61")
    assert said in api.get("/health").json["reasons"]
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO procrastinate_workers DEFAULT VALUES")
    health = api.get("/health").json
    assert (said in health["reasons"], health["workers"]) == (False, 1)
