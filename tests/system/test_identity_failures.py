"""What identity does when something behind it fails: the issuer, the key, the tenant, the clock.

What is stated of each in docs/failures.md is shown here on a whole installation.
"""

import asyncio
import json  # noqa: TID251 - the application's side
import os
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from tests.system import upstream
from tests.system.conftest import Installation, running
from tests.system.outside import PATIENCE_S, Outside, admin, ask, begin, end, health, new_key, serving, until_asked
from tests.system.rawhttp import Reply, exchange, request
from tests.system.records import facts, record, records, until

from penstock.testing.ports import free_port

HOUR_S = 3600.0
CLOCK = """
import os, time
_true = time.time
def _moved():
    try:
        with open(os.environ["PENSTOCK_TEST_CLOCK"]) as file:
            return _true() + float(file.read() or 0)
    except OSError:
        return _true()
time.time = _moved
"""


@pytest.fixture
def outside() -> Iterator[Outside]:
    with serving() as made:
        yield made


def test_an_issuer_that_is_down_is_outlived_for_the_stated_time_and_then_said_to_be_down(
    outside: Outside, tmp_path: Path
) -> None:
    config = outside.config(refresh_s=0.2, max_age_s=4.0)
    with running(tmp_path / "data", config, INNER_KEY="sk-inner") as up:
        assert admin(up, "POST", "/tenants", {"id": "acme"})[0] == 201
        token, (key, _) = outside.token(exp=int(time.time()) + 900), new_key(up)  # noqa: TID251 - as the planes have it
        until_asked(up, token, 200)
        outside.is_down = True

        def says(text: str) -> Callable[[], bool]:
            return lambda: any(reason.startswith("issuer `corp`") and text in reason for reason in health(up))

        until(says("still in use (it answered 503)"), "health does not say that the keys are old")
        until(says("not confirmed for 1 s"), "the keys do not grow old")
        assert ask(up, token, "sim")[0] == 200, "known keys go on working"
        until_asked(up, token, 503)
        assert ask(up, token, "sim")[1]["error"]["code"] == "issuer_unavailable"
        assert says("no usable keys")()
        assert ask(up, key, "sim")[0] == 200, "keys of our own need no issuer"
        outside.is_down = False
        until_asked(up, token, 200)
        until(lambda: not any("issuer `corp`" in reason for reason in health(up)), "health has not forgotten it")

        def stale_facts() -> list[dict[str, Any]]:
            return [fact for row in records(up) for fact in facts(row, "issuer_keys_stale")]

        until(lambda: bool(stale_facts()), "no exchange says that it was let in by old keys")
        stale = stale_facts()
        assert {fact["issuer"] for fact in stale} == {"corp"}
        assert all(0.4 < fact["age_s"] < 4.5 for fact in stale), stale


async def _while_answering(
    up: Installation, port: int, model: str, credential: str, meanwhile: Callable[[], None]
) -> Reply:
    """Ask for a streamed answer, do something once it has begun, and read it to its end."""
    body: dict[str, object] = {"model": f"held/{model}", "messages": [{"role": "user", "content": "say four words"}]}
    if model.startswith("mid"):
        body["stream"] = True
    head = {"authorization": f"Bearer {credential}"}
    async with upstream.serving(port) as provider, asyncio.timeout(60):
        asking = asyncio.ensure_future(  # noqa: TID251 - the application, beside its operator
            exchange(up.port, request("/v1/chat/completions", json.dumps(body).encode(), head), timeout_s=60)
        )
        call = provider.call(model)
        await call.has_begun.wait()
        await asyncio.get_running_loop().run_in_executor(None, meanwhile)
        call.go_on.set()
        return await asking


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, int, Outside]]:
    """An installation whose provider waits in the middle of its answers, and which trusts an issuer."""
    port = free_port()
    with serving() as issuers:
        inner = upstream.config(port).partition("providers:\n")[2]
        config = issuers.config().replace("providers:\n", f"providers:\n{inner}")
        with running(tmp_path_factory.mktemp("held") / "data", config, INNER_KEY="sk-inner") as up:
            yield up, port, issuers


