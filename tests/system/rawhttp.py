"""HTTP as bytes on a socket: what an SDK would never send, and what it would never show."""

import asyncio
import contextlib
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    is_whole: bool = False
    """False where the connection ended before the answer's own end."""


def request(path: str, body: bytes, headers: dict[str, str], *, method: str = "POST") -> bytes:
    """A whole request that closes its connection; `content-length` is added unless it is given or chunked."""
    named = {"host": "penstock", "content-type": "application/json", "connection": "close", **headers}
    if "transfer-encoding" not in named and "content-length" not in named:
        named["content-length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items() if value != "")
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body


async def exchange(port: int, data: bytes, *, timeout_s: float = 30.0) -> Reply:
    """Send bytes, read to the end of the connection.  A connection that dies gives what had come."""
    async with asyncio.timeout(timeout_s):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        received = b""
        try:
            writer.write(data)
            with contextlib.suppress(ConnectionError):  # the server has answered and does not want the rest
                await writer.drain()
            while chunk := await reader.read(65536):
                received += chunk
        except ConnectionError:
            pass  # what had come by then is what the client has
        finally:
            writer.close()
        return parse(received)


def parse(received: bytes) -> Reply:
    head, separator, rest = received.partition(b"\r\n\r\n")
    if not separator:
        return Reply(0)
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    status = int(first.split(" ")[1])
    if headers.get("transfer-encoding") == "chunked":
        body, is_whole = _dechunk(rest)
    else:
        body, is_whole = rest, len(rest) == int(headers.get("content-length", "-1"))
    return Reply(status, headers, body, is_whole)


def _dechunk(data: bytes) -> tuple[bytes, bool]:
    body = b""
    while True:
        size_text, separator, data = data.partition(b"\r\n")
        if not separator:
            return body, False
        size = int(size_text, 16)
        if size == 0:
            return body, True
        if len(data) < size + 2:
            return body + data[:size], False
        body, data = body + data[:size], data[size + 2 :]
