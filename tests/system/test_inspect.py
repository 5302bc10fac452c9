"""The `inspect-ai` evaluation runner through the OpenAI-compatible API, as an evaluation team would use it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.system.conftest import Installation

TASK = """
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import includes
from inspect_ai.solver import generate

@task
def echo():
    samples = [Sample(input=f"word{n}", target=f"word{n}") for n in range(8)]
    return Task(dataset=samples, solver=generate(), scorer=includes())
"""


@pytest.mark.timeout(120)
def test_inspect_runs_an_evaluation(penstock: Installation, tmp_path: Path) -> None:
    (tmp_path / "echo.py").write_text(TASK)
    environ = {
        **os.environ,
        "PENSTOCK_BASE_URL": penstock.url + "/v1",
        "PENSTOCK_API_KEY": penstock.key,
        "INSPECT_LOG_DIR": str(tmp_path / "logs"),
    }
    command = [sys.executable, "-m", "inspect_ai", "eval", "echo.py", "--model", "openai-api/penstock/sim:echo"]
    done = subprocess.run(
        [*command, "--display", "plain", "--log-format", "json"],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr.decode() + done.stdout.decode()
    log = next((tmp_path / "logs").glob("*.json")).read_text()
    assert '"status": "success"' in log
    from inspect_ai.log import read_eval_log  # noqa: PLC0415 - heavy

    results = read_eval_log(str(next((tmp_path / "logs").glob("*.json")))).results
    assert results is not None
    assert results.completed_samples == 8
    assert results.scores[0].metrics["accuracy"].value == 1.0
