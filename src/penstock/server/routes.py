"""One HTTP request, from its path to its answer: here the request path begins.

`DataPlane` is the RSGI application.  A route that asks a model authenticates the caller, reads and parses the body in
the client's dialect, makes the exchange and hands it to the engine.  Everything before the exchange exists is refused
with a status and counted; from then on the engine sees to the end.
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
from penstock.core.ports import ClientDialect, Sink
from penstock.server.body import read_json_body
from penstock.server.gone import DisconnectWatch
from penstock.server.health import health_page
from penstock.server.pace import Pace
from penstock.server.rsgi import Headers, HttpProtocol, RequestHeaders, Scope
from penstock.server.service import Service
from penstock.server.sink import StreamSink, UnarySink, respond_error
from penstock.server.tasks import TaskSet

Page = tuple[int, Headers, bytes]

MODELS = "/v1/models"
JSON = ("content-type", "application/json")
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


class DataPlane:
    """The RSGI application on :8080.  One for each worker process; `service` may be replaced while it runs."""

    def __init__(self, service: Service, tasks: TaskSet) -> None:
        self.service = service
        self._tasks = tasks
        self._loop = asyncio.get_running_loop()
        self._ids = ExchangeIds(service.clock)
        self._watch = DisconnectWatch(clock=service.clock, tasks=tasks)
        self._log = structlog.get_logger("penstock.server")
        self._plain: dict[str, Callable[[Scope], Page]] = {
            "/health": lambda _: health_page(self.service.health(), in_flight=self.service.engine.in_flight),
            "/health/ready": lambda _: health_page(self.service.health(), in_flight=self.service.engine.in_flight),
            "/health/live": lambda _: (200, [JSON], b'{"status":"live"}'),
            "/metrics": lambda _: (200, [("content-type", PROMETHEUS)], self.service.metrics()),
            "/openapi.json": lambda _: (200, [JSON], dumps(self.service.openapi)),
        }

    async def __rsgi__(self, scope: Scope, protocol: HttpProtocol) -> None:
        dialect = self.service.dialects.get(scope.path)
        if dialect is not None:
            await self._ask_model(scope, protocol, dialect)
            return
        exchange_id = self._ids.new()
        try:
            self._respond_plain(scope, protocol)
        except PenstockError as error:
            self._refuse(protocol, self._default_dialect(scope), error, exchange_id)
        except Exception as fault:  # noqa: BLE001 - boundary: the request edge; logged and answered with 500
            self._log.error("request failed", path=scope.path, exchange=exchange_id, exc_info=fault)
            self._refuse(protocol, self._default_dialect(scope), InternalError("internal error"), exchange_id)

    async def _ask_model(self, scope: Scope, protocol: HttpProtocol, dialect: ClientDialect) -> None:
        service = self.service
        clock = service.clock
        # With its loop named: finding the running one costs a system call in Python 3.11.
        task = asyncio.current_task(self._loop)
        if task is None:
            raise RuntimeError("granian runs every request in a task")
        began_s = clock.monotonic()
        exchange_id = self._ids.new()
        try:
            _require(scope, "POST")
            principal = self._authenticate(scope.headers)
            request = dialect.parse(await read_json_body(scope, protocol, service.limits, clock, task), scope.headers)
        except PenstockError as error:
            self._refuse(protocol, dialect, error, exchange_id)
            return
        except Exception as fault:  # noqa: BLE001 - boundary: the request edge; logged and answered with 500
            self._log.error("request failed", path=scope.path, exchange=exchange_id, exc_info=fault)
            self._refuse(protocol, dialect, InternalError("internal error"), exchange_id)
            return
        exchange = Exchange(
            id=exchange_id,
            principal=principal,
            request=request,
            dialect=dialect.name,
            started_at=clock.now(),
            began_s=began_s,
            deadline_s=began_s + service.limits.deadline_s,
            gone_policy=service.limits.on_client_gone,
            config_hash=service.config_hash,
        )
        stop = service.engine.begin(exchange, task)
        watch = self._watch.begin(protocol, stop)
        try:
            await service.engine.run(exchange, self._sink(scope, protocol, dialect, exchange), stop)
        finally:
            self._watch.end(watch)

    def _sink(self, scope: Scope, protocol: HttpProtocol, dialect: ClientDialect, exchange: Exchange) -> Sink:
        if not exchange.request.stream:
            return UnarySink(protocol, dialect)
        return StreamSink(
            protocol,
            dialect,
            exchange,
            pace=Pace(scope.client, self.service.clock),
            clock=self.service.clock,
            keep_alive_s=self.service.limits.keep_alive_comment_s,
            tasks=self._tasks,
        )

    def _respond_plain(self, scope: Scope, protocol: HttpProtocol) -> None:
        path = scope.path
        handler = self._plain.get(path)
        if handler is None and (path == MODELS or path.startswith(MODELS + "/")):
            handler = self._models
        if handler is None:
            raise UnknownPath(f"there is no {path[:200]} here; the OpenAPI description is at /openapi.json")
        _require(scope, "GET", "HEAD")
        status, headers, body = handler(scope)
        protocol.response_bytes(status, headers, body)

    def _models(self, scope: Scope) -> Page:
        self._authenticate(scope.headers)
        is_anthropic = "anthropic-version" in scope.headers
        name = unquote(scope.path[len(MODELS) + 1 :])
        body = self.service.models.one(name, is_anthropic) if name else self.service.models.everything(is_anthropic)
        return 200, [JSON], body

    def _authenticate(self, headers: RequestHeaders) -> Principal:
        return self.service.authenticate(
            headers.get("authorization"), headers.get("x-api-key") or headers.get("api-key")
        )

    def _default_dialect(self, scope: Scope) -> ClientDialect:
        """The dialect for errors on a path that belongs to none."""
        path = "/v1/messages" if "anthropic-version" in scope.headers else "/v1/chat/completions"
        return self.service.dialects[path]

    def _refuse(self, protocol: HttpProtocol, dialect: ClientDialect, error: PenstockError, exchange_id: str) -> None:
        self.service.refused(error)
        respond_error(protocol, dialect, error, exchange_id)


def _require(scope: Scope, *methods: str) -> None:
    if scope.method not in methods:
        raise MethodNotAllowed(f"use {methods[0]} on {scope.path[:200]}")
