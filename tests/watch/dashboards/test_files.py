"""The files in deploy/ are those that the command makes, and every metric that they name is there."""

import asyncio
from pathlib import Path
from typing import Any

import yaml
from prometheus_client.parser import text_string_to_metric_families
from tests.watch.dashboards.evaluator import nodes, parsed
from typer.testing import CliRunner

from penstock import cli
from penstock.app.data_plane import build
from penstock.config import read
from penstock.console.plane import open_plane
from penstock.core.json import loads
from penstock.watch.dashboards.files import files

DEPLOYED = Path(__file__).parents[3] / "deploy"
SITE = """\
discover_providers: false
guards: {default: {personal_data: {fail: closed, names: false}}}
alerts:
  webhooks: [{name: on-call, url: "http://127.0.0.1:9/", secret: "file:%s"}]
models:
  kept: {targets: [{provider: sim, model: sim}], cache: {exact: {}}}
"""


def test_the_command_writes_what_is_deployed(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        cli._build(["dashboards"]),  # pyright: ignore[reportPrivateUsage] - the program itself ends the process
        ["dashboards", "--out", str(tmp_path)],
    )
    assert done.exit_code == 0, done.output
    made = {str(path.relative_to(tmp_path)): path.read_text("utf-8") for path in tmp_path.rglob("*") if path.is_file()}
    kept = {str(path.relative_to(DEPLOYED)): path.read_text("utf-8") for path in DEPLOYED.rglob("*") if path.is_file()}
    assert made.keys() == kept.keys()
    for name, text in made.items():
        assert kept[name] == text, f"{name}: run penstock dashboards --out deploy"


def test_every_metric_that_is_named_is_there(tmp_path: Path, database_url: str) -> None:
    """In a data plane and a control plane as they start: families are there before anything was counted."""
    (tmp_path / "secret").write_text("whsec_" + "QUJD" * 10)
    file = tmp_path / "penstock.yaml"
    file.write_text(SITE % (tmp_path / "secret"))
    environ = {"PENSTOCK__DATABASE_URL": "env:DB", "DB": database_url, "PENSTOCK__DATA_DIR": str(tmp_path / "data")}
    there = _names(asyncio.run(_exposed(file, environ)))
    control = open_plane(read(file, environ), environ)
    there |= _names(control.alerts.metrics() + control.tracing.metrics())
    named = {
        each.name for said in _expressions() for each in nodes(parsed(said)) if type(each).__name__ == "VectorSelector"
    }
    assert len(named) > 30
    assert named - there == set()


async def _exposed(file: Path, environ: dict[str, str]) -> bytes:
    running = await build(read(file, environ), environ)
    try:
        return running.service.metrics()
    finally:
        running.rest()
        await running.aclose()


def _names(exposed: bytes) -> set[str]:
    found: set[str] = set()
    for family in text_string_to_metric_families(exposed.decode()):
        suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(family.type, ("",))
        found |= {family.name + suffix for suffix in suffixes}
    return found


def _expressions() -> list[str]:
    """Out of the files themselves, as Grafana and Prometheus read them."""
    found: list[str] = []
    for name, text in files().items():
        if name.endswith(".json"):
            board: Any = loads(text.encode())
            found += (t["expr"].replace("$__range", "6h") for p in board["panels"] for t in p["targets"])
        elif name == "prometheus/rules.yml":
            found += (rule["expr"] for group in yaml.safe_load(text)["groups"] for rule in group["rules"])
    return found
