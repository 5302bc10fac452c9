"""The parent's side: a few children that read files, each replaced when it dies or is too slow."""

import os
import queue
import selectors
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self, cast

import msgspec

from penstock.core.clock import Clock, SystemClock
from penstock.knowledge.ingest.isolation.child import Answer, Done, Task, framed
from penstock.knowledge.ingest.reading import Reading
from penstock.knowledge.ingest.unreadable import Limits, Unreadable

_MOST_ANSWER: Final = 1 << 30
_BLOCK: Final = 1 << 20
_KEPT: Final = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "VIRTUAL_ENV", "SYSTEMROOT", "TMPDIR")
"""All that a child sees of the environment: neither keys nor the database's address."""
_SRC: Final = str(Path(__file__).resolve().parents[4])


class Readers:
    """`read` may be called from several threads; as many files are read at once as there are children."""

    def __init__(self, *, children: int = 2, limits: Limits | None = None, clock: Clock | None = None) -> None:
        self._limits = limits or Limits()
        self._clock = clock or SystemClock()
        self._free: queue.LifoQueue[_Child | None] = queue.LifoQueue()
        for _ in range(children):
            self._free.put(None)
        self._lock = threading.Lock()
        self._alive: set[_Child] = set()
        self.started = 0
        self.limits = self._limits

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    @property
    def pids(self) -> tuple[int, ...]:
        with self._lock:
            return tuple(child.pid for child in self._alive)

    def read(self, data: bytes, name: str) -> Reading:
        """Raises `Unreadable`, whatever the file does to the child."""
        if len(data) > self._limits.file_bytes:
            raise Unreadable("too_large", f"it has {len(data) >> 20} MiB, more than {self._limits.file_bytes >> 20}")
        child = self._free.get()
        try:
            if child is None or not child.is_alive:
                child = self._start(child)
            answer = child.ask(Task(name, data, self._limits), self._limits.seconds)
            if not isinstance(answer, Done) and answer.reason == "out_of_memory":
                child.kill()  # what it holds by now is not worth keeping
        except Unreadable:
            if child is not None:
                child.kill()
            raise
        finally:
            self._free.put(child)
        match answer:
            case Done():
                return answer.reading
            case _:
                raise Unreadable(answer.reason, answer.message)

    def close(self) -> None:
        """End every child, at once."""
        with self._lock:
            alive, self._alive = self._alive, set()
        for child in alive:
            child.kill()

    def _start(self, dead: "_Child | None") -> "_Child":
        child = _Child(self._clock)
        with self._lock:
            self.started += 1
            self._alive.discard(cast("_Child", dead))
            self._alive.add(child)
        return child


class _Child:
    def __init__(self, clock: Clock) -> None:
        environ = {name: os.environ[name] for name in _KEPT if name in os.environ}
        environ["PYTHONPATH"] = os.pathsep.join([_SRC, *filter(None, [environ.get("PYTHONPATH")])])
        self._clock = clock
        self._process = subprocess.Popen(
            [sys.executable, "-m", "penstock.knowledge.ingest.isolation.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environ,
            cwd="/",
            close_fds=True,
        )
        self._decoder = msgspec.msgpack.Decoder(Answer)
        for pipe in (self._stdin, self._stdout):
            os.set_blocking(pipe.fileno(), False)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    @property
    def _stdin(self) -> IO[bytes]:
        return cast("IO[bytes]", self._process.stdin)

    @property
    def _stdout(self) -> IO[bytes]:
        return cast("IO[bytes]", self._process.stdout)

    def ask(self, task: Task, seconds: float) -> Answer:
        """Raises `Unreadable` where no answer comes in time, or none at all; the child is of no use then."""
        deadline = self._clock.monotonic() + seconds
        unsent = memoryview(framed(msgspec.msgpack.encode(task)))
        answer = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(self._stdin, selectors.EVENT_WRITE)
            selector.register(self._stdout, selectors.EVENT_READ)
            while True:
                left = deadline - self._clock.monotonic()
                if left <= 0:
                    raise Unreadable("too_slow", f"it was not read within {seconds:g} s")
                for key, _ in selector.select(left):
                    if key.fileobj is self._stdin:
                        unsent = self._send(unsent)
                        if not unsent:
                            selector.unregister(self._stdin)
                        continue
                    block = os.read(self._stdout.fileno(), _BLOCK)
                    if not block:
                        raise self._died()
                    answer += block
                    size = int.from_bytes(answer[:4]) if len(answer) >= 4 else 0
                    if size > _MOST_ANSWER:
                        raise Unreadable("too_large", "its text is larger than can be taken")
                    if len(answer) >= 4 and len(answer) == 4 + size:
                        return self._decoder.decode(memoryview(answer)[4:])

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._stdin.close()
        self._stdout.close()

    def _send(self, unsent: memoryview) -> memoryview:
        try:
            return unsent[os.write(self._stdin.fileno(), unsent[:_BLOCK]) :]
        except BrokenPipeError:
            raise self._died() from None

    def _died(self) -> Unreadable:
        code = self._process.wait()
        if code == -signal.SIGXCPU:
            return Unreadable("too_slow", "it takes more computing than a file may")
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return Unreadable("crashed", f"it made the process that read it crash ({how})")