@pytest.mark.parametrize("phase", ["mid", "before"])
@pytest.mark.parametrize("what", ["key revoked", "tenant deleted", "tenant suspended", "tenant of a token deleted"])
def test_a_credential_that_ends_mid_answer_lets_it_end_and_opens_nothing_more(
    held: tuple[Installation, int, Outside], what: str, phase: str
) -> None:
    up, port, issuers = held
    tenant = f"{phase}-{what.replace(' ', '-')}"
    assert admin(up, "POST", "/tenants", {"id": tenant})[0] == 201
    key, key_id = new_key(up, tenant)
    credential = issuers.token(org=tenant) if "token" in what else key
    until_asked(up, credential, 200)

    def end_it() -> None:
        changes = {
            "key revoked": ("DELETE", f"/keys/{key_id}"),
            "tenant suspended": ("POST", f"/tenants/{tenant}/suspend"),
        }
        method, path = changes.get(what, ("DELETE", f"/tenants/{tenant}"))
        assert admin(up, method, path)[0] in {200, 204}
        until_asked(up, credential, 401)

    model = f"{phase}-{tenant}"
    reply = asyncio.run(_while_answering(up, port, model, credential, end_it))
    assert (reply.status, reply.is_whole) == (200, True)
    assert b"three" in reply.body
    row = record(up, lambda row: row["model"] == f"held/{model}")
    assert (row["outcome"], row["usage_accuracy"], row["tenant"]) == ("completed", "exact", tenant)
    assert row["cost_nanousd"] > 0, "what was answered is paid for"
    assert facts(row, "credential_ended") == [{"key": "jwt:corp" if "token" in what else key_id}]
    assert ask(up, credential, "sim")[0] == 401


@pytest.mark.parametrize("what", ["key", "token"])
def test_a_credential_that_ends_while_the_body_comes_opens_nothing(
    held: tuple[Installation, int, Outside], what: str
) -> None:
    up, _, issuers = held
    tenant = f"slow-{what}"
    assert admin(up, "POST", "/tenants", {"id": tenant})[0] == 201
    credential = issuers.token(org=tenant) if what == "token" else new_key(up, tenant)[0]
    until_asked(up, credential, 200)
    assert end(begin(up, credential))[0] == 200
    slow = begin(up, credential)
    assert admin(up, "DELETE", f"/tenants/{tenant}")[0] == 204
    until_asked(up, credential, 401)
    assert end(slow)[0] == 401


@contextmanager
def movable_clock(folder: Path) -> Generator[tuple[dict[str, str], Callable[[float], None]]]:
    """The environment of processes whose wall clock is moved by what is written here."""
    (folder / "sitecustomize.py").write_text(CLOCK)
    offset = folder / "offset"
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])

    def move(seconds: float) -> None:
        draft = folder / "draft"
        draft.write_text(str(seconds))
        draft.replace(offset)

    move(0)
    folder.chmod(0o755)
    yield {"PYTHONPATH": path, "PENSTOCK_TEST_CLOCK": str(offset)}, move


def test_a_clock_that_is_moved_by_an_hour_and_back(outside: Outside, tmp_path: Path) -> None:
    """Expiries follow the clock of the wall; durations, deadlines and the order of records do not."""
    folder = tmp_path / "clock"
    folder.mkdir()
    with (
        movable_clock(folder) as (environ, move),
        running(tmp_path / "data", outside.config(), INNER_KEY="sk-inner", **environ) as up,
    ):
        assert admin(up, "POST", "/tenants", {"id": "acme"})[0] == 201
        lasting, _ = new_key(up)
        ends = datetime.now(UTC) + timedelta(minutes=30)
        ending, _ = new_key(up, expires_at=ends.isoformat())
        token = outside.token()
        until_asked(up, token, 200)

        def answers() -> tuple[int, ...]:
            return tuple(ask(up, credential, "sim")[0] for credential in (lasting, ending, token))

        assert answers() == (200, 200, 200)
        move(HOUR_S)
        assert answers() == (200, 401, 401), "what expires within the hour has expired"
        move(-HOUR_S)
        assert answers() == (200, 200, 401), "a token of the future is none"
        move(0)
        assert answers() == (200, 200, 200)
        with urlopen(f"{up.url}/health/ready", timeout=PATIENCE_S) as reply:  # noqa: S310 - our own plane
            assert reply.status == 200

        def moves() -> list[float]:
            return [
                fact["by_s"]
                for row in sorted(records(up), key=lambda row: row["id"])
                for fact in facts(row, "clock_moved")
            ]

        until(lambda: len(moves()) == 3, "not every move is in the journal")
        assert sorted(round(each / HOUR_S, 2) for each in moves()) == [-2.0, 1.0, 1.0]
    rows = up.ledger()
    assert all(0 <= float(str(row["duration_s"])) < 60 for row in rows)
    assert len({row["id"] for row in rows}) == len(rows)
