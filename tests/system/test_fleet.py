"""Two data planes on one store: what one finds down the other does not call; a store that goes away harms nobody."""

import json  # noqa: TID251 - the application's side
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psycopg
import pytest
from tests.admission.limits.conftest import RedisServer
from tests.system.conftest import Installation
from tests.system.records import PATIENCE_S
from tests.system.test_postgres_outage import health

from penstock.admission.fleet.board import Board, Report
from penstock.admission.fleet.link import SILENT_S
from penstock.admission.fleet.redis_board import RedisBoard
from penstock.admission.fleet.store import PostgresBoard
from penstock.storage.embedded import EmbeddedPostgres
from penstock.storage.migrate import migrate

TARGET = "held/m"
WINDOW_S = 8
"""Long beside what a provider may round its resets by, so that it is seen to be a window."""
MOST = 80
ANSWER = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}


class Provider(ThreadingHTTPServer):
    """Answers or, while `is_down`, fails; counts the calls of each process by the header that it sends.

    With `most` it takes so many calls in each of its windows of `WINDOW_S`, announces that with every answer, and
    counts by window: `windows[number][process]`, what it refused as `refused`.
    """

    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.is_down = False
        self.calls: Counter[str] = Counter()
        self.most: int | None = None
        self.windows: dict[int, Counter[str]] = {}
        self._began_s = time.monotonic()
        self._lock = threading.Lock()

    def take(self, process: str) -> tuple[int, dict[str, str]]:
        """Count one call; the status and the headers of its answer."""
        with self._lock:
            self.calls[process] += 1
            if self.most is None:
                return (500 if self.is_down else 200), {}
            number, into_s = divmod(time.monotonic() - self._began_s, WINDOW_S)
            window = self.windows.setdefault(int(number), Counter())
            is_full = window.total() - window["refused"] >= self.most
            window["refused" if is_full else process] += 1
            left, reset_s = self.most - (window.total() - window["refused"]), WINDOW_S - into_s
        headers = {
            f"x-ratelimit-limit-req-{WINDOW_S}-second": str(self.most),
            f"x-ratelimit-remaining-req-{WINDOW_S}-second": str(left),
            f"x-ratelimit-reset-req-{WINDOW_S}-second": f"{reset_s:.3f}s",
        }
        return (429, {**headers, "retry-after": f"{reset_s:.3f}"}) if is_full else (200, headers)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        assert isinstance(self.server, Provider)
        self.rfile.read(int(self.headers["content-length"]))
        status, headers = self.server.take(self.headers["x-process"])
        body = json.dumps(ANSWER).encode() if status == 200 else b"{}"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        """Says nothing."""


@dataclass
class Store:
    """The store of a fleet, which can be stopped and started."""

    settings: str
    open: Callable[[], Board]
    start: Callable[[], object]
    stop: Callable[[], object]


@contextmanager
def redis_store(folder: Path) -> Generator[Store]:
    server = RedisServer(folder / "redis", is_cluster=False)
    server.start()
    yield Store(
        f"fleet: {{kind: redis, url: '{server.url}'}}", lambda: RedisBoard(server.url), server.start, server.stop
    )
    server.stop()


@contextmanager
def postgres_store(folder: Path) -> Generator[Store]:
    with EmbeddedPostgres(folder / "elsewhere") as server:
        url = server.start()
        migrate(url)
        yield Store(
            f"database_url: {json.dumps(url)}",
            lambda: PostgresBoard(lambda: psycopg.connect(url)),
            server.start,
            server.stop,
        )


@dataclass
class Plane(Installation):
    """A data plane alone."""

    name: str = ""
    answers: list[int] = field(default_factory=list[int])

    def ask(self) -> int:
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "?"}]}).encode()
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        try:
            with urlopen(Request(f"{self.url}/v1/chat/completions", body, headers), timeout=20) as reply:  # noqa: S310 - ours
                return reply.status
        except HTTPError as refused:
            return refused.code

    def reasons(self) -> str:
        return " ".join(health(self.port).get("reasons", ()))

    def metric(self) -> str:
        with urlopen(f"{self.url}/metrics", timeout=10) as reply:  # noqa: S310 - ours
            lines = reply.read().decode().splitlines()
        return next((line for line in lines if line.startswith("penstock_target_up{")), "")


