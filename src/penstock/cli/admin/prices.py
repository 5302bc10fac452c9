"""`penstock prices`: what applies to each target and until when, over the admin API."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from penstock.cli.admin.api import AdminApi, AsJson, ConfigFile, DataDirPath, Url, show, table

_COLUMNS = ("target", "from", "until", "per_million_usd", "tiers", "source", "unknown_30d")


def prices(  # noqa: PLR0917 - typer makes named options of these
    model: Annotated[
        str | None, typer.Argument(help="A model of the configuration, or a target such as openai/gpt-4o-mini.")
    ] = None,
    at: Annotated[str | None, typer.Option(help="On this day (2026-11-01, UTC); today otherwise.")] = None,
    as_json: AsJson = False,
    url: Url = None,
    data_dir: DataDirPath = None,
    config: ConfigFile = None,
) -> None:
    """Show the prices that hold and those that will, and which targets have none."""
    api = AdminApi(url=url, data_dir=data_dir, config=config)
    answer = api.call("GET", "/prices", query={"at": at, "model": model})
    show(answer, as_json=as_json, text=lambda: table([row for t in answer["targets"] for row in _rows(t)], _COLUMNS))


def _rows(target: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for price in target["prices"]:
        rates = price["rates"]
        yield {
            "target": target["target"],
            "from": price["since"],
            "until": price["until"],
            "per_million_usd": [_rate(rate) for rate in rates] or ["unknown"],
            "tiers": sorted({f">{tier['above_tokens']}" for rate in rates for tier in rate["tiers"]}),
            "source": price["source"] + (f" ({price['hours']})" if price["hours"] else ""),
            "unknown_30d": target["unknown"]["exchanges"] if target["unknown"] else None,
        }


def _rate(rate: dict[str, Any]) -> str:
    per = "" if rate["per"] == 1_000_000 else f"/{rate['per']}"
    return f"{rate['kind']} {rate['usd']}{per}"
