"""Prices, comparisons, invoices and what answers are worth, over HTTP and by command, out of a real ledger."""

import http.client
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from tests.console.serving import Api, serving
from tests.console.test_identity_api import command, key_of

from penstock.core.json import dumps, loads
from penstock.testing.clock import FakeClock
from penstock.watch.feedback import store as feedback
from penstock.watch.rollups.recount import recount

NOW = datetime(2040, 3, 20, 12, tzinfo=UTC)
FILE = """
discover_providers: false
providers:
  openai: {vendor: openai, api_key: file:key}
models:
  fast:
    targets: [{provider: openai, model: gpt-4o-mini}, {provider: openai, model: my-own, region: eu}]
    value: {usd_per_resolved: 0.40, usd_per_handling: 6.5}
  plain:
    targets: [{provider: sim, model: sim}]
prices:
  - {provider: openai, model: gpt-4o-mini, until: 2040-03-10, input_usd_per_million: 1, output_usd_per_million: 2}
  - {provider: openai, model: gpt-4o-mini, since: 2040-03-10, input_usd_per_million: 3, output_usd_per_million: 4,
     tiers: [{above_tokens: 1000, input_usd_per_million: 30}]}
"""


@pytest.fixture
def api(tmp_path: Path, database_url: str) -> Iterator[Api]:
    (tmp_path / "key").write_text("x")
    (tmp_path / "penstock.yaml").write_text(FILE)
    with serving(tmp_path / "data", database_url, file=tmp_path / "penstock.yaml") as api:
        api.plane.clock = FakeClock(now_s=NOW.timestamp())
        yield api


def settled(url: str, target: str | None, day: int, nanousd: int | None, **more: Any) -> None:
    """One exchange at noon of a day of March; or several alike."""
    values: dict[str, Any] = {
        "into": 1000, "out": 100, "read": 0, "write": 0, "reasoning": 0, "outcome": "completed", "tenant": "acme",
        "model": "fast", "usage": "exact", "facts": [], "count": 1, "id": None, "duration": 0.5,
    }  # fmt: skip
    values |= more
    values["facts"] = dumps(values["facts"]).decode()
    values |= {"target": target, "at": datetime(2040, 3, day, 12, tzinfo=UTC), "cost": nanousd}
    values["accuracy"] = "unknown" if nanousd is None else "exact"
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO ledger (started_at, duration_s, first_event_s, input_tokens, output_tokens, cache_read_tokens,"
            " cache_write_tokens, reasoning_tokens, cost_nanousd, attempts, is_streamed, id, tenant, key, dialect,"
            " operation, model, target, outcome, usage_accuracy, cost_accuracy, config_hash, facts) SELECT %(at)s,"
            " %(duration)s, 0.1, %(into)s, %(out)s, %(read)s, %(write)s, %(reasoning)s, %(cost)s, 1, false,"
            " coalesce(%(id)s, gen_random_uuid()::text), %(tenant)s, 'k', 'openai-chat', 'chat', %(model)s, %(target)s,"
            " %(outcome)s, %(usage)s, %(accuracy)s, 'h', %(facts)s::jsonb FROM generate_series(1, %(count)s)",
            values,
        )


def extra(target: str, nanousd: int | None, accuracy: str = "exact") -> dict[str, object]:
    tokens = {"input_tokens": 10, "output_tokens": 1}
    return {"fact": "extra_call_billed", "target": target, "cost_nanousd": nanousd, "accuracy": accuracy, **tokens}


def asked(api: Api, path: str, status: int = 200, **more: Any) -> Any:
    reply = api.call("GET", f"/admin/v1{path}", **more)
    assert reply.status == status, reply.json
    return reply.json


