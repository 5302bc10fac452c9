"""Where an answer goes: the client's dialect and its connection, for a unary and for a streamed reply."""

from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import quote

from penstock.core.clock import Clock, Timer
from penstock.core.ends import End
from penstock.core.errors import ClientError, InternalError, PenstockError, PolicyBlocked
from penstock.core.events import Event, Finish, Start, Text
from penstock.core.exchange import Exchange
from penstock.core.ports import ClientDialect, ClientGone, StreamEncoder
from penstock.flow.fold import Fold
from penstock.server.http.request import Request
from penstock.server.http.response import HeaderList
from penstock.server.service import AnswerHeaders, no_headers

Page = tuple[int, HeaderList, bytes]
"""A whole answer: status, headers, body."""
KEEP_ALIVE = b": keep-alive\n\n"
_WHOLE: frozenset[End | None] = frozenset({"completed", "held"})
"""Ends of an answer that is written as one, if only to say that a person will give it."""
CLIENT_CLOSED_REQUEST = 499
"""nginx's status for a request whose client has left; nobody reads it."""


def error_headers(error: PenstockError, exchange_id: str) -> HeaderList:
    """Both vendors' names for the request id, so that each SDK shows it in its errors, and when to come again."""
    headers = [("content-type", "application/json"), ("x-request-id", exchange_id), ("request-id", exchange_id)]
    if error.retry_after_s is not None:
        headers.append(("retry-after", str(max(1, round(error.retry_after_s)))))
    if error.status == 401:
        headers.append(("www-authenticate", "Bearer"))
    if isinstance(error, ClientError):
        headers.append(("x-should-retry", "false"))
    return headers


def error_page(dialect: ClientDialect, error: PenstockError, exchange_id: str) -> Page:
    """An error before the first byte: its status, its headers, and its body in the client's dialect."""
    return error.status, error_headers(error, exchange_id), dialect.encode_error(error, exchange_id)


def error_of(exchange: Exchange) -> PenstockError:
    """What to tell the client of an exchange that did not complete."""
    return exchange.error if exchange.error is not None else InternalError("internal error")


class UnarySink:
    """Keeps the events and writes one body at the end."""

    __slots__ = ("_body", "_dialect", "_fold", "_more_headers", "_request")

    def __init__(self, request: Request, dialect: ClientDialect, *, headers: AnswerHeaders = no_headers) -> None:
        self._request = request
        self._dialect = dialect
        self._more_headers = headers
        self._fold = Fold()
        self._body = b""

    async def write(self, events: Sequence[Event]) -> None:
        self._fold.feed(events)

    def complete(self, exchange: Exchange) -> None:
        """Encode the answer, so that one that cannot be written is not settled as completed."""
        self._body = self._dialect.encode(self._fold.answer(), exchange)

    async def close(self, exchange: Exchange) -> None:
        refusal = exchange.error.answer if isinstance(exchange.error, PolicyBlocked) else None
        if exchange.end == "client_gone":
            self._request.respond(CLIENT_CLOSED_REQUEST, [], b"")
        elif exchange.end in _WHOLE or exchange.is_refused:
            self._answer(exchange)
        elif refusal is not None:
            said = Fold()
            said.feed((Start("", exchange.request.model), Text(refusal), Finish("content_filter")))
            self._body = self._dialect.encode(said.answer(), exchange)
            self._answer(exchange)
        else:
            self._request.respond(*_refusal_page(self._dialect, exchange, self._more_headers))

    def _answer(self, exchange: Exchange) -> None:
        headers = [*_answer_headers("application/json", exchange), *self._more_headers(exchange)]
        self._request.respond(200, headers, self._body)


