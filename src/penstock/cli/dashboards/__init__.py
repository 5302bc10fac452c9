"""`penstock dashboards`: files for Grafana and Prometheus, made of the same definitions as all other figures."""

from pathlib import Path
from typing import Annotated

import typer

from penstock.cli.settings import EXIT_FAILED


def dashboards(
    out: Annotated[Path, typer.Option("--out", help="The folder to write them into; what is there is written over.")],
) -> None:
    """Write Grafana's dashboards and Prometheus' rules."""
    from penstock.watch.dashboards.files import files  # noqa: PLC0415 - only when it runs, as the commands do

    for name, text in files().items():
        path = out / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        except OSError as error:
            typer.echo(f"error: {path} cannot be written ({error.strerror})", err=True)
            raise typer.Exit(EXIT_FAILED) from None
        print(path)
