"""The unary upstream where nginx is missing: the same answer from a bare event loop.  Run as a program with a port."""

import asyncio
import sys
from typing import Any

import httptools
import uvloop

from bench.payloads import CHAT_ANSWER

_ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_bench\r\ncontent-length: "
    + str(len(CHAT_ANSWER)).encode()
    + b"\r\n\r\n"
    + CHAT_ANSWER
)


class Upstream(asyncio.Protocol):
    """Answers every request alike, as soon as it has come to its end."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        self.transport.write(_ANSWER)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", int(sys.argv[1]), backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
