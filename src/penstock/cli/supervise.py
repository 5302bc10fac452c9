"""Keeps child processes running: starts them, restarts what crashed, stops them in order.

`up` owns a `Child` for each plane.  A child that dies comes back after a pause that doubles while it keeps dying; one
that never came up, or that says its configuration is wrong, is given up, and with it the whole start.
"""

import asyncio
import os
import signal
from asyncio.subprocess import Process
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from penstock.cli.settings import EXIT_BAD_CONFIG
from penstock.core.clock import Clock

_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 2.0
_STEADY_S = 30.0
_STARTS_BEFORE_GIVING_UP = 3

_log = structlog.get_logger(__name__)


class ChildFailed(Exception):
    """A child that cannot be kept running; `str()` says which and why, and it has said more on standard error."""

    def __init__(self, message: str, *, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to run.  `stop_timeout_s` is how long it may take after SIGTERM."""

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str]
    inherited_fd: int
    stop_timeout_s: float


class Child:
    """One process that is kept running.  `run` ends after `stop`, or with `ChildFailed`."""

    def __init__(self, spec: ChildSpec, clock: Clock) -> None:
        self._spec = spec
        self._clock = clock
        self._process: Process | None = None
        self._stopping = asyncio.Event()
        self._was_ready = False
        self.restarts = 0

    @property
    def name(self) -> str:
        return self._spec.name

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    def mark_ready(self) -> None:
        """From now on every death is a crash to recover from, not a failed start."""
        self._was_ready = True

    async def run(self) -> None:
        pause_s, starts = _FIRST_PAUSE_S, 0
        while not self._stopping.is_set():
            began_s = self._clock.monotonic()
            starts += 1
            code = await self._run_once()
            if self._stopping.is_set():
                return
            self._give_up_if_hopeless(code, starts)
            if self._clock.monotonic() - began_s >= _STEADY_S:
                pause_s = _FIRST_PAUSE_S
            _log.warning("child_died", child=self.name, exit_code=code, restart_in_s=pause_s)
            await self._pause(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            self.restarts += 1

    async def stop(self) -> None:
        """SIGTERM, a bounded wait, and SIGKILL for what is left."""
        self._stopping.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        _signal(process, signal.SIGTERM)
        try:
            async with asyncio.timeout(self._spec.stop_timeout_s):
                await process.wait()
        except TimeoutError:
            _log.error("child_killed", child=self.name, waited_s=self._spec.stop_timeout_s)
            _signal(process, signal.SIGKILL)
            await process.wait()

    def hang_up(self) -> None:
        """SIGHUP: it reads its configuration file again.  One that is just starting reads it anyway."""
        if self._process is not None and self._process.returncode is None:
            _signal(self._process, signal.SIGHUP)

    def kill(self) -> None:
        """At once, whatever it is doing."""
        self._stopping.set()
        if self._process is not None and self._process.returncode is None:
            _signal(self._process, signal.SIGKILL)

    async def _run_once(self) -> int:
        self._process = await asyncio.create_subprocess_exec(
            *self._spec.command,
            env=dict(self._spec.environ),
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=(self._spec.inherited_fd,),
            # A Ctrl-C in the terminal is for the supervisor, which stops its children in order.
            start_new_session=True,
        )
        if self._stopping.is_set():  # while it was being started: `stop` has not seen it
            _signal(self._process, signal.SIGKILL)
        try:
            return await self._process.wait()
        finally:
            _signal(self._process, signal.SIGKILL)  # what it started must not live on and hold its port

    def _give_up_if_hopeless(self, code: int, starts: int) -> None:
        if code == EXIT_BAD_CONFIG:
            raise ChildFailed(f"the {self.name} does not accept the configuration", exit_code=EXIT_BAD_CONFIG)
        if not self._was_ready and starts >= _STARTS_BEFORE_GIVING_UP:
            raise ChildFailed(f"the {self.name} does not start (exit code {code})", exit_code=1)

    async def _pause(self, pause_s: float) -> None:
        try:
            async with asyncio.timeout(pause_s):
                await self._stopping.wait()
        except TimeoutError:
            return


def _signal(process: Process, number: signal.Signals) -> None:
    """To the process and, when it is to die at once, to everything it started in its session."""
    try:
        if number is signal.SIGKILL:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
    except ProcessLookupError:
        return
