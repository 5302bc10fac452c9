"""`penstock ledger`: every settled exchange, whether the servers run or not, and its sums made anew.

With the servers running it reads their database and their local journal; with them stopped it starts the embedded
database for as long as it takes and ships what is left first.  Without a database it gives what the local journal has,
says so on standard error and exits with 1, since that is not everything.
"""

import csv
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from penstock.cli.settings import (
    EXIT_BAD_CONFIG,
    EXIT_FAILED,
    ConfigOption,
    DataDirOption,
    config_file,
    load,
    with_options,
)
from penstock.config.logs import log_beside_output
from penstock.core.clock import SystemClock
from penstock.core.errors import ConfigError
from penstock.storage.embedded import EmbeddedPostgres
from penstock.storage.migrate import migrate
from penstock.watch.export import COLUMNS, all_rows, exported, waiting_rows
from penstock.watch.rollups.recount import recount
from penstock.watch.row import LedgerRow
from penstock.watch.ship import AlreadyShipping, Shipper
from penstock.watch.store import DatabaseError, LedgerFilter, reading

ledger = typer.Typer(name="ledger", help="The record of every exchange.", no_args_is_help=True)
ledger_app = ledger
_STDERR = Console(stderr=True)


class Format(StrEnum):
    jsonl = "jsonl"
    csv = "csv"


@ledger.callback()
def _group() -> None:
    """The record of every exchange."""


@ledger.command("export")
def export(  # noqa: PLR0917 - typer makes named options of these; nobody passes them by position
    output: Annotated[
        Format, typer.Option("--format", help="One JSON object a line, or CSV with a header, facts as JSON.")
    ] = Format.jsonl,
    data_dir: DataDirOption = None,
    database_url: Annotated[str | None, typer.Option(help="The database, if it is not the embedded one.")] = None,
    since: Annotated[str | None, typer.Option(help="From this time on (ISO 8601, UTC).")] = None,
    until: Annotated[str | None, typer.Option(help="Before this time (ISO 8601, UTC).")] = None,
    tenant: Annotated[str | None, typer.Option(help="Of this tenant only.")] = None,
    config: ConfigOption = None,
) -> None:
    """Print every settled exchange, oldest first."""
    settings = load(config_file(config), with_options({"data_dir": data_dir, "database_url": database_url}))
    root = Path(settings.data_dir).resolve()
    chosen = LedgerFilter(since=_time(since, "--since"), until=_time(until, "--until"), tenant=tenant)
    url = None if settings.database_url is None else settings.database_url.reveal()
    if url is None and not (root / "journal").is_dir() and not (root / "postgres").is_dir():
        _say(f"error: there is no ledger in {root}")
        raise typer.Exit(EXIT_BAD_CONFIG)
    try:
        is_complete = _export(root, url, chosen, output)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has had enough; what Python would still flush on exit has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    if not is_complete:
        raise typer.Exit(EXIT_FAILED)


@ledger.command("recount")
def recount_sums(
    data_dir: DataDirOption = None,
    database_url: Annotated[str | None, typer.Option(help="The database, if it is not the embedded one.")] = None,
    config: ConfigOption = None,
) -> None:
    """Make all sums by minute and hour anew from the ledger's rows, as after an upgrade from before there were any."""
    settings = load(config_file(config), with_options({"data_dir": data_dir, "database_url": database_url}))
    root = Path(settings.data_dir).resolve()
    url = None if settings.database_url is None else settings.database_url.reveal()
    if url is None and not (root / "postgres").is_dir():
        _say(f"error: there is no ledger in {root}")
        raise typer.Exit(EXIT_BAD_CONFIG)
    try:
        with ExitStack() as stack:
            if url is None:
                url = stack.enter_context(EmbeddedPostgres(root)).start()
            migrate(url)
            with Progress(TextColumn("{task.completed:,.0f} exchanges"), TimeElapsedColumn(), console=_STDERR) as bar:
                task = bar.add_task("recount", total=None)
                done = recount(url, told=lambda so_far: bar.update(task, completed=so_far))
    except (ConfigError, DatabaseError, OSError) as error:
        _say(f"error: nothing was changed ({error})")
        raise typer.Exit(EXIT_FAILED) from None
    typer.echo(f"The sums are those of {done:,} exchanges.")


def _export(root: Path, url: str | None, chosen: LedgerFilter, output: Format) -> bool:
    """Write the rows and say whether they were all there are."""
    directory = root / "journal"
    log_beside_output()
    with ExitStack() as stack:
        try:
            if url is None:
                # A running server is joined, and kept up until we are done even if its owner stops meanwhile.
                url = stack.enter_context(EmbeddedPostgres(root)).start()
            migrate(url)
            _ship(directory, url)
            reader = stack.enter_context(reading(url))
        except (ConfigError, DatabaseError, OSError) as error:
            _say(f"warning: the database cannot be read ({error})")
            _say("warning: what follows is only what waits in the local journal")
            _write(waiting_rows(directory, chosen), output)
            return False
        try:
            _write(all_rows(reader, directory, chosen), output)
        except DatabaseError as error:
            _say(f"error: the database went away, the export is not complete ({error})")
            return False
    return True


def _ship(directory: Path, url: str) -> None:
    """Bring what is left into the database, unless the running control plane does so anyway."""
    if not directory.is_dir():
        return
    try:
        Shipper(directory, url, clock=SystemClock()).drain_once()
    except AlreadyShipping:
        return
    except DatabaseError as error:
        _say(f"note: the local journal could not be shipped ({error}); it is read where it lies")


def _write(rows: Iterable[LedgerRow], output: Format) -> None:
    match output:
        case Format.jsonl:
            encoder = msgspec.json.Encoder()
            buffer = sys.stdout.buffer
            for row in rows:
                buffer.write(encoder.encode(exported(row)))
                buffer.write(b"\n")
        case Format.csv:
            writer = csv.writer(sys.stdout)
            writer.writerow(COLUMNS)
            writer.writerows(_cells(rows))


def _cells(rows: Iterable[LedgerRow]) -> Iterator[list[object]]:
    for row in rows:
        yield [_cell(value) for value in exported(row).values()]


def _cell(value: object) -> object:
    """JSON as its text, and no formula.

    A spreadsheet takes a text that begins so for one; a caller could have sent it as its model or user.
    """
    if isinstance(value, msgspec.Raw):
        return bytes(value).decode()
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        return "'" + value
    return value


def _time(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        _say(f"error: {option} {text!r} is not a time such as 2026-11-21 or 2026-11-21T12:00:00Z")
        raise typer.Exit(EXIT_BAD_CONFIG) from None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


def _say(text: str) -> None:
    typer.echo(text, err=True)
