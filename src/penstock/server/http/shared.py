"""What all connections of one listener have in common: the application, the bounds, the clock, and who is connected."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

from penstock.core.clock import Clock
from penstock.core.errors import PenstockError
from penstock.server.http.head import HeaderNames
from penstock.server.http.request import Request
from penstock.server.http.response import HeaderList, HeadWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """Bounds on what one client may hold.

    A head is at most `header_limit_bytes` and here within `head_timeout_s` of its first byte.  A connection without a
    request is kept for `idle_timeout_s`, longer than the 60 s of common balancers, so that they close first.  A client
    that took no byte of its answer for `write_timeout_s` is given up.
    """

    header_limit_bytes: int = 64 * 1024
    head_timeout_s: float = 30.0
    idle_timeout_s: float = 75.0
    write_timeout_s: float = 60.0
    max_connections: int = 10_000


class Application(Protocol):
    """Answers requests.  `refuse` is what to say to something that is no request: status, headers and body."""

    def __call__(self, request: Request) -> Coroutine[Any, Any, None]: ...
    def refuse(self, error: PenstockError) -> tuple[int, HeaderList, bytes]: ...


class Member(Protocol):
    """A connection, as the listener sees it; see `Connection` for what each does."""

    due_s: float

    def overdue(self, now_s: float) -> None: ...
    def close_if_idle(self) -> None: ...
    def abort(self) -> None: ...


@dataclass(slots=True, kw_only=True)
class Shared:
    """A connection is a member until it is lost and its request has ended.  `is_empty` is set while there is none."""

    app: Application
    clock: Clock
    limits: HttpLimits
    loop: asyncio.AbstractEventLoop
    heads: HeadWriter
    names: HeaderNames = field(default_factory=HeaderNames)
    members: set[Member] = field(default_factory=set[Member])
    is_empty: asyncio.Event = field(default_factory=asyncio.Event)

    def join(self, member: Member) -> None:
        self.members.add(member)
        self.is_empty.clear()

    def leave(self, member: Member) -> None:
        self.members.discard(member)
        if not self.members:
            self.is_empty.set()
