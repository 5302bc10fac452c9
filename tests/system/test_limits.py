"""Limits and budgets on a whole installation: told in each dialect, changed live, and never exceeded by anybody."""

import asyncio
import json  # noqa: TID251 - the application's side
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from tests.system.conftest import Installation, running
from tests.system.rawhttp import Reply, exchange, request
from tests.system.test_identity import PATIENCE_S, admin, call, until
from tests.system.upstream import Upstream, config, serving

from penstock.testing.ports import free_port

CHAT = "/v1/chat/completions"
COMPLETION_TOKENS = 4
NANOUSD_A_TOKEN = 2000
ONE_NANOUSD = COMPLETION_TOKENS * NANOUSD_A_TOKEN
"""What each answer of the test's provider costs, and what is reserved for it: input is free there."""
WORTH = 100
CROWD = 500
HARD_USD = WORTH * ONE_NANOUSD / 1e9

DIALECTS = {
    "chat": (CHAT, {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 20}),
    "responses": ("/v1/responses", {"input": "hello", "max_output_tokens": 20}),
    "anthropic": ("/v1/messages", {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 20}),
    "embeddings": ("/v1/embeddings", {"input": "hello"}),
}
RULES = f"""
limits:
  - {{name: three, unit: requests, amount: 3, per: month, scope: [key], where: {{tenant: few}}}}
  - {{name: many-tokens, unit: tokens, amount: 100000, per: month, scope: [key], where: {{tenant: few}}}}
  - {{name: forty, unit: requests, amount: 40, per: month, scope: [tenant], where: {{tenant: shared}}}}
budgets:
  - {{name: hundred, per: month, scope: [project], hard_usd: {HARD_USD:.9f}, where: {{tenant: crowd}}}}
  - {{name: watched, per: month, scope: [tenant], soft_usd: 0.000000001, thresholds: [], where: {{tenant: watched}}}}
tenants:
  few: {{time_zone: Asia/Tokyo}}
"""


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def up(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    text = config(port).replace("input_usd_per_million: 1", "input_usd_per_million: 0") + RULES
    with running(tmp_path_factory.mktemp("limits") / "data", text) as made:
        yield made


def new_key(up: Installation, tenant: str, **fields: object) -> str:
    """A key that is accepted already."""
    if "project" in fields:
        admin(up, "POST", "/tenants", {"id": tenant})
        admin(up, "POST", f"/tenants/{tenant}/projects", {"id": fields["project"]})
    status, made = admin(up, "POST", "/keys", {"tenant": tenant, "name": "k", **fields})
    assert status == 201, made
    key: str = made["key"]
    until(lambda: call("GET", f"{up.url}/v1/models", key)[0] == 200, "the key is not taken")
    return key


def ask(up: Installation, key: str, path: str = CHAT, *, port: int | None = None, **fields: object) -> Reply:
    body = json.dumps({"model": "sim:tokens=5", **DIALECTS["chat"][1], **fields}).encode()
    return asyncio.run(
        exchange(port or up.port, request(path, body, {"authorization": f"Bearer {key}"}), timeout_s=PATIENCE_S)
    )


def counters(up: Installation, kind: str, name: str) -> list[dict[str, Any]]:
    status, page = admin(up, "GET", f"/{kind}/status?name={name}")
    assert status == 200, page
    return page["items"]


@pytest.mark.parametrize("is_streamed", [False, True])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_each_dialect_is_told_what_is_left_and_what_stands_in_its_way(
    up: Installation, dialect: str, *, is_streamed: bool
) -> None:
    if dialect == "embeddings" and is_streamed:
        pytest.skip("embeddings are not streamed")
    path, body = DIALECTS[dialect]
    if is_streamed:
        body = {**body, "stream": True}
    key = new_key(up, "few")
    headers = {"authorization": f"Bearer {key}", "anthropic-version": "2023-06-01"}
    data = request(path, json.dumps({"model": "sim:tokens=5", **body}).encode(), headers)
    vendor = "anthropic-ratelimit-requests-{}" if dialect == "anthropic" else "x-ratelimit-{}-requests"
    for left in (2, 1, 0):
        reply = asyncio.run(exchange(up.port, data))
        assert (reply.status, reply.is_whole) == (200, True), reply
        assert reply.headers[vendor.format("limit")] == "3"
        assert reply.headers[vendor.format("remaining")] == str(left)
        assert reply.headers[vendor.format("reset")]
        assert reply.headers[vendor.format("limit").replace("requests", "tokens")] == "100000"
    refused = asyncio.run(exchange(up.port, data))
    assert refused.status == 429
    assert refused.headers["content-type"] == "application/json"
    assert int(refused.headers["retry-after"]) > 0
    assert refused.headers[vendor.format("remaining")] == "0"
    error = json.loads(refused.body)["error"]
    assert "`three`" in error["message"]
    assert "3 requests a month" in error["message"]
    assert "try again in" in error["message"]
    assert "rate_limited" in refused.body.decode()
    if dialect == "anthropic":
        assert error["type"] == "rate_limit_error"


def test_a_request_that_no_limit_concerns_is_told_nothing(up: Installation) -> None:
    reply = ask(up, up.key)
    assert reply.status == 200
    assert not [name for name in reply.headers if "ratelimit" in name]


def test_a_soft_amount_is_noticed_and_refuses_nobody(up: Installation) -> None:
    key = new_key(up, "watched")
    assert [ask(up, key).status for _ in range(3)] == [200] * 3
    log = up.data_dir.parent / "up.log"

    def is_noticed() -> bool:
        return any('"budget_alert"' in line and '"watched"' in line for line in log.read_text().splitlines())

    until(is_noticed, "no notice")


def test_a_limit_that_is_made_changed_and_deleted_is_in_force_at_once_and_without_a_restart(up: Installation) -> None:
    key = new_key(up, "live")
    wanted = {"unit": "requests", "amount": 2, "per": "month", "scope": ["tenant"], "where": {"tenant": "live"}}
    assert ask(up, key).status == 200
    assert admin(up, "PUT", "/limits/live", wanted)[0] == 201
    until(lambda: ask(up, key).status == 429, "it is not in force")
    until(lambda: [each["used"] for each in counters(up, "limits", "live")] == [2], "its status is not shown")
    assert [(each["values"], each["left"]) for each in counters(up, "limits", "live")] == [({"tenant": "live"}, 0)]
    assert admin(up, "PUT", "/limits/live", {**wanted, "amount": 4})[0] == 200
    until(lambda: ask(up, key).status == 200, "it was not raised")
    until(lambda: ask(up, key).status == 429, "it is not in force")
    assert admin(up, "DELETE", "/limits/live")[0] == 204
    until(lambda: ask(up, key).status == 200, "it was not deleted")
    assert all(ask(up, key).status == 200 for _ in range(10))


def test_a_budget_that_is_spent_is_raised_by_an_override(up: Installation) -> None:
    key = new_key(up, "poor")
    wanted = {"per": "month", "scope": ["tenant"], "hard_usd": 0.00005, "where": {"tenant": "poor"}}
    assert admin(up, "PUT", "/budgets/poor", wanted)[0] == 201
    until(lambda: ask(up, key).status == 429, "it is not in force")
    refused = ask(up, key)
    assert b"budget_exhausted" in refused.body
    assert b"`poor` (tenant poor) allows $0.00005 a month" in refused.body
    raised = {"raise_usd": 1, "until": "2999-01-01T00:00:00Z", "where": {"tenant": "poor"}}
    status, made = admin(up, "POST", "/budgets/poor/overrides", raised)
    assert status == 201
    until(lambda: ask(up, key).status == 200, "it was not raised")
    assert admin(up, "DELETE", f"/budgets/poor/overrides/{made['id']}")[0] == 204
    until(lambda: ask(up, key).status == 429, "the override did not end")


def test_a_tenants_day_begins_where_it_lives(up: Installation) -> None:
    new_key(up, "abroad")
    assert admin(up, "PATCH", "/tenants/abroad", {"time_zone": "Pacific/Kiritimati"})[0] == 200
    key = new_key(up, "abroad")
    wanted = {"unit": "requests", "amount": 50, "per": "day", "scope": ["tenant"], "where": {"tenant": "abroad"}}
    assert admin(up, "PUT", "/limits/abroad", wanted)[0] == 201
    until(lambda: "x-ratelimit-limit-requests" in ask(up, key).headers, "it is not in force")
    until(lambda: bool(counters(up, "limits", "abroad")), "its status is not shown")
    assert {each["period_start"][10:] for each in counters(up, "limits", "abroad")} == {"T10:00:00Z"}


# -- the crowd


class Crowd:
    """Many requests at once for one tenant, each of which the test's provider holds until it is told to go on."""

    def __init__(self, up: Installation, upstream: Upstream, key: str, name: str) -> None:
        self._up = up
        self._upstream = upstream
        self._head = {"authorization": f"Bearer {key}"}
        self._name = name
        self.statuses: Counter[int] = Counter()
        self.others: set[str] = set()
        """What was said to those who were neither let in nor refused by the budget."""

    async def ask(self, count: int, *, is_streamed: bool, leaving: int = 0) -> int:
        """Send `count` requests at once; returns how many were let through, which `leaving` of hang up midway."""
        loop = asyncio.get_running_loop()
        names = [f"{'mid' if is_streamed else 'before'}-{self._name}-{number}" for number in range(count)]
        tasks = {name: loop.create_task(self._one(name, is_streamed=is_streamed)) for name in names}
        refused = admitted = 0
        async with asyncio.timeout(60):
            while refused + admitted < count:
                await asyncio.sleep(0.05)  # noqa: TID251 - waits for another process
                refused = sum(task.done() for task in tasks.values())
                admitted = sum(self._upstream.call(name).has_begun.is_set() for name in names)
        begun = [name for name in names if self._upstream.call(name).has_begun.is_set()]
        for name in begun[:leaving]:
            tasks[name].cancel()
        for name in begun[leaving:]:
            self._upstream.call(name).go_on.set()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        return len(begun)

    async def _one(self, name: str, *, is_streamed: bool) -> None:
        body = {
            "model": f"held/{name}",
            "messages": [{"role": "user", "content": "say four words"}],
            "max_tokens": COMPLETION_TOKENS,
            "stream": is_streamed,
        }
        reply = await exchange(self._up.port, request(CHAT, json.dumps(body).encode(), self._head), timeout_s=60)
        self.statuses[reply.status] += 1
        if reply.status not in {200, 429}:
            self.others.add(f"{reply.status} {reply.body.decode()}")

    def assert_refused_by_budget_or_unknown(self) -> None:
        """Where the machine is so busy that the store's word comes too late, an answer says that nobody could tell."""
        assert all(said.startswith("503") and "Limits cannot be checked" in said for said in self.others), self.others


def booked_nanousd(up: Installation, project: str) -> int:
    """What the ledger has of a project's key, once everything has settled."""
    return sum(int(str(row["cost_nanousd"])) for row in up.ledger() if str(row["model"]).split("-")[1:2] == [project])


def is_booked(up: Installation, project: str, nanousd: int) -> bool:
    found = [each for each in counters(up, "budgets", "hundred") if each["values"]["project"] == project]
    return [round(each["used"] * 1e9) for each in found] == [nanousd]


@pytest.mark.parametrize("is_streamed", [False, True])
def test_five_hundred_at_once_against_a_budget_worth_a_hundred(
    up: Installation, port: int, *, is_streamed: bool
) -> None:
    project = "streams" if is_streamed else "unary"
    key = new_key(up, "crowd", project=project)

    async def play() -> tuple[int, Counter[int]]:
        async with serving(port) as upstream:
            crowd = Crowd(up, upstream, key, project)
            admitted = await crowd.ask(CROWD, is_streamed=is_streamed)
            crowd.assert_refused_by_budget_or_unknown()
            return admitted, crowd.statuses

    admitted, statuses = asyncio.run(play())
    assert admitted == WORTH
    assert statuses.total() == CROWD
    assert statuses[200] == WORTH
    until(lambda: booked_nanousd(up, project) == WORTH * ONE_NANOUSD, "the ledger has not got it all")
    until(lambda: is_booked(up, project, WORTH * ONE_NANOUSD), "the budget and the ledger do not agree")
    assert ask(up, key).status == 429


def test_clients_that_hang_up_midway_pay_for_what_they_had_and_no_more_is_let_in_than_fits(
    up: Installation, port: int
) -> None:
    key = new_key(up, "crowd", project="leavers")

    async def play() -> list[int]:
        async with serving(port) as upstream:
            waves: list[int] = []
            for wave in range(4):
                crowd = Crowd(up, upstream, key, f"leavers-{wave}")
                waves.append(await crowd.ask(CROWD // 2, is_streamed=True, leaving=60))
                crowd.assert_refused_by_budget_or_unknown()
                await asyncio.sleep(1.5)  # noqa: TID251 - another process settles and reports
            return waves

    waves = asyncio.run(play())
    assert waves[0] == WORTH
    assert sum(waves[1:]) > 0, "what was not used of a reservation is there for others"
    until(lambda: sum(str(row["model"]).startswith("held/mid-leavers") for row in up.ledger()) >= sum(waves), "rows")
    spent = booked_nanousd(up, "leavers")
    assert WORTH * ONE_NANOUSD * 0.9 < spent <= WORTH * ONE_NANOUSD
    until(lambda: is_booked(up, "leavers", booked_nanousd(up, "leavers")), "the budget and the ledger do not agree")


def test_a_second_data_plane_shares_the_limits_of_the_first(up: Installation) -> None:
    key = new_key(up, "shared")
    second = free_port()
    command = [sys.executable, "-m", "penstock.cli", "serve", "--data-dir", str(up.data_dir), "--port", str(second)]
    environ = {k: v for k, v in os.environ.items() if not k.endswith(("_API_KEY", "_BASE_URL"))}
    with (up.data_dir.parent / "second.log").open("wb") as log:
        process = subprocess.Popen([*command, "--config", str(up.config)], env=environ, stdout=log, stderr=log)
        try:
            up.until_ready(second)

            async def play() -> Counter[int]:
                body = json.dumps({"model": "sim:tokens=2", **DIALECTS["chat"][1]}).encode()
                data = request(CHAT, body, {"authorization": f"Bearer {key}"})
                replies = await asyncio.gather(*(exchange((up.port, second)[n % 2], data) for n in range(200)))
                return Counter(reply.status for reply in replies)

            found = asyncio.run(play())
            assert found == {200: 40, 429: 160}
        finally:
            process.terminate()
            assert process.wait(30) == 0


def test_a_store_that_is_away_is_said_and_nothing_is_let_in_that_it_should_count(tmp_path: Path) -> None:
    text = f"""
limits:
  - {{name: counted, unit: requests, amount: 10, per: day, where: {{assistant: "sim:tokens=1"}}}}
limit_store: {{kind: redis, url: "redis://127.0.0.1:{free_port()}/0", on_loss: closed}}
"""
    with running(tmp_path / "data", text) as up:

        def reasons() -> str:
            with urlopen(f"{up.url}/health", timeout=PATIENCE_S) as reply:  # noqa: S310 - our own plane
                return str(json.load(reply)["reasons"])

        until(lambda: "limits cannot be counted (redis)" in reasons(), "the health does not say it")
        refused = ask(up, up.key, model="sim:tokens=1")
        assert (refused.status, refused.headers["retry-after"]) == (503, "1")
        assert ask(up, up.key, model="sim:tokens=2").status == 200, "no limit concerns it"
        with urlopen(f"{up.url}/metrics", timeout=PATIENCE_S) as reply:  # noqa: S310 - our own plane
            assert "penstock_limit_store_up 0.0" in reply.read().decode()


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("limits: [{name: x, unit: requests, amount: 1}]", "limits.0.per"),
        ("limits: [{name: x, unit: requests, amount: 1.5, per: day}]", "whole number"),
        ("limits: [{name: x, unit: requests, amount: 1, per: day, where: {planet: mars}}]", "limits.0.where"),
        ("budgets: [{name: x, per: day}]", "budgets.0"),
        (
            "limits: [{name: x, unit: requests, amount: 1, per: day}]\nbudgets: [{name: x, per: day, hard_usd: 1}]",
            "two",
        ),
        ("tenants: {acme: {time_zone: Mars/Base}}", "tenants.acme.time_zone"),
        ("limit_store: {kind: redis}", "limit_store.url"),
        ("limit_store: {kind: redis, url: 'redis://u:secret@h'}", "never written out"),
        ("limit_store: {url: 'redis://h'}", "only Redis"),
    ],
)
def test_rules_that_could_not_be_enforced_are_refused_at_the_start(tmp_path: Path, rules: str, said: str) -> None:
    path = tmp_path / "penstock.yaml"
    path.write_text(rules + "\n")
    done = subprocess.run(
        [sys.executable, "-m", "penstock.cli", "check", "--config", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stdout
    assert said in done.stderr
    assert f"{path}:" in done.stderr
    assert "secret@" not in done.stderr
