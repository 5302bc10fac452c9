"""One source brought up to date in this process, its progress kept where everybody sees it."""

from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import msgspec
import psycopg

from penstock.core.clock import Clock
from penstock.knowledge.document import DocumentStore, owner_of
from penstock.knowledge.ingest.embedding import Embedder
from penstock.knowledge.ingest.progress import Failure, Progress
from penstock.knowledge.ingest.sources.fetching import Fetcher
from penstock.knowledge.ingest.sources.folder import Folder
from penstock.knowledge.ingest.sources.site_map import SiteMap
from penstock.knowledge.ingest.sources.source import Source, SourceUnavailable
from penstock.knowledge.ingest.sync import FileReader, Job, Stopped, Sync, Tools
from penstock.knowledge.ingest.unreadable import Limits
from penstock.knowledge.jobs import store
from penstock.knowledge.jobs.specs import FolderSpec, Run, SiteSpec, SourceRow, UploadSpec
from penstock.knowledge.jobs.uploads import Uploads

_KEPT_EVERY_S = 0.5
_MOST_CARRIED = 1000


class SiteLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How long a page may take to arrive, and how many a site map may name."""

    page_s: float = 20.0
    pages: int = 50_000


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What a process that takes documents in has open: made once, used for every source."""

    documents: DocumentStore
    reader: FileReader
    embedder: Embedder
    clock: Clock
    limits: Limits = Limits()
    sites: SiteLimits = SiteLimits()
    readers: int = 2
    salt: str = ""


class Connect(Protocol):
    def __call__(self) -> psycopg.Connection: ...


def bring_up_to_date(
    connect: Connect,
    source: int,
    means: Means,
    *,
    report: Callable[[Progress], None] = lambda _: None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Progress:
    """Raises `SourceBusy`, `SourceUnavailable`, `Stopped`, `LookupError` where there is no source, `psycopg.Error`.

    However it ends, the run says so; a process that dies leaves it `running`, and whoever takes it up goes on.
    """
    with ExitStack() as stack:
        connection = stack.enter_context(connect())
        connection.autocommit = True
        row = store.source_of(connection, source)
        if row is None:
            raise LookupError(f"there is no source {source}")
        stack.enter_context(store.held(connection, source))
        run = _Kept(connection, source, means.clock, report)
        run.show(Progress())
        try:
            opened = _open(row, means, connection)
            stack.callback(opened.close)
            if isinstance(opened, Uploads):
                run.carry(opened.keys)
            job = Job(
                base=row.base,
                source=row.name,
                rules=opened.rules if isinstance(opened, Uploads) else row.rules,
                salt=means.salt,
                removes_gone=not isinstance(opened, Uploads),
            )
            tools = Tools(
                reader=means.reader,
                embedder=means.embedder,
                marks=_Marks(connection, source),
                clock=means.clock,
                readers=means.readers,
            )
            done = Sync(job, opened, means.documents, tools, report=run.show, is_stopped=is_stopped).run()
        except Stopped:
            run.end("stopped", None)
            raise
        except SourceUnavailable as error:
            run.end("failed", str(error))
            raise
        if isinstance(opened, Uploads):
            opened.forget()
        run.end("done", None)
        return done


def _open(row: SourceRow, means: Means, connection: psycopg.Connection) -> Source:
    limits, sites = means.limits, means.sites
    match row.spec:
        case FolderSpec():
            spec = row.spec
            return Folder(Path(spec.root), include=spec.include, exclude=spec.exclude, most_bytes=limits.file_bytes)
        case SiteSpec():
            host = urlsplit(row.spec.url).hostname or ""
            inner = (host,) if row.spec.is_inner else ()
            fetcher = Fetcher((host,), most_bytes=limits.file_bytes, inner_hosts=inner, timeout_s=sites.page_s)
            return SiteMap(row.spec.url, fetcher, most_pages=sites.pages)
        case UploadSpec():
            return Uploads(connection, row.id)


class _Kept:
    """The run's row: written twice a second at most, and when it ends."""

    def __init__(
        self, connection: psycopg.Connection, source: int, clock: Clock, report: Callable[[Progress], None]
    ) -> None:
        self._connection = connection
        self._source = source
        self._clock = clock
        self._report = report
        self._kept_s: float | None = None
        self._last = Progress()
        before = store.run_of(connection, source)
        self._before = [] if before is None else before.progress.failures
        self._carried: list[Failure] = []

    def carry(self, listed: Collection[str]) -> None:
        """Keep what is known of the failures of files that are not listed now."""
        self._carried = [each for each in self._before if owner_of(each.key) not in listed][-_MOST_CARRIED:]

    def show(self, progress: Progress) -> None:
        self._last = progress
        self._report(progress)
        now_s = self._clock.monotonic()
        if self._kept_s is None or now_s - self._kept_s >= _KEPT_EVERY_S:
            self._kept_s = now_s
            self._keep("running", None)

    def end(self, state: str, error: str | None) -> None:
        self._keep(state, error)

    def _keep(self, state: str, error: str | None) -> None:
        progress = msgspec.structs.replace(self._last, failures=[*self._carried, *self._last.failures])
        run = Run(source=self._source, state=state, error=error, updated_at=self._clock.now(), progress=progress)
        store.keep_run(self._connection, run)


class _Marks:
    def __init__(self, connection: psycopg.Connection, source: int) -> None:
        self._connection = connection
        self._source = source

    def load(self) -> Mapping[str, tuple[str, bytes]]:
        return store.marks(self._connection, self._source)

    def keep(self, key: str, mark: str, digest: bytes) -> None:
        store.keep_mark(self._connection, self._source, key, mark, digest)
