"""What is installed without any extra starts: an extra is asked for where its part is used, and not before."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
OURS = {"dev", "encoder-build"}
"""Extras of whoever builds Penstock, among them much that others bring along anyway."""


def modules_of_extras() -> set[str]:
    """The modules that extras bring, and nothing else that is asked for."""
    wanted = {
        name(text) for extra, texts in PROJECT["optional-dependencies"].items() if extra not in OURS for text in texts
    }
    wanted -= {name(text) for text in PROJECT["dependencies"]}
    found = {module for module, names in packages_distributions().items() if wanted & {name(each) for each in names}}
    assert {"onnxruntime", "redis", "fpdf"} <= found
    return found


def name(requirement: str) -> str:
    """Of a distribution, as indexes write it: `psycopg[binary]==3.*` is `psycopg`."""
    return re.split(r"[\[<>=~;! ]", requirement, maxsplit=1)[0].lower().replace("_", "-")


@pytest.mark.parametrize("plane", ["penstock.app.data_plane", "penstock.console.main", "penstock.cli.worker"])
def test_a_plane_can_be_read_without_any_extra(plane: str) -> None:
    code = f"import sys; sys.modules.update(dict.fromkeys({sorted(modules_of_extras())!r})); import {plane}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


SELDOM = ("numpy", "stdnum", "phonenumbers", "jwt")
"""What only some configurations have a use for: a sixth of a start, and twenty megabytes of a process."""


@pytest.mark.parametrize("plane", ["penstock.app.data_plane", "penstock.console.main"])
def test_a_plane_reads_nothing_that_only_some_configurations_need(plane: str) -> None:
    code = f"import sys, {plane}; sys.exit(' '.join(set({SELDOM!r}) & sys.modules.keys()) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_command_reads_no_rich_unless_it_prints_with_it(tmp_path: Path) -> None:
    code = "import sys; from penstock.cli import main\ntry: main(['check'])\nfinally: print('rich' in sys.modules)"
    environ = {**os.environ, "PENSTOCK__DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "False", done.stderr
