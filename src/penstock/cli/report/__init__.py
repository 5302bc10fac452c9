"""`penstock report`: a month as a page for people who pay for it, over the admin API."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, NoReturn
from zoneinfo import ZoneInfo

import typer

from penstock.cli.admin.api import AdminApi, ConfigFile, DataDirPath, Refused, Url
from penstock.cli.settings import EXIT_BAD_CONFIG, EXIT_FAILED


def report(  # noqa: PLR0917 - typer makes named options of these
    month: Annotated[str | None, typer.Option(help="Such as 2026-10; the running one, if absent.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Of this tenant only.")] = None,
    out: Annotated[Path, typer.Option("--out", help="What to write: .html or .pdf.")] = Path("report.html"),
    zone: Annotated[str | None, typer.Option(help="Whose days: Europe/Berlin; otherwise the tenant's, or UTC.")] = None,
    url: Url = None,
    data_dir: DataDirPath = None,
    config: ConfigFile = None,
) -> None:
    """Write the report of a month: what was done, what it cost and saved, what failed, what guards did."""
    from penstock.cli.report.gather import Wanted, gather, zone_of  # noqa: PLC0415 - heavy, as the rest below
    from penstock.config.limits import is_zone  # noqa: PLC0415
    from penstock.watch.report.content import document  # noqa: PLC0415

    kind = out.suffix.lower()
    if kind not in {".html", ".pdf"}:
        _refuse(f"--out {out}: a report is written as .html or .pdf")
    if kind == ".pdf":
        _need_fpdf()
    if zone is not None and not is_zone(zone):
        _refuse(f"--zone {zone}: there is no such time zone")
    now = datetime.now(UTC)
    asked = None if month is None else _first(month)
    api = AdminApi(url=url, data_dir=data_dir, config=config)
    days_of = ZoneInfo(zone or zone_of(api, tenant))
    running = now.astimezone(days_of).date().replace(day=1)
    first = asked or running
    if first > running:
        _refuse(f"--month {month}: that month has not begun")
    status = api.ask("/status")
    version = None if isinstance(status, Refused) else str(status["version"])
    made = document(gather(api, Wanted(first, tenant, days_of, now), version=version))
    if kind == ".pdf":
        from penstock.watch.report.pdf import pdf  # noqa: PLC0415

        written = pdf(made)
    else:
        from penstock.watch.report.html import html  # noqa: PLC0415

        written = html(made).encode()
    try:
        out.write_bytes(written)
    except OSError as error:
        typer.echo(f"error: {out} cannot be written ({error.strerror})", err=True)
        raise typer.Exit(EXIT_FAILED) from None
    print(out)


def _first(month: str) -> date:
    try:
        return datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError:
        _refuse(f"--month {month!r}: a month reads like 2026-10")


def _need_fpdf() -> None:
    from importlib.util import find_spec  # noqa: PLC0415

    if find_spec("fpdf") is None:
        _refuse("a PDF needs the extra `report`: pip install 'penstock[report]'")


def _refuse(message: str) -> NoReturn:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(EXIT_BAD_CONFIG)
