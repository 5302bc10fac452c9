"""The part of the RSGI interface that the data plane uses, typed: granian exports it without types.

Specification: granian's docs/spec/RSGI.md, version 1.6.
"""

from collections.abc import AsyncIterator
from typing import Protocol

from granian.rsgi import (
    ProtocolClosed,  # pyright: ignore[reportPrivateImportUsage] - its public home; granian re-exports it unmarked
    ProtocolError,  # pyright: ignore[reportPrivateImportUsage] - same
)

Headers = list[tuple[str, str]]

CONNECTION_LOST: tuple[type[Exception], ...] = (ProtocolClosed, ProtocolError)
"""What sending raises once the client's side of the connection is gone."""


class RequestHeaders(Protocol):
    """Names in lower case; `get` gives the first value."""

    def get(self, key: str) -> str | None: ...
    def __contains__(self, key: str) -> bool: ...


class Scope(Protocol):
    """The head of one request.  `path` is percent-decoded by nobody yet; `proto` is `http` or `ws`.

    `client` is the caller's address and port, an IPv6 address in brackets.
    """

    proto: str
    client: str
    method: str
    path: str

    @property
    def headers(self) -> RequestHeaders: ...


class Transport(Protocol):
    async def send_bytes(self, data: bytes) -> None: ...


class HttpProtocol(Protocol):
    """Calling it reads the whole body, iterating reads it in chunks; `client_disconnect` returns when the client left.

    One response may be made: in one piece, or as a stream that ends when the request's coroutine returns.
    """

    async def __call__(self) -> bytes: ...
    def __aiter__(self) -> AsyncIterator[bytes]: ...
    async def client_disconnect(self) -> None: ...
    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None: ...
    def response_stream(self, status: int, headers: Headers) -> Transport: ...
