"""`penstock alert …`: alerts, over the admin API."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from penstock.cli.admin.api import AdminApi, AsJson, ConfigFile, DataDirPath, Url, quoted, show, table
from penstock.cli.settings import EXIT_FAILED

alert = typer.Typer(name="alert", help="Alerts, their rules, and who is told of them.", no_args_is_help=True)

_RULE_COLUMNS = ("rule", "state", "group", "value", "bound", "since", "severity", "kind")
_COLUMNS = ("at", "severity", "kind", "tenant", "text", "acknowledged_by", "id")


@alert.callback()
def _group(context: typer.Context, url: Url = None, data_dir: DataDirPath = None, config: ConfigFile = None) -> None:
    """Alerts, their rules, and who is told of them."""
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
def try_channels(
    context: typer.Context,
    channel: Annotated[str | None, typer.Argument(help="Its name in the configuration; without one, all.")] = None,
    as_json: AsJson = False,
) -> None:
    """Send channels a test alert and print what came back; exits with 1 where one was not taken."""
    answers = _api(context).items("POST", "/alerts/test", {"channel": channel})
    show(answers, as_json=as_json, text=lambda: "\n".join(_tried(each) for each in answers) or "no channels")
    if not all(each["is_taken"] for each in answers):
        raise typer.Exit(EXIT_FAILED)


def _tried(answer: dict[str, Any]) -> str:
    said = answer["error"] or f"{answer['status'] or 'taken'} in {answer['took_s']:.3f} s"
    return f"{answer['channel']}: {said}"


@alert.command("rules")
def rules(context: typer.Context, as_json: AsJson = False) -> None:
    """List the alert rules, and how each stands for each of its groups."""
    answer = _api(context).items("GET", "/alerts/rules")
    show(answer, as_json=as_json, text=lambda: table(list(_states(answer)), _RULE_COLUMNS))


def _states(answer: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A line for each group that does not stand quiet; for a rule without one a line of its own."""
    for rule in answer:
        shown = [group for group in rule["groups"] if group["state"] != "quiet"]
        for group in shown:
            named = " ".join(f"{name}={value}" for name, value in group["group"].items())
            yield {**rule, **group, "rule": rule["name"], "group": named or "-"}
        if not shown:
            yield {**rule, "rule": rule["name"], "group": f"{len(rule['groups'])} groups"}


_SILENCE_COLUMNS = ("id", "rule", "kind", "tenant", "subject", "until", "reason", "made_by")


@alert.command("silences")
def silences(context: typer.Context, as_json: AsJson = False) -> None:
    """List the silences that are in force."""
    answer = _api(context).items("GET", "/alerts/silences")
    show(answer, as_json=as_json, text=lambda: table(answer, _SILENCE_COLUMNS))


@alert.command("silence")
def silence(  # noqa: PLR0917 - typer makes named options of these
    context: typer.Context,
    until: Annotated[str, typer.Option(help="Until when (ISO 8601, UTC without a zone).")],
    reason: Annotated[str, typer.Option(help="Why; it is audited.")],
    rule: Annotated[str | None, typer.Option(help="Of this rule.")] = None,
    kind: Annotated[str | None, typer.Option(help="Of this kind, or of all that begin so: budget.*.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Of this tenant.")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell nobody of alerts that match, until then."""
    body = {"rule": rule, "kind": kind, "tenant": tenant, "until": until, "reason": reason}
    answer = _api(context).call("POST", "/alerts/silences", {name: each for name, each in body.items() if each})
    show(answer, as_json=as_json, text=lambda: table([answer], _SILENCE_COLUMNS))


@alert.command("unsilence")
def unsilence(
    context: typer.Context,
    silence_id: Annotated[str, typer.Argument(help="The silence's id.")],
    as_json: AsJson = False,
) -> None:
    """End a silence now."""
    answer = _api(context).call("DELETE", f"/alerts/silences/{quoted(silence_id)}")
    show(answer, as_json=as_json, text=lambda: table([answer], _SILENCE_COLUMNS))
