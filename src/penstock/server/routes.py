"""One HTTP request, from its path to its answer: here the request path begins.

`DataPlane` is the application that the listener calls.  A route that asks a model authenticates the caller, reads and
parses the body in the client's dialect, makes the exchange and hands it to the engine.  Everything before the exchange
exists is refused with a status and counted; from then on the engine sees to the end.
"""

import asyncio
from collections.abc import Callable
from urllib.parse import unquote

import structlog

from penstock.core.errors import (
    InternalError,
    MethodNotAllowed,
    PenstockError,
    UnknownPath,
)
from penstock.core.exchange import Exchange, Principal
from penstock.core.ids import ExchangeIds
from penstock.core.json import dumps
from penstock.core.ports import ClientDialect, ClientGone, Sink
from penstock.memory.desk import Desk
from penstock.server.body import BodyBounds, BodyLimits, read_json_body
from penstock.server.feedback import MOST_BYTES, take_feedback
from penstock.server.feedback import PATH as FEEDBACK
from penstock.server.ground import MOST_BYTES as MOST_GROUND_BYTES
from penstock.server.ground import PATH as GROUND
from penstock.server.ground import hold_against_sources
from penstock.server.happenings import MOST_BYTES as MOST_EVENT_BYTES
from penstock.server.happenings import PATH as EVENTS
from penstock.server.happenings import take_happening
from penstock.server.health import health_page
from penstock.server.holds import PATH as HOLDS
from penstock.server.holds import show_hold
from penstock.server.http.head import Headers
from penstock.server.http.request import Request
from penstock.server.memory import is_of_memory, memory_page, takes_body
from penstock.server.service import Service
from penstock.server.sink import Page, StreamSink, UnarySink, error_page
from penstock.server.wishes import wishes_of

CHAT = "/v1/chat/completions"
MODELS = "/v1/models"
JSON = ("content-type", "application/json")
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


