"""`penstock up` and the planes of a fleet when the database is not what they hoped: real processes, a real database."""

import http.client
import json  # noqa: TID251 - an application's side
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from tests.cli.test_up import PATIENCE_S, Running, exported, until, up

from penstock.storage.embedded import EmbeddedPostgres, running_url
from penstock.testing.ports import free_port

pytestmark = pytest.mark.slow


def health(port: int) -> dict[str, object]:
    """What a plane says of itself; nothing while it does not listen."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health")
        return json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException):
        return {}
    finally:
        connection.close()


def count(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM ledger").fetchone()
    assert row is not None
    return int(row[0])


def test_up_serves_while_its_database_is_down_and_makes_the_schema_once_it_is_there(short_dir: Path) -> None:
    with EmbeddedPostgres(short_dir / "elsewhere") as postgres:
        url = postgres.start()
        postgres.stop()
        (short_dir / "penstock.yaml").write_text(f"database_url: {json.dumps(url)}\n")
        with up(short_dir / "d") as running:
            until(lambda: "is ready without its database" in running.log.read_text(), "no banner")
            said = running.log.read_text()
            assert "warning  cannot reach the database: " in said
            assert "try it:" in said
            assert running.ask() == 200
            control = health(running.control_port)
            assert control["status"] == "not_ready"
            assert "cannot reach the database" in str(control["reasons"])
            postgres.start()
            until(lambda: "The database is there now" in running.log.read_text(), "not noticed")
            until(lambda: count(url) == 1, "not shipped")
            until(lambda: health(running.port)["status"] == "ready", "not all is well again")
        assert running.process.returncode == 0, running.log.read_text()


def test_up_with_credentials_that_the_database_refuses_says_so_and_stops(
    short_dir: Path, empty_database_url: str
) -> None:
    wrong = empty_database_url.replace("//postgres@", "//nobody@")
    (short_dir / "penstock.yaml").write_text(f"database_url: {json.dumps(wrong)}\n")
    with up(short_dir / "d") as running:
        assert running.process.wait(PATIENCE_S) == 2
        log = running.log.read_text()
    assert "error: database_url: the database refuses the connection: " in log
    assert 'role "nobody" does not exist' in log


@contextmanager
def control_plane(folder: Path, url: str) -> Generator[tuple[int, Path]]:
    """One control plane of a fleet: its port and its log."""
    port, log = free_port(), folder.with_suffix(".log")
    environ = {
        **os.environ,
        "PENSTOCK__DATABASE_URL": url,
        "PENSTOCK__DATA_DIR": str(folder),
        "PENSTOCK__CONTROL__PORT": str(port),
    }
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", "penstock.cli", "control"], env=environ, stderr=output)
    try:
        yield port, log
    finally:
        process.terminate()
        code = process.wait(PATIENCE_S)
    assert code == 0, log.read_text()


def test_two_control_planes_that_start_on_an_empty_database_migrate_it_once(
    short_dir: Path, empty_database_url: str
) -> None:
    with (
        control_plane(short_dir / "one", empty_database_url) as one,
        control_plane(short_dir / "two", empty_database_url) as two,
    ):
        for port, log in (one, two):
            until(lambda port=port: health(port).get("postgres") == "up", log.read_text())
            until(lambda port=port: health(port).get("status") == "degraded", log.read_text())
            assert health(port)["reasons"] == ["the data plane is unreachable"]
    said = one[1].read_text() + two[1].read_text()
    assert said.count("schema_migrated") == 1
    assert "not_usable" not in said
    assert count(empty_database_url) == 0


def test_an_embedded_database_that_is_killed_comes_back_and_nothing_is_lost(short_dir: Path) -> None:
    data_dir = short_dir / "d"
    with up(data_dir) as running:
        running.wait_until_ready()
        assert running.ask() == 200
        first = postmaster(data_dir)
        os.kill(first, signal.SIGKILL)
        assert running.ask() == 200
        until(lambda: running_url(data_dir) is not None and postmaster(data_dir) != first, "not restarted")
        assert running.ask() == 200
        until(lambda: health(running.control_port).get("status") == "ready", "the control plane does not recover")
        until(lambda: health(running.port).get("status") == "ready", "the data plane does not recover")
    assert running.process.returncode == 0, running.log.read_text()
    assert len(exported(data_dir)) == 3


def postmaster(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def test_a_second_ctrl_c_ends_a_drain_at_once(short_dir: Path) -> None:
    (short_dir / "penstock.yaml").write_text("server: {drain_timeout_s: 600}\n")
    with up(short_dir / "d") as running:
        running.wait_until_ready()
        stream = endless_stream(running)
        running.process.send_signal(signal.SIGINT)
        until(lambda: running.status(running.port, "/health/live") is None, "the data plane still takes connections")
        assert running.process.poll() is None
        assert stream.read1(1), "the first Ctrl-C lets what is in flight go on"
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(20) == 128 + signal.SIGINT
        said = running.log.read_text()
        assert running_url(short_dir / "d") is None
    assert "requests in flight are finished first; once more ends them at once" in said
    assert "Stopping at once: requests in flight are cut off" in said
    assert "Traceback" not in said


def endless_stream(running: Running) -> http.client.HTTPResponse:
    body = {"model": "sim:gap=20ms,tokens=100000", "messages": [{"role": "user", "content": "?"}], "stream": True}
    key = (running.data_dir / "dev-key").read_text().strip()
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=20)
    connection.request(
        "POST",
        "/v1/chat/completions",
        body=json.dumps(body),
        headers={"content-type": "application/json", "authorization": f"Bearer {key}"},
    )
    response = connection.getresponse()
    assert response.status == 200
    assert response.read1(1)
    return response
