"""The database away under load: nobody who asks a model notices, both planes say so, and no record is lost.

`PENSTOCK_OUTAGE_S` is how long it stays away at the least: short in every test run, 30 in a soak.
"""

import asyncio
import json  # noqa: TID251 - the application's side
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import psycopg
import pytest
from tests.system.conftest import Installation, running
from tests.system.rawhttp import exchange, request

from penstock.storage.embedded import EmbeddedPostgres
from penstock.storage.migrate import migrate

OUTAGE_S = float(os.environ.get("PENSTOCK_OUTAGE_S", "4"))
REQUESTS_A_SECOND = 100
SAYS_SO_S = 60.0
DONE = b"data: [DONE]\n\n"


def health(port: int) -> dict[str, Any]:
    """What the plane says; nothing while it does not listen."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/health", timeout=10) as reply:
            return json.load(reply)
    except HTTPError as refused:
        return json.load(refused)
    except OSError:
        return {}


async def until_health(port: int, is_it: Callable[[dict[str, Any]], bool], within_s: float) -> dict[str, Any]:
    said: dict[str, Any] = {}
    try:
        async with asyncio.timeout(within_s):
            while not is_it(said):
                said = await asyncio.to_thread(health, port)
                await asyncio.sleep(0.1)  # noqa: TID251 - waits for another process
    except TimeoutError:
        raise AssertionError(f":{port}/health still says {said}") from None
    return said


def is_degraded_for_a_reason(said: dict[str, Any]) -> bool:
    return said.get("status") == "degraded" and bool(said["reasons"])


def is_ready(said: dict[str, Any]) -> bool:
    return said.get("status") == "ready"


@dataclass
class Load:
    """Requests at a steady rate, unary and streamed in turn: the ids of those answered, what went wrong with others."""

    up: Installation
    answered: list[str] = field(default_factory=list[str])
    failed: list[str] = field(default_factory=list[str])
    sent: int = 0

    async def one(self, number: int) -> None:
        is_streamed = number % 2 == 1
        body = {
            "model": "sim:first=5ms,tokens=5",
            "messages": [{"role": "user", "content": "?"}],
            "stream": is_streamed,
        }
        head = {"authorization": f"Bearer {self.up.key}"}
        try:
            reply = await exchange(
                self.up.port, request("/v1/chat/completions", json.dumps(body).encode(), head), timeout_s=20
            )
        except OSError as error:  # TimeoutError is one
            self.failed.append(repr(error))
            return
        if reply.status == 200 and reply.is_whole and (not is_streamed or reply.body.endswith(DONE)):
            self.answered.append(reply.headers["x-request-id"])
        else:
            self.failed.append(f"{reply.status} {reply.body[-200:]!r}")

    async def run(self, stopping: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.TaskGroup() as tasks:
            while not stopping.is_set():
                tasks.create_task(self.one(self.sent))
                self.sent += 1
                await asyncio.sleep(max(0.0, began + self.sent / REQUESTS_A_SECOND - loop.time()))  # noqa: TID251 - a steady rate is real time


def _yaml(database_url: str) -> str:
    return f"database_url: {json.dumps(database_url)}\n"


@pytest.mark.timeout(120 + 2 * OUTAGE_S)
def test_a_database_that_goes_away_under_load_costs_no_request_and_no_record(short_dir: Path) -> None:
    with EmbeddedPostgres(short_dir / "elsewhere") as postgres:
        url = postgres.start()

        async def under_load(up: Installation) -> Load:
            load, stopping = Load(up), asyncio.Event()
            sending = asyncio.get_running_loop().create_task(load.run(stopping))
            await asyncio.to_thread(postgres.stop)
            away_since = time.monotonic()
            for port in (up.control_port, up.port):
                said = await until_health(port, is_degraded_for_a_reason, OUTAGE_S + SAYS_SO_S)
                assert said["reasons"], said
            await asyncio.sleep(max(0.0, away_since + OUTAGE_S - time.monotonic()))  # noqa: TID251 - it stays away that long
            assert postgres.pid is None
            assert await asyncio.to_thread(postgres.start) == url
            for port in (up.port, up.control_port):
                await until_health(port, is_ready, SAYS_SO_S)
            stopping.set()
            await sending
            return load

        with running(short_dir / "data", _yaml(url)) as up:
            load = asyncio.run(under_load(up))
        assert load.failed == []
        assert len(load.answered) == load.sent > OUTAGE_S * REQUESTS_A_SECOND / 2
        with psycopg.connect(url) as connection:
            times = Counter(str(row[0]) for row in connection.execute("SELECT id FROM ledger"))
    assert times == Counter(load.answered)


@contextmanager
def planes_alone(folder: Path, database_url: str) -> Generator[Installation]:
    """Both planes as a fleet starts them, each a process of its own with nobody above it; both must end with 0."""
    up = Installation(folder / "data")
    settings = {
        "PENSTOCK__DATABASE_URL": database_url,
        "PENSTOCK__DATA_DIR": str(up.data_dir),
        "PENSTOCK__SERVER__PORT": str(up.port),
        "PENSTOCK__CONTROL__PORT": str(up.control_port),
    }
    environ = {k: v for k, v in os.environ.items() if not k.endswith(("_API_KEY", "_BASE_URL"))}
    processes: list[subprocess.Popen[bytes]] = []
    with (folder / "up.log").open("ab") as log:
        for plane in ("serve", "control"):
            command = [sys.executable, "-m", "penstock.cli", plane]
            processes.append(subprocess.Popen(command, env={**environ, **settings}, stdout=log, stderr=log))
    up.process = processes[0]
    try:
        yield up
    finally:
        for process in processes:
            process.terminate()
        codes = [process.wait(60) for process in processes]
    assert codes == [0, 0], (folder / "up.log").read_text()


def test_a_database_that_is_down_from_the_beginning_is_waited_for_while_requests_are_served(short_dir: Path) -> None:
    with EmbeddedPostgres(short_dir / "elsewhere") as postgres:
        url = postgres.start()
        migrate(url)
        postgres.stop()
        with planes_alone(short_dir, url) as up:
            up.until_ready(up.port)
            load = Load(up)
            asyncio.run(load.one(0))
            asyncio.run(load.one(1))
            assert load.failed == []
            assert len(load.answered) == 2
            asyncio.run(until_health(up.port, is_degraded_for_a_reason, SAYS_SO_S))
            not_yet = asyncio.run(until_health(up.control_port, bool, SAYS_SO_S))
            assert not_yet["status"] == "not_ready"
            assert not_yet["reasons"]
            postgres.start()
            asyncio.run(until_health(up.port, is_ready, SAYS_SO_S))
            asyncio.run(until_health(up.control_port, is_ready, SAYS_SO_S))
        with psycopg.connect(url) as connection:
            rows = connection.execute("SELECT id FROM ledger").fetchall()
    assert Counter(str(row[0]) for row in rows) == Counter(load.answered)
