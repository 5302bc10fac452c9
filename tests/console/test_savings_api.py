"""What was saved, added up out of the ledger's facts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.console.serving import Api, serving
from tests.console.test_cache_api import settle
from tests.console.test_identity_api import command, key_of

from penstock.core.facts import CacheHit, Saved, TierChosen


@pytest.fixture
def api(tmp_path: Path, database_url: str) -> Iterator[Api]:
    with serving(tmp_path, database_url) as api:
        yield api


def hit(kind: str, nanousd: int | None) -> CacheHit:
    return CacheHit(at_s=0, kind=kind, age_s=1, saved_input_tokens=5, saved_output_tokens=7, saved_nanousd=nanousd)


def chosen(tier: str) -> TierChosen:
    return TierChosen(at_s=0, model="m", tier=tier, by="complexity", targets=())


def fill(url: str) -> None:
    settle(url, "acme", hit("exact", 9), number=1)
    settle(url, "acme", hit("exact", None), number=2)
    settle(url, "acme", hit("similar", 4), number=3)
    weaker = Saved(at_s=0, by="routing", tokens=0, nanousd=100)
    settle(url, "acme", chosen("fast"), weaker, Saved(at_s=0, by="compaction", tokens=50, nanousd=20), number=4)
    settle(url, "acme", chosen("strong"), Saved(at_s=0, by="prompt_cache", tokens=0, nanousd=-30), number=5)
    settle(url, "umbra", hit("shared", 1), number=6)


def test_every_kind_is_added_up_by_tenant_and_model(api: Api, database_url: str) -> None:
    fill(database_url)
    items = {item["tenant"]: item for item in api.get("/admin/v1/savings").json["items"]}
    acme = items["acme"]
    assert (acme["exchanges"], acme["saved_nanousd"]) == (5, 9 + 4 + 100 + 20 - 30)
    assert acme["by"] == {
        "cache_exact": {"exchanges": 2, "tokens": 24, "nanousd": 9, "unpriced": 1},
        "cache_similar": {"exchanges": 1, "tokens": 12, "nanousd": 4, "unpriced": 0},
        "routing": {"exchanges": 1, "tokens": 0, "nanousd": 100, "unpriced": 0},
        "compaction": {"exchanges": 1, "tokens": 50, "nanousd": 20, "unpriced": 0},
        "prompt_cache": {"exchanges": 1, "tokens": 0, "nanousd": -30, "unpriced": 0},
    }
    assert acme["tiers"] == {"fast": 1, "strong": 1}
    assert items["umbra"]["saved_nanousd"] == 1
    code, shown = command(api, "savings", "--tenant", "acme")
    assert code == 0
    assert "routing" in shown
    assert "umbra" not in shown


def test_a_tenant_sees_its_own_savings_alone(api: Api, database_url: str) -> None:
    fill(database_url)
    assert api.call("POST", "/admin/v1/tenants", {"id": "acme", "name": "Acme"}).status == 201
    token = key_of(api, "acme", "developer")
    said = api.call("GET", "/admin/v1/savings", token=token).json
    assert {item["tenant"] for item in said["items"]} == {"acme"}
    assert api.call("GET", "/admin/v1/savings?tenant=umbra", token=token).status == 404
    assert api.call("GET", "/admin/v1/savings", token=key_of(api, "acme", "viewer")).status == 403
