"""Events of applications through a whole Penstock: kept once, counted for whose they are, and nothing of another's."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.system.conftest import Installation, running
from tests.system.outside import admin, call, new_key
from tests.system.records import until
from tests.system.test_cache import ask

CONFIG = """\
contents: {keep: all}
quality: {sample: 1.0}
models:
  shop: {targets: [{provider: sim, model: "sim:echo"}]}
"""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with running(tmp_path_factory.mktemp("events") / "data", CONFIG) as up:
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


def test_each_event_counts_once_for_its_own_tenant_and_survives_a_stop(up: Installation) -> None:
    body = {"model": "shop", "messages": [{"role": "user", "content": "I want it"}]}
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
    assert say(up, id="s-2", satisfaction={"score": 0.25, "scale": "0-1"}, model="nobody's", **happy)[0] == 202
    up.stop()
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


def test_an_answer_was_looked_at_beside_it(up: Installation) -> None:
    def looked_at() -> int:
        _, found = admin(up, "GET", "/quality?assistant=shop")
        return sum(line["answers"] for line in found["lines"])

    until(lambda: looked_at() == 1, "the answer was not looked at")
