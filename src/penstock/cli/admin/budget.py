"""`penstock budget …`: budgets and their overrides, over the admin API."""

from typing import Annotated

import typer

from penstock.cli.admin.api import AdminApi, AsJson, ConfigFile, DataDirPath, Url, quoted, show, table
from penstock.cli.admin.rules import COUNTERS, More, Name, Scope, Where, flat, pairs, refuse, rule

budget = typer.Typer(name="budget", help="Budgets: money to spend in a period.", no_args_is_help=True)

_COLUMNS = ("name", "soft_usd", "hard_usd", "per", "scope", "where", "on_exhausted", "mode", "tenant", "origin")
_OVERRIDE = ("id", "raise_usd", "until", "where", "made_by")


@budget.callback()
def _group(context: typer.Context, url: Url = None, data_dir: DataDirPath = None, config: ConfigFile = None) -> None:
    """Budgets: money to spend in a period."""
    context.obj = lambda: AdminApi(url=url, data_dir=data_dir, config=config)


def _api(context: typer.Context) -> AdminApi:
    api: AdminApi = context.obj()
    return api


@budget.command("list")
def list_all(context: typer.Context, as_json: AsJson = False) -> None:
    """List budgets, those of the configuration file too."""
    items = _api(context).pages("/budgets", {})
    show({"items": items}, as_json=as_json, text=lambda: table(flat(items), _COLUMNS))


@budget.command("set")
def put(  # noqa: PLR0917 - typer makes named options of these
    context: typer.Context,
    name: Name,
    bound: Annotated[str, typer.Argument(help="US dollars, such as 500/month, or none/month beside `soft_usd`.")],
    scope: Scope = None,
    where: Where = None,
    more: More = None,
    as_json: AsJson = False,
) -> None:
    """Make a budget, or replace it whole; it is in force within a second or so."""
    hard, _, per = bound.partition("/")
    if not per or not (hard == "none" or hard.replace(".", "", 1).isdecimal()):
        refuse(f"{bound!r} does not read like 500/month")
    wanted = {**rule(scope, where, more), "per": per, "hard_usd": None if hard == "none" else hard}
    answer = _api(context).call("PUT", f"/budgets/{quoted(name)}", wanted)
    show(answer, as_json=as_json, text=lambda: table(flat([answer]), _COLUMNS))


@budget.command("delete")
def delete(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Delete a budget of the database, and its overrides with it."""
    answer = _api(context).call("DELETE", f"/budgets/{quoted(name)}")
    show(answer, as_json=as_json, text=lambda: f"deleted {name}")


@budget.command("override")
def override(  # noqa: PLR0917 - typer makes named options of these
    context: typer.Context,
    name: Name,
    raise_usd: Annotated[str, typer.Argument(help="So many US dollars more.")],
    until: Annotated[str, typer.Argument(help="Until then (ISO 8601, UTC without a zone).")],
    where: Where = None,
    as_json: AsJson = False,
) -> None:
    """Raise a budget for a while; it ends by itself."""
    wanted = {"raise_usd": raise_usd, "until": until, "where": pairs(where, "--where")}
    answer = _api(context).call("POST", f"/budgets/{quoted(name)}/overrides", wanted)
    show(answer, as_json=as_json, text=lambda: table(flat([answer]), _OVERRIDE))


@budget.command("end")
def end(
    context: typer.Context,
    name: Name,
    override_id: Annotated[str, typer.Argument(help="The override's id (`ovr_…`).")],
    as_json: AsJson = False,
) -> None:
    """End an override now."""
    answer = _api(context).call("DELETE", f"/budgets/{quoted(name)}/overrides/{quoted(override_id)}")
    show(answer, as_json=as_json, text=lambda: f"ended {override_id}")


@budget.command("status")
def status(
    context: typer.Context,
    name: Annotated[str | None, typer.Option(help="Of this budget only.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Of this tenant only.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what is used, reserved and left of each budget and value, and until when."""
    items = _api(context).pages("/budgets/status", {"name": name, "tenant": tenant})
    show({"items": items}, as_json=as_json, text=lambda: table(flat(items), COUNTERS))
