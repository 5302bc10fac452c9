"""The control plane's way to knowledge bases: a connection for each call, in a thread, and the encoder when needed.

The encoder is loaded with the first base that is made or searched, and stays: most control planes never need it.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import psycopg

from penstock.app.encoder import load_encoder
from penstock.app.knowledge.bases import PostgresBases
from penstock.app.knowledge.desk import Desk
from penstock.app.knowledge.views import BaseView, Index
from penstock.config import Config
from penstock.console.knowledge.faults import UnknownBase
from penstock.core.clock import Clock
from penstock.core.errors import ConfigError, KnowledgeUnavailable, Overloaded
from penstock.knowledge.index.store import PostgresStore
from penstock.storage.pool import connect

if TYPE_CHECKING:
    from penstock.encoder.executor import Encoder

T = TypeVar("T")
_RETRY_AFTER_S = 2.0
_MOST_UPLOADS = 8
"""At once, in one process: what bounds the disk that bodies take."""
_AWAY = "The database cannot be reached; try again."


class HasShelf(Protocol):
    @property
    def knowledge(self) -> "Shelf": ...


class At(Desk):
    """A desk with the connection that it is over, for what is to be in the same transaction."""

    def __init__(self, connection: psycopg.Connection, index: Index, clock: Clock) -> None:
        super().__init__(connection, index, clock)
        self.connection = connection

    def base(self, tenant: str, name: str) -> BaseView:
        """Raises `UnknownBase`."""
        found = self.bases.find(tenant, name)
        if found is None:
            raise UnknownBase("There is no such knowledge base.")
        return found


class Shelf:
    """`close` it once, when no call is under way any more."""

    def __init__(self, config: Config, find_url: Callable[[], str | None], clock: Clock) -> None:
        self._config = config
        self._find_url = find_url
        self._clock = clock
        self._lock = threading.Lock()
        self._encoder: Encoder | None = None
        self._uploads = 0
        self.folder = Path(config.data_dir).resolve() / "uploads"
        """Where bodies are while they arrive, without names."""

    @asynccontextmanager
    async def uploads(self) -> AsyncGenerator[None]:
        """A place for one body on disk, for the event loop that serves.  Raises `Overloaded` where none is free."""
        if self._uploads >= _MOST_UPLOADS:
            raise Overloaded(
                f"{_MOST_UPLOADS} documents are arriving already; try again.", retry_after_s=_RETRY_AFTER_S
            )
        self._uploads += 1
        try:
            yield
        finally:
            self._uploads -= 1

    @contextmanager
    def opened(self) -> Generator[At]:
        """For one call; blocks.  Raises `Overloaded` where the database is away."""
        url = self._find_url()
        if url is None:
            raise Overloaded(_AWAY, retry_after_s=_RETRY_AFTER_S)
        try:
            with connect(url, name="bases") as connection:
                connection.autocommit = True
                index = Index(
                    PostgresStore(connection, self._clock), PostgresBases(connection, self._load, self._clock)
                )
                yield At(connection, index, self._clock)
        except psycopg.OperationalError as error:
            raise Overloaded(_AWAY, retry_after_s=_RETRY_AFTER_S, detail=str(error)) from error

    def close(self) -> None:
        if self._encoder is not None:
            self._encoder.close()

    def _load(self) -> "Encoder":
        with self._lock:
            if self._encoder is None:
                try:
                    self._encoder = load_encoder(self._config)
                except ConfigError as error:
                    text = "Texts cannot be read here: `penstock check` says what is wrong with the encoder."
                    raise KnowledgeUnavailable(text, detail=str(error)) from None
            return self._encoder


async def in_thread(plane: HasShelf, do: Callable[[At], T]) -> T:
    """Do it over a connection of its own, off the event loop."""

    def work() -> T:
        with plane.knowledge.opened() as at:
            return do(at)

    return await asyncio.to_thread(work)
