"""Sources, how far bringing them up to date is, and what was handed in, in PostgreSQL.

Every function is one transaction.  Who brings a source up to date holds its lock for as long as its connection lives,
so that there is one at a time wherever it runs, and none is held by the dead.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import BinaryIO, Final, LiteralString

import msgspec
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from penstock.core.sources import Reader
from penstock.knowledge.document import BaseId
from penstock.knowledge.ingest.progress import Progress
from penstock.knowledge.ingest.sources.rules import ReaderRule
from penstock.knowledge.jobs.specs import Run, SourceRow, Spec, Upload

QUEUE: Final = "knowledge"
TASK: Final = "penstock.knowledge.sync"

_LOCK = 0x6B6E6F77
"""`know`: the first half of an advisory lock's key, whose second is the source."""

_PIECE: Final = 1 << 20

_ADD: LiteralString = """
    INSERT INTO ingest_sources (base, name, spec, rules) VALUES (%s, %s, %s, %s)
    ON CONFLICT (base, name) DO UPDATE SET spec = excluded.spec, rules = excluded.rules RETURNING id
"""
_RUN: LiteralString = """
    INSERT INTO ingest_runs (source, state, error, updated_at, progress) VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (source) DO UPDATE SET state = excluded.state, error = excluded.error,
        updated_at = excluded.updated_at, progress = excluded.progress
"""


class SourceBusy(Exception):
    """Somebody else is bringing it up to date now."""


@contextmanager
def held(connection: psycopg.Connection, source: int) -> Generator[None]:
    """The source's lock.  Raises `SourceBusy` where somebody has it."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (_LOCK, source)).fetchone()
    if row is None or not row[0]:
        raise SourceBusy
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s, %s)", (_LOCK, source))


def add_source(connection: psycopg.Connection, base: BaseId, name: str, spec: Spec, rules: Sequence[ReaderRule]) -> int:
    """Its id.  One of the same name is changed to this."""
    row = connection.execute(_ADD, (base, name, _json(spec), _json(list(rules)))).fetchone()
    if row is None:
        raise LookupError(name)
    return int(row[0])


def sources(connection: psycopg.Connection, base: BaseId) -> list[SourceRow]:
    """By name."""
    with connection.cursor(row_factory=dict_row) as cursor:
        query = "SELECT id, base, name, spec, rules FROM ingest_sources WHERE base = %s ORDER BY name"
        return msgspec.convert(cursor.execute(query, (base,)).fetchall(), list[SourceRow])


def source_of(connection: psycopg.Connection, source: int) -> SourceRow | None:
    with connection.cursor(row_factory=dict_row) as cursor:
        query = "SELECT id, base, name, spec, rules FROM ingest_sources WHERE id = %s"
        return msgspec.convert(cursor.execute(query, (source,)).fetchone(), SourceRow | None)


def remove_source(connection: psycopg.Connection, source: int) -> None:
    """And what is kept of it; its documents are the index's to remove."""
    connection.execute("DELETE FROM ingest_sources WHERE id = %s", (source,))


def keep_run(connection: psycopg.Connection, run: Run) -> None:
    connection.execute(_RUN, (run.source, run.state, run.error, run.updated_at, _json(run.progress)))


def run_of(connection: psycopg.Connection, source: int) -> Run | None:
    """The last one, or the one that goes on; None where there was none."""
    with connection.cursor(row_factory=dict_row) as cursor:
        query = "SELECT source, state, error, updated_at, progress FROM ingest_runs WHERE source = %s"
        return msgspec.convert(cursor.execute(query, (source,)).fetchone(), Run | None)


def enqueue(connection: psycopg.Connection, source: int) -> bool:
    """Have it brought up to date by a worker; False where a job waits already.  In the caller's transaction."""
    query: LiteralString = """
        SELECT procrastinate_defer_jobs_v1(ARRAY[
            ROW(%(queue)s, %(task)s, 0, %(lock)s, %(lock)s, jsonb_build_object('source', %(source)s::bigint), NULL)
            ::procrastinate_job_to_defer_v1])
    """
    lock = f"{QUEUE}:{source}"
    try:
        with connection.transaction():
            connection.execute(query, {"queue": QUEUE, "task": TASK, "lock": lock, "source": source})
    except psycopg.errors.UniqueViolation:
        return False
    return True


def mark_waiting(connection: psycopg.Connection, source: int, *, now: float) -> None:
    """Which files failed stays known until it is read again."""
    _keep_unread(connection, source, "waiting", None, now=now)


