"""Fixtures that several rooms need: a real PostgreSQL, one server a test run, one fresh database a test."""

import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from penstock.core.errors import ConfigError
from penstock.encoder.build import build
from penstock.encoder.files import check, default_folder
from penstock.storage.embedded import EmbeddedPostgres
from penstock.storage.migrate import migrate


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The embedded server, running.  Outside pytest's own folder, which another run may close to other users."""
    data_dir = Path(tempfile.mkdtemp(prefix="penstock-"))
    server = EmbeddedPostgres(data_dir)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(data_dir)


@pytest.fixture(scope="session")
def database_names() -> Iterator[str]:
    return (f"test_{number}" for number in count())


@pytest.fixture
def empty_database_url(postgres: EmbeddedPostgres, database_names: Iterator[str]) -> str:
    """A database without any schema."""
    url, name = postgres.start(), next(database_names)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return url.replace("/penstock?", f"/{name}?")


@pytest.fixture
def database_url(empty_database_url: str) -> str:
    """A database with today's schema and nothing in it."""
    migrate(empty_database_url)
    return empty_database_url


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
