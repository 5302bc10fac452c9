"""`penstock top`: what happens now, in the terminal, over the admin API."""

import sys
from typing import Annotated

import typer

from penstock.cli.admin.api import AdminApi, Away, ConfigFile, DataDirPath, Url
from penstock.cli.settings import EXIT_FAILED


def top(
    tenant: Annotated[str | None, typer.Option(help="Of this tenant only.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Print it once, plainly; so it is without a terminal.")] = False,
    url: Url = None,
    data_dir: DataDirPath = None,
    config: ConfigFile = None,
) -> None:
    """Watch rates, faults, times and costs as they change.  Keys: c e f p sort, space pauses, q ends."""
    from penstock.cli.top.looking import look  # noqa: PLC0415 - heavy, as the rest below
    from penstock.cli.top.screen import plain, watch  # noqa: PLC0415

    api = AdminApi(url=url, data_dir=data_dir, config=config)
    if once or not (sys.stdin.isatty() and sys.stdout.isatty()):
        try:
            plain(look(api, tenant))
        except Away as away:
            typer.echo(f"error: {away}", err=True)
            raise typer.Exit(EXIT_FAILED) from None
        return
    watch(lambda: look(api, tenant))
