"""What the documentation tells people to type, ask for and write into a file is there.

The settings in docs/configuration.md are compared with their types in tests/config/test_documented.py.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from typer.testing import CliRunner

from penstock import cli
from penstock.app.data_plane import client_dialects
from penstock.config import read
from penstock.console.api import new_api
from penstock.console.plane import ControlPlane
from penstock.server.feedback import PATH as FEEDBACK
from penstock.server.ground import PATH as GROUND
from penstock.server.memory import CONVERSATIONS
from penstock.server.openapi import describe

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
README = (ROOT / "README.md").read_text("utf-8")
METHODS = {"get", "post", "delete", "put", "patch"}
CODE = re.compile(r"```\w*\n(.*?)```|`([^`\n]+)`", re.DOTALL)
REFERENCES = {
    "PENSTOCK_DATABASE_URL": "postgresql://db/penstock",
    "PENSTOCK_CREDENTIALS_KEY": "ab" * 32,
    "PENSTOCK_ALERT_SECRET": "QUJD" * 10,
    "ACME_ALERT_SECRET": "QUJD" * 10,
    "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/x",
    "OTLP_AUTHORIZATION": "Bearer token",
}


def _code(page: Path) -> Iterable[str]:
    return (fenced or inline for fenced, inline in CODE.findall(page.read_text("utf-8")))


def _rows(heading: str) -> set[tuple[str, str]]:
    """The methods and paths in the tables of a section; a row that names more paths by `also` names them too."""
    section = README.partition(heading)[2].partition("\n#")[0].partition("\nControl plane")[0]
    return _paths_in(section)


def _paths_in(section: str) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for line in section.splitlines():
        if match := re.match(r"\| `(GET|POST|PUT|PATCH|DELETE) (/\S+)` \|", line):
            found.add((match[1], match[2]))
            found |= {(match[1], path) for path in re.findall(r"`(/[\w/]+)`", line[match.end() :])}
    return found


def _operations(paths: Any) -> set[tuple[str, str]]:
    described = cast("dict[str, dict[str, object]]", paths)
    return {(method.upper(), path) for path, methods in described.items() for method in methods if method in METHODS}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {name for code in _code(page) for name in re.findall(r"(?:^|\n|&& )\s*(?:\w+=\S+ )*make ([a-z]+)\b", code)}
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    named = {name for code in _code(page) for name in re.findall(r"(?:^|[\s/])penstock ([a-z]+)\b", code)}
    assert named <= set(_commands())


def test_the_readme_lists_every_command() -> None:
    listed = set(re.findall(r"^\| `penstock ([a-z]+)[^`]*` \|", README, re.MULTILINE))
    assert listed == set(_commands())


def _commands() -> set[str]:
    """What `penstock --help` shows."""
    shown = CliRunner().invoke(cli._build([]), ["--help"], env={"COLUMNS": "200", "TERM": "dumb"}).output  # pyright: ignore[reportPrivateUsage] - the program itself ends the process
    return set(re.findall(r"^│ ([a-z]+) ", shown, re.MULTILINE))


def test_every_path_of_the_data_plane_is_documented_and_no_other() -> None:
    documented = _rows("\n## Endpoints\n")
    assert documented == _operations(describe("0", {})["paths"]) | {("GET", "/openapi.json")}
    others = {path for _, path in documented if path.startswith(CONVERSATIONS)} | {FEEDBACK, GROUND}
    asking = {path for method, path in documented if method == "POST"} - others
    assert asking == set(client_dialects())


def test_every_path_of_the_control_plane_is_documented_and_no_other() -> None:
    api = new_api(cast("ControlPlane", SimpleNamespace()))
    section = README.partition("\nControl plane")[2].partition("\n## ")[0]
    assert _paths_in(section) == _operations(api.openapi()["paths"])


def test_every_room_of_the_source_is_on_the_map() -> None:
    listed = set(re.findall(r"^\| `(\w+)/` \|", README.partition("\n## The code\n")[2], re.MULTILINE))
    rooms = {path.parent.name for path in (ROOT / "src" / "penstock").glob("*/__init__.py")}
    assert listed == rooms


BLOCKS = [
    pytest.param(block, id=f"{page.relative_to(ROOT)}-{at}")
    for page in PAGES
    for at, block in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text("utf-8"), re.DOTALL))
]


@pytest.mark.parametrize("block", BLOCKS)
def test_every_configuration_in_the_documentation_can_be_read(block: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x", "utf-8")
    file = tmp_path / "penstock.yaml"
    file.write_text(re.sub(r"file:/\S+", f"file:{secret}", block), "utf-8")
    environ = {name: REFERENCES.get(name, "x") for name in re.findall(r"env:(\w+)", block)}
    assert read(file, environ).file == str(file)


def test_the_documentation_has_configurations_to_check() -> None:
    assert len(BLOCKS) >= 4


def test_the_lines_that_start_an_application_are_those_that_up_prints() -> None:
    banner = (ROOT / "src" / "penstock" / "cli" / "banner.py").read_text("utf-8")
    for name in re.findall(r"^export (\w+)=", README, re.MULTILINE):
        assert f"export {name}=" in banner
