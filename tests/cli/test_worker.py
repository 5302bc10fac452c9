"""`penstock worker` as a process: it waits for its database, takes it up again, and ends when it is told to."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from tests.cli.test_up import PATIENCE_S, until

from penstock.storage.embedded import EmbeddedPostgres
from penstock.storage.migrate import migrate

pytestmark = pytest.mark.slow


def workers(url: str) -> int:
    try:
        with psycopg.connect(url) as connection:
            query = "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - interval '1 s'"
            row = connection.execute(query).fetchone()
    except psycopg.OperationalError:
        return 0
    assert row is not None
    return int(row[0])


def test_a_worker_waits_for_its_database_and_ends_when_told_to(short_dir: Path) -> None:
    log = short_dir / "worker.log"
    environ = {**os.environ, "PENSTOCK__DATA_DIR": str(short_dir / "d"), "PENSTOCK__INGEST__HEARTBEAT_S": "0.2"}
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", "penstock.cli", "worker"], env=environ, stderr=output)
    try:
        until(lambda: "worker_waits_for_database" in log.read_text(), "it does not wait")
        with EmbeddedPostgres(short_dir / "d") as postgres:
            url = postgres.start()
            migrate(url)
            until(lambda: workers(url) == 1, log.read_text())
            pid = postgres.pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            lost = log.read_text().count("worker_waits_for_database") + 1
            until(lambda: log.read_text().count("worker_waits_for_database") >= lost, "it does not wait again")
            url = postgres.start()
            until(lambda: log.read_text().count('"worker_waits"') >= 2, "it does not come back")
            until(lambda: workers(url) == 1, log.read_text())
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_S) == 0, log.read_text()
    except BaseException as error:
        error.add_note(log.read_text())
        raise
    finally:
        process.kill()
        process.wait()


_MADE_UP = """
import asyncio, sys
import psycopg
from penstock.app.knowledge import ingest
from penstock.config.read import read

class Worker:
    def __init__(self, *_, **__): self._stopped = asyncio.Event()
    def stop(self): self._stopped.set()
    async def run(self):
        print("ready", flush=True)
        await self._stopped.wait()
        if sys.argv[2] == "hangs":
            await asyncio.sleep(600)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._lose())
    async def _lose(self): raise psycopg.OperationalError("it is gone")

ingest.Worker, ingest._LEAVE_S = Worker, 0.2
ingest.run_worker(read(None, {}), sys.argv[1])
"""


@pytest.mark.parametrize("how", ["hangs", "loses it"])
def test_a_worker_that_cannot_take_leave_of_its_database_ends_all_the_same(database_url: str, how: str) -> None:
    process = subprocess.Popen([sys.executable, "-c", _MADE_UP, database_url, how], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert b"ready\n" in iter(process.stdout.readline, b"")  # its log comes before
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.communicate()
