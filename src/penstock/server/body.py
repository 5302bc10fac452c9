"""Reading a request's body: bounded in bytes and in time, and only what claims to be JSON."""

import zlib
from dataclasses import dataclass
from typing import Protocol

from penstock.core.clock import Clock
from penstock.core.errors import MalformedRequest, RequestTooLarge, UnsupportedMediaType
from penstock.server.http.request import Request


class BodyLimits(Protocol):
    """The settings that matter here (`config.types.Server` has them)."""

    @property
    def body_limit_bytes(self) -> int: ...
    @property
    def body_timeout_s(self) -> float: ...


@dataclass(frozen=True, slots=True)
class BodyBounds:
    """Bounds of a route's own."""

    body_limit_bytes: int
    body_timeout_s: float


async def read_json_body(request: Request, limits: BodyLimits, clock: Clock) -> bytes:
    """The body's bytes, decompressed.  Waits only where they are not all in yet.

    Raises `RequestTooLarge` as soon as the declared or the actual size passes the limit, without reading on;
    `RequestTimeout` where the client stops sending; `UnsupportedMediaType` for what is not JSON in UTF-8;
    `MalformedRequest` for broken framing; `ClientGone`.
    """
    headers = request.headers
    _check_content_type(headers.get("content-type"))
    encoding = (headers.get("content-encoding") or "identity").lower()
    if encoding not in {"identity", "gzip", "deflate"}:
        raise UnsupportedMediaType(f"content-encoding `{encoding[:40]}` is not supported: use gzip or deflate")
    limit = limits.body_limit_bytes
    body = request.take_body(limit)
    if body is None:
        declared = headers.get("content-length")
        if declared is not None and int(declared) > limit:
            raise _too_large(limit)
        body = await request.read_body(limit, timeout_s=limits.body_timeout_s, clock=clock)
    return body if encoding == "identity" else _inflate(body, limit)


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
