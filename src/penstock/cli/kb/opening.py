"""The database and the index as one command has them, whether the servers run or not."""

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NoReturn

import msgspec
import psycopg
import typer

from penstock.app.knowledge.desk import Desk
from penstock.app.knowledge.ingest import means_of
from penstock.app.knowledge.views import BaseView
from penstock.cli.settings import EXIT_FAILED, config_file, load, refuse, with_options
from penstock.config.logs import log_beside_output
from penstock.core.errors import ConfigError
from penstock.knowledge.jobs.specs import SourceRow
from penstock.knowledge.jobs.syncing import Connect, Means
from penstock.storage.embedded import EmbeddedPostgres
from penstock.storage.migrate import migrate
from penstock.storage.pool import connect


class Place(msgspec.Struct, frozen=True):
    """Where a command looks: which configuration, which data directory, whose base."""

    config: Path | None
    data_dir: Path | None
    tenant: str


class Open(msgspec.Struct, frozen=True):
    """What a command has open: `sources` is a connection in autocommit."""

    means: Means
    desk: Desk
    sources: psycopg.Connection
    connect: Connect
    tenant: str

    def base(self, name: str) -> BaseView:
        """Ends the command where there is none."""
        found = self.desk.bases.find(self.tenant, name)
        if found is None:
            names = ", ".join(base.name for base in self.desk.bases.listed(self.tenant)) or "none yet"
            fail(f"there is no knowledge base {name!r}; there are: {names}")
        return found

    def sources_of(self, base: BaseView) -> list[SourceRow]:
        return self.desk.sources(base.id)


@contextmanager
def opened(place: Place) -> Generator[Open]:
    """Ends the command with a reason where anything is wrong."""
    log_beside_output()
    settings = load(config_file(place.config), with_options({"data_dir": place.data_dir}))
    postgres = None if settings.database_url is not None else EmbeddedPostgres(Path(settings.data_dir).resolve())
    try:
        url = settings.database_url.reveal() if settings.database_url is not None else ""
        if postgres is not None:
            url = postgres.start()  # a running server is joined
        migrate(url)
        connecting = partial(connect, url, name="kb")
        with means_of(settings, url) as (means, index), connecting() as connection:
            connection.autocommit = True
            yield Open(means, Desk(connection, index, means.clock), connection, connecting, place.tenant)
    except ConfigError as error:
        refuse(error)
    except psycopg.OperationalError as error:
        fail(f"the database failed ({next(iter(str(error).splitlines()), type(error).__name__)})")
    finally:
        if postgres is not None:
            postgres.stop()


def fail(message: str) -> NoReturn:
    """Print the reason and end the command with 1."""
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(EXIT_FAILED)
