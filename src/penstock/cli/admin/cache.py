"""`penstock cache …`: what is kept of answers and what it saved, over the admin API."""

from typing import Annotated, Any

import typer

from penstock.cli.admin.api import AdminApi, AsJson, ConfigFile, DataDirPath, Url, show, table

cache = typer.Typer(name="cache", help="Kept answers: what they saved, and which must go.", no_args_is_help=True)

Tenant = Annotated[str | None, typer.Option(help="Of this tenant only.")]
_KEPT = ("tenant", "model", "kind", "entries", "bytes", "oldest", "newest")
_USE = ("tenant", "model", "hits", "misses", "bypassed", "stored", "saved_tokens", "saved_usd")


@cache.callback()
def _group(context: typer.Context, url: Url = None, data_dir: DataDirPath = None, config: ConfigFile = None) -> None:
    """Kept answers: what they saved, and which must go."""
    context.obj = lambda: AdminApi(url=url, data_dir=data_dir, config=config)


def _api(context: typer.Context) -> AdminApi:
    api: AdminApi = context.obj()
    return api


@cache.command("status")
def status(
    context: typer.Context,
    tenant: Tenant = None,
    hours: Annotated[float, typer.Option(help="How far back to look for hits.")] = 24.0,
    as_json: AsJson = False,
) -> None:
    """Show what is kept, and what hits have saved."""
    answer = _api(context).call("GET", "/cache", query={"tenant": tenant, "hours": hours})
    show(answer, as_json=as_json, text=lambda: f"{table(answer['contents'], _KEPT)}\n\n{_use(answer['use'])}")


@cache.command("drop")
def drop(  # noqa: PLR0917 - typer makes named options of these
    context: typer.Context,
    tenant: Tenant = None,
    model: Annotated[str | None, typer.Option(help="Of this model name only.")] = None,
    tag: Annotated[str | None, typer.Option(help="Made from this document or release only.")] = None,
    everything: Annotated[bool, typer.Option("--everything", help="Where nothing else is said.")] = False,
    as_json: AsJson = False,
) -> None:
    """Forget answers, in every process."""
    wanted = {"tenant": tenant, "model": model, "tag": tag, "everything": everything}
    answer = _api(context).call("POST", "/cache/drop", wanted)
    show(answer, as_json=as_json, text=lambda: f"dropped {answer['entries']} kept answers")


def _use(items: list[dict[str, Any]]) -> str:
    rows = [
        {
            **item,
            "hits": [f"{kind} {count}" for kind, count in item["hits"].items()],
            "bypassed": [f"{reason} {count}" for reason, count in item["bypassed"].items()],
            "saved_tokens": item["saved_input_tokens"] + item["saved_output_tokens"],
            "saved_usd": f"{item['saved_nanousd'] / 1e9:.6f}",
        }
        for item in items
    ]
    return table(rows, _USE)
