"""`penstock savings`: what was spent and what was not, over the admin API."""

from typing import Annotated, Any

import typer

from penstock.cli.admin.api import AdminApi, AsJson, ConfigFile, DataDirPath, Url, show, table

_COLUMNS = ("tenant", "model", "exchanges", "spent_usd", "saved_usd", "saved_by", "tiers")


def savings(  # noqa: PLR0917 - typer makes named options of these
    tenant: Annotated[str | None, typer.Option(help="Of this tenant only.")] = None,
    hours: Annotated[float, typer.Option(help="How far back.")] = 24.0,
    as_json: AsJson = False,
    url: Url = None,
    data_dir: DataDirPath = None,
    config: ConfigFile = None,
) -> None:
    """Show what caches, tiers and shorter prompts have saved, by tenant and model."""
    api = AdminApi(url=url, data_dir=data_dir, config=config)
    answer = api.call("GET", "/savings", query={"tenant": tenant, "hours": hours})
    show(answer, as_json=as_json, text=lambda: table([_row(item) for item in answer["items"]], _COLUMNS))


def _row(item: dict[str, Any]) -> dict[str, Any]:
    return {
        **item,
        "spent_usd": f"{item['cost_nanousd'] / 1e9:.6f}",
        "saved_usd": f"{item['saved_nanousd'] / 1e9:.6f}",
        "saved_by": [f"{kind} {saving['nanousd'] / 1e9:.6f}" for kind, saving in item["by"].items()],
        "tiers": [f"{tier} {count}" for tier, count in item["tiers"].items()],
    }
