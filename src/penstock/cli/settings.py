"""The configuration as a command line sees it: the file, the environment, and over both the command's own options."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from penstock.config import Config, read
from penstock.config.problems import lines_of
from penstock.core.errors import ConfigError

EXIT_FAILED = 1
EXIT_BAD_CONFIG = 2
DEFAULT_FILE = Path("penstock.yaml")

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        envvar="PENSTOCK_CONFIG",
        help="The configuration file; without one `penstock.yaml`, if it is there.",
        show_default=False,
    ),
]
DataDirOption = Annotated[
    Path | None, typer.Option("--data-dir", help="Where everything is kept (.penstock).", show_default=False)
]
HostOption = Annotated[str | None, typer.Option("--host", help="The data plane's address.", show_default=False)]
PortOption = Annotated[int | None, typer.Option("--port", help="The data plane's port.", show_default=False)]
ControlPortOption = Annotated[
    int | None, typer.Option("--control-port", help="The control plane's port.", show_default=False)
]


def config_file(given: Path | None) -> Path | None:
    """The file to read: the one that was named, or `penstock.yaml` where there is one."""
    if given is not None:
        return given
    return DEFAULT_FILE if DEFAULT_FILE.exists() else None


def with_options(options: Mapping[str, object]) -> dict[str, str]:
    """The environment with the command's options in it, as overlay variables; an option that is None was not given."""
    environ = dict(os.environ)
    for setting, value in options.items():
        if value is not None:
            environ["PENSTOCK__" + setting.upper().replace(".", "__")] = str(value)
    return environ


def load(path: Path | None, environ: Mapping[str, str]) -> Config:
    """The configuration; where it is wrong, every problem goes to standard error and the command exits with 2."""
    try:
        return read(path, environ)
    except ConfigError as error:
        refuse(error)


def refuse(error: ConfigError) -> NoReturn:
    """Print every problem and exit with 2."""
    for problem in lines_of(error):
        typer.echo(f"error: {problem}", err=True)
    raise typer.Exit(EXIT_BAD_CONFIG)
