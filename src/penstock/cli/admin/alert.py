"""`penstock alert …`: alerts, over the admin API."""

from typing import Annotated

import typer

from penstock.cli.admin.api import AdminApi, AsJson, ConfigFile, DataDirPath, Url, quoted, show, table
from penstock.cli.settings import EXIT_FAILED

alert = typer.Typer(name="alert", help="Alerts, and the webhooks that are told of them.", no_args_is_help=True)

_COLUMNS = ("at", "severity", "kind", "tenant", "text", "acknowledged_by", "id")


@alert.callback()
def _group(context: typer.Context, url: Url = None, data_dir: DataDirPath = None, config: ConfigFile = None) -> None:
    """Alerts, and the webhooks that are told of them."""
    context.obj = lambda: AdminApi(url=url, data_dir=data_dir, config=config)


def _api(context: typer.Context) -> AdminApi:
    api: AdminApi = context.obj()
    return api


@alert.command("list")
def list_all(  # noqa: PLR0917 - typer makes named options of these
    context: typer.Context,
    tenant: Annotated[str | None, typer.Option(help="Of this tenant only.")] = None,
    kind: Annotated[str | None, typer.Option(help="Of this kind only, such as budget.threshold.")] = None,
    since: Annotated[str | None, typer.Option(help="From this time on (ISO 8601, UTC without a zone).")] = None,
    state: Annotated[str | None, typer.Option(help="open, acknowledged, waiting or failed.")] = None,
    as_json: AsJson = False,
) -> None:
    """List alerts, the last to arrive first."""
    items = _api(context).pages("/alerts", {"tenant": tenant, "kind": kind, "since": since, "state": state})
    show({"items": items}, as_json=as_json, text=lambda: table(items, _COLUMNS))


@alert.command("ack")
def ack(
    context: typer.Context, alert_id: Annotated[str, typer.Argument(help="The alert's id.")], as_json: AsJson = False
) -> None:
    """Say that somebody knows."""
    answer = _api(context).call("POST", f"/alerts/{quoted(alert_id)}/acknowledge")
    show(answer, as_json=as_json, text=lambda: table([answer], _COLUMNS))


@alert.command("test")
def try_webhook(
    context: typer.Context,
    webhook: Annotated[str, typer.Argument(help="The webhook's name in the configuration.")],
    as_json: AsJson = False,
) -> None:
    """Send a webhook a test alert and print what came back; exits with 1 where it was not taken."""
    answer = _api(context).call("POST", f"/alerts/webhooks/{quoted(webhook)}/test")
    said = answer["error"] or f"{answer['status']} in {answer['took_s']:.3f} s"
    show(answer, as_json=as_json, text=lambda: f"{webhook}: {said}")
    if not answer["is_taken"]:
        raise typer.Exit(EXIT_FAILED)
