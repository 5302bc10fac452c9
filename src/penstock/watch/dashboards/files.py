"""All that `penstock dashboards` writes, as texts by path."""

from typing import Final

import msgspec
import yaml

from penstock.watch.dashboards.boards import BOARDS
from penstock.watch.dashboards.panel import Json
from penstock.watch.dashboards.rules import groups

_MADE: Final = "# Made by `penstock dashboards --out DIR`: edit what it is made of, not this file.\n"
_PROVIDERS: Final[Json] = {
    "apiVersion": 1,
    "providers": [
        {
            "name": "penstock",
            "folder": "Penstock",
            "type": "file",
            "disableDeletion": True,
            "allowUiUpdates": False,
            "options": {"path": "/var/lib/grafana/dashboards/penstock"},
        }
    ],
}
_SCRAPES: Final[Json] = {
    "rule_files": ["rules.yml"],
    "scrape_configs": [
        {
            "job_name": "penstock",
            "scrape_interval": "15s",
            "static_configs": [{"targets": ["127.0.0.1:8080"]}],
        },
        {
            "job_name": "penstock-control",
            "scrape_interval": "15s",
            "static_configs": [{"targets": ["127.0.0.1:8081"]}],
        },
    ],
}


def files() -> dict[str, str]:
    """The same texts whenever it is asked: nothing in them is of the machine or the time."""
    found = {
        f"grafana/penstock-{board.name}.json": msgspec.json.format(msgspec.json.encode(board.json()), indent=2).decode()
        + "\n"
        for board in BOARDS
    }
    found["grafana/provisioning/penstock.yml"] = _MADE + _yaml(_PROVIDERS)
    found["prometheus/rules.yml"] = _MADE + _yaml(groups())
    found["prometheus/scrape.yml"] = _MADE + _yaml(_SCRAPES)
    return found


def _yaml(value: Json) -> str:
    return yaml.safe_dump(value, sort_keys=False, width=10_000, allow_unicode=True)
