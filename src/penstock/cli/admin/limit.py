"""`penstock limit …`: limits, over the admin API."""

from typing import Annotated

import typer

from penstock.cli.admin.api import AdminApi, AsJson, ConfigFile, DataDirPath, Url, quoted, show, table
from penstock.cli.admin.rules import COUNTERS, More, Name, Scope, Where, flat, refuse, rule

limit = typer.Typer(name="limit", help="Limits: requests, tokens, money and concurrency.", no_args_is_help=True)

_COLUMNS = ("name", "amount", "unit", "per", "scope", "where", "mode", "tenant", "origin")


@limit.callback()
def _group(context: typer.Context, url: Url = None, data_dir: DataDirPath = None, config: ConfigFile = None) -> None:
    """Limits: requests, tokens, money and concurrency."""
    context.obj = lambda: AdminApi(url=url, data_dir=data_dir, config=config)


def _api(context: typer.Context) -> AdminApi:
    api: AdminApi = context.obj()
    return api


@limit.command("list")
def list_all(context: typer.Context, as_json: AsJson = False) -> None:
    """List limits, those of the configuration file too."""
    items = _api(context).pages("/limits", {})
    show({"items": items}, as_json=as_json, text=lambda: table(flat(items), _COLUMNS))


@limit.command("set")
def put(  # noqa: PLR0917 - typer makes named options of these
    context: typer.Context,
    name: Name,
    bound: Annotated[str, typer.Argument(help="Such as 100/minute, or 20 for concurrency; money in US dollars.")],
    unit: Annotated[str, typer.Argument(help="requests, tokens, input_tokens, output_tokens, money, concurrency.")],
    scope: Scope = None,
    where: Where = None,
    more: More = None,
) -> None:
    """Make a limit, or replace it whole; it is in force within a second or so."""
    amount, _, per = bound.partition("/")
    if not amount.replace(".", "", 1).isdecimal():
        refuse(f"{bound!r} does not read like 100/minute")
    wanted = {**rule(scope, where, more), "unit": unit, "amount": amount, "per": per or None}
    answer = _api(context).call("PUT", f"/limits/{quoted(name)}", wanted)
    show(answer, as_json=False, text=lambda: table(flat([answer]), _COLUMNS))


@limit.command("delete")
def delete(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Delete a limit of the database."""
    answer = _api(context).call("DELETE", f"/limits/{quoted(name)}")
    show(answer, as_json=as_json, text=lambda: f"deleted {name}")


@limit.command("status")
def status(
    context: typer.Context,
    name: Annotated[str | None, typer.Option(help="Of this limit only.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Of this tenant only.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what is used, reserved and left of each limit and value, and until when."""
    items = _api(context).pages("/limits/status", {"name": name, "tenant": tenant})
    show({"items": items}, as_json=as_json, text=lambda: table(flat(items), COUNTERS))
