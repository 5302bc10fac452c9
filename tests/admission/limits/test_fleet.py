"""Three processes and one limit, on each shared store: none over, at least 98 % used, whoever is killed."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.admission.limits.conftest import FLEET_STORES, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("address", FLEET_STORES, indirect=True)]

AMOUNT = 3000


class Fleet:
    def __init__(self, address: tuple[str, str], folder: Path) -> None:
        self._address = address
        self._folder = folder
        self.running: list[subprocess.Popen[bytes]] = []
        self.files: list[Path] = []

    def start(self, *, machine: str = "one") -> subprocess.Popen[bytes]:
        file = self._folder / f"{len(self.files)}.admitted"
        file.touch()
        command = [sys.executable, "-m", "tests.admission.limits.fleet_worker", *self._address]
        process = subprocess.Popen([*command, str(self._folder / machine), str(AMOUNT), str(file)])
        self.running.append(process)
        self.files.append(file)
        return process

    def admitted(self) -> int:
        return sum(file.stat().st_size for file in self.files)

    def wait(self) -> None:
        for process in self.running:
            process.wait(timeout=60)


def test_the_limit_is_exact_over_three_processes(address: tuple[str, str], tmp_path: Path) -> None:
    fleet = Fleet(address, tmp_path)
    for machine in ("one", "one", "two"):
        fleet.start(machine=machine)
    fleet.wait()
    assert [process.returncode for process in fleet.running] == [0, 0, 0]
    assert AMOUNT * 0.98 <= fleet.admitted() <= AMOUNT
    assert all(file.stat().st_size for file in fleet.files), "each had a part"


def test_the_limit_stays_exact_when_one_is_killed_and_started_again(address: tuple[str, str], tmp_path: Path) -> None:
    fleet = Fleet(address, tmp_path)
    victim = fleet.start(machine="its own")
    fleet.start()
    fleet.start()
    wait_until(lambda: fleet.files[0].stat().st_size > 100)
    victim.kill()
    victim.wait()
    assert list((tmp_path / "its own").glob("*.spent")), "it left what it had spent"
    fleet.start(machine="its own")
    fleet.wait()
    assert [process.returncode for process in fleet.running] == [-9, 0, 0, 0]
    assert AMOUNT * 0.98 <= fleet.admitted() <= AMOUNT
    assert not list(tmp_path.glob("*/*.spent")), "adopted by the next, and given back by those that stopped in order"