@contextmanager
def plane(name: str, folder: Path, store: Store, provider: Provider) -> Generator[Plane]:
    (folder / name).mkdir()
    config = folder / name / "penstock.yaml"
    config.write_text(
        f"""
{store.settings}
discover_providers: false
providers:
  held:
    vendor: custom
    dialect: openai-chat
    base_url: {provider.url}
    headers: {{x-process: {name}}}
    prices: {{'*': {{input_usd_per_million: 1, output_usd_per_million: 1}}}}
models:
  m: {{targets: [{{provider: held, model: m}}], max_attempts: 1}}
gates: {{breaker: {{open_s: 2}}}}
"""
    )
    up = Plane(folder / name / "data", config, name=name)
    environ = {k: v for k, v in os.environ.items() if not k.endswith(("_API_KEY", "_BASE_URL"))}
    settings = {"PENSTOCK__DATA_DIR": str(up.data_dir), "PENSTOCK__SERVER__PORT": str(up.port)}
    with (folder / name / "up.log").open("ab") as log:
        up.process = subprocess.Popen(
            [sys.executable, "-m", "penstock.cli", "serve", "--config", str(config)],
            env={**environ, **settings},
            stdout=log,
            stderr=log,
        )
    try:
        up.until_ready(up.port)
        yield up
    finally:
        if up.process.poll() is None:
            assert up.stop() == 0, (folder / name / "up.log").read_text()


@pytest.fixture
def provider() -> Iterator[Provider]:
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join(10)
    server.server_close()


def until(is_true: Callable[[], bool], within_s: float, what: str) -> None:
    began = time.monotonic()
    while not is_true():
        assert time.monotonic() - began < within_s, what
        time.sleep(0.05)  # noqa: TID251 - waits for other processes


@pytest.mark.parametrize("kind", [redis_store, postgres_store])
def test_two_data_planes_share_what_they_find(kind: Callable[[Path], Any], short_dir: Path, provider: Provider) -> None:
    with ExitStack() as stack:
        store: Store = stack.enter_context(kind(short_dir))
        a = stack.enter_context(plane("a", short_dir, store, provider))
        b = stack.enter_context(plane("b", short_dir, store, provider))
        board = store.open()
        until(
            lambda: len(board.exchange(Report(silent_s=SILENT_S)).members) == 2,
            PATIENCE_S,
            "they do not know each other",
        )

        provider.is_down = True
        assert {a.ask() for _ in range(8)} <= {500, 502, 503}
        until(lambda: TARGET in b.reasons(), PATIENCE_S, "the other does not know that it is down")
        assert b.ask() == 503
        assert provider.calls["b"] == 0, "it failed for b itself"
        assert b.metric() == f'penstock_target_up{{target="{TARGET}"}} 0.0'

        provider.is_down = False
        until(lambda: b.ask() == 200, PATIENCE_S, "no probe")
        until(lambda: b.ask() == 200 and TARGET not in b.reasons(), PATIENCE_S, "it stays down")
        until(lambda: TARGET not in a.reasons(), PATIENCE_S, "the probe's success is not shared")
        assert a.ask() == 200

        store.stop()
        for each in (a, b):
            until(lambda each=each: "store is lost" in each.reasons(), PATIENCE_S, "health says nothing of the store")
            assert each.ask() == 200
        store.start()
        for each in (a, b):
            until(lambda each=each: "store is lost" not in each.reasons(), PATIENCE_S, "it is not found again")
        board = store.open()
        until(
            lambda: len(board.exchange(Report(silent_s=SILENT_S)).members) == 2,
            PATIENCE_S,
            "they do not know each other",
        )

        assert b.process is not None
        b.process.kill()
        b.process.wait()
        until(lambda: len(board.exchange(Report(silent_s=SILENT_S)).members) == 1, PATIENCE_S, "the dead lives on")
        board.close()


@pytest.mark.slow
def test_two_data_planes_keep_a_providers_limit_together_by_halves(short_dir: Path, provider: Provider) -> None:
    with ExitStack() as stack:
        store: Store = stack.enter_context(postgres_store(short_dir))
        planes = [stack.enter_context(plane(name, short_dir, store, provider)) for name in ("a", "b")]
        board = store.open()

        def callers() -> int:
            return sum(TARGET in member.targets for member in board.exchange(Report(silent_s=SILENT_S)).members)

        provider.most = MOST
        assert [each.ask() for each in planes] == [200, 200]
        until(lambda: callers() == 2, PATIENCE_S, "they do not know that both call it")
        # Each knows the other by now or learns it with its next beat, and keeps to its half from then on.
        begins = max(provider.windows) + 2
        done = threading.Event()

        def keep_asking(each: Plane) -> None:
            while not done.is_set():
                each.answers.append(each.ask())

        crowd = [threading.Thread(target=keep_asking, args=(each,)) for each in planes for _ in range(24)]
        for thread in crowd:
            thread.start()
        until(lambda: max(provider.windows) >= begins + 2, 6 * WINDOW_S, "nobody calls")
        done.set()
        counted = sum((provider.windows[number] for number in range(begins, begins + 2)), Counter[str]())
        provider.most = 10_000
        for thread in crowd:
            thread.join(60)
        board.close()
    taken = counted["a"] + counted["b"]
    assert counted["refused"] <= 0.02 * taken, counted
    assert taken >= 0.8 * 2 * MOST, counted
    assert 0.4 <= counted["a"] / taken <= 0.6, counted
