"""`penstock target …`: what the fleet has found of targets, over the admin API, and an operator's orders."""

from typing import Annotated, Any

import typer

from penstock.cli.admin.api import AdminApi, AsJson, ConfigFile, DataDirPath, Url, quoted, show, table

target = typer.Typer(name="target", help="Targets: which are down, and who calls them.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Such as openai/gpt-4o-mini.")]
Reason = Annotated[str | None, typer.Option(help="Why, for those who read the audit.")]
_COLUMNS = ("name", "state", "callers", "since", "until", "reason", "found_by")


@target.callback()
def _group(context: typer.Context, url: Url = None, data_dir: DataDirPath = None, config: ConfigFile = None) -> None:
    """Targets: which are down, and who calls them."""
    context.obj = lambda: AdminApi(url=url, data_dir=data_dir, config=config)


def _api(context: typer.Context) -> AdminApi:
    api: AdminApi = context.obj()
    return api


@target.command("list")
def list_all(context: typer.Context, as_json: AsJson = False) -> None:
    """List targets with the state of their breakers."""
    answer = _api(context).call("GET", "/targets")
    show(answer, as_json=as_json, text=lambda: table(answer["items"], _COLUMNS))


@target.command("open")
def open_(
    context: typer.Context,
    name: Name,
    hours: Annotated[float, typer.Option(help="After this it is tried again.")] = 1.0,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Stop calling a target, everywhere, until its time is over or it is closed again."""
    wanted: dict[str, object] = {"for_s": hours * 3600}
    _order(context, name, "open", wanted, reason, as_json=as_json)


@target.command("close")
def close(context: typer.Context, name: Name, reason: Reason = None, as_json: AsJson = False) -> None:
    """Call a target again, whatever was found."""
    _order(context, name, "close", {}, reason, as_json=as_json)


def _order(
    context: typer.Context, name: str, word: str, wanted: dict[str, object], reason: str | None, *, as_json: bool
) -> None:
    body = wanted if reason is None else {**wanted, "reason": reason}
    answer: dict[str, Any] = _api(context).call("POST", f"/targets/{quoted(name)}/{word}", body)
    show(answer, as_json=as_json, text=lambda: table([answer], _COLUMNS))
