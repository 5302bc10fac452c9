"""The official `openai` npm SDK, where Node is here or the package can be had; skipped with the reason elsewhere."""

import json  # noqa: TID251 - reads another program's output
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.system.conftest import Installation

FOLDER = Path(__file__).parents[1] / "npm"


@pytest.fixture(scope="session")
def node() -> str:
    found, npm = shutil.which("node"), shutil.which("npm")
    if found is None or npm is None:
        pytest.skip("Node.js and npm are not installed here")
    if not (FOLDER / "node_modules" / "openai").is_dir():
        done = subprocess.run(
            [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
            cwd=FOLDER,
            capture_output=True,
            check=False,
            timeout=100,
        )
        if done.returncode != 0:
            pytest.skip(f"the openai npm package cannot be installed here: {done.stderr.decode()[-300:]}")
    return found


def test_the_npm_sdk_works_against_penstock(penstock: Installation, node: str) -> None:
    environ = {**os.environ, "BASE_URL": penstock.url + "/v1", "API_KEY": penstock.key}
    done = subprocess.run([node, "check.mjs"], cwd=FOLDER, env=environ, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    said = json.loads(done.stdout)
    assert said["unary"] == said["streamed"] == said["response"]
    assert said["usage"] > 0
    assert said["tool"] == "get_weather"
    assert "city" in said["toolArguments"]
    assert said["error"] == {"name": "NotFoundError", "status": 404, "code": "unknown_model"}
    assert said["left"]
