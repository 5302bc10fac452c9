"""The cache of a whole Penstock, over HTTP: what clients see of it, and over a restart."""

import http.client
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.system.conftest import Installation, running
from tests.system.outside import admin, until

CONFIG = """
models:
  kept:
    targets: [{provider: sim, model: sim}]
    cache: {exact: {ttl_s: 600}}
"""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with running(tmp_path_factory.mktemp("cache") / "data", CONFIG) as up:
        yield up


def ask(up: Installation, path: str, body: object, **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", up.port, timeout=20)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named |= {"authorization": f"Bearer {up.key}", "content-type": "application/json"}
    connection.request("POST", path, msgspec.json.encode(body), named)
    response = connection.getresponse()
    data = response.read()
    connection.close()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, data


def chat(text: str, **more: object) -> dict[str, object]:
    return {"model": "kept", "max_tokens": 50, "messages": [{"role": "user", "content": text}], **more}


def test_an_equal_request_is_answered_from_the_cache_in_every_dialect(up: Installation) -> None:
    status, headers, first = ask(up, "/v1/chat/completions", chat("hello"))
    assert (status, headers["x-penstock-cache"]) == (200, "miss")
    status, headers, again = ask(up, "/v1/chat/completions", chat("hello"))
    assert (status, headers["x-penstock-cache"], again) == (200, "hit", first)
    assert int(headers["age"]) >= 0
    text = msgspec.json.decode(first)["choices"][0]["message"]["content"]
    for path, body in (
        ("/v1/messages", chat("hello")),
        ("/v1/responses", {"model": "kept", "max_output_tokens": 50, "input": "hello"}),
    ):
        status, headers, data = ask(up, path, body)
        assert (status, headers["x-penstock-cache"]) == (200, "hit"), data
        assert text in data.decode()
        status, headers, data = ask(up, path, {**body, "stream": True})
        assert (status, headers["x-penstock-cache"]) == (200, "hit"), data
        assert data.startswith((b"data: ", b"event: "))


def test_only_if_cached_is_refused_in_the_clients_dialect(up: Installation) -> None:
    status, _, data = ask(up, "/v1/chat/completions", chat("never asked"), cache_control="only-if-cached")
    assert (status, msgspec.json.decode(data)["error"]["code"]) == (504, "not_cached")
    status, _, data = ask(up, "/v1/messages", chat("never asked"), cache_control="only-if-cached")
    assert (status, msgspec.json.decode(data)["type"]) == (504, "error")


def test_what_the_cache_did_is_counted_and_recorded(up: Installation) -> None:
    for _ in range(3):
        ask(up, "/v1/chat/completions", chat("counted"))
    connection = http.client.HTTPConnection("127.0.0.1", up.port, timeout=20)
    connection.request("GET", "/metrics")
    shown = connection.getresponse().read().decode()
    connection.close()
    assert 'penstock_cache_hits_total{kind="exact",model="kept",tenant="default"}' in shown
    assert "penstock_cache_saved_tokens_total" in shown
    rows = [row for row in up.ledger() if row["attempts"] == 0 and row["outcome"] == "completed"]
    assert {(row["input_tokens"], row["output_tokens"], row["cost_nanousd"]) for row in rows} == {(0, 0, 0)}


def test_kept_answers_outlive_a_restart(tmp_path: Path) -> None:
    asked = chat("over a restart")
    with running(tmp_path / "data", CONFIG) as up:
        _, _, first = ask(up, "/v1/chat/completions", asked)
        until(lambda: admin(up, "GET", "/cache")[1].get("contents"), "it is not written")
    with running(tmp_path / "data", CONFIG) as up:
        until(
            lambda: ask(up, "/v1/chat/completions", asked, cache_control="only-if-cached")[0] == 200,
            "it has not heard what there is",
        )
        _, headers, again = ask(up, "/v1/chat/completions", asked, cache_control="only-if-cached")
        assert (headers["x-penstock-cache"], again) == ("hit", first)
