"""The streaming client: opens many streams, and measures when each event arrives against the time stamped into it.

Run as a program with a JSON job on stdin; writes a JSON result to stdout.  It has a process of its own so that what it
measures is not its caller's work.  One epoll loop, nothing parsed but the time stamps and the end.
"""

import re
import select
import socket
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

STALL_NS = 100_000_000
"""A gap of more than this is a stall, unless upstream itself paused as long."""

_LOOK_NS = 10_000_000
_STARVED_NS = 30_000_000
_SCHEDSTAT = Path("/proc/self/schedstat")
_STAMP = re.compile(rb"t(\d{12,}) ")
_STATUS = re.compile(rb"HTTP/1\.[01] (\d+)")


class Job(msgspec.Struct, kw_only=True):
    port: int
    path: str
    headers: dict[str, str]
    body: str
    streams: int
    ramp_s: float
    timeout_s: float


class Result(msgspec.Struct, kw_only=True):
    """Delays are from upstream's send to the client's receipt.  `first_ms` is from the request to the first event.

    `stalls_while_client_waited` are those of the stalls during which this client itself had to wait for a CPU: on a
    busy machine they say nothing of the gateway.  They count as stalls all the same.
    """

    streams: int
    completed: int
    failed: int
    first_failure: str
    events: int
    stalls: int
    stalls_while_client_waited: int
    first_ms: list[float]
    delay_p50_ms: float
    delay_p99_ms: float
    delay_max_ms: float
    window_s: float
    events_per_s: float


@dataclass(slots=True)
class Stream:
    connection: socket.socket
    begun_ns: int
    first_ns: int = 0
    received_ns: int = 0
    stamped_ns: int = 0
    stalls: int = 0
    events: int = 0
    rest: bytes = b""
    is_over: bool = False
    delays_ns: list[int] = field(default_factory=list[int])


class Client:
    def __init__(self, job: Job) -> None:
        self.job = job
        head = [f"POST {job.path} HTTP/1.1", f"host: 127.0.0.1:{job.port}", f"content-length: {len(job.body.encode())}"]
        head += [f"{name}: {value}" for name, value in job.headers.items()]
        self.request = ("\r\n".join(head) + "\r\n\r\n" + job.body).encode()
        self.epoll = select.epoll()
        self.streams: dict[int, Stream] = {}
        self.ended: list[Stream] = []
        self.failures: list[str] = []
        self.looked_ns = 0
        self.waited_ns = 0
        self.is_starved = False
        self.starved_stalls = 0

    def look(self, now_ns: int) -> None:
        """Every ten milliseconds: has this process waited for a CPU since the last look, and for long?"""
        if now_ns - self.looked_ns < _LOOK_NS:
            return
        waited_ns = int(_SCHEDSTAT.read_text().split()[1])
        self.is_starved = waited_ns - self.waited_ns > _STARVED_NS
        self.looked_ns, self.waited_ns = now_ns, waited_ns

    def run(self) -> Result:
        began_ns = time.monotonic_ns()
        step_ns = int(self.job.ramp_s * 1e9 / self.job.streams)
        opened = 0
        while opened < self.job.streams or self.streams:
            now_ns = time.monotonic_ns()
            self.look(now_ns)
            if now_ns - began_ns > self.job.timeout_s * 1e9:
                self.failures += ["not over in time"] * len(self.streams)
                break
            if opened < self.job.streams and now_ns >= began_ns + opened * step_ns:
                self.open()
                opened += 1
                continue
            for fd, _ in self.epoll.poll(0.001 if opened < self.job.streams else 0.1):
                self.read(fd)
        return self.result((time.monotonic_ns() - began_ns) / 1e9)

    def open(self) -> None:
        try:
            connection = socket.create_connection(("127.0.0.1", self.job.port), timeout=5)
            connection.sendall(self.request)
        except OSError as error:
            self.failures.append(f"connect: {error}")
            return
        connection.setblocking(False)
        self.streams[connection.fileno()] = Stream(connection, time.monotonic_ns())
        self.epoll.register(connection, select.EPOLLIN)

    def read(self, fd: int) -> None:
        stream = self.streams[fd]
        try:
            data = stream.connection.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        now_ns = time.monotonic_ns()
        if not data:
            self.close(fd, "cut before its end")
            return
        if not stream.events and (status := _STATUS.match(data)) and status[1] != b"200":
            self.close(fd, f"status {status[1].decode()}: {data[-200:].decode(errors='replace')}")
            return
        text = stream.rest + data
        end = 0
        for match in _STAMP.finditer(text):
            self.note(stream, int(match[1]), now_ns)
            end = match.end()
        if b"data: [DONE]" in text[end:]:
            self.close(fd, None)
            return
        stream.rest = text[max(end, len(text) - 64) :]

    def note(self, stream: Stream, stamped_ns: int, now_ns: int) -> None:
        if not stream.events:
            stream.first_ns = now_ns
        elif now_ns - stream.received_ns > STALL_NS and stamped_ns - stream.stamped_ns <= STALL_NS:
            stream.stalls += 1
            self.starved_stalls += self.is_starved
        stream.events += 1
        stream.delays_ns.append(now_ns - stamped_ns)
        stream.received_ns, stream.stamped_ns = now_ns, stamped_ns

    def close(self, fd: int, failure: str | None) -> None:
        stream = self.streams.pop(fd)
        self.epoll.unregister(fd)
        stream.connection.close()
        self.ended.append(stream)
        if failure is not None:
            self.failures.append(failure)

    def result(self, window_s: float) -> Result:
        streams = [*self.ended, *self.streams.values()]
        delays = sorted(delay for stream in streams for delay in stream.delays_ns)
        events = len(delays)
        return Result(
            streams=self.job.streams,
            completed=self.job.streams - len(self.failures),
            failed=len(self.failures),
            first_failure=self.failures[0] if self.failures else "",
            events=events,
            stalls=sum(stream.stalls for stream in streams),
            stalls_while_client_waited=self.starved_stalls,
            first_ms=[(stream.first_ns - stream.begun_ns) / 1e6 for stream in streams if stream.first_ns],
            delay_p50_ms=delays[events // 2] / 1e6 if delays else 0.0,
            delay_p99_ms=delays[min(events - 1, events * 99 // 100)] / 1e6 if delays else 0.0,
            delay_max_ms=delays[-1] / 1e6 if delays else 0.0,
            window_s=window_s,
            events_per_s=events / window_s,
        )


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(Client(msgspec.json.decode(sys.stdin.buffer.read(), type=Job)).run()))
