"""The configuration file is changed under a whole installation, which goes on serving."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.system.conftest import Installation, running
from tests.system.outside import admin, ask, begin, end, health, new_key
from tests.system.records import record, until

FILE = "limits:\n  - {name: few, unit: requests, amount: 1000, per: month, scope: [key]}\n"


@dataclass(frozen=True)
class Scene:
    up: Installation
    file: Path
    key: str

    def write(self, amount: int, more: str = "") -> None:
        self.file.write_text(FILE.replace("1000", str(amount)) + more)

    def reload(self) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "penstock.cli", "reload", "--config", str(self.file)]
        environ = {
            **os.environ,
            "PENSTOCK__DATA_DIR": str(self.up.data_dir),
            "PENSTOCK__SERVER__PORT": str(self.up.port),
            "PENSTOCK__CONTROL__PORT": str(self.up.control_port),
            "PENSTOCK_ADMIN_TOKEN": (self.up.data_dir / "admin-token").read_text("ascii").strip(),
            "PENSTOCK_CONTROL_URL": f"http://127.0.0.1:{self.up.control_port}",
        }
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=30)

    def status(self) -> int:
        return ask(self.up, self.key, "sim")[0]

    def configuration_of(self, exchange: str) -> str:
        return record(self.up, lambda row: row["id"] == exchange)["config_hash"]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with running(tmp_path_factory.mktemp("reload") / "data", FILE) as up:
        assert up.config is not None
        yield Scene(up, up.config, new_key(up)[0])


def test_the_command_changes_a_limit_while_requests_are_served(scene: Scene) -> None:
    status, early = end(begin(scene.up, scene.key))
    assert status == 200
    slow = begin(scene.up, scene.key)  # its body comes later
    scene.write(1)
    done = scene.reload()
    assert (done.returncode, done.stderr) == (0, "")
    assert "in force now     limits.few.amount" in done.stdout
    until(lambda: scene.status() == 429, "the new limit is not enforced")
    status, late = end(slow)
    assert status == 429
    # What was refused ran under the configuration that refused it, however long its body took.
    assert scene.configuration_of(early) != scene.configuration_of(late)
    assert health(scene.up) == []
    scene.write(1000)
    assert scene.reload().returncode == 0
    until(lambda: scene.status() == 200, "the old limit is not enforced")
    rows = admin(scene.up, "GET", "/audit?subject=config")[1]["items"]
    assert [row["action"] for row in rows] == ["config.reloaded"] * 2


def test_a_broken_file_is_refused_with_its_line_and_everything_goes_on(scene: Scene) -> None:
    scene.write(1, "limitz: 5\n")
    done = scene.reload()
    assert done.returncode == 1
    assert "penstock.yaml:3: limitz: unknown setting (did you mean `limits`?)" in done.stderr
    assert scene.status() == 200
    scene.write(1000)


def test_a_hangup_does_the_same_and_health_says_what_was_not_taken(scene: Scene) -> None:
    process = scene.up.process
    assert process is not None
    scene.write(1, "gates: {breaker: {open_s: 7}}\n")
    process.send_signal(signal.SIGHUP)
    until(lambda: scene.status() == 429, "the new limit is not enforced")
    until(lambda: any("gates.breaker.open_s" in each for each in health(scene.up)), "health does not say it")
    scene.write(1000, "oops: 1\n")
    process.send_signal(signal.SIGHUP)
    until(lambda: any("penstock.yaml:3: oops" in each for each in health(scene.up)), "health does not say it")
    assert scene.status() == 429
    scene.write(1000)
    process.send_signal(signal.SIGHUP)
    until(lambda: scene.status() == 200, "the mended file is not enforced")
    until(lambda: health(scene.up) == [], "health still says it")
    actors = [row["actor"] for row in admin(scene.up, "GET", "/audit?subject=config")[1]["items"]]
    assert "signal" in actors
