"""A simulator on a port, and what is heard of it, byte for byte."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import uvloop

from penstock.testing import FakeClock
from penstock.testing.sim import Profile, Simulator

T = TypeVar("T")
PATIENCE_S = 10.0


@dataclass
class Heard:
    """All bytes that came, and how the connection ended: `eof`, `reset` or `silence`."""

    raw: bytes
    end: str

    @property
    def status(self) -> int:
        return int(self.raw.split(b" ", 2)[1])

    @property
    def head(self) -> bytes:
        return self.raw.partition(b"\r\n\r\n")[0]

    @property
    def body(self) -> bytes:
        return self.raw.partition(b"\r\n\r\n")[2]

    @property
    def is_whole(self) -> bool:
        if b"transfer-encoding: chunked" in self.head:
            return self.raw.endswith(b"0\r\n\r\n")
        length = next(line for line in self.head.split(b"\r\n") if line.startswith(b"content-length"))
        return len(self.body) == int(length.split(b" ")[1])

    @property
    def data(self) -> list[bytes]:
        """The chunks' bytes, joined, cut into server-sent events."""
        joined, rest = b"", self.body
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            joined, rest = joined + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
        return [event for event in joined.replace(b"\r\n", b"\n").split(b"\n\n") if event]


async def hear(simulator: Simulator, sent: bytes, *, silence_s: float = PATIENCE_S) -> Heard:
    reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
    writer.write(sent)
    raw = b""
    try:
        while True:
            async with asyncio.timeout(silence_s):
                piece = await reader.read(65536)
            if not piece:
                return Heard(raw, "eof")
            raw += piece
    except TimeoutError:
        return Heard(raw, "silence")
    except ConnectionResetError:
        return Heard(raw, "reset")
    finally:
        writer.close()


def with_simulator(
    scenario: Callable[[Simulator], Awaitable[T]],
    *,
    profile: Profile | None = None,
    clock: FakeClock | None = None,
) -> T:
    async def run() -> T:
        async with Simulator(profile=profile, clock=clock) as simulator:
            return await scenario(simulator)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())