def test_prices_tell_what_holds_and_which_are_missing(api: Api, database_url: str) -> None:
    unknown = {"fact": "price_unknown", "target": "openai/my-own@eu"}
    settled(database_url, "openai/my-own@eu", 19, None, facts=[unknown], count=2)
    settled(database_url, "openai/my-own@eu", 19, None, facts=[unknown], usage="unknown")
    settled(database_url, "openai/gpt-4o-mini", 19, None, facts=[extra("openai/made-up", None)])
    settled(database_url, "sim/sim", 19, None, facts=[extra("openai/silent", None, "unknown")], usage="unknown")
    said = asked(api, "/prices")
    targets = {each["target"]: each for each in said["targets"]}
    assert set(targets) == {"openai/gpt-4o-mini", "openai/my-own@eu", "openai/made-up", "sim/sim"}
    (mini,) = targets["openai/gpt-4o-mini"]["prices"]
    assert (mini["source"], mini["since"], mini["until"]) == ("configuration", "2040-03-10", None)
    assert mini["rates"][0] == {
        "kind": "input", "usd": "3", "per": 1_000_000, "tiers": [{"above_tokens": 1000, "usd": "30"}],
    }  # fmt: skip
    own = targets["openai/my-own@eu"]
    assert (own["is_known"], own["unknown"]["exchanges"], own["prices"][0]["rates"]) == (False, 2, [])
    assert targets["openai/made-up"]["unknown"]["exchanges"] == 1
    assert [targets[each]["unknown"] for each in ("openai/gpt-4o-mini", "sim/sim")] == [None, None]
    assert said["unknown_usage"] == 2
    before = asked(api, "/prices?at=2040-03-01&model=openai/gpt-4o-mini")["targets"]
    assert [each["until"] for each in before[0]["prices"]] == ["2040-03-10", None]
    assert asked(api, "/prices?model=openai/gpt-4o")["targets"][0]["prices"][0]["source"].startswith("genai-prices ")
    assert asked(api, "/prices?model=nothing", 400)["error"]["code"] == "malformed_request"
    code, shown = command(api, "prices", "--at", "2040-03-01")
    assert (code, "2040-03-10" in shown, "unknown" in shown) == (0, True, True)


def test_traffic_is_priced_anew_exactly(api: Api, database_url: str) -> None:
    mini = "openai/gpt-4o-mini"
    settled(database_url, mini, 9, 1_200_000, count=3)  # 1 and 2 dollars a million
    settled(database_url, mini, 12, 3_400_000, count=2)  # 3 and 4
    settled(database_url, mini, 12, 30_430_000, into=1001, duration=2.5)  # above the tier: 30
    settled(database_url, "sim/sim", 12, 1, read=500, model="plain", outcome="upstream_failed")
    settled(database_url, mini, 12, 7, facts=[extra("sim/sim", 3)])
    settled(database_url, mini, 12, None)
    settled(database_url, mini, 12, 9, read=1001)
    recount(database_url, told=lambda _: None)
    said = asked(api, f"/costs/compare?with={mini},sim/sim,openai/my-own@eu")
    assert (said["exchanges"], said["recorded_nanousd"]) == (7, 3 * 1_200_000 + 2 * 3_400_000 + 30_430_000 + 1)
    recorded = {each["target"]: each for each in said["recorded"]}
    assert recorded[mini]["recomputed_nanousd"] == recorded[mini]["recorded_nanousd"]
    assert [(each["reason"], each["exchanges"], each["nanousd"]) for each in said["left_out"]] == [
        ("parts_exceed_whole", 1, 9), ("several_calls", 1, 7), ("unknown_cost", 1, 0),
    ]  # fmt: skip
    own, sim, unknown = said["candidates"]
    # The scripted provider: 0.50, 1.50 and 0.05 for what is kept.
    six = 5 * (1000 * 500 + 100 * 1500) + 1001 * 500 + 100 * 1500
    assert [line["nanousd"] for line in sim["lines"]] == [six, 500 * 500 + 500 * 50 + 100 * 1500]
    assert sim["nanousd"] == sum(line["nanousd"] for line in sim["lines"])
    assert sim["difference_nanousd"] == sim["nanousd"] - said["recorded_nanousd"]
    assert sim["uncached_nanousd"] - sim["nanousd"] == 500 * 450
    assert own["nanousd"] == recorded[mini]["recorded_nanousd"] + 1000 * 3000 + 100 * 4000
    assert (unknown["nanousd"], unknown["measured"]) == (None, None)
    assert "nobody knows" in unknown["reason"]
    assert (sim["measured"]["exchanges"], sim["measured"]["failed"]) == (1, 1)
    assert (own["measured"]["median_s"], own["lines"][0]["tokens"]["known"]) == (0.5, "same")
    assert own["lines"][1]["tokens"]["known"] == "unknown"
    now = asked(api, f"/costs/compare?with={mini}&prices=now&model=fast")["candidates"][0]
    assert now["nanousd"] == 5 * 3_400_000 + 30_430_000
    assert asked(api, f"/costs/compare?with={mini}&tenant=umbra")["exchanges"] == 0
    code, shown = command(api, "costs", "compare", "--with", f"{mini},sim/sim")
    assert (code, "left out: 1 exchanges, unknown_cost" in shown) == (0, True)
    for broken in ("with=gpt", "with=,", f"with={mini}&since=2041-01-01", f"with={mini}&since=2030-01-01"):
        assert asked(api, f"/costs/compare?{broken}", 400)["error"]["code"] == "malformed_request"


