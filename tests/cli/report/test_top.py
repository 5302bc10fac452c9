"""`penstock top` over a real control plane: once over a pipe, and live in a pseudo-terminal of 80 columns."""

import fcntl
import os
import pty
import random
import re
import select
import struct
import subprocess
import sys
import termios
import time
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest
from tests.console.serving import Api, serving
from tests.console.test_identity_api import key_of
from tests.watch.rollups.scene import arrivals, random_record
from typer.testing import CliRunner, Result

from penstock import cli
from penstock.core.clock import SystemClock
from penstock.watch.store import LedgerWriter

PATIENCE_S = 30.0
HOSTILE = "\x1b]0;owned\x07[red]name"


@pytest.fixture
def url(database_url: str) -> str:
    """Thirty exchanges of the last minutes, of three tenants."""
    rng = random.Random(4)  # noqa: S311 - made records
    made = [random_record(rng, number, began=SystemClock().now() - 200, spread_s=190.0) for number in range(30)]
    made = [msgspec.structs.replace(each, model=HOSTILE if each.model == "sales" else each.model) for each in made]
    writer = LedgerWriter(database_url)
    writer.insert(arrivals(made))
    writer.close()
    return database_url


def environ(port: int, token: str) -> dict[str, str]:
    return {"PENSTOCK_CONTROL_URL": f"http://127.0.0.1:{port}", "PENSTOCK_ADMIN_TOKEN": token, "TERM": "xterm"}


def once(api: Api, *arguments: str, credential: str | None = None) -> Result:
    built = cli._build(["top"])  # pyright: ignore[reportPrivateUsage] - the program itself ends the process
    return CliRunner().invoke(built, ["top", *arguments], env=environ(api.port, credential or api.token))


class Terminal:
    """The command in a terminal of 80 columns and 24 lines."""

    def __init__(self, port: int, token: str) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.before = termios.tcgetattr(theirs)
        self.theirs = theirs
        self.process = subprocess.Popen(
            [sys.executable, "-m", "penstock.cli", "top"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, **environ(port, token)},
        )
        self.seen = ""

    def until(self, said: str) -> None:
        """Read on until that is on the screen; what came before is forgotten."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            ready, _, _ = select.select([self._ours], [], [], 0.5)
            if ready:
                self.seen += os.read(self._ours, 65536).decode("utf-8", "replace")
            if said in self.seen:
                return
        raise AssertionError(f"no {said!r} in {self.seen[-3000:]!r}")

    def press(self, key: str) -> None:
        self.seen = ""
        os.write(self._ours, key.encode())

    def close(self) -> int:
        return self.process.wait(PATIENCE_S)


def test_once_over_a_pipe_it_is_plain_and_shows_what_the_credential_may_see(tmp_path: Path, url: str) -> None:
    with serving(tmp_path, url) as api:
        done, own = once(api), once(api, credential=key_of(api, "acme", "viewer"))
    assert done.exit_code == 0, done.output
    assert "\x1b" not in done.stdout
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 24
    assert re.search(r"^\?\]0;owned\?\[red\]name +0\.\d\d ", done.stdout, re.MULTILINE)
    assert re.search(r"^support +0\.\d\d +\d+ ", done.stdout, re.MULTILINE)
    assert re.search(r"^openai/gpt-4o ", done.stdout, re.MULTILINE)
    assert "health the data plane is unreachable" in done.stdout
    assert own.exit_code == 0, own.output
    said = [re.search(r"^rate (\d\.\d\d)/s", each.stdout, re.MULTILINE) for each in (done, own)]
    rates = [float(found[1]) for found in said if found is not None]
    assert rates[0] > rates[1] > 0
    assert "not for this credential to see" in own.stdout
    assert "unreachable" not in own.stdout
    away = once(api)
    assert (away.exit_code, "does not answer" in away.stderr) == (1, True)


def test_in_a_terminal_it_sorts_pauses_says_who_is_away_and_ends(tmp_path: Path, url: str) -> None:
    with ExitStack() as after:
        with serving(tmp_path, url) as api:
            terminal = Terminal(api.port, api.token)
            after.callback(terminal.process.kill)
            terminal.until("ASSISTANT")
            terminal.until("by exchanges")
            terminal.press("p")
            terminal.until("by p95")
            terminal.press(" ")
            terminal.until("paused")
        terminal.press(" ")
        terminal.until("does not")
        terminal.press("q")
        assert terminal.close() == 0
        assert termios.tcgetattr(terminal.theirs) == terminal.before
