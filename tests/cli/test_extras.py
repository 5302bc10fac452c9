"""What is installed without any extra starts: an extra is asked for where its part is used, and not before."""

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


def test_a_data_plane_that_needs_no_numpy_does_not_read_it() -> None:
    """Fifty milliseconds of each start, and ten megabytes of each process."""
    code = "import sys, penstock.app.data_plane; sys.exit('numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
