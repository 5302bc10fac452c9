"""A whole Penstock as a user starts it, for the tests that talk to it over real sockets."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import msgspec
import pytest
from tests import first_start

from penstock.storage.embedded import EmbeddedPostgres
from penstock.testing.ports import free_port
from penstock.watch.export import all_rows, exported
from penstock.watch.store import LedgerFilter, reading

READY_S = 180.0
_SAID_LAST = 4000
_running: "list[Installation]" = []


@dataclass
class Installation:
    """One `penstock up`.  `port` and `control_port` are its planes', `key` its development key."""

    data_dir: Path
    config: Path | None = None
    environ: dict[str, str] = field(default_factory=dict[str, str])
    port: int = field(default_factory=free_port)
    control_port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None
    ready_after_s: float = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def key(self) -> str:
        return (self.data_dir / "dev-key").read_text("ascii").strip()

    def start(self) -> None:
        command = [sys.executable, "-m", "penstock.cli", "up", "--data-dir", str(self.data_dir)]
        command += ["--port", str(self.port), "--control-port", str(self.control_port)]
        if self.config is not None:
            command += ["--config", str(self.config)]
        environ = {k: v for k, v in os.environ.items() if not k.endswith(("_API_KEY", "_BASE_URL"))}
        environ["PENSTOCK__CONTROL__CONSOLE__ENABLED"] = "false"  # a second of each start
        began = time.monotonic()
        log = (self.data_dir.parent / "up.log").open("ab")
        self.process = subprocess.Popen(
            command, env={**environ, **self.environ}, stdout=log, stderr=log, start_new_session=True
        )
        for port in (self.port, self.control_port):
            self.until_ready(port)
        self.ready_after_s = time.monotonic() - began

    def until_ready(self, port: int) -> None:
        """Wait for one plane; what the processes said is in the error where it does not come up."""
        assert self.process is not None
        until = time.monotonic() + READY_S
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            try:
                with urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2) as reply:
                    if reply.status == 200:
                        return
            except (URLError, OSError):
                pass
            time.sleep(0.02)  # noqa: TID251 - waits for another process
        raise AssertionError((self.data_dir.parent / "up.log").read_text())

    def stop(self, *, timeout_s: float = 60.0) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout_s)

    def said(self) -> str:
        """The end of what its processes have logged."""
        return (self.data_dir.parent / "up.log").read_text()[-_SAID_LAST:]

    def ledger(self) -> list[dict[str, Any]]:
        """What `penstock ledger export` prints; in this process, since a second of each start of one is its imports."""
        with EmbeddedPostgres(self.data_dir) as server, reading(server.start()) as reader:
            rows = all_rows(reader, self.data_dir / "journal", LedgerFilter())
            return [msgspec.json.decode(msgspec.json.encode(exported(row))) for row in rows]


def _begin_with_schema(data_dir: Path) -> None:
    """A first start that finds its database takes half as long, and the tests have some forty of them."""
    if not data_dir.exists():
        data_dir.mkdir(parents=True, mode=0o700)
        first_start.copy_to(data_dir, *first_start.first_start().glob("prices-*"))


@contextmanager
def running(data_dir: Path, config: str | None = None, **environ: str) -> Generator[Installation]:
    """`penstock up` in `data_dir` for the length of the block; it must end with 0."""
    _begin_with_schema(data_dir)
    with started(data_dir, config, environ) as up:
        yield up


@contextmanager
def started(data_dir: Path, config: str | None, environ: dict[str, str]) -> Generator[Installation]:
    """The same where nothing is there yet: it makes its database itself.

    Where the block fails, what was logged stands beside the error.
    """
    path = None
    if config is not None:
        path = data_dir.parent / "penstock.yaml"
        path.write_text(config)
    up = Installation(data_dir, path, environ)
    try:
        up.start()
        _running.append(up)
        yield up
    except BaseException as error:
        error.add_note(f"what the processes said last:\n{up.said()}")
        raise
    finally:
        if up in _running:
            _running.remove(up)
        if up.process is not None and up.process.poll() is None:
            code = up.stop()
            assert code == 0, (data_dir.parent / "up.log").read_text()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Beside a test that failed stands what each installation said last: most outlive their tests."""
    report = yield
    if report.failed:
        report.sections += [(f"what {up.data_dir.parent.name} said last", up.said()) for up in _running]
    return report


@pytest.fixture(scope="session")
def penstock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """With no config at all: what a first user has after `make up`."""
    with started(tmp_path_factory.mktemp("up") / "data", None, {}) as up:
        yield up
