"""PostgreSQL out of a wheel, inside the data directory, for whoever has no database of their own.

`penstock up` starts it, and so does a command that finds it down.  Any number of processes may use it at once: each
holds a shared lock (which the kernel takes back from the dead), and the last one to leave stops the server.  It
listens on a unix socket in a directory that only its user can enter, and on no network address.

A killed server is recovered on the next start; a server whose owner was killed is found running and adopted.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg

from penstock.core.errors import ConfigError
from penstock.storage.cluster import (
    Postmaster,
    RunAs,
    disown_stale_pids,
    prepare_directory,
    programs,
    read_postmaster,
    serves,
    socket_directory,
)

_DATABASE = "penstock"
_SETTINGS = (
    ("listen_addresses", ""),
    ("unix_socket_permissions", "0700"),
    ("max_connections", "60"),
    ("shared_buffers", "256MB"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    ("io_method", "sync"),
    ("jit", "off"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
)
_LOG_LIMIT_BYTES = 8 << 20
_POLL_S = 0.01


def running_url(data_dir: Path) -> str | None:
    """The URL of the server of this data directory if it takes connections now, else None.  Starts nothing."""
    found = read_postmaster(_pgdata(data_dir))
    return _url(found.socket_dir) if found is not None and found.is_ready else None


def _pgdata(data_dir: Path) -> Path:
    return data_dir.resolve() / "postgres"


def _url(socket_dir: Path, database: str = _DATABASE) -> str:
    return f"postgresql://postgres@/{database}?host={quote(str(socket_dir), safe='')}&port=5432"


class EmbeddedPostgres:
    """A use of the server in `data_dir`: `start` it or join it, `stop` it unless others use it too.

    `start` raises `ConfigError`, fit for a terminal, where the server cannot run here.  Both calls may be repeated.
    Not thread-safe.
    """

    def __init__(self, data_dir: Path, *, ready_timeout_s: float = 60.0) -> None:
        self._data_dir = data_dir.resolve()
        self._pgdata = _pgdata(data_dir)
        self._log_path = self._data_dir / "postgres.log"
        self._ready_timeout_s = ready_timeout_s
        self._use: int | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._pause = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The server's process, or None while there is none."""
        found = read_postmaster(self._pgdata)
        return None if found is None else found.pid

    def start(self) -> str:
        """Bring the server up, or join the running one, and return its URL."""
        bin_dir = programs()
        self._data_dir.mkdir(parents=True, exist_ok=True)
        with self._transition():
            socket_dir = self._up(bin_dir)
            if self._use is None:
                self._use = os.open(
                    self._data_dir / "postgres.users.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600
                )
                fcntl.flock(self._use, fcntl.LOCK_SH)
        return _url(socket_dir)

    def stop(self) -> None:
        """Give up this use; the last one out stops the server and waits until its files are closed."""
        if self._use is None:
            return
        with self._transition():
            try:
                fcntl.flock(self._use, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                is_last = False
            else:
                is_last = True
            if is_last:
                self._shut_down()
            os.close(self._use)
            self._use = None

    def _up(self, bin_dir: Path) -> Path:
        for _ in range(20):
            found = read_postmaster(self._pgdata)
            if found is None:
                if not (self._pgdata / "PG_VERSION").exists():
                    self._initialise(bin_dir)
                found = self._launch(bin_dir, prepare_directory(self._pgdata, bin_dir))
            elif not found.is_ready:
                found = self._until_ready(None)
            try:
                _make_database(found.socket_dir)
            except psycopg.OperationalError:
                # It was dying as we looked: look again.
                self._pause.wait(0.25)
            else:
                return found.socket_dir
        raise ConfigError(f"PostgreSQL runs but takes no connections; see {self._log_path}")

    @contextmanager
    def _transition(self) -> Generator[None]:
        lock = os.open(self._data_dir / "postgres.start.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _initialise(self, bin_dir: Path) -> None:
        # Made beside its place and moved in when whole: a first start that is killed half-way can be repeated.
        fresh = self._data_dir / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        run_as = prepare_directory(fresh, bin_dir)
        done = subprocess.run(  # noqa: S603 - the wheel's own program and fixed words
            [
                bin_dir / "initdb",
                *("-D", fresh, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"),
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            ],
            env=_environment(),
            cwd="/",
            user=run_as.uid,
            group=run_as.gid,
            extra_groups=run_as.extra_groups,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode != 0:
            raise ConfigError(f"initdb failed: {_complaint(done.stdout)}")
        try:
            fresh.rename(self._pgdata)
        except OSError:
            raise ConfigError(f"{self._pgdata} is in the way: it is not a database and not empty") from None

    def _launch(self, bin_dir: Path, run_as: RunAs) -> Postmaster:
        socket_dir = socket_directory(self._pgdata, run_as)
        command: list[str | Path] = [bin_dir / "postgres", "-D", self._pgdata, "-k", socket_dir]
        for name, value in _SETTINGS:
            command += ["-c", f"{name}={value}"]
        if self._log_path.exists() and self._log_path.stat().st_size > _LOG_LIMIT_BYTES:
            self._log_path.replace(self._log_path.with_suffix(".log.1"))
        disown_stale_pids(self._pgdata, socket_dir)
        for _ in range(20):
            with self._log_path.open("ab") as log:
                self._child = subprocess.Popen(  # noqa: S603 - the wheel's own program and fixed words
                    command,
                    env=_environment(),
                    cwd="/",
                    user=run_as.uid,
                    group=run_as.gid,
                    extra_groups=run_as.extra_groups,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    # A Ctrl-C in the terminal is for us: the database must outlive the draining of requests.
                    start_new_session=True,
                )
            try:
                return self._until_ready(self._child)
            except _LeftoverBackends:
                self._pause.wait(0.25)
        raise ConfigError(f"processes of an earlier server still hold {self._pgdata}; see {self._log_path}")

    def _until_ready(self, child: "subprocess.Popen[bytes] | None") -> Postmaster:
        for _ in range(int(self._ready_timeout_s / _POLL_S)):
            found = read_postmaster(self._pgdata)
            if found is not None and found.is_ready and (child is None or found.pid == child.pid):
                return found
            if child is not None and child.poll() is not None:
                tail = self._log_path.read_bytes()[-2000:]
                if b"pre-existing shared memory block" in tail:
                    raise _LeftoverBackends
                raise ConfigError(f"PostgreSQL did not start: {_complaint(tail)} (see {self._log_path})")
            self._pause.wait(_POLL_S)
        raise ConfigError(f"PostgreSQL was not ready after {self._ready_timeout_s:g} s; see {self._log_path}")

    def _shut_down(self) -> None:
        found = read_postmaster(self._pgdata)
        if found is None:
            return
        # SIGINT is the "fast" stop: it ends sessions and writes everything out.  SIGQUIT leaves recovery to the start.
        for request, patience_s in ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0)):
            try:
                os.kill(found.pid, request)
            except ProcessLookupError:
                break
            if self._is_gone(found.pid, patience_s):
                break
        self._child = None
        if found.socket_dir != self._pgdata:
            with suppress(OSError):
                found.socket_dir.rmdir()

    def _is_gone(self, pid: int, patience_s: float) -> bool:
        for _ in range(int(patience_s / _POLL_S)):
            if self._child is not None and self._child.pid == pid:
                if self._child.poll() is not None:
                    return True
            elif not serves(pid, self._pgdata):
                return True
            self._pause.wait(_POLL_S)
        return False


class _LeftoverBackends(Exception):
    """Children of a killed server have not yet noticed that it is dead."""


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def _make_database(socket_dir: Path) -> None:
    with psycopg.connect(_url(socket_dir, "postgres"), autocommit=True, connect_timeout=10) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (_DATABASE,)).fetchone()
        if found is None:
            connection.execute("CREATE DATABASE penstock")


def _complaint(output: bytes) -> str:
    lines = [line.strip() for line in output.decode("utf-8", "replace").splitlines() if line.strip()]
    fatal = [line for line in lines if "FATAL" in line or "error" in line]
    return (fatal or lines or ["it said nothing"])[-1]
