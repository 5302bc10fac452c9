"""Starts programs, waits until they serve, and says what they used: CPU time and memory of whole process trees."""

import http.client
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import psutil

HOST = "127.0.0.1"
_TICK_S = 0.02


class Unavailable(Exception):
    """A gateway or a tool cannot be measured here; the text is the reason that stands in the report."""


@dataclass(slots=True)
class Program:
    """A running program and its descendants.  `log` holds everything that it printed."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def pids(self) -> list[int]:
        try:
            root = psutil.Process(self.process.pid)
            return [root.pid, *(child.pid for child in root.children(recursive=True))]
        except psutil.NoSuchProcess:
            return []

    def stop(self, *, timeout_s: float = 15.0) -> int | None:
        """SIGTERM, then SIGKILL to whatever of the tree is left.  Returns the exit code."""
        pids = self.pids()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for pid in pids:
            if psutil.pid_exists(pid) and pid != self.process.pid:
                kill_quietly(pid)
        return self.process.returncode

    def tail(self, lines: int = 4) -> str:
        text = self.log.read_text(errors="replace").strip().splitlines()
        return " / ".join(line.strip() for line in text[-lines:])


def kill_quietly(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def start(name: str, command: Sequence[str | Path], *, log: Path, env: Mapping[str, str] | None = None) -> Program:
    """Start `command` with the environment of this process, `env` on top, and no provider's keys in it."""
    log.parent.mkdir(parents=True, exist_ok=True)
    inherited = {key: value for key, value in os.environ.items() if not key.endswith(("_API_KEY", "_PROXY", "_proxy"))}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**inherited, **(env or {})},
            start_new_session=True,
        )
    return Program(name, process, log)


def wait_until_answers(
    program: Program, port: int, path: str, *, timeout_s: float, headers: Mapping[str, str] = MappingProxyType({})
) -> float:
    """Seconds until GET `path` answered 200.  Raises `Unavailable` with the program's last words."""
    began = time.monotonic()
    while time.monotonic() - began < timeout_s:
        if program.process.poll() is not None:
            raise Unavailable(f"{program.name} exited with {program.process.returncode}: {program.tail()}")
        if get_status(port, path, headers) == 200:
            return time.monotonic() - began
        time.sleep(_TICK_S)  # noqa: TID251 - a measuring program has no injected clock
    raise Unavailable(f"{program.name} did not answer {path} within {timeout_s:.0f} s: {program.tail()}")


def get_status(port: int, path: str, headers: Mapping[str, str] = MappingProxyType({})) -> int | None:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def post(port: int, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    try:
        connection.request("POST", path, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(f"no answer: {error}") from error
    finally:
        connection.close()


def listeners(pids: Iterable[int], port: int) -> list[int]:
    """Those of `pids` that hold the listening socket of `port`."""
    found: list[int] = []
    for pid in pids:
        try:
            connections = psutil.Process(pid).net_connections(kind="tcp")
        except psutil.Error:
            continue
        if any(c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in connections):
            found.append(pid)
    return found


@dataclass(frozen=True, slots=True)
class Memory:
    """`rss_mb` counts shared pages in every process, `pss_mb` shares them out."""

    rss_mb: float
    pss_mb: float


def memory(pids: Iterable[int]) -> Memory:
    rss = pss = 0
    for pid in pids:
        try:
            info = psutil.Process(pid).memory_full_info()
        except psutil.Error:
            continue
        rss += info.rss
        pss += info.pss
    return Memory(rss / 1e6, pss / 1e6)


def cpu_s(pids: Iterable[int]) -> float:
    """CPU time that these processes, and their children that have already ended, have used."""
    total = 0.0
    for pid in pids:
        try:
            times = psutil.Process(pid).cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return total


def schedstat_s(pids: Iterable[int]) -> float:
    """The same in nanosecond resolution, from the scheduler: short windows need it (a tick of `cpu_s` is 10 ms)."""
    total = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            try:
                total += int(task.read_text().split()[0])
            except (OSError, ValueError, IndexError):
                continue
    return total / 1e9