class DataPlane:
    """The application on :8080 (`http.shared.Application`).  `service` may be replaced while it runs."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._loop = asyncio.get_running_loop()
        self._ids = ExchangeIds(service.clock)
        self._log = structlog.get_logger("penstock.server")
        self._plain: dict[str, Callable[[Request], Page]] = {
            "/health": lambda _: health_page(self.service.health(), in_flight=self.service.engine.in_flight),
            "/health/ready": lambda _: health_page(self.service.health(), in_flight=self.service.engine.in_flight),
            "/health/live": lambda _: (200, [JSON], b'{"status":"live"}'),
            "/metrics": lambda _: (200, [("content-type", PROMETHEUS)], self.service.metrics()),
            "/openapi.json": lambda _: (200, [JSON], dumps(self.service.openapi)),
        }

    async def __call__(self, request: Request) -> None:
        dialect = self.service.dialects.get(request.path)
        if dialect is not None:
            await self._ask_model(request, dialect)
            return
        exchange_id = self._ids.new()
        try:
            page = await self._answered(request)
            request.respond(*page)
        except ClientGone:
            return  # before it had said anything
        except PenstockError as error:
            self._refuse(request, self._default_dialect(request), error, exchange_id)
        except Exception as fault:  # noqa: BLE001 - boundary: the request edge; logged and answered with 500
            self._log.error("request failed", path=request.path, exchange=exchange_id, exc_info=fault)
            self._refuse(request, self._default_dialect(request), InternalError("internal error"), exchange_id)

    def refuse(self, error: PenstockError) -> Page:
        """What to say to something that never became a request."""
        self.service.refused(error)
        return error_page(self.service.dialects[CHAT], error, self._ids.new())

    async def _ask_model(self, request: Request, dialect: ClientDialect) -> None:
        service = self.service
        clock = service.clock
        # With its loop named: finding the running one costs a system call in Python 3.11.
        task = asyncio.current_task(self._loop)
        if task is None:
            raise RuntimeError("every request runs in a task")
        began_s = clock.monotonic()
        exchange_id = self._ids.new()
        try:
            _require(request, "POST")
            principal, body = await self._read(request, service.limits)
            asked = dialect.parse(body, request.headers)
        except PenstockError as error:
            self._refuse(request, dialect, error, exchange_id)
            return
        except ClientGone:
            return  # before it had asked for anything
        except Exception as fault:  # noqa: BLE001 - boundary: the request edge; logged and answered with 500
            self._log.error("request failed", path=request.path, exchange=exchange_id, exc_info=fault)
            self._refuse(request, dialect, InternalError("internal error"), exchange_id)
            return
        exchange = Exchange(
            id=exchange_id,
            principal=principal,
            request=asked,
            asked=asked,
            dialect=dialect.name,
            started_at=clock.now(),
            began_s=began_s,
            deadline_s=began_s + service.limits.deadline_s,
            gone_policy=service.limits.on_client_gone,
            config_hash=self.service.config_hash,  # by now: the body may have taken its time
            body_bytes=len(body),
            wishes=wishes_of(request.headers),
        )
        stop = service.engine.begin(exchange, task)
        request.when_client_leaves(stop.client_left)
        await service.engine.run(exchange, self._sink(request, dialect, exchange), stop)

    def _sink(self, request: Request, dialect: ClientDialect, exchange: Exchange) -> Sink:
        if not exchange.request.stream:
            return UnarySink(request, dialect, headers=self.service.answer_headers)
        return StreamSink(
            request,
            dialect,
            exchange,
            clock=self.service.clock,
            keep_alive_s=self.service.limits.keep_alive_comment_s,
            headers=self.service.answer_headers,
        )

    def _page(self, request: Request) -> Page:
        path = request.path
        handler = self._plain.get(path)
        if handler is None and (path == MODELS or path.startswith(MODELS + "/")):
            handler = self._models
        if handler is None:
            raise UnknownPath(f"there is no {path[:200]} here; the OpenAPI description is at /openapi.json")
        _require(request, "GET", "HEAD")
        return handler(request)

    async def _answered(self, request: Request) -> Page:
        """A page that is no answer of a model; some of them have to be waited for."""
        if request.path == FEEDBACK:
            return await self._feedback(request)
        if request.path == EVENTS:
            return await self._event(request)
        if request.path.startswith(HOLDS):
            _require(request, "GET")
            principal = self._authenticate(request.headers)
            return await show_hold(request.path, principal, self.service.find_hold)
        if request.path == GROUND:
            _require(request, "POST")
            _, body = await self._read(request, BodyBounds(MOST_GROUND_BYTES, self.service.limits.body_timeout_s))
            return await hold_against_sources(body, self.service.ground)
        if self.service.memory is not None and is_of_memory(request.path):
            return await self._memory(request, self.service.memory)
        return self._page(request)

    async def _memory(self, request: Request, desk: Desk) -> Page:
        if takes_body(request.method):
            principal, body = await self._read(request, self.service.limits)
        else:
            principal, body = self._authenticate(request.headers), b""
        return await memory_page(desk, principal, request, body)

    async def _feedback(self, request: Request) -> Page:
        service = self.service
        _require(request, "POST")
        principal, body = await self._read(request, BodyBounds(MOST_BYTES, service.limits.body_timeout_s))
        return await take_feedback(body, principal, service.take_feedback, service.clock.now())

    async def _event(self, request: Request) -> Page:
        service = self.service
        _require(request, "POST")
        principal, body = await self._read(request, BodyBounds(MOST_EVENT_BYTES, service.limits.body_timeout_s))
        return take_happening(body, principal, service.take_happening, service.clock.now())

    def _models(self, request: Request) -> Page:
        principal = self._authenticate(request.headers)
        is_anthropic = "anthropic-version" in request.headers
        name = unquote(request.path[len(MODELS) + 1 :])
        models = self.service.models
        body = models.one(principal, name, is_anthropic) if name else models.everything(principal, is_anthropic)
        return 200, [JSON], body

    async def _read(self, request: Request, limits: BodyLimits) -> tuple[Principal, bytes]:
        """Who asks, and the body.  Nobody makes us read one whose credential is not good already."""
        principal = self._authenticate(request.headers)
        was_in = request.is_whole
        body = await read_json_body(request, limits, self.service.clock)
        if not was_in:
            principal = self._authenticate(request.headers)  # it may have been revoked in the time that the body took
        return principal, body

    def _authenticate(self, headers: Headers) -> Principal:
        return self.service.authenticate(
            headers.get("authorization"), headers.get("x-api-key") or headers.get("api-key")
        )

    def _default_dialect(self, request: Request) -> ClientDialect:
        """The dialect for errors on a path that belongs to none."""
        return self.service.dialects["/v1/messages" if "anthropic-version" in request.headers else CHAT]

    def _refuse(self, request: Request, dialect: ClientDialect, error: PenstockError, exchange_id: str) -> None:
        self.service.refused(error)
        request.respond(*error_page(dialect, error, exchange_id))


def _require(request: Request, *methods: str) -> None:
    if request.method not in methods:
        raise MethodNotAllowed(f"use {methods[0]} on {request.path[:200]}")
