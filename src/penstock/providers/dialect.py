"""What one upstream dialect must say of itself; all of it pure, so that it is tested without a socket."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from penstock.core.chat import Dialect, Request
from penstock.core.errors import PenstockError
from penstock.core.events import Event


@dataclass(frozen=True, slots=True, repr=False)
class Endpoint:
    """Where and how one vendor is reached.

    `base_url` has no trailing slash.  `credential` is the API key or, for Bedrock, `access_key:secret_key[:session]`.
    `headers` are sent with every call.  `quirks` are the vendor's deviations from its dialect, as data (`vendors.py`);
    `options` are deployment settings (`api_version` for Azure, `region` for Bedrock).  Never printed: holds a secret.
    """

    vendor: str
    base_url: str
    credential: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    quirks: frozenset[str] = frozenset()
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    heads: "dict[tuple[str, str, bool], CallHead]" = field(
        default_factory=dict["tuple[str, str, bool]", "CallHead"], compare=False, init=False
    )
    """What of a call is the same each time; kept here by the dialect whose endpoint it is, in a bound."""

    def __repr__(self) -> str:
        return f"Endpoint({self.vendor}, {self.base_url})"


class CallHead(msgspec.Struct, frozen=True):
    """A call without its body: an absolute URL and headers (lower-case names) with the credential.  Never printed."""

    url: str
    headers: tuple[tuple[str, str], ...]

    def __repr__(self) -> str:
        return f"CallHead({self.url})"


class HttpCall(msgspec.Struct, frozen=True, eq=False):
    """One HTTP request, ready to send.  Never printed: its headers hold a credential.

    Calls that are alike in all but their body should share one `headers` tuple: it is written out once.
    """

    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    method: str = "POST"

    def __repr__(self) -> str:
        return f"HttpCall({self.method} {self.url})"


class Decoder(Protocol):
    """Turns one answer's body bytes into events, whatever the sizes in which the bytes arrive.

    `feed` returns the events that are complete by now.  `finish` is called when the body has ended and returns the
    rest; it raises `UpstreamProtocolError` where the dialect's end has not been seen.  Both raise
    `UpstreamProtocolError` on bytes that are not the dialect's, and the mapped `UpstreamError` on an error sent inside
    a 200 stream.  `is_complete` is true once the dialect's end has been seen: bytes after it are ignored.
    """

    @property
    def is_complete(self) -> bool: ...
    def feed(self, data: bytes) -> Sequence[Event]: ...
    def finish(self) -> Sequence[Event]: ...


class UpstreamDialect(Protocol):
    """One provider API.

    `encode` raises `UnsupportedField`, naming the field as the caller's dialect calls it.  `advisory` names the
    fields `encode` leaves out because they cannot change the answer.  `decoder` is for a 2xx answer to `request`
    (streamed if `request.stream`).  `error` maps any other answer to an
    `UpstreamError`, or to `ContextTooLong`; header names come in lower case.
    """

    @property
    def name(self) -> Dialect: ...
    def advisory(self, request: Request, endpoint: Endpoint) -> Sequence[str]: ...
    def encode(self, request: Request, model: str, endpoint: Endpoint, *, now: float) -> HttpCall: ...
    def decoder(self, request: Request, endpoint: Endpoint) -> Decoder: ...
    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> PenstockError: ...
