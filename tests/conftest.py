"""Fixtures that several rooms need: a real PostgreSQL, one server a test run, one fresh database a test."""

import gc
import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from tests import first_start

from penstock.core.errors import ConfigError
from penstock.encoder.build import build
from penstock.encoder.files import check, default_folder
from penstock.storage.embedded import EmbeddedPostgres

_ROOM_BYTES = 8 * 2**30
_LONG = frozenset({"cli", "conformance", "demo", "system"})
"""Folders whose tests start whole installations."""


def _in_memory() -> bool:
    """Whether files in memory have room for a run, and the memory behind them too."""
    try:
        free = shutil.disk_usage("/dev/shm").free
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    except OSError:
        return False
    available = [1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    return min([free, *available]) >= _ROOM_BYTES


if "TMPDIR" not in os.environ and _in_memory():
    # Hundreds of databases are copied and dropped again, for which a disk takes ten times as long.
    os.environ["TMPDIR"] = tempfile.tempdir = "/dev/shm"


def pytest_sessionstart() -> None:
    first_start.forget()


def pytest_sessionfinish() -> None:
    first_start.forget()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is read for the tests stays to the end, and is looked at by no collection of garbage, now or later: a sixth
    of what reading it takes, in each process of a run.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests first: else one worker has some of them left when the others are at their end."""
    root = Path(__file__).parent
    items.sort(key=lambda item: item.path.relative_to(root).parts[0] not in _LONG)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The embedded server, running.  Outside pytest's own folder, which another run may close to other users.

    It brings nothing to the disk: what it keeps is gone with the run.  Tests of crashes have servers of their own.
    """
    data_dir = Path(tempfile.mkdtemp(prefix="penstock-"))
    first_start.copy_to(data_dir)
    server = EmbeddedPostgres(data_dir)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(data_dir)


@pytest.fixture(scope="session")
def database_names() -> Iterator[str]:
    return (f"test_{number}" for number in count())


@pytest.fixture(scope="session")
def migrated(postgres: EmbeddedPostgres) -> str:
    """The name of a database with today's schema, to be copied: that takes a tenth of the time of making it."""
    name = "with_schema"
    _created(postgres, name, "penstock")
    return name


@pytest.fixture
def empty_database_url(postgres: EmbeddedPostgres, database_names: Iterator[str]) -> Iterator[str]:
    """A database without any schema."""
    name = next(database_names)
    yield _created(postgres, name, "template0")
    _drop(postgres, name)


@pytest.fixture
def database_url(postgres: EmbeddedPostgres, database_names: Iterator[str], migrated: str) -> Iterator[str]:
    """A database with today's schema and nothing in it."""
    name = next(database_names)
    yield _created(postgres, name, migrated)
    _drop(postgres, name)


def _created(postgres: EmbeddedPostgres, name: str, template: str) -> str:
    """Copied as files: nothing of the copy goes through the write-ahead log, which takes three times as long."""
    url = postgres.start()
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
    return url.replace("/penstock?", f"/{name}?")


def _drop(postgres: EmbeddedPostgres, name: str) -> None:
    """Ten megabytes each: a run would otherwise leave gigabytes for the disk to write and to forget again."""
    with psycopg.connect(postgres.start(), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """A directory whose path leaves room for a unix socket, and that another test run does not touch."""
    folder = Path(tempfile.mkdtemp(prefix="penstock-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built sentence encoder: the one of this environment, or where it has none one that is built for the run."""
    try:
        check(default_folder())
    except ConfigError:
        return build(tmp_path_factory.mktemp("encoder") / "model")
    return default_folder()