def invoiced(api: Api, query: str, text: bytes, status: int = 200) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=20)
    headers = {"authorization": f"Bearer {api.token}", "content-type": "text/csv"}
    connection.request("POST", f"/admin/v1/costs/reconcile?provider=openai&month=2040-03{query}", text, headers)
    reply = connection.getresponse()
    data = reply.read()
    connection.close()
    assert reply.status == status, data
    return loads(data)


def test_an_invoice_is_held_against_the_ledger(api: Api, database_url: str, tmp_path: Path) -> None:
    mini = "openai/gpt-4o-mini"
    settled(database_url, mini, 1, 1_000_000_000, count=3)
    settled(database_url, mini, 2, 500_000_000, usage="estimated")
    settled(database_url, mini, 2, None)
    # Each call is its own target's, whoever gave the answer.
    settled(database_url, "sim/sim", 3, 250_000_007, facts=[extra(mini, 250_000_000), extra("sim/sim", 3)])
    settled(database_url, "openai/my-own@eu", 3, 40, facts=[extra(mini, 30)], into=11, out=1)
    settled(database_url, mini, 4, 0, into=0, out=0, outcome="upstream_failed")
    text = (
        b"start_time_iso,start_time,amount_value,amount_currency,line_item\n"
        b'2040-03-01T00:00:00,2040-03-01,3.0,usd,"gpt-4o-mini-2024-07-18, input"\n'
        b'2040-03-02T00:00:00,2040-03-02,0.5,usd,"gpt-4o-mini-2024-07-18, input"\n'
        b'2040-03-03T00:00:00,2040-03-03,0.25000003,usd,"gpt-4o-mini-2024-07-18, output"\n'
        b'2040-03-03T00:00:00,2040-03-03,0.00000001,usd,"my-own, output"\n'
    )
    said = invoiced(api, "&tolerance_percent=0&tolerance_usd=0", text)
    report = said["report"]
    assert (report["agrees"], report["total"]["difference_nanousd"]) == (True, 0)
    assert [(line["day"], line["model"], line["verdict"]) for line in report["lines"]] == [
        ("2040-03-01", "gpt-4o-mini", "matched"),
        ("2040-03-02", "gpt-4o-mini", "matched"),
        ("2040-03-03", "gpt-4o-mini", "matched"),
        ("2040-03-03", "my-own", "matched"),
    ]
    assert (report["total"]["unknown_cost"], report["total"]["estimated"], said["estimated_share"]) == (1, 1, "0.1333")
    file = tmp_path / "invoice.csv"
    file.write_bytes(text)
    given = ["costs", "reconcile", str(file), "--provider", "openai", "--month", "2040-03"]
    code, shown = command(api, *given)
    assert (code, "agrees within 1 % or 0.010000000 USD" in shown) == (0, True)
    file.write_bytes(text.replace(b",3.0,", b",3.2,"))
    code, shown = command(api, *given)
    assert (code, "DOES NOT AGREE" in shown, "-0.200000000" in shown) == (3, True, True)
    late = invoiced(api, "&zone=Pacific/Auckland", text)["report"]  # noon of UTC is the next day there
    assert [line["verdict"] for line in late["days"]].count("matched") < len(late["days"])


def test_an_invoice_that_cannot_be_read_says_where(api: Api) -> None:
    own = f"&columns={quote('date=Day,amount=Cost,model=Model')}"
    broken = invoiced(api, own, b"Day,Model,Cost\n2040-03-01,a,1\n2040-03-01,a,=1+1\n", 400)
    assert "row 3: `=1+1` is no amount" in broken["error"]["message"]
    for query in (f"{own},x=y", "&columns=date", "&rates=EUR=-1", "&zone=Nowhere", "&tolerance_percent=-1", "&month=x"):
        assert invoiced(api, query, b"Day,Model,Cost\n2040-03-01,a,1\n", 400)["error"]["code"] == "malformed_request"


