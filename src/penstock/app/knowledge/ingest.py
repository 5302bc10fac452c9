"""Knowledge of a process, put together from the configuration: the index, what reads files, and the worker.

`open_index` is the one place where the index is chosen.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import Protocol

import psycopg
import structlog
from procrastinate.exceptions import ConnectorException

from penstock.app.encoder import load_encoder
from penstock.app.knowledge.bases import PostgresBases
from penstock.app.knowledge.views import Index
from penstock.config.knowledge import IngestSettings
from penstock.config.types import Config
from penstock.core.clock import Clock, SystemClock
from penstock.core.errors import ConfigError
from penstock.encoder.executor import Encoder
from penstock.knowledge.index.store import PostgresStore
from penstock.knowledge.ingest.embedding import Embedder
from penstock.knowledge.ingest.isolation.readers import Readers
from penstock.knowledge.ingest.sources.source import SourceUnavailable
from penstock.knowledge.ingest.unreadable import Limits
from penstock.knowledge.jobs.queue import Worker, new_app
from penstock.knowledge.jobs.store import QUEUE, mark_failed
from penstock.knowledge.jobs.syncing import Means, SiteLimits, bring_up_to_date
from penstock.storage.migrate import require_schema
from penstock.storage.pool import connect

_LEAVE_S = 30.0
"""So long a worker that was told to stop, and does nothing any more, may take to say so to the database."""
_NICE = 5

_log = structlog.get_logger(__name__)


class DatabaseLost(Exception):
    """The database went away under a worker: it can go on once there is one again."""


class OpenIndex(Protocol):
    def __call__(self, connection: psycopg.Connection, encoder: Callable[[], Encoder], clock: Clock) -> Index: ...


def open_index(connection: psycopg.Connection, encoder: Callable[[], Encoder], clock: Clock) -> Index:
    """The index over a connection in autocommit."""
    return Index(PostgresStore(connection, clock), PostgresBases(connection, encoder, clock))


@contextmanager
def means_of(config: Config, database_url: str, index: OpenIndex = open_index) -> Generator[tuple[Means, Index]]:
    """What a process that takes documents in has open.  Raises `ConfigError` and `psycopg.OperationalError`."""
    clock = SystemClock()
    encoder = load_encoder(config)
    threads = config.encoder.threads
    embedder = Embedder(lambda text: encoder.model.encode(text).sentence, width=encoder.width, threads=threads)
    try:
        readers = Readers(children=config.ingest.readers, limits=limits_of(config.ingest), clock=clock)
        with connect(database_url, name="knowledge") as connection, readers as reader:
            connection.autocommit = True
            opened = index(connection, lambda: encoder, clock)
            yield (
                Means(
                    documents=opened.documents,
                    reader=reader,
                    embedder=embedder,
                    clock=clock,
                    limits=reader.limits,
                    salt=encoder.identity,
                    sites=SiteLimits(page_s=config.ingest.page_s, pages=config.ingest.site_pages),
                    readers=config.ingest.readers,
                ),
                opened,
            )
    finally:
        embedder.close()
        encoder.close()


def limits_of(settings: IngestSettings) -> Limits:
    """What one file may cost, as the configuration has it."""
    return Limits(**{name: getattr(settings, name) for name in Limits.__struct_fields__})


def run_worker(config: Config, database_url: str, index: OpenIndex = open_index) -> None:
    """Do jobs until SIGTERM or SIGINT; the document under way is finished, the rest of its job is put back.

    Raises `ConfigError` where the configuration or the database does not allow it, and `DatabaseLost`.
    """
    require_schema(database_url)
    os.setpriority(os.PRIO_PROCESS, 0, _NICE)  # requests of this machine's data plane come first
    is_stopped, is_idle, is_over = threading.Event(), threading.Event(), threading.Event()
    is_idle.set()

    def do(source: int) -> None:
        is_idle.clear()
        try:
            bring(source)
        finally:
            is_idle.set()

    def bring(source: int) -> None:
        # Each job has its own connections: what a failed database left of the last one's is of no use.
        try:
            with means_of(config, database_url, index) as (means, _):
                bring_up_to_date(
                    partial(connect, database_url, name="sync"), source, means, is_stopped=is_stopped.is_set
                )
        except (SourceUnavailable, LookupError):
            return  # its run says so, and trying again would say the same
        except psycopg.errors.ForeignKeyViolation:
            return  # the source was removed under it
        except ConfigError as error:
            _log.error("worker_cannot_read", source=source, reason=str(error))
            with connect(database_url, name="sync") as connection:
                mark_failed(connection, source, str(error), now=SystemClock().now())

    async def work() -> None:
        worker = Worker(new_app(database_url, do), SystemClock(), heartbeat_s=config.ingest.heartbeat_s)

        def stop() -> None:
            if not is_stopped.is_set():
                threading.Thread(target=_leave, args=(is_idle, is_over), name="penstock-leave", daemon=True).start()
            is_stopped.set()
            worker.stop()

        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        _log.info("worker_waits", queue=QUEUE)
        await worker.run()

    try:
        asyncio.run(work())
    except* (psycopg.OperationalError, ConnectorException) as errors:
        if not is_stopped.is_set():  # who was told to stop does not wait for another database
            raise DatabaseLost(str(errors.exceptions[0])) from None
    finally:
        is_over.set()
    if not is_stopped.is_set():
        # One of its connections was lost, and another one lived long enough to take leave in good order.
        raise DatabaseLost("the database closed a connection")


def _leave(is_idle: threading.Event, is_over: threading.Event) -> None:
    """End the process where it was told to and cannot take leave of a database that was lost in that moment.

    What it had is taken up by another after three heartbeats, as after a kill.
    """
    is_idle.wait()
    if not is_over.wait(_LEAVE_S):
        _log.warning("worker_leaves_without_a_word", waited_s=_LEAVE_S)
        os._exit(0)
