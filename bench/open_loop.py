"""The constant-arrival client: sends a request every 1/rate seconds, whether or not earlier ones are answered.

Run as a program with a JSON job on stdin; writes a JSON result to stdout.  A response time counts from the moment at
which the request was due, so a gateway that falls behind cannot hide it.  `select` is used for its microsecond timeout.
"""

import re
import select
import socket
import sys
import time
from collections import deque
from dataclasses import dataclass
from itertools import chain, cycle

import msgspec

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_MARK = re.compile(rb"x-penstock-cache: *([a-z]+)", re.IGNORECASE)
_MOST_CONNECTIONS = 500


class Job(msgspec.Struct, kw_only=True):
    port: int
    path: str
    headers: dict[str, str]
    body: str
    rate: float
    seconds: float
    tokens: list[str] = []
    bodies: list[str] = []
    """Take turns, each with one request, in place of `body`."""
    warm_s: float = 1.0


class Times(msgspec.Struct, kw_only=True):
    answered: int
    p50_ms: float
    p99_ms: float


class Result(msgspec.Struct, kw_only=True):
    sent: int
    answered: int
    failed: int
    unanswered: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float
    marks: dict[str, Times] = {}
    """By what the cache says that it did."""


@dataclass(slots=True)
class Connection:
    socket: socket.socket
    due_ns: int = 0
    received: bytes = b""

    def fileno(self) -> int:
        return self.socket.fileno()


class Client:
    def __init__(self, job: Job) -> None:
        self.job = job
        self.requests = cycle(
            [self.written({**job.headers, "authorization": f"Bearer {token}"}, job.body) for token in job.tokens]
            or [self.written(job.headers, body) for body in job.bodies or [job.body]]
        )
        self.idle: deque[Connection] = deque()
        self.busy: dict[int, Connection] = {}
        self.times_ms: dict[str, list[float]] = {}
        self.failed = 0
        self.sent = 0
        self.count_from_ns = 0

    def written(self, headers: dict[str, str], body: str) -> bytes:
        job = self.job
        head = [f"POST {job.path} HTTP/1.1", f"host: 127.0.0.1:{job.port}", f"content-length: {len(body.encode())}"]
        head += [f"{name}: {value}" for name, value in headers.items()]
        return ("\r\n".join(head) + "\r\n\r\n" + body).encode()

    def run(self) -> Result:
        step_ns = int(1e9 / self.job.rate)
        due_ns = time.monotonic_ns() + step_ns
        self.count_from_ns = due_ns + int(self.job.warm_s * 1e9)
        end_ns = self.count_from_ns + int(self.job.seconds * 1e9)
        while due_ns < end_ns:
            wait_ns = due_ns - time.monotonic_ns()
            if wait_ns <= 0:
                self.send(due_ns)
                due_ns += step_ns
                continue
            self.receive(wait_ns / 1e9)
        grace_ns = time.monotonic_ns() + 5_000_000_000
        while self.busy and time.monotonic_ns() < grace_ns:
            self.receive(0.1)
        return self.result()

    def send(self, due_ns: int) -> None:
        is_counted = due_ns >= self.count_from_ns
        self.sent += is_counted
        if len(self.busy) >= _MOST_CONNECTIONS:
            self.failed += is_counted
            return
        try:
            connection = self.idle.pop() if self.idle else self.connect()
            connection.due_ns = due_ns
            connection.socket.send(next(self.requests))
        except OSError:
            self.failed += is_counted
            return
        self.busy[connection.fileno()] = connection

    def connect(self) -> Connection:
        opened = socket.create_connection(("127.0.0.1", self.job.port), timeout=5)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.setblocking(False)
        return Connection(opened)

    def receive(self, timeout_s: float) -> None:
        for connection in select.select(list(self.busy.values()), [], [], timeout_s)[0]:
            try:
                data = connection.socket.recv(65_536)
            except OSError:
                data = b""
            connection.received += data
            if data and not is_whole(connection.received):
                continue
            is_good = connection.received.startswith(b"HTTP/1.1 200")
            del self.busy[connection.fileno()]
            if connection.due_ns >= self.count_from_ns:
                self.failed += not is_good
                if is_good:
                    mark = _MARK.search(connection.received[:2000])
                    took_ms = (time.monotonic_ns() - connection.due_ns) / 1e6
                    self.times_ms.setdefault(mark[1].decode() if mark else "", []).append(took_ms)
            if data and b"connection: close" not in connection.received[:2000].lower():
                connection.received = b""
                self.idle.append(connection)
            else:
                connection.socket.close()

    def result(self) -> Result:
        times = sorted(chain.from_iterable(self.times_ms.values()))
        return Result(
            sent=self.sent,
            answered=len(times),
            failed=self.failed,
            unanswered=self.sent - len(times) - self.failed,
            p50_ms=_at(times, 0.5),
            p90_ms=_at(times, 0.9),
            p99_ms=_at(times, 0.99),
            max_ms=times[-1] if times else 0.0,
            marks={
                mark: Times(answered=len(each), p50_ms=_at(sorted(each), 0.5), p99_ms=_at(sorted(each), 0.99))
                for mark, each in self.times_ms.items()
            },
        )


def _at(times: list[float], share: float) -> float:
    return times[min(len(times) - 1, int(len(times) * share))] if times else 0.0


def is_whole(received: bytes) -> bool:
    head, separator, body = received.partition(b"\r\n\r\n")
    if not separator:
        return False
    length = _LENGTH.search(head)
    return len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n")


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(Client(msgspec.json.decode(sys.stdin.buffer.read(), type=Job)).run()))
