"""A dialect and a pool of connections, put together as a `core.ports.Provider`.

`app` makes one for each configured provider; `flow.attempt` opens calls on it and `flow.pump` reads their sources.
Unary and streamed answers take the same way: the body is fed to the dialect's decoder as it arrives.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from penstock.core.chat import Dialect, Request
from penstock.core.clock import Clock, Timer
from penstock.core.errors import UpstreamError, UpstreamTimeout
from penstock.core.events import Event
from penstock.core.ports import Source
from penstock.providers.dialect import Decoder, Endpoint, UpstreamDialect
from penstock.providers.http_client import HttpClient
from penstock.providers.http_connection import Connection

_MAX_ERROR_BYTES = 1024 * 1024


class HttpProvider:
    """One endpoint of one dialect.  Owns `client`: `aclose` closes it.

    `head_s` bounds the wait for an answer's head, `between_events_s` the silence between two pieces of an answer whose
    head is in.
    """

    def __init__(
        self,
        name: str,
        dialect: UpstreamDialect,
        endpoint: Endpoint,
        client: HttpClient,
        *,
        clock: Clock,
        head_s: float = 600.0,
        between_events_s: float = 120.0,
    ) -> None:
        self._name = name
        self._dialect = dialect
        self._endpoint = self._configured = endpoint
        self._client = client
        self._clock = clock
        self._head_s = head_s
        self._between_events_s = between_events_s

    @property
    def name(self) -> str:
        return self._name

    @property
    def dialect(self) -> Dialect:
        return self._dialect.name

    def use(self, credential: str | None) -> None:
        """From the next call on send `credential`; None goes back to that of the configuration."""
        if (credential or self._configured.credential) != self._endpoint.credential:
            self._endpoint = (
                self._configured if credential is None else replace(self._configured, credential=credential)
            )

    def advisory(self, request: Request) -> Sequence[str]:
        return self._dialect.advisory(request, self._endpoint)

    async def open(self, request: Request, model: str, *, timeout_s: float) -> Source:
        clock = self._clock
        timeout_s = min(timeout_s, self._head_s)
        began_s = clock.monotonic()
        call = self._dialect.encode(request, model, self._endpoint, now=clock.now())
        decoder = self._dialect.decoder(request, self._endpoint)
        connection = await self._client.send(call, timeout_s=timeout_s)
        source = HttpSource(
            connection,
            decoder,
            self._client,
            clock=clock,
            head_by_s=began_s + timeout_s,
            between_s=self._between_events_s,
        )
        try:
            await connection.wait_head()
            if not 200 <= connection.status < 300:
                await self._refuse(connection)
        except BaseException:
            source.close()
            raise
        source.head_is_in()
        return source

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _refuse(self, connection: Connection) -> None:
        """Raise what an answer that is no success means."""
        body = bytearray()
        while len(body) <= _MAX_ERROR_BYTES and (data := await connection.read_body()) is not None:
            body += data
        error = self._dialect.error(connection.status, connection.headers, bytes(body[:_MAX_ERROR_BYTES]))
        if isinstance(error, UpstreamError):
            error.headers = connection.headers
        raise error


class HttpSource:
    """An answer being read; see `core.ports.Source`.

    The watch on silence is one lazy timer for the whole answer, the wait for its head included, and not one for each
    piece: it looks how long the reader has been waiting and, if that is not yet too long, sets itself again for when
    it would be.  `head_by_s` is the moment by which the head must be in, `between_s` the longest silence after it.
    """

    __slots__ = (
        "_between_s",
        "_client",
        "_clock",
        "_connection",
        "_decoder",
        "_head_by_s",
        "_is_over",
        "_timer",
        "_waiting_s",
    )

    def __init__(
        self,
        connection: Connection,
        decoder: Decoder,
        client: HttpClient,
        *,
        clock: Clock,
        head_by_s: float,
        between_s: float,
    ) -> None:
        self._connection: Connection | None = connection
        self._decoder = decoder
        self._client = client
        self._clock = clock
        self._head_by_s: float | None = head_by_s
        self._between_s = between_s
        self._is_over = False
        self._waiting_s: float | None = None
        self._timer: Timer = clock.call_at(min(head_by_s, clock.monotonic() + between_s), self._look)

    def head_is_in(self) -> None:
        self._head_by_s = None

    @property
    def headers(self) -> Mapping[str, str]:
        connection = self._connection
        return connection.headers if connection is not None else {}

    async def read(self) -> Sequence[Event] | None:
        connection = self._connection
        decoder = self._decoder
        if connection is None or self._is_over:
            return None
        while True:
            self._waiting_s = self._clock.monotonic()
            data = await connection.read_body()
            self._waiting_s = None
            if data is None:
                events = decoder.finish()
                self._is_over = True
                return events or None
            events = decoder.feed(data)
            if decoder.is_complete:
                self._is_over = True
                return events or None
            if events:
                return events

    def close(self) -> None:
        self._timer.cancel()
        connection, self._connection = self._connection, None
        if connection is not None:
            self._client.release(connection, may_linger=self._is_over)

    def _look(self) -> None:
        connection = self._connection
        if connection is None:
            return
        now_s = self._clock.monotonic()
        head_by_s = self._head_by_s
        if head_by_s is not None:
            if head_by_s <= now_s:
                connection.fail(UpstreamTimeout("The provider did not answer in time.", phase="first_event"))
                return
            # Never further away than a silence may last: the head may be in a moment from now.
            self._timer = self._clock.call_at(min(head_by_s, now_s + self._between_s), self._look)
            return
        since_s = now_s if self._waiting_s is None else self._waiting_s
        if since_s + self._between_s <= now_s:
            connection.fail(UpstreamTimeout("The provider stopped sending.", phase="between_events"))
            return
        self._timer = self._clock.call_at(since_s + self._between_s, self._look)
