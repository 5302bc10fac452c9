"""Knowledge of a process, put together from the configuration: the index, what reads files, and the worker.

`open_index` is the one place where the index is chosen.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import Protocol

import msgspec
import psycopg

from penstock.app.encoder import load_encoder
from penstock.app.knowledge.bases import PostgresBases
from penstock.app.knowledge.views import Bases
from penstock.config.types import Config
from penstock.core.clock import Clock, SystemClock
from penstock.encoder.executor import Encoder
from penstock.knowledge.document import DocumentStore
from penstock.knowledge.index.store import PostgresStore
from penstock.knowledge.ingest.embedding import Embedder
from penstock.knowledge.ingest.isolation.readers import Readers
from penstock.knowledge.ingest.sources.source import SourceUnavailable
from penstock.knowledge.jobs.queue import Worker, new_app
from penstock.knowledge.jobs.syncing import Means, bring_up_to_date
from penstock.storage.migrate import require_schema
from penstock.storage.pool import connect

_NICE = 5


class Index(msgspec.Struct, frozen=True):
    documents: DocumentStore
    bases: Bases


class OpenIndex(Protocol):
    def __call__(self, connection: psycopg.Connection, encoder: Encoder, clock: Clock) -> Index: ...


def open_index(connection: psycopg.Connection, encoder: Encoder, clock: Clock) -> Index:
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
        with connect(database_url, name="knowledge") as connection, Readers(children=2, clock=clock) as reader:
            connection.autocommit = True
            opened = index(connection, encoder, clock)
            yield (
                Means(
                    documents=opened.documents,
                    reader=reader,
                    embedder=embedder,
                    clock=clock,
                    limits=reader.limits,
                    salt=encoder.identity,
                ),
                opened,
            )
    finally:
        embedder.close()
        encoder.close()


def run_worker(config: Config, database_url: str, index: OpenIndex = open_index, *, heartbeat_s: float = 5.0) -> None:
    """Do jobs until SIGTERM or SIGINT; the document under way is finished, the rest of its job is put back.

    Raises `ConfigError` where the configuration or the database does not allow it.
    """
    require_schema(database_url)
    os.nice(_NICE)  # requests of this machine's data plane come first
    is_stopped = threading.Event()

    def do(source: int) -> None:
        # Each job has its own connections: what a failed database left of the last one's is of no use.
        try:
            with means_of(config, database_url, index) as (means, _):
                bring_up_to_date(
                    partial(connect, database_url, name="sync"), source, means, is_stopped=is_stopped.is_set
                )
        except (SourceUnavailable, LookupError):
            return  # its run says so, and trying again would say the same

    async def work() -> None:
        worker = Worker(new_app(database_url, do), SystemClock(), heartbeat_s=heartbeat_s)

        def stop() -> None:
            is_stopped.set()
            worker.stop()

        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        await worker.run()

    asyncio.run(work())
