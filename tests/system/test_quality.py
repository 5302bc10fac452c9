"""Quality in a whole Penstock: answers are looked at and judged, what applications say is counted once, and no value
that was said lies in any byte.
"""

from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
import pytest
from tests.system.conftest import Installation, running
from tests.system.outside import admin, call, new_key
from tests.system.records import record, records, until
from tests.system.test_cache import ask
from tests.system.test_vault import holding

from penstock.storage.embedded import running_url

CONFIG = """\
contents: {keep: all}
quality: {sample: 1.0}
models:
  shop: {targets: [{provider: sim, model: "sim:echo"}]}
  judge: {targets: [{provider: sim, model: "sim:echo"}], max_attempts: 1}
"""
JUDGED = CONFIG.replace("sample: 1.0", "sample: 1.0, judge: {model: judge, key: env:JUDGE_KEY, budget_usd: 0.5}")
ANN, CARD = "ann.of.quality@example.com", "4111 1111 1111 1111"


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with running(tmp_path_factory.mktemp("quality") / "data", CONFIG) as up:
        yield up


def say(up: Installation, key: str = "", **event: Any) -> tuple[int, Any]:
    return call("POST", f"{up.url}/v1/events", key or up.key, event)


def outcomes(up: Installation) -> dict[tuple[str, str, str], tuple[int, str | None, float | None]]:
    status, found = admin(up, "GET", "/quality/outcomes?by=tenant&by=assistant")
    assert status == 200, found
    return {
        (each["group"]["tenant"], each["group"]["assistant"], each["kind"]): (
            each["events"],
            each["value_usd"],
            each["satisfaction"],
        )
        for each in found["lines"]
    }


def rows(up: Installation, query: LiteralString) -> list[tuple[Any, ...]]:
    url = running_url(up.data_dir)
    assert url is not None
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def test_each_event_counts_once_for_its_own_tenant_and_survives_a_stop(up: Installation) -> None:
    body = {"model": "shop", "messages": [{"role": "user", "content": f"I want it, {ANN}, by {CARD}"}]}
    status, headers, _ = ask(up, "/v1/chat/completions", body)
    assert status == 200
    exchange = headers["x-request-id"]
    other, _ = new_key(up, tenant="other")
    price = {"amount": "19.90", "currency": "USD"}
    sold: dict[str, Any] = {"id": "o-1", "kind": "conversion", "exchange": exchange, "value": price}
    assert say(up, **sold)[0] == 202
    assert say(up, **sold) == (202, {"object": "event", "id": "o-1", "kind": "conversion", "status": "accepted"})
    assert say(up, other, **sold)[0] == 202  # of an exchange that is not theirs: never counted
    happy: dict[str, Any] = {"kind": "satisfaction", "conversation": "c-7"}
    assert say(up, id="s-1", satisfaction={"score": 4, "scale": "1-5"}, model="shop", **happy)[0] == 202
    assert say(up, id="s-2", satisfaction={"score": 0.25, "scale": "0-1"}, **happy)[0] == 202
    judge, _ = new_key(up, tenant="quality")
    until(lambda: rows(up, "SELECT count(*) FROM quality_scores WHERE \"check\" = 'answer'") == [(1,)], "no score")
    up.stop()
    assert up.config is not None
    up.config.write_text(JUDGED)
    up.environ["JUDGE_KEY"] = judge
    up.start()
    assert say(up, id="e-1", kind="escalated", conversation="c-8")[0] == 202
    expected = {
        ("default", "shop", "conversion"): (1, "19.900000000", None),
        ("default", "shop", "satisfaction"): (1, None, 0.75),
        ("default", "", "satisfaction"): (1, None, 0.25),
        ("default", "", "escalated"): (1, None, None),
    }
    until(lambda: outcomes(up) == expected, f"{outcomes(up)}")
    refused: list[tuple[dict[str, Any], str]] = [
        ({"id": "x", "kind": "conversion"}, "exchange"),
        ({"id": "x", "kind": "resolved", "conversation": "c", "satisfaction": {"score": 1, "scale": "1-5"}}, "satis"),
        ({"id": "x", "kind": "satisfaction", "conversation": "c"}, "satisfaction"),
        ({"id": "x", "kind": "escalated", "conversation": "c", "value": sold["value"]}, "value"),
        ({"id": "x", "kind": "satisfaction", "conversation": "c", "satisfaction": {"score": 3, "scale": "0-1"}}, "sco"),
        ({"id": "x", "kind": "conversion", "conversation": "ann@example.com"}, "conversation"),
        ({"id": "x", "kind": "resolved", "exchange": exchange, "model": "shop"}, "model"),
    ]
    for bad, field in refused:
        status, answer = say(up, **bad)
        assert status == 400, bad
        assert field in str(answer["error"]["param"]), answer


def test_an_answer_is_looked_at_and_its_judge_is_a_caller_like_any_other(up: Installation) -> None:
    """It is metered and priced, its money is what the ledger says, and nothing of it is kept or judged in turn."""
    status, _, _ = ask(up, "/v1/chat/completions", {"model": "shop", "messages": [{"role": "user", "content": ANN}]})
    assert status == 200
    until(lambda: rows(up, "SELECT count(*) FROM quality_judged WHERE is_settled") == [(1,)], "it is not judged")
    asked = record(up, lambda row: row["tenant"] == "quality")
    assert (asked["model"], asked["outcome"]) == ("judge", "completed")
    assert rows(up, "SELECT nanousd, calls FROM quality_spent") == [(asked["cost_nanousd"], 1)]
    [(state, by)] = rows(up, "SELECT state, by FROM quality_judged")
    assert (state, by) == ("unreadable", asked["id"])  # it echoes: that is no verdict
    assert rows(up, "SELECT count(*) FROM contents WHERE tenant = 'quality'") == [(0,)]
    _, found = admin(up, "GET", "/quality?by=assistant")
    assert {line["group"]["assistant"]: line["answers"] for line in found["lines"]} == {"shop": 2}


def test_no_value_lies_in_any_byte_of_scores_sums_judgements_and_events(up: Installation) -> None:
    told = [admin(up, "GET", f"/quality{path}") for path in ("", "/worst", "/checks", "/failures", "/outcomes")]
    told += [admin(up, "GET", "/security"), admin(up, "GET", "/security/access")]
    assert {status for status, _ in told} == {200}
    assert ANN not in repr(told) + repr(records(up)) + repr(up.ledger())
    up.stop()
    assert holding(up.data_dir.parent, ANN, CARD) == []
    up.start()
