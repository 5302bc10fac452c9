"""Runs the data plane in this process: listen, serve, and on SIGTERM drain and return."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog
import uvloop
from granian.constants import HTTPModes, TaskImpl
from granian.http import HTTP1Settings
from granian.server.embed import Server

from penstock.server.routes import DataPlane
from penstock.server.service import Service
from penstock.server.tasks import TaskSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """Where to listen and how long to drain.  `header_limit_bytes` bounds the head of a request."""

    host: str
    port: int
    header_limit_bytes: int
    drain_timeout_s: float


@dataclass(frozen=True, slots=True)
class Running:
    """A service and what must be closed after it has drained."""

    service: Service
    aclose: Callable[[], Awaitable[None]]


def run(build: Callable[[], Awaitable[Running]], listen: Listen) -> None:
    """Serve until SIGTERM or SIGINT.  `build` is called on the event loop; what it gives is closed before returning."""
    uvloop.run(_run(build, listen))


async def _run(build: Callable[[], Awaitable[Running]], listen: Listen) -> None:
    log = structlog.get_logger("penstock.server")
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopping.set)
    running = await build()
    tasks = TaskSet()
    plane = DataPlane(running.service, tasks)
    server = Server(
        plane,
        address=listen.host,
        port=listen.port,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(max_buffer_size=listen.header_limit_bytes, header_read_timeout=30_000),
        task_impl=TaskImpl.asyncio,
        websockets=False,
        backlog=2048,
        backpressure=65_536,
        log_enabled=False,
    )
    serving = loop.create_task(server.serve())
    ended = loop.create_task(stopping.wait())
    try:
        await asyncio.wait({serving, ended}, return_when=asyncio.FIRST_COMPLETED)
        log.info("draining", in_flight=running.service.engine.in_flight)
        server.stop()
        stopped = await running.service.engine.drain(listen.drain_timeout_s)
        log.info("drained", stopped=stopped)
    finally:
        ended.cancel()
        with suppress(TimeoutError):
            await asyncio.wait_for(serving, timeout=2.0)
        await tasks.aclose()
        await running.aclose()
