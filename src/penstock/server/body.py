"""Reading a request's body: bounded in bytes and in time, and only what claims to be JSON."""

import asyncio
import zlib
from collections.abc import Awaitable
from typing import Any, Protocol, TypeAlias

from penstock.core.clock import Clock
from penstock.core.errors import MalformedRequest, RequestTimeout, RequestTooLarge, UnsupportedMediaType
from penstock.server.rsgi import HttpProtocol, Scope

Task: TypeAlias = "asyncio.Task[Any]"


class BodyLimits(Protocol):
    """The settings that matter here (`config.types.Server` has them)."""

    @property
    def body_limit_bytes(self) -> int: ...
    @property
    def body_timeout_s(self) -> float: ...


async def read_json_body(scope: Scope, protocol: HttpProtocol, limits: BodyLimits, clock: Clock, task: Task) -> bytes:
    """The body's bytes, decompressed.  `task` is the caller's own.

    Raises `RequestTooLarge` as soon as the declared or the actual size passes the limit, without reading on;
    `RequestTimeout` where the client stops sending; `UnsupportedMediaType` for what is not JSON in UTF-8.
    """
    headers = scope.headers
    _check_content_type(headers.get("content-type"))
    encoding = (headers.get("content-encoding") or "identity").lower()
    if encoding not in {"identity", "gzip", "deflate"}:
        raise UnsupportedMediaType(f"content-encoding `{encoding[:40]}` is not supported: use gzip or deflate")
    limit = limits.body_limit_bytes
    declared = headers.get("content-length")
    if declared is not None and declared.isascii() and declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    body = await _in_time(protocol() if declared is not None else _read_chunks(protocol, limit), limits, clock, task)
    return body if encoding == "identity" else _inflate(body, limit)


async def _in_time(reading: Awaitable[bytes], limits: BodyLimits, clock: Clock, task: Task) -> bytes:
    """As `asyncio.timeout`, at a third of its cost: this runs for every request."""
    is_late = False

    def stop() -> None:
        nonlocal is_late
        is_late = True
        task.cancel()

    timer = clock.call_at(clock.monotonic() + limits.body_timeout_s, stop)
    try:
        return await reading
    except asyncio.CancelledError:
        if not is_late or task.uncancel() > 0:
            raise
        raise RequestTimeout(f"the request body did not arrive within {limits.body_timeout_s:g} s") from None
    finally:
        timer.cancel()


async def _read_chunks(protocol: HttpProtocol, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in protocol:
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def _check_content_type(content_type: str | None) -> None:
    """JSON, or nothing said; a charset other than UTF-8 would be read wrong, so it is refused."""
    if content_type is None or content_type == "application/json":
        return
    kind, _, parameters = content_type.lower().partition(";")
    kind = kind.strip()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise UnsupportedMediaType(f"content-type `{kind[:80]}` is not supported: send application/json")
    charset = parameters.partition("charset=")[2].partition(";")[0].strip().strip('"')
    if charset and charset not in {"utf-8", "utf8"}:
        raise UnsupportedMediaType(f"charset `{charset[:40]}` is not supported: JSON is UTF-8")


def _inflate(body: bytes, limit: int) -> bytes:
    """Decompress gzip or zlib, stopping at the limit: a small body may unfold to a very large one."""
    inflater = zlib.decompressobj(wbits=47)  # 32 + 15: gzip or zlib, told apart by the header
    try:
        data = inflater.decompress(body, limit + 1)
    except zlib.error as error:
        raise MalformedRequest("the body is not what its content-encoding says") from error
    if len(data) > limit:
        raise _too_large(limit)
    if not inflater.eof:
        raise MalformedRequest("the compressed body is cut short")
    return data


def _too_large(limit: int) -> RequestTooLarge:
    return RequestTooLarge(f"the request body is larger than {limit} bytes")
