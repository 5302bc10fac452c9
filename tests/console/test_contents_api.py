"""Contents over the admin API: within a tenant another's are not there, and not everybody may look."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.console.serving import Api, serving
from tests.console.test_identity_api import key_of
from tests.watch.contents.test_kept import exchange, made, put, taken

from penstock.core.clock import SystemClock
from penstock.guard.personal.vault.sealing import Sealer

CONTENTS = "/admin/v1/contents"


@pytest.fixture
def api(tmp_path: Path, database_url: str) -> Iterator[Api]:
    with serving(tmp_path, database_url) as api:
        yield api


def test_a_tenant_sees_its_own_alone_and_not_everybody_may(api: Api, database_url: str) -> None:
    now = SystemClock().now()
    for tenant in ("acme", "umbra"):
        assert api.call("POST", "/admin/v1/tenants", {"id": tenant, "name": tenant}).status == 201
    rows = [
        made(taken(at, f"parcel of {tenant}", at=now, tenant=tenant, user="ada"), api.plane.opening)
        for at, tenant in ((1, "acme"), (2, "umbra"))
    ]
    put(database_url, *rows, now=now)
    mine, theirs = exchange(1, now), exchange(2, now)
    developer, auditor, admin = (key_of(api, "acme", role) for role in ("developer", "auditor", "admin"))
    for path in (f"{CONTENTS}?text=parcel", f"{CONTENTS}/{mine}"):
        assert api.call("GET", path, token=developer).status == 403, "who sees the ledger does not see this"
    assert api.call("DELETE", CONTENTS, token=auditor).status == 403

    def seen(query: str, token: str | None = None) -> list[str]:
        return [
            item["exchange"] for item in api.call("GET", f"{CONTENTS}?text=parcel{query}", token=token).json["items"]
        ]

    assert sorted(seen("")) == sorted([mine, theirs])
    assert seen("&tenant=umbra") == [theirs]
    assert seen("", auditor) == seen("&tenant=acme", auditor) == [mine]
    for path in (f"{CONTENTS}?text=parcel&tenant=umbra", f"{CONTENTS}/{theirs}"):
        assert api.call("GET", path, token=auditor).status == 404
    assert (
        api.call("GET", f"{CONTENTS}/{mine}", token=auditor).json["turns"][0]["pieces"][0]["text"] == "parcel of acme"
    )
    assert api.call("DELETE", f"{CONTENTS}?tenant=umbra", token=admin).status == 404
    audit = api.call("GET", "/admin/v1/audit", token=auditor).json["items"]
    assert {each["tenant"] for each in audit if each["action"].startswith("contents.")} == {"acme"}
    # What was sealed under a key that is not here cannot be shown, and a word that is not one is not looked for.
    api.plane.opening.sealed._seal = Sealer(b"x" * 32)  # type: ignore[reportPrivateUsage]
    reply = api.call("GET", f"{CONTENTS}/{mine}")
    assert (reply.status, reply.json["error"]["code"]) == (503, "contents_unavailable")
    for query in ("text=%20", "text=%00", "text=a&before=x", "text=a&limit=0", "text=a&since=never", ""):
        assert api.call("GET", f"{CONTENTS}?{query}").status == 400, query
    assert api.call("DELETE", "/admin/v1/tenants/acme").status == 204
    assert seen("&tenant=acme") == []
    assert api.call("DELETE", f"{CONTENTS}?tenant=umbra&user=ada").json == {"exchanges": 1}