class StreamSink:
    """Writes server-sent events as they come.

    The status line waits for the first event, so that an error before it is an HTTP status.  While filters hold text
    back for longer than `keep_alive_s`, the stream is begun and carries a comment, so that nothing between us and the
    client takes the silence for death.  A client that reads slowly is waited for once a window of bytes is unsent.
    """

    __slots__ = (
        "_clock",
        "_dialect",
        "_encoder",
        "_exchange",
        "_keep_alive_s",
        "_last_sent_s",
        "_more_headers",
        "_request",
        "_timer",
    )

    def __init__(
        self,
        request: Request,
        dialect: ClientDialect,
        exchange: Exchange,
        *,
        clock: Clock,
        keep_alive_s: float,
        headers: AnswerHeaders = no_headers,
    ) -> None:
        self._request = request
        self._more_headers = headers
        self._dialect = dialect
        self._exchange = exchange
        self._clock = clock
        self._keep_alive_s = keep_alive_s
        self._encoder: StreamEncoder | None = None
        self._timer: Timer | None = None
        self._last_sent_s = 0.0

    async def write(self, events: Sequence[Event]) -> None:
        encoder = self._encoder
        if encoder is None:
            encoder = self._encoder = self._dialect.stream(self._exchange)
            self._arm(self._clock.monotonic() + self._keep_alive_s)
        if events and (data := encoder.feed(events)):
            self._send(data)
            if self._request.is_held_back:
                await self._request.wait_writable()

    def complete(self, exchange: Exchange) -> None:
        """Every piece was encoded as it came; what is left is the dialect's fixed end."""

    async def close(self, exchange: Exchange) -> None:
        if self._timer is not None:
            self._timer.cancel()
        request = self._request
        end: End | None = exchange.end
        if end == "client_gone":
            if not request.is_begun:
                request.respond(CLIENT_CLOSED_REQUEST, [], b"")
        elif end in _WHOLE or exchange.is_refused:
            encoder = self._encoder if self._encoder is not None else self._dialect.stream(exchange)
            self._finish(encoder.finish())
        elif not request.is_begun:
            request.respond(*_refusal_page(self._dialect, exchange, self._more_headers))
        elif self._encoder is None:
            self._finish(b"")
        elif end == "blocked" and isinstance(exchange.error, PolicyBlocked) and exchange.error.last:
            self._finish(self._encoder.finish())  # its last events say how it ended
        else:
            self._finish(self._encoder.fail(exchange))
        if request.is_held_back:
            await request.wait_writable()

    def _send(self, data: bytes) -> None:
        if not self._request.is_begun:
            self._begin()
        self._last_sent_s = self._clock.monotonic()
        self._request.write(data)

    def _finish(self, data: bytes) -> None:
        if not self._request.is_begun:
            self._begin()
        self._request.finish(data)

    def _begin(self) -> None:
        exchange = self._exchange
        headers = _answer_headers("text/event-stream", exchange)
        headers += [("cache-control", "no-cache"), *self._more_headers(exchange)]
        self._request.begin(200, headers)

    def _arm(self, when: float) -> None:
        self._timer = self._clock.call_at(when, self._keep_alive)

    def _keep_alive(self) -> None:
        """Runs on the timer.  Frames are sent whole, so a comment between two of them harms neither."""
        now = self._clock.monotonic()
        due = self._last_sent_s + self._keep_alive_s
        if now >= due:
            due = now + self._keep_alive_s
            if not self._request.is_held_back:
                with suppress(ClientGone):  # whoever watches the client, or the next frame, ends the exchange
                    self._send(KEEP_ALIVE)
        self._arm(due)


def _refusal_page(dialect: ClientDialect, exchange: Exchange, more: AnswerHeaders) -> Page:
    status, headers, body = error_page(dialect, error_of(exchange), exchange.id)
    return status, [*headers, *more(exchange)], body


def _answer_headers(content_type: str, exchange: Exchange) -> HeaderList:
    target = exchange.target
    headers = [("content-type", content_type), ("x-request-id", exchange.id), ("request-id", exchange.id)]
    if exchange.is_canned:
        headers.append(("x-penstock-answer", "canned"))
    elif target is not None:
        # Part of the name may be the caller's own, and a header takes printable ASCII only.
        name = target.name
        headers.append(("x-penstock-target", name if name.isascii() and name.isprintable() else quote(name)))
    if exchange.hold is not None:
        headers.append(("x-penstock-hold", exchange.hold))
    mark = exchange.cache
    if mark is not None:
        headers.append(("x-penstock-cache", mark.status))
        if mark.status in {"hit", "similar"}:
            headers.append(("age", str(int(mark.age_s))))  # RFC 9111, 5.1
        if mark.similarity is not None:
            headers.append(("x-penstock-similarity", f"{mark.similarity:.3f}"))
    return headers