def mark_failed(connection: psycopg.Connection, source: int, error: str, *, now: float) -> None:
    """Nothing of it could be done; nothing where there is no such source any more."""
    if source_of(connection, source) is not None:
        _keep_unread(connection, source, "failed", error, now=now)


def _keep_unread(connection: psycopg.Connection, source: int, state: str, error: str | None, *, now: float) -> None:
    last = run_of(connection, source)
    progress = Progress() if last is None else Progress(failures=last.progress.failures)
    keep_run(connection, Run(source=source, state=state, error=error, updated_at=now, progress=progress))


def has_work(connection: psycopg.Connection) -> bool:
    """Whether a worker may be needed: there is a knowledge base, or a job of any kind waits."""
    query: LiteralString = """
        SELECT EXISTS (SELECT FROM knowledge_bases)
            OR EXISTS (SELECT FROM procrastinate_jobs WHERE status IN ('todo', 'doing'))
    """
    row = connection.execute(query).fetchone()
    return row is not None and bool(row[0])


def marks(connection: psycopg.Connection, source: int) -> Mapping[str, tuple[str, bytes]]:
    rows = connection.execute("SELECT key, mark, digest FROM ingest_marks WHERE source = %s", (source,)).fetchall()
    return {key: (mark, bytes(digest)) for key, mark, digest in rows}


def keep_mark(connection: psycopg.Connection, source: int, key: str, mark: str, digest: bytes) -> None:
    query: LiteralString = """
        INSERT INTO ingest_marks (source, key, mark, digest) VALUES (%s, %s, %s, %s)
        ON CONFLICT (source, key) DO UPDATE SET mark = excluded.mark, digest = excluded.digest
    """
    connection.execute(query, (source, key, mark, digest))


def add_upload(connection: psycopg.Connection, source: int, upload: Upload, file: BinaryIO) -> int:
    """Its id, which `upload` does not have yet.  The file goes over in pieces, and is there whole or not at all."""
    query: LiteralString = """
        INSERT INTO ingest_uploads (source, key, readers, at, data) VALUES (%s, %s, %s, %s, lo_get(%s)) RETURNING id
    """
    with connection.transaction():
        row = connection.execute("SELECT lo_create(0)").fetchone()
        pieces = None if row is None else row[0]
        offset = 0
        while piece := file.read(_PIECE):
            connection.execute("SELECT lo_put(%s, %s, %s)", (pieces, offset, piece))
            offset += len(piece)
        row = connection.execute(query, (source, upload.key, list(upload.readers), upload.at, pieces)).fetchone()
        connection.execute("SELECT lo_unlink(%s)", (pieces,))
    if row is None:
        raise LookupError(upload.key)
    return int(row[0])


def uploads(connection: psycopg.Connection, source: int) -> list[Upload]:
    """What waits: of each key the last one, by key."""
    query: LiteralString = (
        "SELECT DISTINCT ON (key) id, key, readers, at FROM ingest_uploads WHERE source = %s ORDER BY key, id DESC"
    )
    with connection.cursor(row_factory=dict_row) as cursor:
        return msgspec.convert(cursor.execute(query, (source,)).fetchall(), list[Upload])


def upload_data(connection: psycopg.Connection, upload: int) -> bytes | None:
    row = connection.execute("SELECT data FROM ingest_uploads WHERE id = %s", (upload,)).fetchone()
    return None if row is None else bytes(row[0])


def drop_waiting(connection: psycopg.Connection, source: int, key: str) -> bool:
    """Whatever waits under the key; False where nothing did."""
    return connection.execute("DELETE FROM ingest_uploads WHERE source = %s AND key = %s", (source, key)).rowcount > 0


def drop_uploads(connection: psycopg.Connection, source: int, upto: Mapping[str, int]) -> None:
    """Of each key those up to an id: what was handed in since stays."""
    with connection.transaction(), connection.cursor() as cursor:
        query: LiteralString = "DELETE FROM ingest_uploads WHERE source = %s AND key = %s AND id <= %s"
        cursor.executemany(query, [(source, key, last) for key, last in upto.items()])


def readers_of_uploads(waiting: Sequence[Upload]) -> dict[str, tuple[Reader, ...]]:
    return {each.key: each.readers for each in waiting}


def _json(value: object) -> Jsonb:
    return Jsonb(msgspec.to_builtins(value))
