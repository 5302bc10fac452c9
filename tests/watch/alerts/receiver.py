"""A real receiver of webhooks on a port, in asyncio, that answers as it is told and keeps what it was sent."""

import asyncio
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.watch.alerts.listener import listening


@dataclass(frozen=True)
class Message:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Answers with `answers` in turn, and then with `status`; a negative one closes the connection, 0 says nothing."""

    status: int = 200
    answers: deque[int] = field(default_factory=deque[int])
    headers: str = ""
    messages: list[Message] = field(default_factory=list[Message])
    drips: bool = False
    before_answer: Callable[[], None] | None = None
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def ids(self) -> list[str]:
        return [message.headers["webhook-id"] for message in self.messages]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.split("\r\n")
            headers = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
            }
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.messages.append(Message(first.split(" ")[1], headers, body))
            if self.before_answer is not None:
                self.before_answer()
            status = self.answers.popleft() if self.answers else self.status
            if self.drips:
                await drip(writer)
            elif status == 0:
                await reader.read()  # until the sender has had enough
            elif status > 0:
                writer.write(f"HTTP/1.1 {status} X\r\n{self.headers}content-length: 2\r\n\r\nok".encode())
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def drip(writer: asyncio.StreamWriter) -> None:
    """Headers without an end, each well within any timeout of a single read."""
    writer.write(b"HTTP/1.1 200 X\r\n")
    for _ in range(100):
        writer.write(b"x: y\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)  # noqa: TID251 - slowness is what this is about


@contextmanager
def receiving() -> Generator[Receiver]:
    receiver = Receiver()
    with listening(receiver.serve) as receiver.port:
        yield receiver
