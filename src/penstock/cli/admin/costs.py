"""`penstock costs`: other models' costs, a provider's invoice and what answers are worth, over the admin API."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from penstock.cli.admin.api import AdminApi, AsJson, ConfigFile, DataDirPath, Url, show, table
from penstock.cli.settings import EXIT_BAD_CONFIG

EXIT_DISAGREES = 3
"""The invoice could be read, and is not what the ledger says."""

costs = typer.Typer(name="costs", help="What models, invoices and answers come to.", no_args_is_help=True)

_MORE = ("aliases", "rates", "decimal", "dates", "zone", "tolerance_percent", "tolerance_usd")
_COMPARED = ("target", "cost_usd", "difference_usd", "uncached_usd", "tokens", "traffic", "failed", "median_s", "p95_s")
_LINES = ("model", "invoice_usd", "ledger_usd", "difference_usd", "percent", "verdict", "unknown", "estimated")
_WORTH = ("model", "interactions", "resolved", "held", "cost_usd", "saved_usd", "return_usd", "roi", "reason")
Since = Annotated[str | None, typer.Option(help="From this time on (ISO 8601, UTC); 30 days ago otherwise.")]
Until = Annotated[str | None, typer.Option(help="Before this time.")]


@costs.callback()
def _group(context: typer.Context, url: Url = None, data_dir: DataDirPath = None, config: ConfigFile = None) -> None:
    """What models, invoices and answers come to."""
    context.obj = lambda: AdminApi(url=url, data_dir=data_dir, config=config)


def _api(context: typer.Context) -> AdminApi:
    api: AdminApi = context.obj()
    return api


@costs.command("compare")
def compare(  # noqa: PLR0917 - typer makes named options of these
    context: typer.Context,
    targets: Annotated[str, typer.Option("--with", help="Targets, with commas between: openai/gpt-4o-mini,…")],
    since: Since = None,
    until: Until = None,
    model: Annotated[str | None, typer.Option(help="What was asked for under this name.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Of this tenant only.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what the recorded traffic would have cost at other targets' prices."""
    query = {"with": targets, "since": since, "until": until, "model": model, "tenant": tenant}
    answer = _api(context).call("GET", "/costs/compare", query=query)
    show(answer, as_json=as_json, text=lambda: _comparison(answer))


@costs.command("reconcile")
def reconcile(  # noqa: PLR0917 - typer makes named options of these
    context: typer.Context,
    invoice: Annotated[Path, typer.Argument(help="The provider's export, CSV.", exists=True, dir_okay=False)],
    provider: Annotated[str, typer.Option(help="As the configuration calls it.")],
    month: Annotated[str, typer.Option(help="Such as 2026-10.")],
    columns: Annotated[str | None, typer.Option(help="Of another export: date=Day,model=Model,amount=Cost.")] = None,
    more: Annotated[
        list[str] | None,
        typer.Option("--set", help=f"Another parameter: {', '.join(_MORE)}.  May be repeated.", metavar="NAME=VALUE"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hold a provider's invoice against the ledger; exit with 3 where they do not agree."""
    try:
        data = invoice.read_bytes()
    except OSError as error:
        typer.echo(f"error: cannot read {invoice}: {error.strerror}", err=True)
        raise typer.Exit(EXIT_BAD_CONFIG) from None
    query = {"provider": provider, "month": month, "columns": columns, **_parameters(more or [])}
    answer = _api(context).call("POST", "/costs/reconcile", data, query=query)
    show(answer, as_json=as_json, text=lambda: _report(answer))
    if not answer["report"]["agrees"]:
        raise typer.Exit(EXIT_DISAGREES)


@costs.command("value")
def value(
    context: typer.Context,
    since: Since = None,
    until: Until = None,
    tenant: Annotated[str | None, typer.Option(help="Of this tenant only.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what models cost, what was saved, and what resolved interactions are worth by your own figures."""
    answer = _api(context).call("GET", "/costs/value", query={"since": since, "until": until, "tenant": tenant})
    rows = [{**each, **_in_usd(each, "cost", "saved", "return")} for each in answer["models"]]
    show(answer, as_json=as_json, text=lambda: table(rows, _WORTH) + f"\n\nresolved: {answer['resolved_as']}")


def _parameters(given: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or name not in _MORE or name in found:
            typer.echo(f"error: --set {pair!r} is none of {', '.join(_MORE)}, once each, with its value", err=True)
            raise typer.Exit(EXIT_BAD_CONFIG)
        found[name] = value
    return found


def _comparison(answer: dict[str, Any]) -> str:
    recorded = {"target": "(recorded)", "cost_usd": _usd(answer["recorded_nanousd"]), "traffic": answer["exchanges"]}
    rows = [recorded, *(_compared(each) for each in answer["candidates"])]
    notes = [f"left out: {each['exchanges']} exchanges, {each['reason']}" for each in answer["left_out"]]
    return "\n".join([table(rows, _COMPARED), "", *notes, *answer["assumptions"]])


def _compared(candidate: dict[str, Any]) -> dict[str, Any]:
    measured: dict[str, Any] = candidate["measured"] or {}
    seconds = {name: f"{measured[name]:.3f}" for name in ("median_s", "p95_s") if measured.get(name) is not None}
    known = {line["tokens"]["factor"] or line["tokens"]["known"] for line in candidate["lines"]}
    return {
        "target": candidate["target"],
        "cost_usd": _usd(candidate["nanousd"]) or "unknown",
        "uncached_usd": _usd(candidate["uncached_nanousd"]),
        "difference_usd": _usd(candidate["difference_nanousd"]),
        "tokens": sorted(known),
        "traffic": measured.get("exchanges", 0),
        "failed": measured.get("failed"),
        **seconds,
    }


def _report(answer: dict[str, Any]) -> str:
    report = answer["report"]
    rows = [_line(each, each["model"] or str(each["day"])) for each in report["models"] or report["days"]]
    lines = [
        table([*rows, _line(report["total"], "(total)")], _LINES),
        "",
        f"{report['format']}, {answer['month']} in {answer['time_zone']}, compared by {report['compared']}",
        *(f"beside it: {name} {_usd(amount)} USD" for name, amount in report["others"].items()),
    ]
    if report["outside_rows"]:
        lines.append(f"of other months: {report['outside_rows']} rows, {_usd(report['outside_nanousd'])} USD")
    if report["stated_agrees"] is False:
        lines.append(f"its own total is another one: {_usd(report['stated_nanousd'])} USD")
    if answer["estimated_share"] is not None:
        lines.append(f"estimated: {answer['estimated_share']} of the ledger's money")
    within = f"{answer['tolerance_percent']} % or {_usd(answer['tolerance_nanousd'])} USD"
    lines.append(f"{'agrees' if report['agrees'] else 'DOES NOT AGREE'} within {within}")
    return "\n".join(lines)


def _line(side: dict[str, Any], name: str) -> dict[str, Any]:
    return {
        "model": name,
        **_in_usd(side, "invoice", "ledger", "difference"),
        "percent": side["percent"],
        "verdict": side["verdict"],
        "unknown": side["unknown_cost"],
        "estimated": side["estimated"],
    }


def _in_usd(of: dict[str, Any], *names: str) -> dict[str, str | None]:
    return {f"{name}_usd": _usd(of[f"{name}_nanousd"]) for name in names}


def _usd(nanousd: int | None) -> str | None:
    return None if nanousd is None else f"{Decimal(nanousd).scaleb(-9):f}"
