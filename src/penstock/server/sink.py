"""Where an answer goes: the client's dialect and its connection, for a unary and for a streamed reply."""

from collections.abc import Sequence
from urllib.parse import quote

from penstock.core.clock import Clock, Timer
from penstock.core.ends import End
from penstock.core.errors import ClientError, InternalError, PenstockError
from penstock.core.events import Event
from penstock.core.exchange import Exchange
from penstock.core.ports import ClientDialect, ClientGone, StreamEncoder
from penstock.flow.fold import Fold
from penstock.server.pace import WINDOW_BYTES, Pace
from penstock.server.rsgi import CONNECTION_LOST, Headers, HttpProtocol, Transport
from penstock.server.tasks import TaskSet

KEEP_ALIVE = b": keep-alive\n\n"
CLIENT_CLOSED_REQUEST = 499
"""nginx's status for a request whose client has left; nobody reads it."""


def error_headers(error: PenstockError, exchange_id: str) -> Headers:
    """Both vendors' names for the request id, so that each SDK shows it in its errors, and when to come again."""
    headers = [("content-type", "application/json"), ("x-request-id", exchange_id), ("request-id", exchange_id)]
    if error.retry_after_s is not None:
        headers.append(("retry-after", str(max(1, round(error.retry_after_s)))))
    if error.status == 401:
        headers.append(("www-authenticate", "Bearer"))
    if isinstance(error, ClientError):
        headers.append(("x-should-retry", "false"))
    return headers


def respond_error(protocol: HttpProtocol, dialect: ClientDialect, error: PenstockError, exchange_id: str) -> None:
    """An error before the first byte: its status and its body in the client's dialect."""
    body = dialect.encode_error(error, exchange_id)
    protocol.response_bytes(error.status, error_headers(error, exchange_id), body)


def error_of(exchange: Exchange) -> PenstockError:
    """What to tell the client of an exchange that did not complete."""
    return exchange.error if exchange.error is not None else InternalError("internal error")


class UnarySink:
    """Keeps the events and writes one body at the end."""

    __slots__ = ("_body", "_dialect", "_fold", "_protocol")

    def __init__(self, protocol: HttpProtocol, dialect: ClientDialect) -> None:
        self._protocol = protocol
        self._dialect = dialect
        self._fold = Fold()
        self._body = b""

    async def write(self, events: Sequence[Event]) -> None:
        self._fold.feed(events)

    def complete(self, exchange: Exchange) -> None:
        """Encode the answer, so that one that cannot be written is not settled as completed."""
        self._body = self._dialect.encode(self._fold.answer(), exchange)

    async def close(self, exchange: Exchange) -> None:
        match exchange.end:
            case "completed":
                self._protocol.response_bytes(200, _answer_headers("application/json", exchange), self._body)
            case "client_gone":
                self._protocol.response_bytes(CLIENT_CLOSED_REQUEST, [], b"")
            case _:
                respond_error(self._protocol, self._dialect, error_of(exchange), exchange.id)


class StreamSink:
    """Writes server-sent events as they come.

    The status line waits for the first event, so that an error before it is an HTTP status.  While filters hold text
    back for longer than `keep_alive_s`, the stream is begun and carries a comment, so that nothing between us and the
    client takes the silence for death.  A client that reads slowly is waited for, a window at a time.
    """

    __slots__ = (
        "_clock",
        "_dialect",
        "_encoder",
        "_exchange",
        "_keep_alive_s",
        "_last_sent_s",
        "_pace",
        "_protocol",
        "_tasks",
        "_timer",
        "_transport",
        "_unread_bytes",
    )

    def __init__(
        self,
        protocol: HttpProtocol,
        dialect: ClientDialect,
        exchange: Exchange,
        *,
        pace: Pace,
        clock: Clock,
        keep_alive_s: float,
        tasks: TaskSet,
    ) -> None:
        self._pace = pace
        self._protocol = protocol
        self._dialect = dialect
        self._exchange = exchange
        self._clock = clock
        self._keep_alive_s = keep_alive_s
        self._tasks = tasks
        self._encoder: StreamEncoder | None = None
        self._transport: Transport | None = None
        self._timer: Timer | None = None
        self._last_sent_s = 0.0
        self._unread_bytes = 0

    async def write(self, events: Sequence[Event]) -> None:
        encoder = self._encoder
        if encoder is None:
            encoder = self._encoder = self._dialect.stream(self._exchange)
            self._arm(self._clock.monotonic() + self._keep_alive_s)
        if events and (data := encoder.feed(events)):
            await self._send(data)
            self._unread_bytes += len(data)
            if self._unread_bytes >= WINDOW_BYTES:
                await self._pace.wait_for_reader()
                self._unread_bytes = 0

    def complete(self, exchange: Exchange) -> None:
        """Every piece was encoded as it came; what is left is the dialect's fixed end."""

    async def close(self, exchange: Exchange) -> None:
        if self._timer is not None:
            self._timer.cancel()
        end: End | None = exchange.end
        if end == "client_gone":
            if self._transport is None:
                self._protocol.response_bytes(CLIENT_CLOSED_REQUEST, [], b"")
        elif end == "completed":
            encoder = self._encoder if self._encoder is not None else self._dialect.stream(exchange)
            await self._send(encoder.finish())
        elif self._transport is None:
            respond_error(self._protocol, self._dialect, error_of(exchange), exchange.id)
        elif self._encoder is not None:
            await self._send(self._encoder.fail(exchange))
        # granian ends the response when its transport is let go; an error's traceback may keep this sink much longer.
        self._transport = None

    async def _send(self, data: bytes) -> None:
        transport = self._transport
        if transport is None:
            headers = [*_answer_headers("text/event-stream", self._exchange), ("cache-control", "no-cache")]
            transport = self._transport = self._protocol.response_stream(200, headers)
        self._last_sent_s = self._clock.monotonic()
        try:
            await transport.send_bytes(data)
        except CONNECTION_LOST as closed:
            raise ClientGone from closed

    def _arm(self, when: float) -> None:
        self._timer = self._clock.call_at(when, self._keep_alive)

    def _keep_alive(self) -> None:
        """Runs on the timer.  Frames are sent whole, so a comment between two of them harms neither."""
        now = self._clock.monotonic()
        due = self._last_sent_s + self._keep_alive_s
        if now >= due:
            self._tasks.spawn(self._send_comment())
            due = now + self._keep_alive_s
        self._arm(due)

    async def _send_comment(self) -> None:
        try:
            await self._send(KEEP_ALIVE)
        except ClientGone:
            return  # the disconnect watcher, or the next frame, ends the exchange


def _answer_headers(content_type: str, exchange: Exchange) -> Headers:
    target = exchange.target
    headers = [("content-type", content_type), ("x-request-id", exchange.id), ("request-id", exchange.id)]
    if target is not None:
        # Part of the name may be the caller's own, and a header takes printable ASCII only.
        name = target.name
        headers.append(("x-penstock-target", name if name.isascii() and name.isprintable() else quote(name)))
    return headers
