"""`penstock up`: everything on one machine, with nothing to set up.

The embedded PostgreSQL, the data plane and the control plane start at the same time, since the data plane serves
without a database; a worker follows once there is work for one.  SIGTERM and Ctrl-C stop them in the order in which
nothing is lost: the data plane drains while the worker puts back what it has not done, the control plane ships what is
left, PostgreSQL closes its files.
"""

import asyncio
import fcntl
import os
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from penstock.cli.ports import why_unusable
from penstock.cli.settings import (
    EXIT_FAILED,
    ConfigOption,
    ControlPortOption,
    DataDirOption,
    HostOption,
    PortOption,
    config_file,
    load,
    refuse,
    with_options,
)
from penstock.config import Config
from penstock.config.datadir import DataDir
from penstock.core.errors import ConfigError


def up(  # noqa: PLR0917 - typer makes named options of these
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    host: HostOption = None,
    port: PortOption = None,
    control_port: ControlPortOption = None,
    no_worker: Annotated[bool, typer.Option("--no-worker", help="One runs elsewhere: penstock worker.")] = False,
) -> None:
    """Start everything and print how to use it.  Ctrl-C or SIGTERM drains and stops; a second one ends at once."""
    options: dict[str, object] = {
        "data_dir": data_dir,
        "server.host": host,
        "server.port": port,
        "control.port": control_port,
        "ingest.worker": "false" if no_worker else None,
    }
    environ = with_options(options)
    path = config_file(config)
    settings = load(path, environ)
    for address, number, option in (
        (settings.server.host, settings.server.port, "--port"),
        (settings.control.host, settings.control.port, "--control-port"),
    ):
        if reason := why_unusable(address, number):
            _fail(f"{reason}: choose another with {option}")
    root = DataDir(Path(settings.data_dir).resolve())
    lock = _lock(root)
    try:
        _prepare(root, settings)
        code = _run(settings, root, path, environ)
    except ConfigError as error:
        refuse(error)
    finally:
        os.close(lock)
    raise typer.Exit(code)


def _lock(root: DataDir) -> int:
    """Take the data directory for this process; the kernel gives it back however we end."""
    try:
        root.make()
        lock = os.open(root.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        _fail(f"cannot use the data directory {root.root}: {error.strerror}")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.read(lock, 20).decode("ascii", "replace").strip()
        os.close(lock)
        _fail(
            f"another `penstock up` (process {owner or 'unknown'}) uses {root.root}:"
            " stop it, or name another --data-dir"
        )
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode("ascii"), 0)
    return lock


def _prepare(root: DataDir, settings: Config) -> None:
    """Make what both planes would otherwise make at the same time."""
    from penstock.admission.keys import open_dev_key, open_hasher  # noqa: PLC0415 - only `up` itself needs it
    from penstock.console.token import open_admin_token  # noqa: PLC0415 - as above

    hasher = open_hasher(root)
    if settings.keys.dev_key:
        open_dev_key(root, hasher)
    open_admin_token(root)


def _run(settings: Config, root: DataDir, path: Path | None, environ: dict[str, str]) -> int:
    from penstock.cli.installation import Installation  # noqa: PLC0415 - asyncio and structlog, after the quick checks

    environ["PENSTOCK__DATA_DIR"] = str(root.root)
    if path is not None:
        environ["PENSTOCK_CONFIG"] = str(path.resolve())
    return asyncio.run(Installation(settings, root, environ).run())


def _fail(message: str) -> NoReturn:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(EXIT_FAILED)
