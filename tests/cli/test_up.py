"""`penstock up` as a whole: real processes, a real database, real signals."""

import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from penstock.testing.ports import free_port

pytestmark = pytest.mark.slow
PATIENCE_S = 60.0
BODY = b'{"model": "sim", "messages": [{"role": "user", "content": "Hello"}]}'


def until(condition: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline_s, what
        pause.wait(0.05)


@dataclass(frozen=True)
class Running:
    process: subprocess.Popen[str]
    data_dir: Path
    port: int
    control_port: int
    log: Path

    def status(self, port: int, path: str, *, body: bytes | None = None) -> int | None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        headers = {"content-type": "application/json"}
        key = self.data_dir / "dev-key"
        if key.exists():
            headers["authorization"] = f"Bearer {key.read_text().strip()}"
        try:
            connection.request("GET" if body is None else "POST", path, body=body, headers=headers)
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException):
            return None
        else:
            return response.status
        finally:
            connection.close()

    def wait_until_ready(self) -> None:
        for port in (self.port, self.control_port):
            until(lambda port=port: self.status(port, "/health/ready") == 200, f"not ready: {self.log.read_text()}")

    def children(self) -> dict[str, psutil.Process]:
        found: dict[str, psutil.Process] = {}
        for child in psutil.Process(self.process.pid).children():
            try:
                command = child.cmdline()
            except psutil.Error:  # it was killed a moment ago and is a zombie, or gone
                continue
            for name in ("serve", "control"):
                if command[-1:] == [name]:
                    found[name] = child
        return found

    def ask(self) -> int | None:
        return self.status(self.port, "/v1/chat/completions", body=BODY)


def command(data_dir: Path, port: int, control_port: int) -> list[str]:
    options = ["--data-dir", str(data_dir), "--port", str(port), "--control-port", str(control_port)]
    return [sys.executable, "-m", "penstock.cli", "up", *options]


@contextmanager
def up(data_dir: Path) -> Generator[Running]:
    port, control_port = free_port(), free_port()
    log = data_dir.with_name(f"{data_dir.name}-{port}.log")
    with log.open("w") as output:
        process = subprocess.Popen(
            command(data_dir, port, control_port), stdout=output, stderr=output, cwd=data_dir.parent, text=True
        )
    running = Running(process, data_dir, port, control_port, log)
    try:
        yield running
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)


def is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def exported(data_dir: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "penstock.cli", "ledger", "export", "--format", "jsonl", "--data-dir", str(data_dir)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    return done.stdout.splitlines()


def test_up_serves_survives_a_killed_data_plane_and_stops_clean(short_dir: Path) -> None:
    data_dir = short_dir / "d"
    with up(data_dir) as running:
        running.wait_until_ready()
        assert running.ask() == 200
        until(lambda: "is ready" in running.log.read_text(), "no banner")
        banner = running.log.read_text()
        key = (data_dir / "dev-key").read_text().strip()
        assert f"export OPENAI_BASE_URL=http://127.0.0.1:{running.port}/v1" in banner
        assert f"export OPENAI_API_KEY={key}" in banner

        second = subprocess.run(
            command(data_dir, free_port(), free_port()), capture_output=True, text=True, timeout=30, check=False
        )
        assert second.returncode == 1
        assert f"another `penstock up` (process {running.process.pid}) uses" in second.stderr

        first = running.children()["serve"]
        first.kill()

        def is_another() -> bool:
            child = running.children().get("serve")
            return child is not None and child.pid != first.pid

        until(is_another, "not restarted")
        until(lambda: running.ask() == 200, "does not serve again")

        children = list(running.children().values())
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(PATIENCE_S) == 0, running.log.read_text()
        assert all(is_gone(child) for child in children)
        assert not (data_dir / "postgres" / "postmaster.pid").exists()
        assert not list((data_dir / "journal").glob("*.journal")), "something settled was not shipped"
    assert len(exported(data_dir)) == 2

    with up(data_dir) as running:
        running.wait_until_ready()
        assert (data_dir / "dev-key").read_text().strip() == key


def test_a_killed_up_takes_its_children_along_and_the_next_one_heals(short_dir: Path) -> None:
    data_dir = short_dir / "d"
    with up(data_dir) as running:
        running.wait_until_ready()
        assert running.ask() == 200
        children = list(running.children().values())
        assert len(children) == 2
        os.kill(running.process.pid, signal.SIGKILL)
        until(lambda: all(is_gone(child) for child in children), "children outlived their parent")
    with up(data_dir) as running:
        running.wait_until_ready()
        assert running.ask() == 200
    assert len(exported(data_dir)) == 2


def test_a_data_plane_that_rejects_its_configuration_stops_the_start(short_dir: Path) -> None:
    (short_dir / "penstock.yaml").write_text("models: {m: {targets: [{provider: nobody, model: x}]}}")
    with up(short_dir / "d") as running:
        assert running.process.wait(PATIENCE_S) == 2
        log = running.log.read_text()
    assert "penstock.yaml:1: models.m.targets.0.provider: there is no provider `nobody`" in log
    assert "error: the data plane does not accept the configuration" in log