def test_what_answers_are_worth_is_the_operators_word(api: Api, database_url: str) -> None:
    mini = "openai/gpt-4o-mini"
    saved = {"fact": "saved", "by": "routing", "tokens": 0, "nanousd": 5}
    settled(database_url, mini, 19, 1_000_000_000, count=4)
    settled(database_url, mini, 19, 1_000_000_000, id="ex_bad")
    settled(database_url, None, 19, 0, facts=[{"fact": "cache_hit", "kind": "exact", "saved_nanousd": 7}])
    settled(database_url, mini, 19, 1, outcome="held")
    settled(database_url, mini, 19, 2, outcome="upstream_failed", id="ex_failed")
    settled(database_url, None, 19, 0, facts=[{"fact": "fell_back", "cause": "down", "targets": []}])
    settled(database_url, mini, 19, 3, facts=[{"fact": "summarised", "exchange": "x"}, saved], id="ex_own")
    settled(database_url, "sim/sim", 19, 11, model="plain", tenant="umbra", id="ex_not_own")
    settled(database_url, "sim/sim", 19, None, model="plain")
    with psycopg.connect(database_url) as connection:
        # Of its answer two people; of another tenant's exchange, and of what was never resolved.
        for whose, exchange in (
            ("k", "ex_bad"),
            ("l", "ex_bad"),
            ("k", "ex_not_own"),
            ("k", "ex_failed"),
            ("k", "ex_own"),
        ):
            connection.execute(
                'INSERT INTO feedback (at, tenant, exchange, key, "user", verdict) VALUES (%s, %s, %s, %s, %s, %s)',
                (NOW.timestamp(), "acme", exchange, whose, "", "bad"),
            )
        feedback.place(connection, now=NOW.timestamp(), most=100)
    recount(database_url, told=lambda _: None)
    said = asked(api, "/costs/value")
    fast, plain = said["models"]
    assert (fast["exchanges"], fast["interactions"], fast["resolved"], fast["held"]) == (10, 9, 5, 1)
    assert fast["saved"] == {
        "cache": {"nanousd": 7, "exchanges": 1, "unpriced": 0},
        "routing": {"nanousd": 5, "exchanges": 1, "unpriced": 0},
    }
    assert (fast["value_nanousd"], fast["handling_nanousd"]) == (5 * 400_000_000, 5 * 6_500_000_000)
    assert fast["return_nanousd"] == 5 * 6_900_000_000 - fast["cost_nanousd"]
    assert (fast["roi"], fast["inputs"]) == ("5.9000", {"usd_per_resolved": "0.4", "usd_per_handling": "6.5"})
    assert (plain["return_nanousd"], plain["roi"], plain["inputs"]["usd_per_resolved"]) == (None, None, None)
    assert "`models.plain.value` is not configured" in plain["reason"]
    assert "the cost of 1 exchanges is not known" in plain["reason"]
    assert (said["cost_nanousd"], said["saved_nanousd"]) == (fast["cost_nanousd"] + 11, 12)
    assert (said["return_nanousd"], said["valued_cost_nanousd"]) == (fast["return_nanousd"], fast["cost_nanousd"])
    assert asked(api, "/costs/value?until=2040-03-19")["return_nanousd"] is None
    code, shown = command(api, "costs", "value", "--tenant", "acme")
    assert (code, "34.500000000" in shown or "29.499999994" in shown) == (0, True)


def test_a_tenant_sees_its_own_worth_and_no_prices(api: Api, database_url: str) -> None:
    settled(database_url, "sim/sim", 19, 7)
    settled(database_url, "sim/sim", 19, 11, tenant="umbra")
    recount(database_url, told=lambda _: None)
    assert api.call("POST", "/admin/v1/tenants", {"id": "acme", "name": "Acme"}).status == 201
    token = key_of(api, "acme", "developer", expires_at=(NOW + timedelta(days=9)).isoformat())
    assert asked(api, "/costs/value", token=token)["cost_nanousd"] == 7
    asked(api, "/costs/value?tenant=umbra", 404, token=token)
    asked(api, "/costs/value", 403, token=key_of(api, "acme", "viewer"))
    for path in ("/prices", "/costs/compare?with=sim/sim"):
        asked(api, path, 403, token=token)
    assert api.call("POST", "/admin/v1/costs/reconcile?provider=sim&month=2040-03", token=token).status == 403
